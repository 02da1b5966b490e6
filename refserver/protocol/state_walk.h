// StateWalk: the entries of a state one after another, for who stops in between.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "refserver/protocol/state.h"

namespace matrix {

/// In the order of the tree, in which the entries of one type are together. It holds what it walks
/// through; a state that is stored is read as the walk comes to it.
class StateWalk {
public:
    explicit StateWalk(State state) : StateWalk(std::move(state), State()) {}
    /// Those that `known` lacks, and a few that it has: costs what the two do not share.
    StateWalk(State state, State known);
    /// The same, and of one type.
    StateWalk(State state, State known, std::string_view type);
    StateWalk(const StateWalk&) = delete;
    StateWalk& operator=(const StateWalk&) = delete;

    struct Item {
        const StateKey& key;
        const EventId& event_id;
    };
    /// Nothing at the end. Valid as long as the walk.
    std::optional<Item> next();
    /// The same, for state*.cpp; null at the end.
    const State::EntryPtr* next_entry();

private:
    /// What is to be walked through, and what `known` has in its place.
    struct Pair {
        const State::NodePtr* node;
        const State::NodePtr* known;
    };
    void push_children(const Pair& pair);

    State state_;
    State known_;
    std::optional<std::string> type_;
    std::vector<Pair> pending_;
    std::span<const State::EntryPtr> leaf_;
};

}  // namespace matrix
