// Scenario files: what is written is read back, and what is wrong is refused with its place.

#include "simulator/scenario/scenario_file.h"

#include <string>

#include <gtest/gtest.h>

#include "simulator/scenario/draw.h"

namespace matrix::simulator {
namespace {

constexpr std::string_view kSmall = R"(touchstone: scenario/1
name: small
servers: 2
users_per_server: 1
chaos_ms: 60000
rooms:
  - {name: lobby, version: "12", creator: "@user0:s0.test"}
timeline:
  - {at_ms: 2000, do: message, user: "@user0:s1.test", room: lobby}
  - {at_ms: 1000, do: partition, groups: [[s0.test], [s1.test]], for_ms: 5000}
)";

std::string replaced(std::string_view from, std::string_view to) {
    std::string text(kSmall);
    const std::size_t at = text.find(from);
    EXPECT_NE(at, std::string::npos);
    return text.replace(at, from.size(), to);
}

std::string error_of(const std::string& yaml) {
    const auto scenario = parse_scenario(yaml, "f.yaml");
    return scenario ? "no error" : scenario.error();
}

TEST(ScenarioFile, IsReadWithItsTimelineSorted) {
    const auto scenario = parse_scenario(kSmall, "f.yaml");
    ASSERT_TRUE(scenario.has_value()) << scenario.error();
    EXPECT_EQ(scenario->servers, 2);
    ASSERT_EQ(scenario->timeline.size(), 2u);
    EXPECT_EQ(scenario->timeline[0].verb, "partition");
    EXPECT_EQ(scenario->timeline[0].integer("for_ms"), 5000);
    EXPECT_FALSE(scenario->seed.has_value());
}

TEST(ScenarioFile, GivesBackWhatWasWritten) {
    for (std::uint64_t seed = 1; seed <= 20; ++seed) {
        DrawOptions options;
        options.seed = seed;
        options.servers = 3;
        options.chaos_ms = 60'000;
        options.is_swarm = true;
        Scenario scenario = draw_scenario(options);
        scenario.description = "a \"quoted\" line\nand another: one";
        scenario.choices["s0.test to s1.test"] = {0, 18'446'744'073'709'551'615u};
        EXPECT_EQ(find_fault_of(scenario), std::nullopt);
        const auto read = parse_scenario(write_scenario(scenario), "f.yaml");
        ASSERT_TRUE(read.has_value()) << read.error();
        EXPECT_EQ(*read, scenario) << write_scenario(*read);
    }
}

struct BadFile {
    std::string from, to, error;
};

TEST(ScenarioFile, NamesLineAndKeyOfWhatIsWrong) {
    const std::vector<BadFile> cases = {
        {"chaos_ms: 60000",
         "syncing: ['@user1:s0.test']",
         "f.yaml:1: syncing[0]: expected a user of the scenario who is not in the list yet, found "
         "'@user1:s0.test'"},
        {"servers: 2", "servers: two", "f.yaml:3: servers: expected an integer from 1 to 2000"},
        {"servers: 2", "servers: 0", "f.yaml:3: servers: expected an integer from 1 to 2000"},
        {"servers: 2", "server: 2", "f.yaml:3: server: unknown key"},
        {"name: small", "servers: 3", "f.yaml:3: servers: the key is repeated"},
        {"scenario/1", "scenario/9", "touchstone: expected scenario/1, found 'scenario/9'"},
        {"\"12\"", "\"13\"", "rooms[0].version: expected a room version, 1 to 12, found '13'"},
        {"@user0:s0.test", "@user7:s0.test", "rooms[0].creator: expected a user"},
        {"do: message", "do: massage", "f.yaml:9: timeline[0].do: 'massage' is no verb"},
        {"user: \"@user0:s1.test\", ", "", "f.yaml:9: timeline[0].user: expected a user"},
        {"room: lobby", "room: cellar", "timeline[0].room: expected the name of a room"},
        {"for_ms: 5000", "for_ms: 0", "f.yaml:10: timeline[1].for_ms: expected an integer"},
        {"for_ms: 5000", "until: 0", "timeline[1].for_ms: expected an integer"},
        {"[s1.test]", "[s2.test]", "timeline[1].groups: expected a list of lists of servers"},
        {"room: lobby", "room: lobby, x: 1", "timeline[0].x: unknown; message takes at_ms, user"},
        {"at_ms: 2000", "at_ms: 60001", "timeline[0].at_ms: expected an integer from 0 to"},
        {"timeline:", "timeline: {", "f.yaml:"},
    };
    for (const BadFile& bad : cases) {
        const std::string error = error_of(replaced(bad.from, bad.to));
        EXPECT_NE(error.find(bad.error), std::string::npos) << bad.to << ": " << error;
    }
}

TEST(ScenarioFile, SaysThatAFileCannotBeRead) {
    const auto scenario = read_scenario("/nowhere/at/all.yaml");
    ASSERT_FALSE(scenario.has_value());
    EXPECT_EQ(scenario.error(), "/nowhere/at/all.yaml: cannot be read");
}

}  // namespace
}  // namespace matrix::simulator
