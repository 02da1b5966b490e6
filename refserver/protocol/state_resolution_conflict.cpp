// The full conflicted set.
//
// Spec: https://spec.matrix.org/v1.19/rooms/v2/#state-resolution and
//       https://spec.matrix.org/v1.19/rooms/v12/#state-resolution

#include "refserver/protocol/state_resolution_conflict.h"

#include <algorithm>
#include <utility>

#include "refserver/base/sometimes.h"

namespace matrix::resolution {

bool Conflict::start(std::span<const State> states) {
    states_ = states;
    keys_.clear();
    numbers_.clear();
    values_.clear();
    events_.clear();
    unconflicted_.clear();
    met_numbers_.clear();
    met_.clear();
    masks_.clear();
    full_set_.clear();
    SIM_SOMETIMES(states.size() > 2, "more than two states are resolved together");
    for (std::size_t state = 1; state < states.size(); ++state) {
        state_tree::visit_differences(
            states[0].tree(),
            states[state].tree(),
            [&](const State::EntryPtr* before, const State::EntryPtr* now) {
                add_difference(state, before, now);
            });
    }
    if (keys_.empty()) return false;
    find_events();
    return true;
}

void Conflict::add_difference(std::size_t state,
                              const State::EntryPtr* before,
                              const State::EntryPtr* now) {
    SIM_SOMETIMES(!before || !now, "a state lacks a key that another one has");
    const StateKey& key = before ? (*before)->key : (*now)->key;
    const Key number_of_key = index_.intern_key(key.type, key.state_key);
    const std::uint32_t* known = numbers_.find(number_of_key);
    const auto number = known ? *known : static_cast<std::uint32_t>(keys_.size());
    if (!known) {
        numbers_.set(number_of_key, number);
        keys_.push_back(number_of_key);
        values_.resize(values_.size() + states_.size(), before);
    }
    values_[number * states_.size() + state] = now;
}

void Conflict::find_events() {
    const std::size_t count = states_.size();
    mask_words_ = (count + kWordBits - 1) / kWordBits;
    full_mask_.assign(mask_words_, ~Word{0});
    if (count % kWordBits != 0) full_mask_.back() = (Word{1} << count % kWordBits) - 1;

    for (std::size_t place = 0; place < values_.size(); ++place) {
        const State::EntryPtr* value = values_[place];
        const bool is_as_before = place % count != 0 && value == values_[place - 1];
        events_.push_back(is_as_before ? events_.back()
                          : value      ? index_.find((*value)->event_id)
                                       : kNone);
        if (events_.back() == kNone) continue;
        const std::uint32_t met = meet(events_.back());
        met_[met].is_conflicted = true;
        met_[met].is_in_full_set = true;
    }
    conflicted_count_ = met_.size();
}

std::uint32_t Conflict::meet(Index index) {
    if (const std::uint32_t* known = met_numbers_.find(index)) return *known;
    const auto number = static_cast<std::uint32_t>(met_.size());
    met_numbers_.set(index, number);
    met_.push_back({.index = index});
    return number;
}

bool Conflict::is_in_full_set(Index index) const {
    const std::uint32_t* met = met_numbers_.find(index);
    return met && met_[*met].is_in_full_set;
}

Index Conflict::find_unconflicted(Key key) {
    if (const Index* known = unconflicted_.find(key)) return *known;
    const State::EntryPtr* entry =
        is_conflicted(key) ? nullptr
                           : state_tree::find_entry(states_[0].tree(), index_.path_of(key));
    const Index event = entry ? index_.find((*entry)->event_id) : kNone;
    unconflicted_.set(key, event);
    return event;
}

bool Conflict::has_unconflicted(Key key) {
    return state_tree::find_entry(states_[0].tree(), index_.path_of(key)) != nullptr;
}

void Conflict::find_full_set(const ResolutionSteps& steps) {
    if (steps.auth_difference != AuthDifference::None) find_auth_difference(steps.auth_difference);
    if (steps.has_conflicted_subgraph) find_subgraph();
    // Only broken events cite one that is no state event; the algorithm sorts and applies state.
    for (const Met& met : met_) {
        if (met.is_in_full_set && index_[met.index].key != kNone) full_set_.push_back(met.index);
    }
}

std::span<Conflict::Word> Conflict::mask(std::uint32_t met) {
    return std::span(masks_).subspan(met_[met].mask_begin, mask_words_);
}

bool Conflict::is_full(std::span<const Word> mask) const {
    return std::ranges::equal(mask, full_mask_);
}

// The events that are in the auth chain of one state and not in that of all.
//
// From the conflicted events down, the youngest first: when an event is looked at, all that lead to
// it have been. What is below an event of the unconflicted state is in all chains; when nothing is
// left that is not, neither is anything further down.
//
// UNSPECIFIED: we read "auth chain" of an event as the text defines it, without the event itself;
// some servers count the events of a state as part of its full auth chain (`Inclusive`).
void Conflict::find_auth_difference(AuthDifference kind) {
    is_unconflicted_indexed_ = false;
    forget_support();
    partial_count_ = 0;
    pending_.start(index_.size());
    passed_mask_.assign(mask_words_, 0);
    seed_chains(kind);
    for (std::uint32_t number = 0; number < met_.size(); ++number) {
        if (met_[number].is_pending && !is_full(mask(number))) ++partial_count_;
    }
    while (!pending_.empty() && (partial_count_ > 0 || !index_.is_topological()))
        visit_chain(meet(pending_.take_greatest()), kind);
    pending_.clear();
    for (Met& met : met_)
        met.is_pending = false;
    if (!index_.is_topological()) {
        SIM_SOMETIMES("a resolution goes without an order of events");
        erase_unconflicted_chains(kind);
    }

    for (std::uint32_t number = 0; number < met_.size(); ++number) {
        Met& met = met_[number];
        met.is_in_full_set |= met.mask_begin != kNone && !is_full(mask(number));
    }
}

void Conflict::seed_chains(AuthDifference kind) {
    for (std::size_t place = 0; place < events_.size(); ++place) {
        if (events_[place] == kNone) continue;
        if (kind == AuthDifference::Inclusive) {
            seed(events_[place], place % states_.size());
            continue;
        }
        for (const Index parent : index_.parents(events_[place]))
            seed(parent, place % states_.size());
    }
}

// The event begins the chain of this state, in which a conflicted event is or cites it.
void Conflict::seed(Index index, std::size_t state) {
    const std::uint32_t number = meet(index);
    add_mask(met_[number]);
    mask(number)[state / kWordBits] |= Word{1} << state % kWordBits;
    if (std::exchange(met_[number].is_pending, true)) return;
    pending_.insert(index);
}

// False if it has one.
bool Conflict::add_mask(Met& met) {
    if (met.mask_begin != kNone) return false;
    met.mask_begin = static_cast<std::uint32_t>(masks_.size());
    masks_.resize(masks_.size() + mask_words_);
    return true;
}

// Adds `passed_mask_` to an event.
void Conflict::reach(Index index) {
    const std::uint32_t number = meet(index);
    Met& met = met_[number];
    bool is_changed = add_mask(met);
    const std::span<Word> reached = mask(number);
    if (met.is_pending && !is_full(reached)) --partial_count_;
    for (std::size_t word = 0; word < mask_words_; ++word) {
        is_changed |= (passed_mask_[word] & ~reached[word]) != 0;
        reached[word] |= passed_mask_[word];
    }
    if (is_changed && !met.is_pending) {
        met.is_pending = true;
        pending_.insert(index);
    }
    if (met.is_pending && !is_full(reached)) ++partial_count_;
}

void Conflict::visit_chain(std::uint32_t number, AuthDifference kind) {
    const Index index = met_[number].index;
    met_[number].is_pending = false;
    if (!is_full(mask(number))) {
        --partial_count_;
        const bool is_in_all_states = kind == AuthDifference::Inclusive && is_unconflicted(index);
        if (index_.is_topological() && (is_in_all_states || is_below_unconflicted(index))) {
            std::ranges::copy(full_mask_, mask(number).begin());
        }
    }
    std::ranges::copy(mask(number), passed_mask_.begin());
    for (const Index parent : index_.parents(index))
        reach(parent);
}

bool Conflict::is_unconflicted(Index index) {
    const Key key = index_[index].key;
    return key != kNone && find_unconflicted(key) == index;
}

// What is not found to be below the unconflicted state may be so by an event that nobody has looked
// up yet, and so all events of that state are, once.
bool Conflict::is_below_unconflicted(Index index) {
    if (find_support(index)) return true;
    if (is_unconflicted_indexed_) return false;
    SIM_SOMETIMES("the whole unconflicted state is looked up");
    index_unconflicted();
    // A search looks up events, too, of which those that it has passed by know nothing.
    if (index_.size() > support_rows_) forget_support();
    return find_support(index);
}

// Upwards, the youngest child first: it is the likeliest to be in the state.
bool Conflict::find_support(Index start) {
    if (const bool* known = support_.find(start)) return *known;
    support_.set(start, false);
    path_.clear();
    path_.push_back({start, index_[start].newest_child});
    while (!path_.empty()) {
        Step& step = path_.back();
        if (step.next_edge == kNone) {
            path_.pop_back();
            continue;
        }
        const ChildEdge& edge = index_.child_edge(step.next_edge);
        step.next_edge = edge.next;
        const Index child = edge.child;
        const bool* known = support_.find(child);
        if ((known && *known) || is_unconflicted(child)) {
            for (const Step& below : path_)
                support_.set(below.index, true);
            return true;
        }
        if (known) continue;
        support_.set(child, false);
        path_.push_back({child, index_[child].newest_child});
    }
    return false;
}

void Conflict::index_unconflicted() {
    is_unconflicted_indexed_ = true;
    const State known = indexed();
    if (known.tree() == states_[0].tree()) return;
    entries_.clear();
    state_tree::visit_differences(
        known.tree(), states_[0].tree(), [&](const State::EntryPtr*, const State::EntryPtr* now) {
            if (now) entries_.push_back(now);
        });
    index_.require(entries_);
    set_indexed(states_[0]);
}

void Conflict::forget_support() {
    support_.clear();
    support_rows_ = index_.size();
}

// The same without an order of events to rely on: all chains of the unconflicted state.
void Conflict::erase_unconflicted_chains(AuthDifference kind) {
    support_.clear();
    const auto push_parents = [&](Index index) {
        for (const Index parent : index_.parents(index)) {
            if (support_.find(parent)) continue;
            support_.set(parent, true);
            stack_.push_back(parent);
        }
    };
    state_tree::walk_entries(states_[0].tree(), [&](const State::EntryPtr& entry) {
        const Key key = index_.intern_key(entry->key.type, entry->key.state_key);
        const Index event = is_conflicted(key) ? kNone : index_.find(entry->event_id);
        if (event != kNone) push_parents(event);
        if (event != kNone && kind == AuthDifference::Inclusive) support_.set(event, true);
        while (!stack_.empty()) {
            const Index next = stack_.back();
            stack_.pop_back();
            push_parents(next);
        }
    });
    for (std::uint32_t number = 0; number < met_.size(); ++number) {
        if (met_[number].mask_begin != kNone && support_.find(met_[number].index)) {
            std::ranges::copy(full_mask_, mask(number).begin());
        }
    }
}

// Every event on a path of auth events from one conflicted event to another: first down to all that
// they lead to, not further than the oldest of them; then up from them.
void Conflict::find_subgraph() {
    Index oldest = kNone;
    for (std::size_t number = 0; number < conflicted_count_; ++number)
        oldest = std::min(oldest, met_[number].index);
    list_ancestors(index_.is_topological() ? oldest : 0);

    bool is_changed = true;
    while (is_changed) {
        is_changed = false;
        for (std::size_t place = ancestors_.size(); place > 0; --place)
            is_changed |= add_to_subgraph(ancestors_[place - 1]);
        if (index_.is_topological()) break;
    }
    for (const std::uint32_t number : ancestors_)
        met_[number].is_in_full_set |= met_[number].is_in_subgraph;
}

// Of the conflicted events, from the youngest to the oldest, none older than `limit`.
void Conflict::list_ancestors(Index limit) {
    ancestors_.clear();
    pending_.start(index_.size());
    const auto push_parents = [&](Index index) {
        for (const Index parent : index_.parents(index)) {
            if (parent < limit) continue;
            Met& met = met_[meet(parent)];
            if (std::exchange(met.is_ancestor, true)) continue;
            pending_.insert(parent);
        }
    };
    for (std::size_t number = 0; number < conflicted_count_; ++number)
        push_parents(met_[number].index);
    while (!pending_.empty()) {
        const Index index = pending_.take_greatest();
        ancestors_.push_back(meet(index));
        push_parents(index);
    }
}

// Does the event lead to a conflicted one? True if that is news.
bool Conflict::add_to_subgraph(std::uint32_t number) {
    if (met_[number].is_in_subgraph) return false;
    for (const Index parent : index_.parents(met_[number].index)) {
        const std::uint32_t* met = met_numbers_.find(parent);
        if (met && (met_[*met].is_conflicted || met_[*met].is_in_subgraph)) {
            SIM_SOMETIMES("an event lies on a path between conflicted ones");
            met_[number].is_in_subgraph = true;
            return true;
        }
    }
    return false;
}

}  // namespace matrix::resolution
