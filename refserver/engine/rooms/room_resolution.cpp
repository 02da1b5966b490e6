// The state that several events left behind.

#include <algorithm>
#include <string>

#include "refserver/base/sometimes.h"
#include "refserver/engine/rooms/room_data.h"
#include "refserver/runtime/fault_point.h"

namespace matrix::engine {
namespace {

/// Of how many events a room keeps what resolutions ask about them: more than the largest rooms
/// have now, at about 400 bytes each.
constexpr std::size_t kResolverEventsMax = 300'000;
/// What is looked up for it in one turn, in times of what one event costs.
constexpr std::size_t kLookUpStepsPerTurn = 128;
/// More turns than the events of the largest rooms take.
constexpr int kLookUpTurnsMax = 10'000;

}  // namespace

Room::Data::Dispute Room::Data::dispute_of(const std::vector<State>& states) {
    std::map<State::Hash, State> distinct;
    for (const State& state : states)
        distinct.try_emplace(state.root(), state);
    Dispute dispute;
    for (auto& [root, state] : distinct) {
        dispute.key += view(root);
        dispute.states.push_back(std::move(state));
    }
    return dispute;
}

// Made when it is needed first: most rooms are never in conflict.
Resolver& Room::Data::resolver() {
    if (!resolver_) resolver_ = std::make_unique<Resolver>(*rules, finder(), services.verifier);
    return *resolver_;
}

State Room::Data::resolve_states(const std::vector<State>& states) {
    const Dispute dispute = dispute_of(states);
    if (dispute.states.empty()) return State();
    if (dispute.states.size() == 1) return dispute.states.front();
    const State* known = resolved_.find(dispute.key);
    if (known && !SIM_FAULT_POINT("a resolution that is remembered is made again")) {
        SIM_SOMETIMES("a resolution is remembered");
        return *known;
    }

    State resolved = resolver().resolve(dispute.states);
    Counters& counters = services.counters;
    SIM_SOMETIMES(resolver_->summary().conflicted_events == 0, "states differ without a conflict");
    ++counters.resolutions;
    if (resolver_->summary().conflicted_events > 0) ++counters.resolutions_with_conflict;
    if (resolver_->summary().was_decided_by_mainline) ++counters.resolutions_by_mainline;
    const bool is_large = resolver_->event_count() > kResolverEventsMax;
    if (is_large || SIM_FAULT_POINT("a resolver is forgotten")) {
        SIM_SOMETIMES("a resolver holds too many events");
        resolver_.reset();
    }
    resolved_.put(dispute.key, resolved);
    return resolved;
}

// The first resolution in a room looks up all of its state, and what authorizes that: hundreds of
// thousands of events. `resolve_states` would do so at once. A failed commit may put another
// resolver in the place of this one meanwhile.
Task<void> Room::Data::prepare_resolution(std::vector<EventId> ids, std::optional<State> besides) {
    if (ids.size() + (besides ? 1 : 0) < 2) co_return;
    std::vector<State> states = list_states_after(ids);
    if (besides) states.push_back(*std::move(besides));
    const Dispute dispute = dispute_of(states);
    if (dispute.states.size() < 2 || resolved_.find(dispute.key)) co_return;
    if (SIM_FAULT_POINT("a resolution looks up everything at once")) co_return;
    for (int turns = 0; turns < kLookUpTurnsMax && !is_stale && !is_gone; ++turns) {
        if (resolver().look_up(dispute.states, kLookUpStepsPerTurn)) co_return;
        SIM_SOMETIMES("the events of a resolution are looked up over several turns");
        co_await end_turn();
        refresh();
    }
}

void Room::Data::event_changed(const EventId& event_id) {
    if (resolver_) resolver_->refresh(event_id);
}

std::vector<State> Room::Data::list_states_after(const std::vector<EventId>& ids) const {
    std::vector<State> states;
    for (const EventId& event_id : ids) {
        const auto stored = find_placed(event_id);
        auto state = stored ? services.states.load(*stored->state_after) : std::nullopt;
        if (state) states.push_back(*std::move(state));
    }
    return states;
}

std::optional<State> Room::Data::state_after_all(const std::vector<EventId>& ids) {
    const std::vector<State> states = list_states_after(ids);
    if (states.size() != ids.size()) return std::nullopt;
    return resolve_states(states);
}

}  // namespace matrix::engine
