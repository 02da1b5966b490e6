// The persistent tree behind a State.
//
// An entry's place is a path of 64 nibbles: 16 from the hash of its type, so that a type is one
// subtree, and 48 from the hash of type and state key, so that nobody can aim two keys at one
// place. A node with few entries is a leaf; any other is a branch at the first nibble in which its
// entries differ. So the tree is a function of its entries alone, and equal states have equal
// roots.
//
// Functions that call themselves go down the tree, which is at most 64 levels deep.

#include "refserver/protocol/state.h"

#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "refserver/base/assert.h"

namespace matrix {

std::ostream& operator<<(std::ostream& out, const StateKey& key) {
    return out << '(' << key.type << ", " << key.state_key << ')';
}

namespace {

constexpr std::size_t kNibbles = 64;
constexpr std::size_t kTypeBytes = 8;
constexpr std::size_t kTypeNibbles = 2 * kTypeBytes;
constexpr std::size_t kLeafEntriesMax = 8;
constexpr std::size_t kChildren = 16;

using TreePath = std::array<unsigned char, 32>;

std::size_t nibble_of(const TreePath& path, std::size_t index) {
    const unsigned char byte = path[index / 2];
    return index % 2 == 0 ? byte >> 4 : byte & 15;
}

// The first nibble, from `start` on, in which two paths differ; `kNibbles` if none.
std::size_t first_difference(const TreePath& a, const TreePath& b, std::size_t start = 0) {
    std::size_t index = start;
    while (index < kNibbles && nibble_of(a, index) == nibble_of(b, index))
        ++index;
    return index;
}

void append_be32(std::string& out, std::size_t number) {
    for (int shift = 24; shift >= 0; shift -= 8)
        out.push_back(static_cast<char>(number >> shift));
}

void append_sized(std::string& out, std::string_view text) {
    append_be32(out, text.size());
    out.append(text);
}

TreePath path_of(std::string_view type, std::string_view state_key) {
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

struct StateEntryAtPath {
    TreePath path;
    StateKey key;
    EventId event_id;
};
using EntryPtr = std::shared_ptr<const StateEntryAtPath>;

EntryPtr make_entry(const StateKey& key, const EventId& event_id) {
    return std::make_shared<const StateEntryAtPath>(
        path_of(key.type, key.state_key), key, event_id);
}

}  // namespace

struct State::Node {
    Hash hash{};
    std::size_t count = 0;  ///< Of the entries below.
    std::size_t depth = 0;  ///< Of a branch: the nibble that chooses a child.
    TreePath path{};        ///< All entries agree with it in the first `depth` nibbles.
    std::array<NodePtr, kChildren> children;
    std::vector<EntryPtr> entries;  ///< Of a leaf, in the order of paths; empty in a branch.

    bool is_leaf() const { return !entries.empty(); }
};

namespace {

using Node = State::Node;
using NodePtr = State::NodePtr;

constexpr char kLeafTag = 'L';
constexpr char kBranchTag = 'B';

std::string write_node(const Node& node) {
    std::string bytes;
    if (node.is_leaf()) {
        bytes.push_back(kLeafTag);
        append_be32(bytes, node.entries.size());
        for (const EntryPtr& entry : node.entries) {
            append_sized(bytes, entry->key.type);
            append_sized(bytes, entry->key.state_key);
            append_sized(bytes, entry->event_id.view());
        }
        return bytes;
    }
    bytes.push_back(kBranchTag);
    append_be32(bytes, node.count);
    append_be32(bytes, node.depth);
    for (const unsigned char byte : node.path)
        bytes.push_back(static_cast<char>(byte));
    for (std::size_t index = 0; index < kChildren; ++index) {
        if (!node.children[index]) continue;
        bytes.push_back(static_cast<char>(index));
        bytes.append(view(node.children[index]->hash));
    }
    return bytes;
}

NodePtr seal_node(Node node) {
    node.hash = sha256(write_node(node));
    return std::make_shared<const Node>(std::move(node));
}

// `path` up to `depth`, zeros behind: a branch's path must not depend on which entry gave it.
TreePath prefix_of(const TreePath& path, std::size_t depth) {
    TreePath prefix{};
    std::copy_n(path.begin(), (depth + 1) / 2, prefix.begin());
    if (depth % 2 == 1) prefix[depth / 2] &= 0xf0;
    return prefix;
}

// The canonical tree of entries in the order of paths, without duplicates.
NodePtr build_tree(std::span<const EntryPtr> entries) {
    if (entries.empty()) return nullptr;
    Node node;
    node.count = entries.size();
    if (entries.size() <= kLeafEntriesMax) {
        node.entries.assign(entries.begin(), entries.end());
        return seal_node(std::move(node));
    }
    node.depth = first_difference(entries.front()->path, entries.back()->path);
    MATRIX_ASSERT(node.depth < kNibbles);
    node.path = prefix_of(entries.front()->path, node.depth);
    while (!entries.empty()) {
        const std::size_t child = nibble_of(entries.front()->path, node.depth);
        const auto end = std::ranges::find_if(entries, [&](const EntryPtr& entry) {
            return nibble_of(entry->path, node.depth) != child;
        });
        const auto size = static_cast<std::size_t>(end - entries.begin());
        node.children[child] = build_tree(entries.first(size));
        entries = entries.subspan(size);
    }
    return seal_node(std::move(node));
}

// Calls `visit` for each entry below, in the order of paths.
template <class Visit>
void walk_entries(const NodePtr& node, const Visit& visit) {
    if (!node) return;
    for (const EntryPtr& entry : node->entries)
        visit(entry);
    for (const NodePtr& child : node->children)
        walk_entries(child, visit);
}

std::vector<EntryPtr> collect_entries(const NodePtr& node) {
    std::vector<EntryPtr> entries;
    if (node) entries.reserve(node->count);
    walk_entries(node, [&](const EntryPtr& entry) { entries.push_back(entry); });
    return entries;
}

// A branch above two nodes whose paths differ at `depth`.
NodePtr join_branches(const NodePtr& node,
                      const TreePath& path,
                      const EntryPtr& entry,
                      std::size_t depth) {
    Node branch;
    branch.count = node->count + 1;
    branch.depth = depth;
    branch.path = prefix_of(path, depth);
    branch.children[nibble_of(path, depth)] = node;
    branch.children[nibble_of(entry->path, depth)] = build_tree(std::span(&entry, 1));
    return seal_node(std::move(branch));
}

NodePtr insert_entry(const NodePtr& node, const EntryPtr& entry) {
    if (!node) return build_tree(std::span(&entry, 1));
    if (node->is_leaf()) {
        std::vector<EntryPtr> entries = node->entries;
        const auto place = std::ranges::lower_bound(
            entries, entry->path, {}, [](const EntryPtr& known) { return known->path; });
        if (place != entries.end() && (*place)->path == entry->path) {
            if ((*place)->event_id == entry->event_id) return node;
            *place = entry;
        } else {
            entries.insert(place, entry);
        }
        return build_tree(entries);
    }
    const std::size_t depth = first_difference(node->path, entry->path);
    if (depth < node->depth) return join_branches(node, node->path, entry, depth);

    const std::size_t index = nibble_of(entry->path, node->depth);
    NodePtr child = insert_entry(node->children[index], entry);
    if (child == node->children[index]) return node;
    Node branch = *node;
    branch.count += child->count - (node->children[index] ? node->children[index]->count : 0);
    branch.children[index] = std::move(child);
    return seal_node(std::move(branch));
}

NodePtr remove_entry(const NodePtr& node, const TreePath& path) {
    if (!node) return nullptr;
    if (node->is_leaf()) {
        std::vector<EntryPtr> entries = node->entries;
        const auto removed =
            std::erase_if(entries, [&](const EntryPtr& entry) { return entry->path == path; });
        return removed == 0 ? node : build_tree(entries);
    }
    if (first_difference(node->path, path) < node->depth) return node;

    const std::size_t index = nibble_of(path, node->depth);
    NodePtr child = remove_entry(node->children[index], path);
    if (child == node->children[index]) return node;
    Node branch = *node;
    --branch.count;
    branch.children[index] = std::move(child);
    if (branch.count <= kLeafEntriesMax) {
        std::vector<EntryPtr> entries;
        for (const NodePtr& kept : branch.children) {
            walk_entries(kept, [&](const EntryPtr& entry) { entries.push_back(entry); });
        }
        return build_tree(entries);
    }
    const auto is_used = [](const NodePtr& kept) { return kept != nullptr; };
    if (std::ranges::count_if(branch.children, is_used) == 1) {
        return *std::ranges::find_if(branch.children, is_used);
    }
    return seal_node(std::move(branch));
}

}  // namespace

State State::make(const std::vector<std::pair<StateKey, EventId>>& entries) {
    std::vector<EntryPtr> placed;
    placed.reserve(entries.size());
    for (const auto& [key, event_id] : entries)
        placed.push_back(make_entry(key, event_id));
    std::ranges::sort(placed, {}, [](const EntryPtr& entry) { return entry->path; });
    const auto duplicate = std::ranges::adjacent_find(
        placed, [](const EntryPtr& a, const EntryPtr& b) { return a->path == b->path; });
    MATRIX_ASSERT(duplicate == placed.end());
    return State(build_tree(placed));
}

const EventId* State::find(std::string_view type, std::string_view state_key) const {
    if (!root_) return nullptr;
    const TreePath path = path_of(type, state_key);
    const Node* node = root_.get();
    while (node && !node->is_leaf())
        node = node->children[nibble_of(path, node->depth)].get();
    if (!node) return nullptr;
    for (const EntryPtr& entry : node->entries) {
        if (entry->path == path) return &entry->event_id;
    }
    return nullptr;
}

State State::with(const StateKey& key, const EventId& event_id) const {
    return State(insert_entry(root_, make_entry(key, event_id)));
}

State State::without(const StateKey& key) const {
    return State(remove_entry(root_, path_of(key.type, key.state_key)));
}

std::size_t State::size() const {
    return root_ ? root_->count : 0;
}

State::Hash State::root() const {
    return root_ ? root_->hash : Hash{};
}

namespace {

void visit_in_order(std::vector<EntryPtr> entries,
                    const std::function<void(const StateKey&, const EventId&)>& visit) {
    std::ranges::sort(
        entries, {}, [](const EntryPtr& entry) -> const StateKey& { return entry->key; });
    for (const EntryPtr& entry : entries)
        visit(entry->key, entry->event_id);
}

}  // namespace

void State::for_each(const std::function<void(const StateKey&, const EventId&)>& visit) const {
    visit_in_order(collect_entries(root_), visit);
}

void State::for_each_of_type(
    std::string_view type,
    const std::function<void(const StateKey&, const EventId&)>& visit) const {
    const TreePath path = path_of(type, "");
    NodePtr node = root_;
    while (node && !node->is_leaf() && node->depth < kTypeNibbles) {
        node = node->children[nibble_of(path, node->depth)];
    }
    std::vector<EntryPtr> entries = collect_entries(node);
    std::erase_if(entries, [&](const EntryPtr& entry) { return entry->key.type != type; });
    visit_in_order(std::move(entries), visit);
}

namespace {

class Differ {
public:
    void compare(const NodePtr& a, const NodePtr& b) {
        if (a == b || (a && b && a->hash == b->hash)) return;
        if (!a || !b || a->is_leaf() || b->is_leaf()) return compare_entries(a, b);

        const std::size_t shared = first_difference(a->path, b->path);
        const std::size_t depth = std::min(a->depth, b->depth);
        if (shared < depth) return compare_entries(a, b);  // They have no key in common.
        for (std::size_t index = 0; index < kChildren; ++index) {
            compare(child_at(a, depth, index), child_at(b, depth, index));
        }
    }

    std::vector<StateDifference> finish() && {
        std::ranges::sort(differences_, {}, &StateDifference::key);
        return std::move(differences_);
    }

private:
    // What of `node` lies under nibble `index` at `depth`; all or nothing if it branches deeper.
    static NodePtr child_at(const NodePtr& node, std::size_t depth, std::size_t index) {
        if (node->depth == depth) return node->children[index];
        return nibble_of(node->path, depth) == index ? node : nullptr;
    }

    // Merges the entries of two subtrees. One of them is a leaf, or nothing is in both: then what
    // is walked here differs, but for a few entries.
    void compare_entries(const NodePtr& a, const NodePtr& b) {
        const std::vector<EntryPtr> before = collect_entries(a);
        const std::vector<EntryPtr> after = collect_entries(b);
        auto left = before.begin();
        auto right = after.begin();
        while (left != before.end() || right != after.end()) {
            const bool has_left =
                left != before.end() && (right == after.end() || (*left)->path <= (*right)->path);
            const bool has_right =
                right != after.end() && (left == before.end() || (*right)->path <= (*left)->path);
            add(has_left ? left->get() : nullptr, has_right ? right->get() : nullptr);
            if (has_left) ++left;
            if (has_right) ++right;
        }
    }

    void add(const StateEntryAtPath* before, const StateEntryAtPath* after) {
        if (before && after && before->event_id == after->event_id) return;
        StateDifference difference;
        difference.key = before ? before->key : after->key;
        if (before) difference.before = before->event_id;
        if (after) difference.after = after->event_id;
        differences_.push_back(std::move(difference));
    }

    std::vector<StateDifference> differences_;
};

}  // namespace

std::vector<StateDifference> diff(const State& before, const State& after) {
    Differ differ;
    differ.compare(before.root_, after.root_);
    return std::move(differ).finish();
}

namespace {

void list_new(const NodePtr& node,
              const std::function<bool(const State::Hash&)>& is_stored,
              std::vector<State::StoredNode>& nodes) {
    if (!node || is_stored(node->hash)) return;
    for (const NodePtr& child : node->children)
        list_new(child, is_stored, nodes);
    nodes.push_back({node->hash, write_node(*node)});
}

}  // namespace

std::vector<State::StoredNode> State::list_new_nodes(
    const std::function<bool(const Hash&)>& is_stored) const {
    std::vector<StoredNode> nodes;
    list_new(root_, is_stored, nodes);
    return nodes;
}

namespace {

// Takes a node's bytes apart; once it has failed, it gives empty things.
class NodeReader {
public:
    explicit NodeReader(std::string_view bytes) : rest_(bytes) {}

    bool has_failed() const { return has_failed_; }
    bool is_at_end() const { return rest_.empty(); }

    std::string_view take(std::size_t count) {
        if (rest_.size() < count) {
            has_failed_ = true;
            rest_ = {};
            return {};
        }
        const std::string_view taken = rest_.substr(0, count);
        rest_.remove_prefix(count);
        return taken;
    }
    std::size_t take_number() {
        std::size_t number = 0;
        for (const char byte : take(4))
            number = number << 8 | static_cast<unsigned char>(byte);
        return number;
    }
    std::string_view take_text() { return take(take_number()); }
    template <class Bytes>
    Bytes take_bytes() {
        Bytes bytes{};
        std::ranges::copy(take(bytes.size()), bytes.begin());
        return bytes;
    }

private:
    std::string_view rest_;
    bool has_failed_ = false;
};

class Loader {
public:
    using Load = std::function<std::optional<std::string>(const State::Hash&)>;
    explicit Loader(const Load& load) : load_(load) {}

    // `depth_min` grows on the way down, so that no cycle is possible.
    NodePtr load(const State::Hash& hash, std::size_t depth_min) {
        const std::optional<std::string> bytes = load_(hash);
        if (!bytes || sha256(*bytes) != hash) return nullptr;
        NodeReader reader(*bytes);
        const std::string_view tag = reader.take(1);
        if (tag == std::string_view(&kLeafTag, 1)) return read_leaf(reader);
        if (tag == std::string_view(&kBranchTag, 1)) return read_branch(reader, depth_min);
        return nullptr;
    }

private:
    static NodePtr read_leaf(NodeReader& reader) {
        const std::size_t count = reader.take_number();
        if (count == 0 || count > kLeafEntriesMax) return nullptr;
        std::vector<EntryPtr> entries;
        for (std::size_t index = 0; index < count; ++index) {
            const std::string type(reader.take_text());
            const std::string state_key(reader.take_text());
            const EventId event_id(reader.take_text());
            entries.push_back(make_entry({type, state_key}, event_id));
        }
        return reader.has_failed() || !reader.is_at_end() ? nullptr : build_tree(entries);
    }

    NodePtr read_branch(NodeReader& reader, std::size_t depth_min) {
        Node node;
        node.count = reader.take_number();
        node.depth = reader.take_number();
        node.path = reader.take_bytes<TreePath>();
        if (reader.has_failed() || node.depth < depth_min || node.depth >= kNibbles) return nullptr;
        while (!reader.is_at_end()) {
            const std::string_view index = reader.take(1);
            const auto hash = reader.take_bytes<State::Hash>();
            if (reader.has_failed() || static_cast<unsigned char>(index[0]) >= kChildren) {
                return nullptr;
            }
            NodePtr child = load(hash, node.depth + 1);
            if (!child) return nullptr;
            node.children[static_cast<unsigned char>(index[0])] = std::move(child);
        }
        return seal_node(std::move(node));
    }

    const Load& load_;
};

}  // namespace

std::optional<State> State::load(
    const Hash& root, const std::function<std::optional<std::string>(const Hash&)>& load) {
    if (root == Hash{}) return State();
    NodePtr node = Loader(load).load(root, 0);
    if (!node || node->hash != root) return std::nullopt;
    return State(std::move(node));
}

}  // namespace matrix
