// The persistent state tree.

#include "refserver/protocol/state.h"

#include <algorithm>
#include <map>

#include <gtest/gtest.h>

namespace matrix {
namespace {

EventId id(int number) {
    return EventId("$" + std::to_string(number));
}
StateKey member(int number) {
    return {"m.room.member", "@u" + std::to_string(number) + ":a"};
}

State members(int count) {
    State state;
    for (int number = 0; number < count; ++number)
        state = state.with(member(number), id(number));
    return state;
}

using Store = std::map<State::Hash, std::string>;

void store(const State& state, Store& nodes) {
    const auto is_stored = [&](const State::Hash& hash) { return nodes.contains(hash); };
    for (State::StoredNode& node : state.list_new_nodes(is_stored)) {
        nodes[node.hash] = std::move(node.bytes);
    }
}

std::optional<State> load(const State::Hash& root, const Store& nodes) {
    return State::load(root, [&](const State::Hash& hash) -> std::optional<std::string> {
        const auto node = nodes.find(hash);
        if (node == nodes.end()) return std::nullopt;
        return node->second;
    });
}

TEST(State, IsEmptyAtFirst) {
    EXPECT_TRUE(State().empty());
    EXPECT_EQ(State().size(), 0u);
    EXPECT_EQ(State().root(), State::Hash{});
    EXPECT_EQ(State().find("m.room.create", ""), nullptr);
    EXPECT_EQ(State().without({"m.room.create", ""}), State());
}

TEST(State, DoesNotChangeWhenAnotherIsMadeFromIt) {
    const State one = members(1);
    const State two = one.with(member(0), id(7));
    EXPECT_EQ(*one.find(member(0)), id(0));
    EXPECT_EQ(*two.find(member(0)), id(7));
    EXPECT_EQ(one.size(), 1u);
    EXPECT_EQ(two.size(), 1u);
}

TEST(State, KeepsTypesAndKeysApart) {
    const State state = State().with({"ab", "c"}, id(1)).with({"a", "bc"}, id(2));
    EXPECT_EQ(*state.find("ab", "c"), id(1));
    EXPECT_EQ(*state.find("a", "bc"), id(2));
    EXPECT_EQ(state.find("abc", ""), nullptr);
}

TEST(State, ListsEntriesInTheOrderOfKeys) {
    const State state = members(100).with({"a", "z"}, id(1)).with({"z", "a"}, id(2));
    std::vector<StateKey> keys;
    state.for_each([&](const StateKey& key, const EventId&) { keys.push_back(key); });
    EXPECT_EQ(keys.size(), 102u);
    EXPECT_TRUE(std::ranges::is_sorted(keys));
}

TEST(State, ListsTheEntriesOfOneType) {
    const State state = members(100).with({"a", "z"}, id(1)).with({"a", "y"}, id(2));
    std::vector<std::string> keys;
    state.for_each_of_type(
        "a", [&](const StateKey& key, const EventId&) { keys.push_back(key.state_key); });
    EXPECT_EQ(keys, (std::vector<std::string>{"y", "z"}));
    int count = 0;
    state.for_each_of_type("m.room.member", [&](const StateKey&, const EventId&) { ++count; });
    EXPECT_EQ(count, 100);
    state.for_each_of_type("b", [&](const StateKey&, const EventId&) { FAIL(); });
}

TEST(State, SharesNodesWithTheStateThatItWasMadeFrom) {
    Store nodes;
    const State before = members(10'000);
    store(before, nodes);
    const std::size_t stored = nodes.size();
    store(before.with(member(5), id(-1)), nodes);
    EXPECT_LE(nodes.size() - stored, 8u) << "a change writes one path of the tree";
}

TEST(State, ListsChildrenBeforeParents) {
    Store nodes;
    for (State::StoredNode& node : members(200).list_new_nodes([](const auto&) { return false; })) {
        nodes[node.hash] = node.bytes;
        EXPECT_TRUE(load(node.hash, nodes)) << "its children are there already";
    }
}

TEST(State, CannotBeLoadedWhenANodeIsMissingOrDamaged) {
    Store nodes;
    const State state = members(100);
    store(state, nodes);
    ASSERT_EQ(load(state.root(), nodes), state);
    for (auto& [hash, bytes] : nodes) {
        Store damaged = nodes;
        damaged[hash].back() ^= 1;
        EXPECT_FALSE(load(state.root(), damaged));
        damaged.erase(hash);
        EXPECT_FALSE(load(state.root(), damaged));
    }
}

TEST(State, IsTheSameWhenMadeAtOnce) {
    std::vector<std::pair<StateKey, EventId>> entries;
    for (int number = 0; number < 1000; ++number)
        entries.emplace_back(member(number), id(number));
    EXPECT_EQ(State::make(entries), members(1000));
    EXPECT_EQ(State::make({}), State());
}

std::string root_in_hex(const State& state) {
    std::string hex;
    for (const unsigned char byte : state.root()) {
        hex.push_back("0123456789abcdef"[byte >> 4]);
        hex.push_back("0123456789abcdef"[byte & 15]);
    }
    return hex;
}

// Databases hold states under these hashes.
TEST(State, HasTheSameRootForEver) {
    EXPECT_EQ(root_in_hex(State().with({"m.room.create", ""}, EventId("$c"))),
              "3a9515fe339dec6a3271267760e885d7ab096d95487fbc7add5102489ab87689");
    EXPECT_EQ(root_in_hex(members(1000).with({"m.room.topic", ""}, EventId("$t"))),
              "9030a96cc0af2cc16e47a4fb9acc13e244e9493cae0a4399056b6683b71592ec");
}

// Equality and differences do not depend on what has been hashed.
TEST(State, ComparesHashedAndUnhashedTreesAlike) {
    for (const bool hashes_one : {false, true}) {
        for (const bool hashes_other : {false, true}) {
            const State one = members(300);
            const State same = members(300);
            const State other = members(300).with(member(7), id(-1));
            if (hashes_one) static_cast<void>(one.root());
            if (hashes_other) static_cast<void>(same.root()), static_cast<void>(other.root());
            EXPECT_TRUE(one == same);
            EXPECT_FALSE(one == other);
            EXPECT_TRUE(diff(one, same).empty());
            EXPECT_EQ(diff(one, other).size(), 1u);
        }
    }
}

TEST(State, DifferenceOfEqualStatesIsEmpty) {
    EXPECT_TRUE(diff(members(50), members(50)).empty());
    EXPECT_TRUE(diff(State(), State()).empty());
}

}  // namespace
}  // namespace matrix
