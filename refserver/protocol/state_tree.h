// The persistent tree behind a State: its nodes, how it is changed, and how two are compared.
//
// Private to state*.cpp.
//
// An entry's place is a path of 64 nibbles: 16 from the hash of its type, so that a type is one
// subtree, and 48 from the hash of type and state key, so that nobody can aim two keys at one
// place. A node with few entries is a leaf; any other is a branch at the first nibble in which its
// entries differ. So the tree is a function of its entries alone, and equal states have equal
// roots.
//
// Functions that call themselves go down the tree, which is at most 64 levels deep.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <variant>
#include <vector>

#include "refserver/protocol/state.h"
#include "refserver/protocol/state_node_pool.h"

namespace matrix {

/// Where a key is in the tree: its nibbles from the root down.
using TreePath = std::array<unsigned char, 32>;

struct State::Entry {
    TreePath path;
    StateKey key;
    EventId event_id;
};

namespace state_tree {

using Entry = State::Entry;
using EntryPtr = State::EntryPtr;
using Hash = State::Hash;
using Node = State::Node;
using NodePtr = State::NodePtr;

inline constexpr std::size_t kNibbles = 64;
inline constexpr std::size_t kTypeBytes = 8;
inline constexpr std::size_t kTypeNibbles = 2 * kTypeBytes;
inline constexpr std::size_t kLeafEntriesMax = 8;
inline constexpr std::size_t kChildren = 16;

inline std::size_t nibble_of(const TreePath& path, std::size_t index) {
    const unsigned char byte = path[index / 2];
    return index % 2 == 0 ? byte >> 4 : byte & 15;
}
/// The first nibble in which two paths differ; `kNibbles` if none.
std::size_t first_difference(const TreePath& a, const TreePath& b);
TreePath path_of(std::string_view type, std::string_view state_key);
EntryPtr make_entry(const StateKey& key, const EventId& event_id);

/// A hash that is computed when somebody first asks; several threads may ask at once.
class LazyHash {
public:
    /// Null while it is unknown.
    const Hash* find() const {
        return state_.load(std::memory_order_acquire) == kKnown ? &hash_ : nullptr;
    }
    /// Keeps `hash`, unless another thread does so already.
    void keep(const Hash& hash) const {
        unsigned char expected = kUnknown;
        if (!state_.compare_exchange_strong(expected, kBeingKept, std::memory_order_relaxed))
            return;
        hash_ = hash;
        state_.store(kKnown, std::memory_order_release);
    }

private:
    static constexpr unsigned char kUnknown = 0;
    static constexpr unsigned char kBeingKept = 1;
    static constexpr unsigned char kKnown = 2;
    mutable std::atomic<unsigned char> state_{kUnknown};
    mutable Hash hash_;
};

}  // namespace state_tree

struct State::Node {
    /// In the order of paths, the first `count` of them.
    using Leaf = std::array<EntryPtr, state_tree::kLeafEntriesMax>;
    struct Branch {
        std::size_t depth = 0;  ///< The nibble that chooses a child.
        TreePath path{};        ///< All entries agree with it in the first `depth` nibbles.
        std::array<NodePtr, state_tree::kChildren> children;
    };

    /// A stored node that is read when somebody first looks into it.
    struct Stub {
        Stub(std::shared_ptr<const Source> source_, std::size_t depth_min_)
            : source(std::move(source_)), depth_min(depth_min_) {}
        std::shared_ptr<const Source> source;
        std::size_t depth_min = 0;  ///< A branch there has at least this depth.
        mutable std::atomic<bool> is_loaded{false};
        mutable NodePtr node;  ///< Never a stub; to be looked at when it is loaded.
    };

    Node(std::size_t count_, Leaf&& leaf) : count(count_), content(std::move(leaf)) {}
    Node(std::size_t count_, Branch&& branch) : count(count_), content(std::move(branch)) {}

    Node(const Hash& hash_, std::shared_ptr<const Source> source, std::size_t depth_min)
        : content(std::in_place_type<Stub>, std::move(source), depth_min) {
        hash.keep(hash_);
    }

    std::size_t count = 0;  ///< Of the entries below; not known of a stub.
    std::variant<Leaf, Branch, Stub> content;
    state_tree::LazyHash hash;

    /// Null if it is none. Then there is only the hash to be seen; see `loaded`.
    const Stub* if_stub() const { return std::get_if<Stub>(&content); }
    /// Null if it is a leaf.
    const Branch* if_branch() const { return std::get_if<Branch>(&content); }
    bool is_leaf() const { return std::holds_alternative<Leaf>(content); }
    /// Of a leaf.
    std::span<const EntryPtr> entries() const {
        return std::span(*std::get_if<Leaf>(&content)).first(count);
    }
};

namespace state_tree {

/// The content address of a node. Asks for those of its children.
Hash hash_of(const Node& node);
/// What is stored of a node: one of these, and what it holds.
inline constexpr char kLeafTag = 'L';
inline constexpr char kBranchTag = 'B';
std::string write_node(const Node& node);

/// What a stub stands for, and any other node itself; null if it cannot be read. Whoever looks into
/// a node asks for this first.
const NodePtr& load_stub(const Node& stub);
inline const NodePtr& loaded(const NodePtr& node) {
    return node && node->if_stub() ? load_stub(*node) : node;
}

/// The entry at a path; null if there is none.
const EntryPtr* find_entry(const NodePtr& node, const TreePath& path);

/// The canonical tree of entries in the order of paths, without duplicates.
NodePtr build_tree(std::span<const EntryPtr> entries, const NodePoolPtr& pool = nullptr);
/// A branch that was stored; its children are there already.
NodePtr make_branch(std::size_t count, Node::Branch&& branch, const NodePoolPtr& pool = nullptr);

/// One change of a tree: the entry at `path` is set, or removed if there is none.
struct Edit {
    TreePath path;
    EntryPtr entry;
};

/// Changes trees; all in one go, so that each node on the way is made once.
class TreeEditor {
public:
    /// Nodes are taken from `pool`, if there is one.
    explicit TreeEditor(NodePoolPtr pool = nullptr) : pool_(std::move(pool)) {}

    /// `node` with the changes, which are in the order of paths, each path once. The same node if
    /// they change nothing.
    NodePtr edit(const NodePtr& maybe_stub, std::span<const Edit> edits);

private:
    NodePtr edit_leaf(const NodePtr& node, std::span<const Edit> edits);
    NodePtr edit_branch(const NodePtr& node, std::span<const Edit> edits);
    NodePtr finish_branch(Node::Branch&& branch, std::size_t count);

    NodePoolPtr pool_;
    std::vector<EntryPtr> entries_;  ///< Scratch of `edit_leaf`.
};

/// Calls `visit` for each entry below, in the order of paths.
template <class Visit>
void walk_entries(const NodePtr& maybe_stub, Visit&& visit) {
    const NodePtr& node = loaded(maybe_stub);
    if (!node) return;
    if (const Node::Branch* branch = node->if_branch()) {
        for (const NodePtr& child : branch->children)
            walk_entries(child, visit);
        return;
    }
    for (const EntryPtr& entry : node->entries())
        visit(entry);
}

/// Are they one node, or known to be equal?
inline bool is_same(const NodePtr& a, const NodePtr& b) {
    if (a == b) return true;
    if (!a || !b) return false;
    const Hash* hash = a->hash.find();
    const Hash* other = b->hash.find();
    return hash && other && *hash == *other;
}

/// What of a branch lies under nibble `index` at `depth`; all or nothing if it branches deeper.
inline const NodePtr& child_at(const NodePtr& node, std::size_t depth, std::size_t index) {
    static const NodePtr kNone;
    const Node::Branch& branch = *node->if_branch();
    if (branch.depth == depth) return branch.children[index];
    return nibble_of(branch.path, depth) == index ? node : kNone;
}

/// Do two nodes hold the same? Costs what they do not share.
bool is_equal(const NodePtr& first, const NodePtr& second);

/// Calls `visit(before, after)` for each key whose event is not the same below two nodes, in the
/// order of paths; null stands for no entry. Costs what differs.
template <class Visit>
void visit_differences(const NodePtr& first, const NodePtr& second, Visit&& visit) {
    if (is_same(first, second)) return;
    const NodePtr& a = loaded(first);
    const NodePtr& b = loaded(second);
    const Node::Branch* before = a ? a->if_branch() : nullptr;
    const Node::Branch* after = b ? b->if_branch() : nullptr;
    if (before && after) {
        const std::size_t depth = std::min(before->depth, after->depth);
        // If they part above both, these are two children with nothing in common.
        const std::size_t split = std::min(depth, first_difference(before->path, after->path));
        for (std::size_t index = 0; index < kChildren; ++index) {
            visit_differences(child_at(a, split, index), child_at(b, split, index), visit);
        }
        return;
    }
    // One of them has few entries, by which the other's are merged.
    const bool is_before_few = !before;
    std::span<const EntryPtr> few;
    if (const NodePtr& small = is_before_few ? a : b) few = small->entries();
    const auto visit_few = [&] {
        if (is_before_few) {
            visit(&few.front(), static_cast<const EntryPtr*>(nullptr));
        } else {
            visit(static_cast<const EntryPtr*>(nullptr), &few.front());
        }
        few = few.subspan(1);
    };
    walk_entries(is_before_few ? b : a, [&](const EntryPtr& entry) {
        while (!few.empty() && few.front() != entry && few.front()->path < entry->path)
            visit_few();
        const EntryPtr* other = nullptr;
        if (!few.empty() && (few.front() == entry || few.front()->path == entry->path)) {
            other = &few.front();
            few = few.subspan(1);
            if (*other == entry || (*other)->event_id == entry->event_id) return;
        }
        if (is_before_few) {
            visit(other, &entry);
        } else {
            visit(&entry, other);
        }
    });
    while (!few.empty())
        visit_few();
}

}  // namespace state_tree
}  // namespace matrix
