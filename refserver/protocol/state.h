// The state of a room as a persistent tree: copies are cheap, differences cost what differs.
//
// A radix tree over hashed keys with shared, content-addressed nodes. Two states with the same
// entries have the same root, however they came about, so equality is a comparison of hashes.
#pragma once

#include <compare>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "refserver/protocol/identifiers.h"
#include "refserver/protocol/sha256.h"

namespace matrix {

struct StateKey {
    std::string type;
    std::string state_key;
    friend auto operator<=>(const StateKey&, const StateKey&) = default;
};
std::ostream& operator<<(std::ostream& out, const StateKey& key);

class State {
public:
    struct Node;   ///< Immutable; shared by every state that contains it.
    struct Entry;  ///< The event under one key; shared by nodes.
    using NodePtr = std::shared_ptr<const Node>;
    using EntryPtr = std::shared_ptr<const Entry>;
    using Hash = Sha256;  ///< Content address of a node.

    /// No entries.
    State() = default;
    /// All of `entries`, whose keys are unique: much cheaper than `with` for each.
    static State make(const std::vector<std::pair<StateKey, EventId>>& entries);

    const EventId* find(std::string_view type, std::string_view state_key) const;
    const EventId* find(const StateKey& key) const { return find(key.type, key.state_key); }

    /// This state with one entry set or removed; shares everything else.
    State with(const StateKey& key, const EventId& event_id) const;
    State without(const StateKey& key) const;

    std::size_t size() const;
    bool empty() const { return root_ == nullptr; }

    /// Calls `visit` for each entry, in the order of (type, state_key).
    void for_each(const std::function<void(const StateKey&, const EventId&)>& visit) const;
    /// The entries of one type, in the order of state keys.
    void for_each_of_type(std::string_view type,
                          const std::function<void(const StateKey&, const EventId&)>& visit) const;

    /// Equal for equal states; all zero for the empty one. Hashes the nodes that nobody has hashed
    /// yet, so that states on the way to another one cost no hash.
    Hash root() const;

    /// Costs what the two do not share; hashes nothing.
    friend bool operator==(const State& a, const State& b);

    // For storage: a state is stored as its nodes, each under its hash.

    /// The nodes that are not stored yet, children before parents. `is_stored` is asked per node; a
    /// stored node's children are stored too.
    struct StoredNode {
        Hash hash;
        std::string bytes;
    };
    std::vector<StoredNode> list_new_nodes(const std::function<bool(const Hash&)>& is_stored) const;
    /// The bytes of a stored node; nothing if it is missing.
    using LoadNode = std::function<std::optional<std::string>(const Hash&)>;
    /// Reads a whole state back; nothing if a node is missing or malformed.
    static std::optional<State> load(const Hash& root, const LoadNode& load);
    /// Where nodes are read from when they are needed.
    struct Source {
        LoadNode load;
        /// Called when a node is missing or malformed: what it holds counts as not there, and what
        /// was made of the state is not to be believed.
        std::function<void(const Hash&)> fail;
    };
    /// Reads the root of a state back, and the rest of it when somebody looks there: on one thread.
    static std::optional<State> open(const Hash& root, std::shared_ptr<const Source> source);
    /// The nodes that a stored node refers to; nothing if the bytes are no node.
    static std::optional<std::vector<Hash>> list_children(std::string_view node);

    // For state resolution: a state is its tree; see state_tree.h.

    explicit State(NodePtr tree) : root_(std::move(tree)) {}
    const NodePtr& tree() const { return root_; }

private:
    NodePtr root_;
};

/// One key whose entry is not the same in two states.
struct StateDifference {
    StateKey key;
    std::optional<EventId> before;
    std::optional<EventId> after;
    friend bool operator==(const StateDifference&, const StateDifference&) = default;
};
/// In the order of keys. Costs what differs, not what the states hold.
std::vector<StateDifference> diff(const State& before, const State& after);

}  // namespace matrix
