// The resolution algorithm of room version 1.
//
// Spec: https://spec.matrix.org/v1.19/rooms/v1/#state-resolution

#include <algorithm>
#include <utility>

#include "refserver/base/assert.h"
#include "refserver/base/sometimes.h"
#include "refserver/protocol/state_resolver.h"

namespace matrix {

using resolution::kNone;

// UNSPECIFIED: the resolved state changes while the keys of one type are resolved, so that the text
// depends on their order. We judge all of them by the state as it was before, but for the key
// itself.
State Resolver::resolve_by_depth(ResolutionTrace* trace) {
    list_disputes();
    SIM_SOMETIMES(disputes_.empty(), "states of room version 1 differ without a dispute");
    resolve_phase("m.room.power_levels", trace);
    resolve_phase("m.room.join_rules", trace);
    resolve_phase("m.room.member", trace);
    resolve_rest(trace);
    if (trace) std::ranges::sort(trace->full_conflicted_set);
    return assemble();
}

const StateKey& Resolver::key_of(std::size_t number) const {
    std::size_t state = 0;
    while (!conflict_.value(number, state))
        ++state;  // One of the states has it: that is why it is a key of the conflict.
    return (*conflict_.value(number, state))->key;
}

// States conflict that have different events for a key; one that lacks the key conflicts with none.
// All other events are in the resolved state from the beginning.
void Resolver::list_disputes() {
    disputes_.clear();
    chosen_.assign(conflict_.key_count(), nullptr);
    for (std::size_t number = 0; number < conflict_.key_count(); ++number) {
        bool is_disputed = false;
        for (std::size_t state = 0; state < conflict_.states().size(); ++state) {
            const State::EntryPtr* value = conflict_.value(number, state);
            if (!value) continue;
            is_disputed |= chosen_[number] && !is_chosen(number, value);
            if (!std::exchange(chosen_[number], value)) {
                applied_.set(conflict_.key(number), conflict_.event(number, state));
            }
        }
        if (!is_disputed) continue;
        chosen_[number] = nullptr;
        applied_.set(conflict_.key(number), kNone);
        disputes_.push_back(number);
    }
    std::ranges::sort(
        disputes_, {}, [&](std::size_t number) -> const StateKey& { return key_of(number); });
}

// The known events of a key, in ascending depth, then descending SHA-1 of their ids.
void Resolver::collect_candidates(std::size_t number, ResolutionTrace* trace) {
    candidates_.clear();
    for (std::size_t state = 0; state < conflict_.states().size(); ++state) {
        const Index event = conflict_.event(number, state);
        const bool is_known =
            std::ranges::find(candidates_, event, &Candidate::event) != candidates_.end();
        const Event* read = event == kNone || is_known ? nullptr : index_.find_event(event);
        if (!read) continue;
        candidates_.push_back({read->depth, sha1(read->id.view()), event});
    }
    std::ranges::sort(candidates_, [](const Candidate& a, const Candidate& b) {
        SIM_SOMETIMES(a.depth == b.depth,
                      "room version 1 orders events of one depth by their hashes");
        return a.depth != b.depth ? a.depth < b.depth : a.hash > b.hash;
    });
    summary_.conflicted_events += candidates_.size();
    if (!trace) return;
    for (const Candidate& candidate : candidates_)
        trace->full_conflicted_set.emplace_back(index_.id_of(candidate.event));
}

void Resolver::resolve_phase(std::string_view type, ResolutionTrace* trace) {
    for (const std::size_t number : disputes_) {
        if (key_of(number).type != type) continue;
        collect_candidates(number, trace);
        settled_.push_back({number, last_of_allowed(conflict_.key(number), trace)});
    }
    finish_phase();
}

// The first candidate is taken as it is, and each that the last one allows follows it.
resolution::Index Resolver::last_of_allowed(Key key, ResolutionTrace* trace) {
    Index last = kNone;
    for (const Candidate& candidate : candidates_) {
        if (trace) trace->power_events.emplace_back(index_.id_of(candidate.event));
        if (last != kNone && !check(candidate.event, trace)) {
            SIM_SOMETIMES("room version 1 stops at a candidate that is not allowed");
            break;
        }
        last = candidate.event;
        applied_.set(key, last);
    }
    applied_.set(key, kNone);
    return last;
}

// UNSPECIFIED: if no event of a key passes, the key has none.
void Resolver::resolve_rest(ResolutionTrace* trace) {
    for (const std::size_t number : disputes_) {
        const std::string& type = key_of(number).type;
        if (type == "m.room.power_levels" || type == "m.room.join_rules" ||
            type == "m.room.member") {
            continue;
        }
        collect_candidates(number, trace);
        settled_.push_back({number, highest_allowed(trace)});
    }
    finish_phase();
}

resolution::Index Resolver::highest_allowed(ResolutionTrace* trace) {
    Index found = kNone;
    for (std::size_t place = candidates_.size(); place > 0; --place) {
        if (found != kNone) break;
        const Index event = candidates_[place - 1].event;
        if (trace) trace->remaining_events.emplace_back(index_.id_of(event));
        if (check(event, trace)) found = event;
    }
    SIM_SOMETIMES(found == kNone, "room version 1 leaves a key without an event");
    return found;
}

void Resolver::finish_phase() {
    for (const auto& [number, event] : settled_) {
        if (event == kNone) continue;
        applied_.set(conflict_.key(number), event);
        choose_value(number, event);
    }
    settled_.clear();
}

}  // namespace matrix
