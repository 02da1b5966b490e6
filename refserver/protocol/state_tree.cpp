#include "refserver/protocol/state_tree.h"

#include "refserver/base/assert.h"
#include "refserver/base/index_map.h"

namespace matrix::state_tree {

std::size_t first_difference(const TreePath& a, const TreePath& b) {
    const auto [left, right] = std::ranges::mismatch(a, b);
    const auto byte = static_cast<std::size_t>(left - a.begin());
    if (byte == a.size()) return kNibbles;
    return 2 * byte + ((*left ^ *right) < 16 ? 1 : 0);
}

namespace {

void append_be32(std::string& out, std::size_t number) {
    for (int shift = 24; shift >= 0; shift -= 8)
        out.push_back(static_cast<char>(number >> shift));
}

void append_sized(std::string& out, std::string_view text) {
    append_be32(out, text.size());
    out.append(text);
}

TreePath compute_path(std::string_view type, std::string_view state_key) {
    std::string both;
    append_sized(both, type);
    both.append(state_key);
    const Sha256 type_hash = sha256(type);
    const Sha256 key_hash = sha256(both);

    TreePath path;
    std::copy_n(type_hash.begin(), kTypeBytes, path.begin());
    std::copy_n(key_hash.begin(), path.size() - kTypeBytes, path.begin() + kTypeBytes);
    return path;
}

// The same few keys are asked for again and again: who a sender is, the power levels, the policy
// server. Each place holds the last key that came to it.
class KnownPaths {
public:
    const TreePath& find_or_compute(std::string_view type, std::string_view state_key) {
        Known& known = places_[(stable_hash(type) ^ stable_hash(state_key)) % kPlaces];
        if (known.state_key != state_key || known.type != type) {
            known.path = compute_path(type, state_key);
            known.type = type;
            known.state_key = state_key;
        }
        return known.path;
    }

private:
    static constexpr std::size_t kPlaces = 1024;
    struct Known {
        std::string type;
        std::string state_key;
        TreePath path;
    };
    std::vector<Known> places_ = std::vector<Known>(kPlaces, {"", "", compute_path("", "")});
};

}  // namespace

TreePath path_of(std::string_view type, std::string_view state_key) {
    static thread_local KnownPaths paths;
    return paths.find_or_compute(type, state_key);
}

EntryPtr make_entry(const StateKey& key, const EventId& event_id) {
    return std::make_shared<const Entry>(path_of(key.type, key.state_key), key, event_id);
}

std::string write_node(const Node& node) {
    std::string bytes;
    const Node::Branch* branch = node.if_branch();
    if (!branch) {
        bytes.push_back(kLeafTag);
        append_be32(bytes, node.count);
        for (const EntryPtr& entry : node.entries()) {
            append_sized(bytes, entry->key.type);
            append_sized(bytes, entry->key.state_key);
            append_sized(bytes, entry->event_id.view());
        }
        return bytes;
    }
    bytes.push_back(kBranchTag);
    append_be32(bytes, node.count);
    append_be32(bytes, branch->depth);
    for (const unsigned char byte : branch->path)
        bytes.push_back(static_cast<char>(byte));
    for (std::size_t index = 0; index < kChildren; ++index) {
        if (!branch->children[index]) continue;
        bytes.push_back(static_cast<char>(index));
        bytes.append(view(hash_of(*branch->children[index])));
    }
    return bytes;
}

Hash hash_of(const Node& node) {
    if (const Hash* known = node.hash.find()) return *known;
    const Hash hash = sha256(write_node(node));
    node.hash.keep(hash);
    return hash;
}

const EntryPtr* find_entry(const NodePtr& root, const TreePath& path) {
    const Node* node = root.get();
    while (node) {
        const Node::Branch* branch = node->if_branch();
        if (!branch) break;
        node = branch->children[nibble_of(path, branch->depth)].get();
    }
    if (!node) return nullptr;
    for (const EntryPtr& entry : node->entries()) {
        if (entry->path == path) return &entry;
    }
    return nullptr;
}

bool is_equal(const NodePtr& a, const NodePtr& b) {
    if (is_same(a, b)) return true;
    if (!a || !b || a->count != b->count) return false;
    if (a->hash.find() && b->hash.find()) return false;
    if (a->is_leaf()) {  // And so b, which has as many entries.
        return std::ranges::equal(
            a->entries(), b->entries(), [](const EntryPtr& left, const EntryPtr& right) {
                return left == right ||
                       (left->path == right->path && left->event_id == right->event_id);
            });
    }
    return std::ranges::equal(a->if_branch()->children, b->if_branch()->children, is_equal);
}

namespace {

template <class Content>
NodePtr make_node(std::size_t count, Content&& content, const NodePoolPtr& pool) {
    if (!pool) return std::make_shared<const Node>(count, std::forward<Content>(content));
    return std::allocate_shared<const Node>(
        NodeAllocator<Node>(pool), count, std::forward<Content>(content));
}

// `path` up to `depth`, zeros behind: a branch's path must not depend on which entry gave it.
TreePath prefix_of(const TreePath& path, std::size_t depth) {
    TreePath prefix{};
    std::copy_n(path.begin(), (depth + 1) / 2, prefix.begin());
    if (depth % 2 == 1) prefix[depth / 2] &= 0xf0;
    return prefix;
}

// How many of `items`, from the first one on, have its nibble at `depth`.
template <class Items, class PathOf>
std::size_t count_of_first_nibble(const Items& items, std::size_t depth, const PathOf& path_at) {
    const std::size_t nibble = nibble_of(path_at(items.front()), depth);
    const auto end = std::ranges::find_if(
        items, [&](const auto& item) { return nibble_of(path_at(item), depth) != nibble; });
    return static_cast<std::size_t>(end - items.begin());
}

}  // namespace

NodePtr make_branch(std::size_t count, Node::Branch&& branch, const NodePoolPtr& pool) {
    return make_node(count, std::move(branch), pool);
}

NodePtr build_tree(std::span<const EntryPtr> entries, const NodePoolPtr& pool) {
    if (entries.empty()) return nullptr;
    const std::size_t count = entries.size();
    if (count <= kLeafEntriesMax) {
        Node::Leaf leaf;
        std::ranges::copy(entries, leaf.begin());
        return make_node(count, std::move(leaf), pool);
    }
    Node::Branch branch;
    branch.depth = first_difference(entries.front()->path, entries.back()->path);
    MATRIX_ASSERT(branch.depth < kNibbles);
    branch.path = prefix_of(entries.front()->path, branch.depth);
    while (!entries.empty()) {
        const std::size_t size = count_of_first_nibble(
            entries, branch.depth, [](const EntryPtr& entry) -> const TreePath& {
                return entry->path;
            });
        branch.children[nibble_of(entries.front()->path, branch.depth)] =
            build_tree(entries.first(size), pool);
        entries = entries.subspan(size);
    }
    return make_node(count, std::move(branch), pool);
}

NodePtr TreeEditor::edit(const NodePtr& node, std::span<const Edit> edits) {
    if (edits.empty()) return node;
    return node && !node->is_leaf() ? edit_branch(node, edits) : edit_leaf(node, edits);
}

// Merges a few entries, or none, with the changes.
NodePtr TreeEditor::edit_leaf(const NodePtr& node, std::span<const Edit> edits) {
    std::span<const EntryPtr> known;
    if (node) known = node->entries();
    entries_.clear();
    bool is_changed = false;
    for (const Edit& change : edits) {
        while (!known.empty() && known.front()->path < change.path) {
            entries_.push_back(known.front());
            known = known.subspan(1);
        }
        const EntryPtr* old = nullptr;
        if (!known.empty() && known.front()->path == change.path) {
            old = &known.front();
            known = known.subspan(1);
        }
        const bool is_same_entry =
            old && change.entry && (*old)->event_id == change.entry->event_id;
        if (is_same_entry) {
            entries_.push_back(*old);
        } else if (change.entry) {
            entries_.push_back(change.entry);
        }
        is_changed |= !is_same_entry && (old || change.entry);
    }
    if (!is_changed) return node;
    entries_.insert(entries_.end(), known.begin(), known.end());
    return build_tree(entries_, pool_);
}

// Where some changes part from the branch above its depth, there is another branch above it.
NodePtr TreeEditor::edit_branch(const NodePtr& node, std::span<const Edit> edits) {
    const Node::Branch& old = *node->if_branch();
    const std::size_t depth = std::min({old.depth,
                                        first_difference(old.path, edits.front().path),
                                        first_difference(old.path, edits.back().path)});
    Node::Branch branch;
    branch.depth = depth;
    branch.path = prefix_of(old.path, depth);
    if (depth == old.depth) {
        branch.children = old.children;
    } else {
        branch.children[nibble_of(old.path, depth)] = node;
    }
    bool is_changed = false;
    while (!edits.empty()) {
        const std::size_t size = count_of_first_nibble(
            edits, depth, [](const Edit& change) -> const TreePath& { return change.path; });
        NodePtr& child = branch.children[nibble_of(edits.front().path, depth)];
        NodePtr changed = edit(child, edits.first(size));
        is_changed |= changed != child;
        child = std::move(changed);
        edits = edits.subspan(size);
    }
    return is_changed ? finish_branch(std::move(branch)) : node;
}

// A branch with few entries is a leaf, and one with one child is that child.
NodePtr TreeEditor::finish_branch(Node::Branch&& branch) {
    std::size_t count = 0;
    std::size_t child_count = 0;
    const NodePtr* last = nullptr;
    for (const NodePtr& child : branch.children) {
        if (!child) continue;
        count += child->count;
        ++child_count;
        last = &child;
    }
    if (count <= kLeafEntriesMax) {
        entries_.clear();
        for (const NodePtr& child : branch.children) {
            walk_entries(child, [&](const EntryPtr& entry) { entries_.push_back(entry); });
        }
        return build_tree(entries_, pool_);
    }
    if (child_count == 1) return *last;
    return make_node(count, std::move(branch), pool_);
}

}  // namespace matrix::state_tree
