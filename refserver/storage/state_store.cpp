#include "refserver/storage/state_store.h"

#include "refserver/storage/hash_column.h"

namespace matrix::storage {

StateStore::StateStore(Turns& turns, std::size_t states_cached_max, const Watch* watch)
    : turns_(turns), watch_(watch), cache_(states_cached_max) {
    turns_.on_failed_commit([this] {
        cache_.clear();
        stored_nodes_.clear();
    });
    // Who holds a state beyond the end of the storage looks into it no more.
    source_ = std::make_shared<State::Source>(State::Source{
        .load = [this](const State::Hash& hash) { return find_node(hash); },
        .fail =
            [this](const State::Hash&) {
                turns_.database().note_damage("a node of a room's state is missing or malformed");
            }});
}

bool StateStore::is_stored(const State::Hash& node) {
    if (stored_nodes_.find(view(node))) return true;
    const auto found = turns_.database().find("SELECT 1 FROM state_nodes WHERE hash = ?1",
                                              {Binding::blob(view(node))},
                                              [](const Row&) { return true; });
    if (found) stored_nodes_.put(view(node), true);
    return found.has_value();
}

State::Hash StateStore::put(const State& state) {
    const State::Hash root = state.root();
    if (state.empty() || cache_.find(view(root))) return root;
    turns_.begin_unit();
    const auto nodes =
        state.list_new_nodes([this](const State::Hash& hash) { return is_stored(hash); });
    for (const State::StoredNode& node : nodes)
        put_node(node);
    cache_.put(view(root), state);
    return root;
}

void StateStore::put_node(const State::StoredNode& node) {
    turns_.begin_unit();
    // Ignored: two equal parts of one new state, or one that another state has too.
    turns_.database().execute("INSERT OR IGNORE INTO state_nodes VALUES (?1, ?2)",
                              {Binding::blob(view(node.hash)), Binding::blob(node.bytes)});
    if (!turns_.database().has_failed()) stored_nodes_.put(view(node.hash), true);
    if (watch_ != nullptr) watch_->state_node(node);
}

std::optional<State> StateStore::load(const State::Hash& root) {
    if (root == State().root()) return State();
    if (const State* known = cache_.find(view(root))) return *known;
    auto state = State::open(root, source_);
    if (state) cache_.put(view(root), *state);
    return state;
}

std::optional<std::string> StateStore::find_node(const State::Hash& hash) {
    return find_state_node(turns_.database(), view(hash));
}

}  // namespace matrix::storage
