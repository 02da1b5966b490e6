// States as values over their trees, and as bytes in storage.

#include "refserver/protocol/state.h"

#include <algorithm>
#include <utility>

#include "refserver/base/assert.h"
#include "refserver/protocol/state_tree.h"

namespace matrix {

using state_tree::EntryPtr;
using state_tree::Node;
using state_tree::NodePtr;

std::ostream& operator<<(std::ostream& out, const StateKey& key) {
    return out << '(' << key.type << ", " << key.state_key << ')';
}

State State::make(const std::vector<std::pair<StateKey, EventId>>& entries) {
    std::vector<EntryPtr> placed;
    placed.reserve(entries.size());
    for (const auto& [key, event_id] : entries)
        placed.push_back(state_tree::make_entry(key, event_id));
    std::ranges::sort(placed, {}, [](const EntryPtr& entry) { return entry->path; });
    const auto duplicate = std::ranges::adjacent_find(
        placed, [](const EntryPtr& a, const EntryPtr& b) { return a->path == b->path; });
    MATRIX_ASSERT(duplicate == placed.end());
    return State(state_tree::build_tree(placed));
}

const EventId* State::find(std::string_view type, std::string_view state_key) const {
    if (!root_) return nullptr;
    const EntryPtr* entry = state_tree::find_entry(root_, state_tree::path_of(type, state_key));
    return entry ? &(*entry)->event_id : nullptr;
}

State State::with(const StateKey& key, const EventId& event_id) const {
    EntryPtr entry = state_tree::make_entry(key, event_id);
    const state_tree::Edit edit{entry->path, entry};
    return State(state_tree::TreeEditor().edit(root_, std::span(&edit, 1)));
}

State State::without(const StateKey& key) const {
    const state_tree::Edit edit{state_tree::path_of(key.type, key.state_key), nullptr};
    return State(state_tree::TreeEditor().edit(root_, std::span(&edit, 1)));
}

std::size_t State::size() const {
    const NodePtr& root = state_tree::loaded(root_);
    return root ? root->count : 0;
}

State::Hash State::root() const {
    return root_ ? state_tree::hash_of(*root_) : Hash{};
}

bool operator==(const State& a, const State& b) {
    return state_tree::is_equal(a.root_, b.root_);
}

namespace {

std::vector<EntryPtr> collect_entries(const NodePtr& maybe_stub) {
    const NodePtr& node = state_tree::loaded(maybe_stub);
    std::vector<EntryPtr> entries;
    if (node) entries.reserve(node->count);
    state_tree::walk_entries(node, [&](const EntryPtr& entry) { entries.push_back(entry); });
    return entries;
}

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
    const TreePath path = state_tree::path_of(type, "");
    NodePtr node = state_tree::loaded(root_);
    while (node) {
        const Node::Branch* branch = node->if_branch();
        if (!branch || branch->depth >= state_tree::kTypeNibbles) break;
        node = state_tree::loaded(branch->children[state_tree::nibble_of(path, branch->depth)]);
    }
    std::vector<EntryPtr> entries = collect_entries(node);
    std::erase_if(entries, [&](const EntryPtr& entry) { return entry->key.type != type; });
    visit_in_order(std::move(entries), visit);
}

std::vector<StateDifference> diff(const State& before, const State& after) {
    std::vector<StateDifference> differences;
    const auto add = [&](const EntryPtr* old, const EntryPtr* now) {
        StateDifference difference;
        difference.key = old ? (*old)->key : (*now)->key;
        if (old) difference.before = (*old)->event_id;
        if (now) difference.after = (*now)->event_id;
        differences.push_back(std::move(difference));
    };
    state_tree::visit_differences(before.tree(), after.tree(), add);
    std::ranges::sort(differences, {}, &StateDifference::key);
    return differences;
}

namespace {

void list_new(const NodePtr& maybe_stub,
              const std::function<bool(const State::Hash&)>& is_stored,
              std::vector<State::StoredNode>& nodes) {
    if (!maybe_stub) return;
    const State::Hash hash = state_tree::hash_of(*maybe_stub);
    if (is_stored(hash)) return;
    const NodePtr& node = state_tree::loaded(maybe_stub);
    if (!node) return;
    if (const Node::Branch* branch = node->if_branch()) {
        for (const NodePtr& child : branch->children)
            list_new(child, is_stored, nodes);
    }
    nodes.push_back({hash, state_tree::write_node(*node)});
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
    /// Reads everything below a node.
    explicit Loader(const State::LoadNode& load) : load_(load) {}
    /// Reads nodes whose children are stubs.
    explicit Loader(const std::shared_ptr<const State::Source>& source)
        : load_(source->load), source_(source) {}

    // `depth_min` grows on the way down, so that no cycle is possible.
    NodePtr load(const State::Hash& hash, std::size_t depth_min) {
        const std::optional<std::string> bytes = load_(hash);
        if (!bytes || sha256(*bytes) != hash) return nullptr;
        NodePtr node = read_node(*bytes, depth_min);
        // What is written otherwise than we write it is no node of ours.
        if (!node || state_tree::write_node(*node) != *bytes) return nullptr;
        node->hash.keep(hash);
        return node;
    }

private:
    NodePtr read_node(std::string_view bytes, std::size_t depth_min) {
        NodeReader reader(bytes);
        const std::string_view tag = reader.take(1);
        if (tag == std::string_view(&state_tree::kLeafTag, 1)) return read_leaf(reader);
        if (tag == std::string_view(&state_tree::kBranchTag, 1)) {
            return read_branch(reader, depth_min);
        }
        return nullptr;
    }

    static NodePtr read_leaf(NodeReader& reader) {
        const std::size_t count = reader.take_number();
        if (count == 0 || count > state_tree::kLeafEntriesMax) return nullptr;
        std::vector<EntryPtr> entries;
        for (std::size_t index = 0; index < count; ++index) {
            const std::string type(reader.take_text());
            const std::string state_key(reader.take_text());
            const EventId event_id(reader.take_text());
            entries.push_back(state_tree::make_entry({type, state_key}, event_id));
        }
        return reader.has_failed() || !reader.is_at_end() ? nullptr
                                                          : state_tree::build_tree(entries);
    }

    NodePtr read_branch(NodeReader& reader, std::size_t depth_min) {
        const std::size_t told = reader.take_number();
        std::size_t count = 0;
        Node::Branch branch;
        branch.depth = reader.take_number();
        branch.path = reader.take_bytes<TreePath>();
        const bool is_in_order = branch.depth >= depth_min && branch.depth < state_tree::kNibbles;
        if (reader.has_failed() || !is_in_order) return nullptr;
        while (!reader.is_at_end()) {
            const std::string_view index = reader.take(1);
            const auto hash = reader.take_bytes<State::Hash>();
            const std::size_t place =
                reader.has_failed() ? state_tree::kChildren : static_cast<unsigned char>(index[0]);
            if (place >= state_tree::kChildren) return nullptr;
            branch.children[place] = load_child(hash, branch.depth + 1);
            if (!branch.children[place]) return nullptr;
            count += branch.children[place]->count;
        }
        // Nobody counts below stubs; otherwise the caller compares.
        if (source_) count = told;
        if (count <= state_tree::kLeafEntriesMax) return nullptr;  // It would be a leaf.
        return state_tree::make_branch(count, std::move(branch));
    }

    NodePtr load_child(const State::Hash& hash, std::size_t depth_min) {
        if (!source_) return load(hash, depth_min);
        return std::make_shared<const Node>(hash, source_, depth_min);
    }

    const State::LoadNode& load_;
    std::shared_ptr<const State::Source> source_;  ///< Null: all is read at once.
};

}  // namespace

std::optional<State> State::load(const Hash& root, const LoadNode& load) {
    if (root == Hash{}) return State();
    NodePtr node = Loader(load).load(root, 0);
    if (!node) return std::nullopt;
    return State(std::move(node));
}

std::optional<State> State::open(const Hash& root, std::shared_ptr<const Source> source) {
    if (root == Hash{}) return State();
    NodePtr node = Loader(source).load(root, 0);
    if (!node) return std::nullopt;
    return State(std::move(node));
}

// A node that cannot be read stays a stub: the next one who looks tries again.
const NodePtr& state_tree::load_stub(const Node& stub_node) {
    static const NodePtr kNone;
    const Node::Stub& stub = *stub_node.if_stub();
    if (stub.is_loaded.load(std::memory_order_acquire)) return stub.node;
    const Hash& hash = *stub_node.hash.find();
    NodePtr node = Loader(stub.source).load(hash, stub.depth_min);
    if (!node) {
        stub.source->fail(hash);
        return kNone;
    }
    stub.node = std::move(node);
    stub.is_loaded.store(true, std::memory_order_release);
    return stub.node;
}

std::optional<std::vector<State::Hash>> State::list_children(std::string_view node) {
    std::vector<Hash> children;
    NodeReader reader(node);
    const std::string_view tag = reader.take(1);
    if (tag == std::string_view(&state_tree::kLeafTag, 1)) return children;
    if (tag != std::string_view(&state_tree::kBranchTag, 1)) return std::nullopt;
    reader.take_number();  // Of the entries below.
    reader.take_number();  // Of the nibble that chooses a child.
    reader.take_bytes<TreePath>();
    while (!reader.is_at_end()) {
        reader.take(1);
        children.push_back(reader.take_bytes<Hash>());
    }
    if (reader.has_failed()) return std::nullopt;
    return children;
}

}  // namespace matrix
