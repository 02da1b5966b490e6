// The resolution algorithm of room versions 2 and later: which events are applied, and on what.
//
// UNIMPLEMENTED: v1 state resolution, the algorithm of room version 1 alone. `is_supported` refuses
// such rooms before anybody gets here.

#include "refserver/protocol/state_resolution.h"

#include <algorithm>
#include <map>

#include "refserver/base/assert.h"
#include "refserver/protocol/state_resolution_conflict.h"
#include "refserver/protocol/state_resolution_order.h"

namespace matrix {

using resolution::AuthGraph;
using resolution::Conflict;
using resolution::Index;
using resolution::Mainline;

namespace {

StateKey key_of(const Event& event) {
    return {event.type, *event.state_key};
}

// The state that iterative auth checks build: what was applied, over the unconflicted state or, in
// v2.1, over nothing.
class PartialState {
public:
    PartialState(const State* unconflicted, const Conflict& conflict, AuthGraph& graph)
        : unconflicted_(unconflicted), conflict_(conflict), graph_(graph) {}

    std::optional<Index> find(const StateKey& key) const {
        const auto entry = applied_.find(key);
        if (entry != applied_.end()) return entry->second;
        if (!unconflicted_ || conflict_.keys.contains(key)) return std::nullopt;
        const EventId* id = unconflicted_->find(key);
        return id ? graph_.find(*id) : std::nullopt;
    }
    void apply(Index event) { applied_[key_of(graph_.event(event))] = event; }
    const std::map<StateKey, Index>& applied() const { return applied_; }

private:
    const State* unconflicted_;
    const Conflict& conflict_;
    AuthGraph& graph_;
    std::map<StateKey, Index> applied_;
};

class IterativeAuthChecks {
public:
    IterativeAuthChecks(PartialState& state,
                        AuthGraph& graph,
                        const Verifier& verifier,
                        ResolutionTrace* trace)
        : state_(state), graph_(graph), verifier_(verifier), trace_(trace) {}

    void run(std::span<const Index> events) {
        for (const Index index : events) {
            auth::Verdict verdict = check(index);
            if (verdict) state_.apply(index);
            if (trace_) trace_->steps.push_back({graph_.event(index).id, std::move(verdict)});
        }
    }

private:
    auth::Verdict check(Index index) {
        const Event& event = graph_.event(index);
        auth::AuthState auth_state;
        for (const auto& [role, type, state_key] : auth::required_state(event)) {
            const StateKey key = {std::string(type), std::string(state_key)};
            const auto entry = find_entry(index, key);
            if (entry) auth_state.set(role, &graph_.event(*entry));
        }
        // UNSPECIFIED: the create event, which v12 events do not cite and v2.1 does not start with,
        // is the one that the room id names.
        if (event.rules->event_format == EventFormat::HashedRoomId) {
            if (const auto create = graph_.find_create(index)) {
                auth_state.set(auth::Role::Create, &graph_.event(*create));
            }
        }
        return auth::check_against(auth_state, event, verifier_);
    }

    // What the state lacks is taken from the event's auth events, unless it was rejected. An entry
    // that is in the state is used whether or not it was rejected.
    std::optional<Index> find_entry(Index index, const StateKey& key) {
        if (const auto entry = state_.find(key)) return entry;
        const auto cited = graph_.find_parent(index, key.type, key.state_key);
        return cited && !graph_.is_rejected(*cited) ? cited : std::nullopt;
    }

    PartialState& state_;
    AuthGraph& graph_;
    const Verifier& verifier_;
    ResolutionTrace* trace_;
};

// Step 3: what step 1 did not pick.
std::vector<Index> list_remaining(std::span<const Index> full_conflicted_set,
                                  std::span<const Index> power_events) {
    resolution::IndexSet picked;
    for (const Index index : power_events)
        picked.insert(index);
    std::vector<Index> remaining;
    std::ranges::copy_if(full_conflicted_set, std::back_inserter(remaining), [&](Index index) {
        return !picked.contains(index);
    });
    return remaining;
}

// Step 5: the unconflicted entries of `base`, and what was resolved under all other keys.
State assemble(const State& base,
               const Conflict& conflict,
               const PartialState& resolved,
               const AuthGraph& graph) {
    State state = base;
    for (const StateKey& key : conflict.keys) {
        if (!resolved.applied().contains(key)) state = state.without(key);
    }
    for (const auto& [key, index] : resolved.applied()) {
        if (!conflict.keys.contains(key) && base.find(key)) continue;
        state = state.with(key, graph.event(index).id);
    }
    return state;
}

std::vector<EventId> ids_of(std::span<const Index> events, const AuthGraph& graph) {
    std::vector<EventId> ids;
    for (const Index index : events)
        ids.push_back(graph.event(index).id);
    return ids;
}

State resolve_conflict(std::span<const State> states,
                       const FindEvent& find_event,
                       const RoomRules& rules,
                       const Verifier& verifier,
                       ResolutionTrace* trace) {
    AuthGraph graph(find_event);
    const Conflict conflict = find_conflict(states, graph, rules);
    const bool starts_empty = rules.state_resolution == StateResolution::V2_1;
    PartialState state(starts_empty ? nullptr : &states[0], conflict, graph);
    IterativeAuthChecks checks(state, graph, verifier, trace);

    const std::vector<Index> selected = select_power_events(conflict.full_conflicted_set, graph);
    const std::vector<Index> power_events = sort_by_power(selected, graph);
    checks.run(power_events);

    // UNSPECIFIED: if no power levels were resolved, the mainline is empty, and time decides. In
    // v2.1 that is so whenever nobody disputes the power levels, because it starts empty.
    Mainline mainline(state.find({"m.room.power_levels", ""}), graph);
    const std::vector<Index> unsorted = list_remaining(conflict.full_conflicted_set, selected);
    const std::vector<Index> remaining = sort_by_mainline(unsorted, mainline, graph);
    checks.run(remaining);

    if (trace) {
        trace->full_conflicted_set = ids_of(conflict.full_conflicted_set, graph);
        trace->power_events = ids_of(power_events, graph);
        trace->mainline = ids_of(mainline.events(), graph);
        trace->remaining_events = ids_of(remaining, graph);
        trace->was_decided_by_mainline = remaining != sort_by_time(unsorted, graph);
    }
    return assemble(states[0], conflict, state, graph);
}

}  // namespace

State resolve(std::span<const State> states,
              const FindEvent& find_event,
              const RoomRules& rules,
              const Verifier& verifier,
              ResolutionTrace* trace) {
    MATRIX_ASSERT(is_supported(rules));
    std::vector<State> distinct;
    for (const State& state : states) {
        if (std::ranges::find(distinct, state) == distinct.end()) distinct.push_back(state);
    }
    if (distinct.empty()) return {};
    if (distinct.size() == 1) return distinct.front();
    return resolve_conflict(distinct, find_event, rules, verifier, trace);
}

}  // namespace matrix
