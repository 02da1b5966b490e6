// The state tree is a map: whatever is done to both, they say the same.

#include <algorithm>
#include <map>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "refserver/protocol/state_walk.h"

namespace matrix {
namespace {

using Model = std::map<StateKey, EventId>;

// One step: sets an entry, or removes it when there is no event.
struct StateChange {
    StateKey key;
    std::optional<EventId> event_id;
};

std::ostream& operator<<(std::ostream& out, const StateChange& change) {
    return out << change.key << " = " << (change.event_id ? change.event_id->view() : "nothing");
}

// Few keys, so that changes meet; several types, one of them with most of the entries.
rc::Gen<StateChange> any_change() {
    return rc::gen::map(
        rc::gen::tuple(rc::gen::inRange(0, 10), rc::gen::inRange(0, 120), rc::gen::inRange(0, 8)),
        [](const std::tuple<int, int, int>& numbers) {
            const auto& [type, key, event] = numbers;
            StateChange change;
            change.key.type = type < 7 ? "m.room.member" : std::to_string(type);
            change.key.state_key = std::to_string(type < 7 ? key : key % 3);
            if (event > 1) change.event_id = EventId("$" + std::to_string(event));
            return change;
        });
}

rc::Gen<std::vector<StateChange>> any_changes() {
    return rc::gen::scale(4, rc::gen::container<std::vector<StateChange>>(any_change()));
}

void apply(const StateChange& change, State& state, Model& model) {
    if (change.event_id) {
        state = state.with(change.key, *change.event_id);
        model[change.key] = *change.event_id;
    } else {
        state = state.without(change.key);
        model.erase(change.key);
    }
}

Model entries_of(const State& state) {
    Model entries;
    state.for_each([&](const StateKey& key, const EventId& id) { entries.emplace(key, id); });
    return entries;
}

std::vector<StateDifference> diff_of(const Model& before, const Model& after) {
    std::map<StateKey, StateDifference> differences;
    for (const auto& [key, id] : before)
        differences[key] = {key, id, std::nullopt};
    for (const auto& [key, id] : after) {
        differences[key].key = key;
        differences[key].after = id;
    }
    std::vector<StateDifference> list;
    for (const auto& [key, difference] : differences) {
        if (difference.before != difference.after) list.push_back(difference);
    }
    return list;
}

RC_GTEST_PROP(StateTree, HoldsWhatAMapHolds, ()) {
    State state;
    Model model;
    for (const StateChange& change : *any_changes()) {
        apply(change, state, model);
        RC_ASSERT(state.size() == model.size());
        const EventId* found = state.find(change.key);
        RC_ASSERT((found != nullptr) == change.event_id.has_value());
        if (found) RC_ASSERT(*found == *change.event_id);
    }
    RC_ASSERT(entries_of(state) == model);
}

RC_GTEST_PROP(StateTree, DoesNotRememberItsHistory, ()) {
    State state;
    Model model;
    for (const StateChange& change : *any_changes())
        apply(change, state, model);

    const std::vector<std::pair<StateKey, EventId>> entries(model.begin(), model.end());
    State backwards;
    for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
        backwards = backwards.with(entry->first, entry->second);
    }
    RC_ASSERT(state == backwards);
    RC_ASSERT(state == State::make(entries));
}

RC_GTEST_PROP(StateTree, DiffersWhereMapsDiffer, ()) {
    State before;
    Model before_model;
    for (const StateChange& change : *any_changes())
        apply(change, before, before_model);
    // Half of the pairs have a common history, the others share entries by chance only.
    State after;
    Model after_model;
    if (*rc::gen::arbitrary<bool>()) {
        after = before;
        after_model = before_model;
    }
    for (const StateChange& change : *any_changes())
        apply(change, after, after_model);

    RC_ASSERT(diff(before, after) == diff_of(before_model, after_model));
    RC_ASSERT((before == after) == (before_model == after_model));
}

// The walk over what one state lacks may tell a few entries that it has: of leaves that differ.
RC_GTEST_PROP(StateTree, IsWalkedThroughStepByStep, ()) {
    State known;
    Model known_model;
    for (const StateChange& change : *any_changes())
        apply(change, known, known_model);
    State state = known;
    Model model = known_model;
    for (const StateChange& change : *any_changes())
        apply(change, state, model);

    const auto walk_all = [](StateWalk& walk) {
        Model met;
        while (const auto item = walk.next())
            RC_ASSERT(met.emplace(item->key, item->event_id).second);
        return met;
    };
    StateWalk all(state);
    RC_ASSERT(walk_all(all) == model);
    StateWalk members(state, State(), "m.room.member");
    Model members_model = model;
    std::erase_if(members_model,
                  [](const auto& entry) { return entry.first.type != "m.room.member"; });
    RC_ASSERT(walk_all(members) == members_model);
    StateWalk unknown(state, known);
    const Model met = walk_all(unknown);
    for (const auto& [key, id] : model) {
        const auto same = known_model.find(key);
        const bool is_known = same != known_model.end() && same->second == id;
        RC_ASSERT((met.contains(key) ? met.at(key) == id : is_known));
    }
    RC_ASSERT(met.size() <= model.size());
    RC_ASSERT(met.empty() || !(state == known));
}

RC_GTEST_PROP(StateTree, ComesBackFromStorage, ()) {
    std::map<State::Hash, std::string> nodes;
    State state;
    Model model;
    for (const StateChange& change : *any_changes()) {
        apply(change, state, model);
        const auto is_stored = [&](const State::Hash& hash) { return nodes.contains(hash); };
        for (State::StoredNode& node : state.list_new_nodes(is_stored)) {
            RC_ASSERT(sha256(node.bytes) == node.hash);
            nodes[node.hash] = std::move(node.bytes);
        }
    }
    const auto loaded =
        State::load(state.root(), [&](const State::Hash& hash) -> std::optional<std::string> {
            const auto node = nodes.find(hash);
            if (node == nodes.end()) return std::nullopt;
            return node->second;
        });
    RC_ASSERT(loaded.has_value());
    RC_ASSERT(entries_of(*loaded) == model);
    RC_ASSERT(*loaded == state);
}

// Changed, compared and taken apart while most of it is not in memory, as at any moment after a
// restart.
RC_GTEST_PROP(StateTree, IsTheSameWhenItIsReadBitByBit, ()) {
    std::map<State::Hash, std::string> nodes;
    const auto source = std::make_shared<State::Source>(
        State::Source{.load = [&](const State::Hash& hash) -> std::optional<std::string> {
                          const auto node = nodes.find(hash);
                          if (node == nodes.end()) return std::nullopt;
                          return node->second;
                      },
                      .fail = [](const State::Hash&) { RC_FAIL("a node is missing"); }});
    State in_memory;
    State state;
    Model model;
    for (const StateChange& change : *any_changes()) {
        Model same = model;
        apply(change, in_memory, same);
        apply(change, state, model);
        RC_ASSERT(state.root() == in_memory.root());
        const auto is_stored = [&](const State::Hash& hash) { return nodes.contains(hash); };
        for (State::StoredNode& node : state.list_new_nodes(is_stored))
            nodes[node.hash] = std::move(node.bytes);
        const State opened = State::open(state.root(), source).value();
        RC_ASSERT(opened == in_memory);
        RC_ASSERT(diff(opened, in_memory).empty());
        if (*rc::gen::arbitrary<bool>()) state = State::open(state.root(), source).value();
    }
    RC_ASSERT(entries_of(state) == model);
    RC_ASSERT(state.size() == model.size());
    const State opened = State::open(state.root(), source).value();
    RC_ASSERT(diff(opened, State()) == diff_of(model, {}));
}

}  // namespace
}  // namespace matrix
