// Which algorithm a room version has.

#include "conformance/oracle/state_resolution.h"

#include <algorithm>

#include "conformance/oracle/resolution.h"

namespace matrix::oracle {

Verdict judge_event(const RuleState& state, const ReadEvent& event, const Options& options) {
    if (options.judge) return options.judge(state, event);
    return check_against(state, event, *options.verifier, options.deviations);
}

namespace {

Resolution resolve_at_once(const Room& room,
                           const std::vector<StateMap>& states,
                           const Options& options) {
    const int version = number_of(room.rules(), &RoomRules::state_resolution);
    if (version == 1) return resolve_v1(room, states, options);
    bool is_v2_1 = version >= 12 || options.has(Quirk::V2_1Everywhere);
    if (options.has(Deviation::AlgorithmsSwapped)) is_v2_1 = !is_v2_1;
    // What the text says, or what a version that was given as data says instead.
    ResolutionSteps steps =
        room.rules().is_custom() ? room.rules().resolution_steps : ResolutionSteps();
    if (!room.rules().is_custom() || options.has(Quirk::V2_1Everywhere)) {
        steps.has_conflicted_subgraph = is_v2_1;
        steps.initial_state = is_v2_1 ? InitialState::Empty : InitialState::Unconflicted;
    }
    return resolve_v2(room, states, steps, options);
}

}  // namespace

Resolution resolve(const Room& room, const std::vector<StateMap>& states, const Options& options) {
    if (!options.has(Quirk::PairwiseFolding) || states.size() < 3) {
        return resolve_at_once(room, states, options);
    }
    Resolution folded = resolve_at_once(room, {states[0], states[1]}, options);
    for (std::size_t index = 2; index < states.size(); ++index) {
        folded = resolve_at_once(room, {folded.state, states[index]}, options);
    }
    return folded;
}

std::vector<EventId> list_event_ids(const StateMap& state) {
    std::vector<EventId> ids;
    for (const auto& [key, id] : state)
        ids.push_back(id);
    std::ranges::sort(ids);
    return ids;
}

std::vector<EventId> list_event_ids(const EventSet& events) {
    return list_event_ids(EventList(events.begin(), events.end()));
}

std::vector<EventId> list_event_ids(const EventList& events) {
    std::vector<EventId> ids;
    for (const ReadEvent* event : events)
        ids.push_back(event->id());
    return ids;
}

}  // namespace matrix::oracle
