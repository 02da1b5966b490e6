// State resolution of room versions 2 to 11 (v2) and 12 (v2.1).
//
// The definitions and steps stand in the order of the text.
//
// Spec: https://spec.matrix.org/v1.19/rooms/v12/#state-resolution

#include <algorithm>

#include "conformance/oracle/resolution.h"

namespace matrix::oracle {
namespace {

class ResolutionV2 {
public:
    ResolutionV2(const Room& room,
                 const std::vector<StateMap>& states,
                 const ResolutionSteps& steps,
                 const Options& options)
        : room_(room), states_(states), steps_(steps), options_(options) {}

    Resolution run() {
        divide_states();
        find_auth_difference();
        if (steps_.has_conflicted_subgraph) find_conflicted_subgraph();
        find_full_conflicted_set();

        select_power_events();
        apply_power_events();
        order_remaining_events();
        apply(trace_.remaining_order);
        restore_unconflicted();
        return {.state = std::move(state_), .trace = std::move(trace_)};
    }

private:
    // Definitions.
    bool is_power_event(const ReadEvent& event) const;
    bool is_power_membership(const ReadEvent& event) const;
    void divide_states();
    void find_auth_difference();
    void find_conflicted_subgraph();
    void find_full_conflicted_set();
    void apply(const EventList& events);

    // Steps.
    void select_power_events();
    void apply_power_events();
    void order_remaining_events();
    void restore_unconflicted();

    EventSet enlargement_of(const ReadEvent& power_event) const;
    const ReadEvent* event_in_state(const Key& key) const;
    const ReadEvent* auth_entry(const Key& key, const ReadEvent& event) const;
    RuleState auth_state_of(const ReadEvent& event) const;

    const Room& room_;
    const std::vector<StateMap>& states_;
    const ResolutionSteps steps_;
    const Options& options_;
    StateMap state_;  // The room state that the iterative auth checks construct.
    Trace trace_;
};

// Power events. UNSPECIFIED: power levels and join rules count with any state key.
bool ResolutionV2::is_power_event(const ReadEvent& event) const {
    const std::string& type = event.event->type;
    const PowerEvents& kinds = steps_.power_events;
    const bool needs_empty_key =
        steps_.power_event_keys == PowerEventKeys::Empty || options_.has(Quirk::PowerEventEmptyKey);
    const bool has_right_key = event.has_key(type, "") || !needs_empty_key;
    if (type == "m.room.create") {
        return kinds.create ||
               options_.has_either(Quirk::CreateIsPowerEvent, Deviation::CreateIsPowerEvent);
    }
    if (type == "m.room.join_rules" && options_.has(Deviation::JoinRulesNoPowerEvent)) return false;
    if (type == "m.room.power_levels") return kinds.power_levels && has_right_key;
    if (type == "m.room.join_rules") return kinds.join_rules && has_right_key;
    if (type == "m.room.third_party_invite") return kinds.third_party_invites;
    return type == "m.room.member" && is_power_membership(event);
}

bool ResolutionV2::is_power_membership(const ReadEvent& event) const {
    const PowerEvents& kinds = steps_.power_events;
    const std::string_view membership = event.find_string("membership");
    const bool is_own = event.event->sender.view() == *event.event->state_key;
    if (membership == "leave" && is_own) {
        return kinds.own_leaves || options_.has(Deviation::SelfLeaveIsPowerEvent);
    }
    const bool counts = !options_.has(Deviation::KickAndBanNoPowerEvents);
    if (membership == "leave") return kinds.kicks && counts;
    if (membership == "ban") return kinds.bans && !is_own && counts;
    if (membership == "invite") return kinds.invites;
    return membership == "join" && kinds.joins;
}

// Unconflicted state map and conflicted state set. A value that is unknown makes its key
// conflicted like any other, but is no event of the set.
void ResolutionV2::divide_states() {
    std::map<Key, std::multiset<EventId>> values;
    for (const StateMap& state : states_) {
        for (const auto& [key, id] : state)
            values[key].insert(id);
    }
    for (const auto& [key, ids] : values) {
        const bool is_in_every = ids.size() == states_.size();
        const bool is_same = *ids.begin() == *ids.rbegin();
        if (is_in_every && is_same) {
            trace_.unconflicted[key] = *ids.begin();
            continue;
        }
        trace_.conflicted_keys.insert(key);
        for (const EventId& id : ids) {
            if (const ReadEvent* event = room_.find(id)) trace_.conflicted_state.insert(event);
        }
    }
}

// Auth difference: the union of the full auth chains without their intersection.
// UNSPECIFIED: the auth chain of a state does not hold its events, unless another one cites them.
void ResolutionV2::find_auth_difference() {
    const bool is_inclusive =
        steps_.auth_difference == AuthDifference::Inclusive ||
        options_.has_either(Quirk::InclusiveChains, Deviation::ChainsIncludeState);
    std::map<const ReadEvent*, std::size_t, ById> counts;
    for (const StateMap& state : states_) {
        EventSet& full_chain = trace_.auth_chains.emplace_back();
        for (const auto& [key, id] : state) {
            const ReadEvent* event = room_.find(id);
            if (!event) continue;
            const EventSet& chain = room_.auth_chain(*event);
            full_chain.insert(chain.begin(), chain.end());
            if (is_inclusive) full_chain.insert(event);
        }
        for (const ReadEvent* event : full_chain)
            ++counts[event];
    }
    for (const auto& [event, count] : counts) {
        if (count < states_.size()) trace_.auth_difference.insert(event);
    }
}

// Conflicted state subgraph: what lies on a path of auth events from one conflicted event to
// another, and both ends.
void ResolutionV2::find_conflicted_subgraph() {
    for (const ReadEvent* start : trace_.conflicted_state) {
        for (const ReadEvent* between : room_.auth_chain(*start)) {
            const EventSet& onward = room_.auth_chain(*between);
            const bool leads_to_another =
                trace_.conflicted_state.contains(between) ||
                std::ranges::any_of(trace_.conflicted_state,
                                    [&](const ReadEvent* end) { return onward.contains(end); });
            if (!leads_to_another) continue;
            trace_.conflicted_subgraph.insert(start);
            trace_.conflicted_subgraph.insert(between);
        }
    }
}

// Full conflicted set. UNSPECIFIED: an event that is no state event, which only a broken event
// cites, is dropped: it cannot be applied.
void ResolutionV2::find_full_conflicted_set() {
    EventSet& full = trace_.full_conflicted_set;
    full = trace_.conflicted_state;
    if (!options_.has(Deviation::NoSubgraph)) {
        full.insert(trace_.conflicted_subgraph.begin(), trace_.conflicted_subgraph.end());
    }
    if (steps_.auth_difference != AuthDifference::None &&
        !options_.has(Deviation::NoAuthDifference)) {
        full.insert(trace_.auth_difference.begin(), trace_.auth_difference.end());
    }
    std::erase_if(full, [](const ReadEvent* event) { return !event->is_state(); });
}

const ReadEvent* ResolutionV2::event_in_state(const Key& key) const {
    const auto entry = state_.find(key);
    return entry == state_.end() ? nullptr : room_.find(entry->second);
}

// Iterative auth checks: the event that an auth check of `event` finds under `key`. What the state
// lacks is taken from the event's auth events, if it was not rejected.
const ReadEvent* ResolutionV2::auth_entry(const Key& key, const ReadEvent& event) const {
    const ReadEvent* in_state = event_in_state(key);
    if (in_state && in_state->is_rejected() && options_.has(Quirk::RejectedStateUnused)) {
        in_state = nullptr;
    }
    const ReadEvent* cited = room_.auth_event(event, key.first, key.second);
    if (cited && cited->is_rejected() && !options_.has(Quirk::RejectedAuthorizes)) cited = nullptr;
    if (key == event.key() && options_.has(Quirk::EventForItself)) cited = &event;
    if (steps_.auth_entries == AuthEntries::StateOnly || options_.has(Deviation::NoFallback)) {
        cited = nullptr;
    }
    const bool is_cited_first = steps_.auth_entries == AuthEntries::CitedThenState ||
                                options_.has(Deviation::AuthEventsBeforeState);
    if (is_cited_first && cited) return cited;
    return in_state ? in_state : cited;
}

// UNSPECIFIED: the create event of v12, which is not cited, is the one that the room id names.
RuleState ResolutionV2::auth_state_of(const ReadEvent& event) const {
    RuleState auth_state;
    for (const Key& key : select_auth_events(event)) {
        if (const ReadEvent* entry = auth_entry(key, event)) auth_state[key] = entry;
    }
    if (event.version(&RoomRules::event_format) >= 12) {
        if (const ReadEvent* create = room_.create_of(event)) auth_state[create->key()] = create;
    }
    return auth_state;
}

void ResolutionV2::apply(const EventList& events) {
    for (const ReadEvent* event : events) {
        RuleState auth_state = auth_state_of(*event);
        Verdict verdict = judge_event(auth_state, *event, options_);
        if (verdict && event->is_rejected() && options_.has(Quirk::RejectedNotApplied)) {
            verdict = std::unexpected(Refusal{"S13", "it was rejected before"});
        }
        if (verdict && event->is_rejected() && steps_.rejected_events == RejectedEvents::Never) {
            verdict = std::unexpected(Refusal{"rejected_events", "it was rejected before"});
        }
        if (verdict) state_[event->key()] = event->id();
        trace_.steps.push_back({event, std::move(verdict), std::move(auth_state)});
    }
}

// "Enlarge X by adding the events in the auth chain of P which also belong to the full conflicted
// set."
EventSet ResolutionV2::enlargement_of(const ReadEvent& power_event) const {
    const bool stays_inside =
        steps_.power_enlargement == PowerEnlargement::ThroughConflicted ||
        options_.has_either(Quirk::EnlargeThroughConflicted, Deviation::EnlargeThroughConflicted);
    EventSet walked;
    if (stays_inside) {
        EventList pending = room_.auth_events(power_event);
        while (!pending.empty()) {
            const ReadEvent* next = pending.back();
            pending.pop_back();
            if (!trace_.full_conflicted_set.contains(next) || !walked.insert(next).second) continue;
            const EventList& cited = room_.auth_events(*next);
            pending.insert(pending.end(), cited.begin(), cited.end());
        }
    } else {
        walked = room_.auth_chain(power_event);
    }
    const EventSet& wanted = options_.has(Quirk::EnlargeByConflictedState)
                                 ? trace_.conflicted_state
                                 : trace_.full_conflicted_set;
    EventSet enlargement;
    for (const ReadEvent* event : walked) {
        if (event->is_state() && wanted.contains(event)) enlargement.insert(event);
    }
    return enlargement;
}

// Step 1.
void ResolutionV2::select_power_events() {
    for (const ReadEvent* event : trace_.full_conflicted_set) {
        if (!is_power_event(*event)) continue;
        trace_.power_events.insert(event);
        if (steps_.power_enlargement == PowerEnlargement::None) continue;
        if (options_.has(Deviation::NotEnlarged)) continue;
        const EventSet enlargement = enlargement_of(*event);
        trace_.power_events.insert(enlargement.begin(), enlargement.end());
    }
    trace_.power_order = sort_by_power(room_, trace_.power_events, steps_, options_);
}

// Step 2.
void ResolutionV2::apply_power_events() {
    if (steps_.initial_state == InitialState::Unconflicted ||
        options_.has(Deviation::StartsFromUnconflicted)) {
        state_ = trace_.unconflicted;
    }
    apply(trace_.power_order);
    trace_.partially_resolved = state_;
}

// Step 3. UNSPECIFIED: if the partially resolved state has no power levels there is no mainline,
// and time decides.
void ResolutionV2::order_remaining_events() {
    const Key key = {"m.room.power_levels", ""};
    const ReadEvent* power_levels = event_in_state(key);
    const bool may_be_unconflicted = steps_.mainline_start == MainlineStart::ResolvedOrUnconflicted;
    if (!power_levels && (may_be_unconflicted || options_.has(Quirk::UnconflictedMainline))) {
        const auto entry = trace_.unconflicted.find(key);
        if (entry != trace_.unconflicted.end()) power_levels = room_.find(entry->second);
    }
    if (steps_.mainline_start == MainlineStart::None) power_levels = nullptr;
    trace_.mainline = find_mainline(room_, power_levels);

    EventSet remaining;
    for (const ReadEvent* event : trace_.full_conflicted_set) {
        if (!trace_.power_events.contains(event)) remaining.insert(event);
    }
    trace_.remaining_order = sort_by_mainline(room_, remaining, trace_.mainline, steps_, options_);
}

// Step 5.
void ResolutionV2::restore_unconflicted() {
    if (options_.has(Deviation::UnconflictedNotRestored)) return;
    for (const auto& [key, id] : trace_.unconflicted) {
        EventId& entry = state_[key];
        if (entry != id) trace_.restored_keys.insert(key);
        entry = id;
    }
}

}  // namespace

Resolution resolve_v2(const Room& room,
                      const std::vector<StateMap>& states,
                      const ResolutionSteps& steps,
                      const Options& options) {
    return ResolutionV2(room, states, steps, options).run();
}

}  // namespace matrix::oracle
