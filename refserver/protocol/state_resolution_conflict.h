// What several states disagree about: the conflicted keys and the full conflicted set.
//
// Private to state_resolution*.cpp. Costs what differs between the states, the auth chains of that
// down to where all states share them, and for each event of these chains the way to one event of
// the unconflicted state that leads to it.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

#include "refserver/protocol/auth_index.h"
#include "refserver/protocol/index_queue.h"
#include "refserver/protocol/stamped_map.h"

namespace matrix::resolution {

class Conflict {
public:
    explicit Conflict(AuthIndex& index) : index_(index) {}

    /// Compares `states`, which must outlive all questions; false if they are equal.
    bool start(std::span<const State> states);

    // The conflicted keys: those whose event is not the same in all states. Each has a number.
    std::size_t key_count() const { return keys_.size(); }
    Key key(std::size_t number) const { return keys_[number]; }
    bool is_conflicted(Key key) const { return numbers_.find(key) != nullptr; }
    /// The event of a conflicted key in one state; null if there is none.
    const State::EntryPtr* value(std::size_t number, std::size_t state) const {
        return values_[number * states_.size() + state];
    }
    /// The same; `kNone` also if nobody knows it.
    Index event(std::size_t number, std::size_t state) const {
        return events_[number * states_.size() + state];
    }
    std::span<const State> states() const { return states_; }

    /// The event of an unconflicted key; `kNone` if the states have none, or an unknown one.
    Index find_unconflicted(Key key);
    /// Of a key that is not in conflict: do the states have it?
    bool has_unconflicted(Key key);

    /// Finds the full conflicted set, with what `steps` say is in it.
    void find_full_set(const ResolutionSteps& steps);
    /// The full conflicted set, each event once, in no order that means anything.
    std::span<const Index> full_set() const { return full_set_; }
    /// Is the event in it, or would be if it were a state event?
    bool is_in_full_set(Index index) const;

    /// Memory for so many events, which would grow with the next questions. False if there is
    /// enough.
    bool make_room(std::size_t events) {
        const bool has_grown = met_numbers_.make_room(events);
        return support_.make_room(events) || has_grown;
    }

    /// A state all of whose events are in the index, as far as anybody knows them.
    State indexed() const { return indexed_epoch_ == index_.epoch() ? indexed_ : State(); }
    void set_indexed(State state) {
        indexed_ = std::move(state);
        indexed_epoch_ = index_.epoch();
    }

private:
    /// What a search has found out about an event that it met.
    struct Met {
        Index index = kNone;
        std::uint32_t mask_begin = kNone;  ///< None: it is not in a chain.
        bool is_conflicted = false;        ///< It is the value of a conflicted key.
        bool is_pending = false;
        bool is_ancestor = false;  ///< Of some conflicted event.
        bool is_in_subgraph = false;
        bool is_in_full_set = false;
    };
    /// A word has a bit for each of 64 states: those in whose auth chain an event is.
    using Word = std::uint64_t;
    static constexpr std::size_t kWordBits = 64;

    void add_difference(std::size_t state,
                        const State::EntryPtr* before,
                        const State::EntryPtr* now);
    void find_events();
    std::uint32_t meet(Index index);
    std::span<Word> mask(std::uint32_t met);
    bool is_full(std::span<const Word> mask) const;

    void find_auth_difference(AuthDifference kind);
    void seed_chains(AuthDifference kind);
    void seed(Index index, std::size_t state);
    bool add_mask(Met& met);
    void reach(Index index);
    void visit_chain(std::uint32_t met, AuthDifference kind);
    bool is_unconflicted(Index index);
    bool is_below_unconflicted(Index index);
    bool find_support(Index index);
    void index_unconflicted();
    void forget_support();
    void erase_unconflicted_chains(AuthDifference kind);

    void find_subgraph();
    void list_ancestors(Index above);
    bool add_to_subgraph(std::uint32_t met);

    AuthIndex& index_;
    std::span<const State> states_;

    std::vector<Key> keys_;
    StampedMap<std::uint32_t> numbers_;  ///< Of the conflicted keys.
    std::vector<const State::EntryPtr*> values_;
    std::vector<Index> events_;
    StampedMap<Index> unconflicted_;  ///< By key, as far as somebody asked.

    StampedMap<std::uint32_t> met_numbers_;  ///< By event.
    std::vector<Met> met_;
    std::size_t conflicted_count_ = 0;  ///< The first of `met_`.
    std::vector<Word> masks_;           ///< `mask_words_` words for each event in some chain.
    std::size_t mask_words_ = 1;
    std::vector<Word> full_mask_;
    std::vector<Word> passed_mask_;  ///< What an event passes on to those that it cites.
    std::size_t partial_count_ = 0;  ///< Of the pending events that are not in all chains so far.
    IndexQueue pending_;
    std::vector<Index> full_set_;
    std::vector<std::uint32_t> ancestors_;

    /// Is the event below one of the unconflicted state? False also while that is searched.
    StampedMap<bool> support_;
    std::size_t support_rows_ = 0;  ///< The size of the index when `support_` was empty.
    struct Step {
        Index index;
        std::uint32_t next_edge;
    };
    std::vector<Step> path_;
    std::vector<Index> stack_;
    std::vector<const State::EntryPtr*> entries_;
    State indexed_;
    std::uint64_t indexed_epoch_ = 0;  ///< Of the index, when they were put there.
    bool is_unconflicted_indexed_ = false;
};

}  // namespace matrix::resolution
