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

}  // namespace

State Room::Data::resolve_states(const std::vector<State>& states) {
    std::map<State::Hash, State> distinct;
    for (const State& state : states)
        distinct.try_emplace(state.root(), state);
    if (distinct.empty()) return State();
    if (distinct.size() == 1) return distinct.begin()->second;

    std::string key;
    std::vector<State> ordered;
    for (const auto& [root, state] : distinct) {
        key += view(root);
        ordered.push_back(state);
    }
    const State* known = resolved_.find(key);
    if (known && !SIM_FAULT_POINT("a resolution that is remembered is made again")) {
        SIM_SOMETIMES("a resolution is remembered");
        return *known;
    }

    if (!resolver_) resolver_ = std::make_unique<Resolver>(*rules, finder(), services.verifier);
    State resolved = resolver_->resolve(ordered);
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
    resolved_.put(key, resolved);
    return resolved;
}

void Room::Data::event_changed(const EventId& event_id) {
    if (resolver_) resolver_->refresh(event_id);
}

std::optional<State> Room::Data::state_after_all(const std::vector<EventId>& ids) {
    std::vector<State> states;
    for (const EventId& event_id : ids) {
        const auto stored = find_placed(event_id);
        if (!stored) return std::nullopt;
        auto state = services.states.load(*stored->state_after);
        if (!state) return std::nullopt;
        states.push_back(*std::move(state));
    }
    return resolve_states(states);
}

}  // namespace matrix::engine
