// The resolution algorithm of room versions 2 and later: which events are applied, and on what.

#include "refserver/protocol/state_resolution.h"

#include <algorithm>
#include <utility>

#include "refserver/base/assert.h"
#include "refserver/base/sometimes.h"
#include "refserver/protocol/state_resolver.h"

namespace matrix {

using resolution::kNone;

State resolve(std::span<const State> states,
              const FindEvent& find_event,
              const RoomRules& rules,
              const Verifier& verifier,
              ResolutionTrace* trace) {
    return Resolver(rules, find_event, verifier).resolve(states, trace);
}

Resolver::Resolver(const RoomRules& rules, FindEvent find_event, const Verifier& verifier)
    : rules_(rules),
      verifier_(verifier),
      index_(std::move(find_event)),
      conflict_(index_),
      power_order_(index_),
      mainline_order_(index_),
      editor_(std::make_shared<state_tree::NodePool>()) {}

State Resolver::resolve(std::span<const State> states, ResolutionTrace* trace) {
    index_.start(std::exchange(summary_, {}).conflicted_events);
    if (states.empty()) return {};
    if (!conflict_.start(states)) return states.front();
    applied_.clear();
    applied_keys_.clear();
    added_.clear();
    starts_empty_ = rules_.state_resolution == StateResolution::V2_1;
    return rules_.state_resolution == StateResolution::V1 ? resolve_by_depth(trace)
                                                          : resolve_by_power(trace);
}

State Resolver::resolve_by_power(ResolutionTrace* trace) {
    conflict_.find_full_set(rules_);
    power_order_.sort(conflict_, rules_);
    SIM_SOMETIMES(power_order_.events().empty(), "no power event is in conflict");
    SIM_SOMETIMES(power_order_.remaining().empty(), "only power events are in conflict");
    apply(power_order_.events(), trace);
    // UNSPECIFIED: if no power levels were resolved, the mainline is empty, and time decides. In
    // v2.1 that is so whenever nobody disputes the power levels, because it starts empty.
    mainline_order_.sort(power_order_.remaining(), find_partial(index_.power_levels_key()));
    apply(mainline_order_.events(), trace);

    SIM_SOMETIMES(mainline_order_.was_decided_by_position(),
                  "a conflict is decided by the mainline");
    summary_ = {conflict_.full_set().size(), mainline_order_.was_decided_by_position()};
    if (trace) trace_orders(*trace);
    choose_applied();
    return assemble();
}

// Iterative auth checks.
void Resolver::apply(std::span<const Index> events, ResolutionTrace* trace) {
    for (const Index event : events) {
        if (!check(event, trace)) continue;
        const Key key = index_[event].key;
        if (!applied_.find(key)) applied_keys_.push_back(key);
        applied_.set(key, event);
    }
}

auth::Verdict Resolver::check(Index index, ResolutionTrace* trace) {
    auth::Verdict verdict = check(index);
    SIM_SOMETIMES(!verdict, "an iterative auth check refuses an event");
    if (trace) trace->steps.push_back({EventId(index_.id_of(index)), verdict});
    return verdict;
}

// What the state lacks is taken from the event's auth events, unless it was rejected; but in room
// version 1, whose text does not say so. An entry that is in the state is used whether or not it
// was rejected.
auth::Verdict Resolver::check(Index index) {
    const bool has_fallback = rules_.state_resolution != StateResolution::V1;
    auth::AuthState state;
    for (std::size_t place = 0; place < index_.roles(index).size(); ++place) {
        const resolution::RoleKey role = index_.roles(index)[place];
        Index found = find_partial(role.key);
        if (found == kNone && has_fallback && role.cited != kNone &&
            !index_[role.cited].is_rejected) {
            SIM_SOMETIMES("an auth event stands in for what the partial state lacks");
            found = role.cited;
        }
        if (found != kNone) state.set(role.role, index_.find_event(found));
    }
    // UNSPECIFIED: the create event, which v12 events do not cite and v2.1 does not start with, is
    // the one that the room id names.
    if (index_[index].is_create_implied) {
        const Index create = index_.create_of(index);
        state.set(auth::Role::Create, create == kNone ? nullptr : index_.find_event(create));
    }
    const Event* event = index_.find_event(index);
    if (!event) return std::unexpected(auth::Failure{"v12 3.3", "the event cannot be read", {}});
    return auth::check_against(state, *event, verifier_);
}

resolution::Index Resolver::find_partial(Key key) {
    if (const Index* applied = applied_.find(key)) return *applied;
    return starts_empty_ ? kNone : conflict_.find_unconflicted(key);
}

std::vector<EventId> Resolver::ids_of(std::span<const Index> events) const {
    std::vector<EventId> ids;
    for (const Index event : events)
        ids.emplace_back(index_.id_of(event));
    return ids;
}

void Resolver::trace_orders(ResolutionTrace& trace) {
    trace.full_conflicted_set = ids_of(conflict_.full_set());
    std::ranges::sort(trace.full_conflicted_set);
    trace.power_events = ids_of(power_order_.events());
    trace.mainline = ids_of(mainline_order_.list_mainline());
    trace.remaining_events = ids_of(mainline_order_.events());
    trace.was_decided_by_mainline = mainline_order_.was_decided_by_position();
}

// Step 5: the unconflicted entries, and what was applied under all other keys.
void Resolver::choose_applied() {
    chosen_.assign(conflict_.key_count(), nullptr);
    for (std::size_t number = 0; number < chosen_.size(); ++number) {
        const Index* applied = applied_.find(conflict_.key(number));
        SIM_SOMETIMES(!applied, "every event of a conflicted key is refused");
        if (applied) choose_value(number, *applied);
    }
    for (const Key key : applied_keys_) {
        if (conflict_.is_conflicted(key) || conflict_.has_unconflicted(key)) continue;
        SIM_SOMETIMES("a resolution adds a key that was not in conflict");
        added_.push_back(*applied_.find(key));
    }
}

// Chooses an event for a conflicted key: with the entry of a state, if one has it.
void Resolver::choose_value(std::size_t number, Index event) {
    for (std::size_t state = 0; state < conflict_.states().size(); ++state) {
        if (conflict_.event(number, state) != event) continue;
        chosen_[number] = conflict_.value(number, state);
        return;
    }
    chosen_[number] = &index_.entry(event);
}

bool Resolver::is_chosen(std::size_t number, const State::EntryPtr* value) const {
    const State::EntryPtr* chosen = chosen_[number];
    if (!chosen || !value) return chosen == value;
    return *chosen == *value || (*chosen)->event_id == (*value)->event_id;
}

std::size_t Resolver::count_changes(std::size_t state) const {
    std::size_t changes = added_.size();
    for (std::size_t number = 0; number < chosen_.size(); ++number) {
        if (!is_chosen(number, conflict_.value(number, state))) ++changes;
    }
    return changes;
}

// From the state that needs the fewest changes; often that is none.
State Resolver::assemble() {
    std::size_t base = 0;
    std::size_t fewest = count_changes(base);
    for (std::size_t state = 1; state < conflict_.states().size() && fewest > 0; ++state) {
        const std::size_t changes = count_changes(state);
        if (changes >= fewest) continue;
        base = state;
        fewest = changes;
    }
    if (fewest == 0) {
        SIM_SOMETIMES("a resolution ends in one of its states");
        return conflict_.states()[base];
    }

    edits_.clear();
    SIM_SOMETIMES("a resolution makes a state that nobody had");
    for (std::size_t number = 0; number < chosen_.size(); ++number) {
        const State::EntryPtr* value = conflict_.value(number, base);
        if (is_chosen(number, value)) continue;
        const State::EntryPtr* chosen = chosen_[number];
        edits_.push_back({(chosen ? *chosen : *value)->path, chosen ? *chosen : nullptr});
    }
    for (const Index event : added_)
        edits_.push_back({index_.entry(event)->path, index_.entry(event)});
    std::ranges::sort(edits_, {}, &state_tree::Edit::path);
    State state(editor_.edit(conflict_.states()[base].tree(), edits_));
    edits_.clear();
    return state;
}

}  // namespace matrix
