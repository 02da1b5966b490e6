// StateStore: states as nodes in the database; equal parts of all states of all rooms are there
// once.
#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "refserver/protocol/state.h"
#include "refserver/storage/lru_map.h"
#include "refserver/storage/turns.h"
#include "refserver/storage/watch.h"

namespace matrix::storage {

class StateStore {
public:
    /// How many states stay in memory; those of one room share most of their nodes.
    static constexpr std::size_t kStatesCachedMax = 1000;

    /// Who watches, if anybody, outlives the store.
    explicit StateStore(Turns& turns,
                        std::size_t states_cached_max = kStatesCachedMax,
                        const Watch* watch = nullptr);
    StateStore(const StateStore&) = delete;
    StateStore& operator=(const StateStore&) = delete;

    /// Stores the nodes that are not stored yet.
    State::Hash put(const State& state);
    /// One node of a state that is stored bit by bit: its children are stored already.
    void put_node(const State::StoredNode& node);
    /// Reads the root, and other nodes when somebody looks for what is below them. Nothing when the
    /// root is missing, which means that the disk failed; where another node is, the turn fails.
    std::optional<State> load(const State::Hash& root);

private:
    std::optional<std::string> find_node(const State::Hash& hash);
    bool is_stored(const State::Hash& node);

    Turns& turns_;
    const Watch* watch_;  ///< Null: nobody.
    /// Of nodes: those that new states share with older ones are asked for each time.
    static constexpr std::size_t kNodesRememberedMax = 2000;
    LruMap<State> cache_;                             ///< All of them are stored.
    LruMap<bool> stored_nodes_{kNodesRememberedMax};  ///< True: such a node is stored.
    std::shared_ptr<const State::Source> source_;
};

}  // namespace matrix::storage
