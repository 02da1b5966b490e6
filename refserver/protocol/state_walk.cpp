#include "refserver/protocol/state_walk.h"

#include <algorithm>
#include <utility>

#include "refserver/protocol/state_tree.h"

namespace matrix {

using state_tree::loaded;
using state_tree::Node;
using state_tree::NodePtr;

StateWalk::StateWalk(State state, State known)
    : state_(std::move(state)), known_(std::move(known)) {
    pending_.push_back({&state_.tree(), &known_.tree()});
}

StateWalk::StateWalk(State state, State known, std::string_view type)
    : StateWalk(std::move(state), std::move(known)) {
    type_ = type;
}

std::optional<StateWalk::Item> StateWalk::next() {
    const State::EntryPtr* entry = next_entry();
    if (!entry) return std::nullopt;
    return Item{(*entry)->key, (*entry)->event_id};
}

const State::EntryPtr* StateWalk::next_entry() {
    while (true) {
        while (!leaf_.empty()) {
            const State::EntryPtr& entry = leaf_.front();
            leaf_ = leaf_.subspan(1);
            if (!type_ || entry->key.type == *type_) return &entry;
        }
        if (pending_.empty()) return nullptr;
        const Pair pair = pending_.back();
        pending_.pop_back();
        if (state_tree::is_same(*pair.node, *pair.known)) continue;
        const NodePtr& node = loaded(*pair.node);
        if (!node) continue;
        if (node->is_leaf()) {
            leaf_ = node->entries();
        } else {
            push_children(pair);
        }
    }
}

// The first one last, so that it is taken first.
void StateWalk::push_children(const Pair& pair) {
    static const NodePtr kNothing;
    const NodePtr& node = loaded(*pair.node);
    const NodePtr& known = loaded(*pair.known);
    const Node::Branch& branch = *node->if_branch();
    const Node::Branch* other = known ? known->if_branch() : nullptr;
    std::size_t depth = branch.depth;
    if (other) {
        depth = std::min(depth, other->depth);
        depth = std::min(depth, state_tree::first_difference(branch.path, other->path));
    }
    const auto push = [&](std::size_t index) {
        const NodePtr& child = state_tree::child_at(node, depth, index);
        if (!child) return;
        pending_.push_back(
            {&child, other ? &state_tree::child_at(known, depth, index) : &kNothing});
    };
    if (type_ && depth < state_tree::kTypeNibbles) {
        return push(state_tree::nibble_of(state_tree::path_of(*type_, ""), depth));
    }
    for (std::size_t index = state_tree::kChildren; index > 0; --index)
        push(index - 1);
}

}  // namespace matrix
