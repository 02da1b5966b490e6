// The persistent state tree.

#include "refserver/protocol/state.h"

#include <algorithm>
#include <map>

#include <gtest/gtest.h>

#include "refserver/protocol/state_tree.h"

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

State::Hash id_of_no_state() {
    return sha256("no node");
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

/// Counts what is read of a store, and what is missed in it.
struct CountedSource {
    explicit CountedSource(Store& nodes_) : nodes(nodes_) {}
    Store& nodes;
    int reads = 0;
    int failures = 0;
    std::shared_ptr<const State::Source> source = std::make_shared<State::Source>(State::Source{
        .load =
            [this](const State::Hash& hash) {
                ++reads;
                const auto node = nodes.find(hash);
                return node == nodes.end() ? std::nullopt : std::optional(node->second);
            },
        .fail = [this](const State::Hash&) { ++failures; }});
};

TEST(State, IsReadWhereSomebodyLooks) {
    const State state = members(10'000);
    Store nodes;
    store(state, nodes);
    CountedSource counted(nodes);
    const State opened = State::open(state.root(), counted.source).value();
    EXPECT_EQ(counted.reads, 1);
    EXPECT_EQ(opened.size(), 10'000U);
    EXPECT_EQ(opened.root(), state.root());
    EXPECT_EQ(counted.reads, 1);
    ASSERT_TRUE(opened.find(member(77)));
    EXPECT_EQ(*opened.find(member(77)), id(77));
    EXPECT_LE(counted.reads, 8);

    // A change reads what lies on its way, and no more.
    const State changed = opened.with(member(77), id(1)).without(member(78));
    EXPECT_EQ(changed, state.with(member(77), id(1)).without(member(78)));
    EXPECT_EQ(changed.size(), 9'999U);
    EXPECT_EQ(diff(opened, changed).size(), 2U);
    EXPECT_LE(counted.reads, 16);
    store(changed, nodes);
    EXPECT_LE(counted.reads, 16);
    EXPECT_EQ(counted.failures, 0);
}

TEST(State, SaysWhenAPartOfItIsMissing) {
    const State state = members(1000);
    Store nodes;
    store(state, nodes);
    const Store all = nodes;
    std::erase_if(nodes, [&](const auto& node) { return node.first != state.root(); });
    CountedSource counted(nodes);
    EXPECT_FALSE(State::open(id_of_no_state(), counted.source));
    const State opened = State::open(state.root(), counted.source).value();
    EXPECT_EQ(opened.find(member(7)), nullptr);
    EXPECT_EQ(counted.failures, 1);
    // Nothing of it ends the process.
    opened.for_each([](const StateKey&, const EventId&) { FAIL(); });
    static_cast<void>(opened.with(member(7), id(9)).without(member(8)).root());
    EXPECT_TRUE(diff(state, opened).empty()) << "one hash says it";
    EXPECT_FALSE(opened == state.with(member(7), id(9)));

    // Whoever looks again when the disk is well finds it.
    nodes = all;
    ASSERT_TRUE(opened.find(member(7)));
    EXPECT_EQ(opened, state);
    int count = 0;
    opened.for_each([&](const StateKey&, const EventId&) { ++count; });
    EXPECT_EQ(count, 1000);
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

std::string number(std::uint32_t value) {
    std::string bytes;
    for (int shift = 24; shift >= 0; shift -= 8)
        bytes.push_back(static_cast<char>(value >> shift));
    return bytes;
}
std::string text(const std::string& value) {
    return number(static_cast<std::uint32_t>(value.size())) + value;
}
std::string leaf(std::uint32_t count, const std::string& entries) {
    return "L" + number(count) + entries;
}
std::string branch(std::uint32_t depth, const std::string& children) {
    return "B" + number(20) + number(depth) + std::string(32, '\0') + children;
}

TEST(State, CannotBeLoadedFromWhatIsNoNode) {
    Store nodes;
    const State state = members(40);
    store(state, nodes);
    const std::string root = nodes.at(state.root());
    const std::size_t child_bytes = 1 + 32;
    const std::string first_child = root.substr(root.size() - 2 * child_bytes, child_bytes);
    const std::string last_child = root.substr(root.size() - child_bytes);
    const std::string before = root.substr(0, root.size() - 2 * child_bytes);
    const std::string entry = text("m.room.topic") + text("") + text("$t");
    const auto hash_behind = [](const std::string& child) { return child.substr(1); };

    // A branch whose children hold too few entries.
    const State few = State().with({"m.room.topic", ""}, id(1));
    store(few, nodes);
    const std::string few_child = std::string(1, '\x01') + std::string(view(few.root()));

    const std::pair<const char*, std::string> rows[] = {
        {"nothing", ""},
        {"an unknown tag", "X" + number(1) + entry},
        {"a count that ends early", std::string("L\0\0", 3)},
        {"a leaf of no entries", leaf(0, "")},
        {"a leaf of too many entries", leaf(9, entry)},
        {"a leaf that ends early", leaf(2, entry)},
        {"a leaf with more behind it", leaf(1, entry + "x")},
        {"a branch that ends early", "B" + number(20)},
        {"a branch below all nibbles", branch(64, "")},
        {"a branch without children", branch(0, "")},
        {"a child whose hash ends early", before + first_child + last_child.substr(0, 9)},
        {"a child of no nibble", before + '\x10' + hash_behind(first_child) + last_child},
        {"a child that is missing", before + first_child + last_child[0] + std::string(32, 'x')},
        {"children in another order", before + last_child + first_child},
        {"a child that branches no deeper", branch(40, '\x01' + std::string(view(state.root())))},
        {"so little that it is a leaf", branch(0, few_child)},
        {"another count than its children's", "B" + number(41) + root.substr(5)},
    };
    for (const auto& [what, bytes] : rows) {
        Store with_this = nodes;
        with_this[sha256(bytes)] = bytes;
        EXPECT_FALSE(load(sha256(bytes), with_this)) << what;
    }
    EXPECT_TRUE(load(sha256(root), nodes));
    const std::string good = leaf(1, entry);
    nodes[sha256(good)] = good;
    EXPECT_TRUE(load(sha256(good), nodes)) << "what the others were made from";
}

TEST(State, TellsTheNodesThatAStoredNodeRefersTo) {
    Store nodes;
    const State state = members(200);
    store(state, nodes);
    // Every node but the root is a child of one other.
    std::vector<State::Hash> children;
    for (const auto& [hash, bytes] : nodes) {
        const auto of_node = State::list_children(bytes);
        ASSERT_TRUE(of_node);
        children.insert(children.end(), of_node->begin(), of_node->end());
    }
    std::ranges::sort(children);
    std::vector<State::Hash> expected;
    for (const auto& [hash, bytes] : nodes) {
        if (hash != state.root()) expected.push_back(hash);
    }
    EXPECT_EQ(children, expected);
    const std::string root = nodes.at(state.root());
    EXPECT_FALSE(State::list_children(root.substr(0, root.size() - 1)));
    EXPECT_FALSE(State::list_children("X" + root.substr(1)));
    EXPECT_FALSE(State::list_children(""));
}

// Types are apart in the tree: with a second one the first branch is another.
TEST(State, ComparesTreesThatBranchElsewhere) {
    const State one = members(30);
    const State two = one.with({"m.room.topic", ""}, id(-1)).with({"m.room.name", ""}, id(-2));
    EXPECT_FALSE(one == two);
    EXPECT_FALSE(State() == one);
    // As many entries under other nibbles.
    State topics;
    State names;
    for (int number = 0; number < 30; ++number) {
        topics = topics.with({"m.room.topic", std::to_string(number)}, id(number));
        names = names.with({"m.room.name", std::to_string(number)}, id(number));
    }
    EXPECT_FALSE(topics.with({"a", ""}, id(1)) == names.with({"a", ""}, id(1)));
    EXPECT_FALSE(names.with({"a", ""}, id(1)) == topics.with({"a", ""}, id(1)));
    EXPECT_EQ(diff(one, two).size(), 2u);
    EXPECT_EQ(diff(two, one).size(), 2u);
    const State other = one.without(member(3)).without(member(4));
    EXPECT_EQ(diff(two, other).size(), 4u);
    EXPECT_FALSE(other.with({"m.room.topic", ""}, id(-1)).with({"a", ""}, id(5)) == one);

    const State fresh = two.without({"m.room.topic", ""}).without({"m.room.name", ""});
    EXPECT_EQ(fresh, one);
    EXPECT_EQ(fresh.root(), members(30).root()) << "what was removed leaves no branch behind";
}

TEST(State, IsTheSameTreeWithoutChanges) {
    const State state = members(30);
    EXPECT_EQ(state_tree::TreeEditor().edit(state.tree(), {}), state.tree());
}

TEST(State, KeepsTheHashOfANodeThatWasKeptFirst) {
    const state_tree::LazyHash hash;
    EXPECT_EQ(hash.find(), nullptr);
    hash.keep(sha256("one"));
    hash.keep(sha256("two"));
    EXPECT_EQ(*hash.find(), sha256("one"));
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
