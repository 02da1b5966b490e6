// Removals: what is left is sound, and is numbered anew.

#include "simulator/shrink/removal.h"

#include <gtest/gtest.h>

#include "simulator/scenario/draw.h"
#include "simulator/scenario/scenario_file.h"
#include "simulator/scenario/verbs.h"

namespace matrix::simulator {
namespace {

Scenario three_servers() {
    auto scenario = parse_scenario(R"(
touchstone: scenario/1
servers: 3
users_per_server: 2
byzantine_hosts: 2
chaos_ms: 10000
rooms:
  - {name: a, version: "11", creator: "@user0:s0.test", levels: {"@user1:s2.test": 50}}
  - {name: b, version: "12", creator: "@user1:s2.test", members: ["@user0:s1.test", "@user0:s2.test"]}
syncing: ["@user1:s1.test", "@user0:s2.test"]
timeline:
  - {at_ms: 1, do: message, user: "@user0:s2.test", room: a}
  - {at_ms: 2, do: ban, user: "@user0:s0.test", room: a, target: "@user1:s2.test"}
  - {at_ms: 3, do: partition, groups: [[s0.test], [s1.test, s2.test]], for_ms: 5}
  - {at_ms: 4, do: intrude, host: b1.test, server: s2.test, room: b}
  - {at_ms: 5, do: join, user: "@user0:s2.test", room: b, via: s1.test}
choices:
  "s0.test to s2.test": [1]
  "s1.test workers": [2]
  "@user1:s2.test wire": [3]
)",
                                   "test");
    EXPECT_TRUE(scenario.has_value()) << scenario.error();
    return *scenario;
}

std::string verbs_of(const Scenario& scenario) {
    std::string verbs;
    for (const Step& step : scenario.timeline)
        verbs += step.verb + " ";
    return verbs;
}

TEST(Removal, AServerTakesItsUsersAndTheirStepsAway) {
    const auto two = without_servers(three_servers(), {1, 1});
    ASSERT_TRUE(two);
    EXPECT_FALSE(find_fault_of(*two));
    EXPECT_EQ(two->servers, 2);
    EXPECT_EQ(verbs_of(*two), "message ban partition intrude join ");
    EXPECT_EQ(two->timeline[0].text("user"), "@user0:s1.test");
    EXPECT_EQ(two->timeline[3].text("server"), "s1.test");
    EXPECT_FALSE(two->timeline[4].has("via"));
    EXPECT_EQ(two->rooms[0].levels, (std::map<std::string, std::int64_t>{{"@user1:s1.test", 50}}));
    EXPECT_EQ(two->rooms[1].creator, "@user1:s1.test");
    EXPECT_EQ(*two->rooms[1].members, std::vector<std::string>{"@user0:s1.test"});
    EXPECT_EQ(two->syncing, std::vector<std::string>{"@user0:s1.test"});
    const ChoiceRecord expected = {{"s0.test to s1.test", {1}}, {"@user1:s1.test wire", {3}}};
    EXPECT_EQ(two->choices, expected);
}

TEST(Removal, AStepAboutWhatIsGoneGoesToo) {
    const auto two = without_servers(three_servers(), {2, 1});
    ASSERT_TRUE(two);
    EXPECT_EQ(verbs_of(*two), "partition ");
    EXPECT_EQ(two->rooms[1].creator, "@user0:s0.test");
}

TEST(Removal, ANewCreatorHasNoLevelWhereCreatorsNeedNone) {
    Scenario scenario = three_servers();
    for (RoomPlan& room : scenario.rooms) {
        room.creator = "@user0:s2.test";
        room.levels = {{"@user0:s0.test", 100}};
    }
    const auto two = without_servers(scenario, {2, 1});
    ASSERT_TRUE(two);
    EXPECT_EQ(two->rooms[0].levels.size(), 1u);
    EXPECT_EQ(two->rooms[1].version, "12");
    EXPECT_TRUE(two->rooms[1].levels.empty());
}

TEST(Removal, OneGroupIsNoPartition) {
    const auto two = without_servers(three_servers(), {0, 1});
    ASSERT_TRUE(two);
    EXPECT_EQ(verbs_of(*two), "message intrude join ");
}

TEST(Removal, NoServerIsNoScenario) {
    EXPECT_FALSE(without_servers(three_servers(), {0, 3}));
}

TEST(Removal, OfUsersOfHostsOfRoomsOfSteps) {
    EXPECT_EQ(verbs_of(*with_fewer_users(three_servers(), 1)), "message partition intrude join ");
    EXPECT_FALSE(with_fewer_users(three_servers(), 2));
    const auto one_host = without_byzantine_hosts(three_servers(), {0, 1});
    EXPECT_EQ(one_host->timeline[3].text("host"), "b0.test");
    EXPECT_EQ(verbs_of(*without_byzantine_hosts(three_servers(), {1, 1})),
              "message ban partition join ");
    EXPECT_EQ(verbs_of(*without_rooms(three_servers(), {0, 1})), "partition intrude join ");
    EXPECT_EQ(verbs_of(*without_steps(three_servers(), {1, 3})), "message join ");
    EXPECT_EQ(verbs_of(*with_shorter_chaos(three_servers(), 2)), "message ban ");
}

TEST(Removal, WhateverIsRemovedTheRestIsSound) {
    DrawOptions draw;
    draw.servers = 5;
    draw.chaos_ms = 60'000;
    const Scenario scenario = draw_scenario(draw);
    for (std::size_t first = 0; first < 5; ++first) {
        for (const auto& rest : {without_servers(scenario, {first, 2}),
                                 without_rooms(scenario, {first % 3, 1}),
                                 without_steps(scenario, {first * 5, 20})}) {
            ASSERT_TRUE(rest);
            const auto fault = find_fault_of(*rest);
            EXPECT_FALSE(fault) << *fault;
        }
    }
}

}  // namespace
}  // namespace matrix::simulator
