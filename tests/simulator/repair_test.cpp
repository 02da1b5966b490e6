// A server that joins while it cannot ask another one for its keys lacks that one's events in the
// room's state. It gets them when it can, and agrees with the others then.
#include <algorithm>
#include <string>

#include <gtest/gtest.h>

#include "simulator/run.h"

namespace matrix::simulator {
namespace {

Step step_of(std::int64_t at_ms, std::string verb, json::Object arguments) {
    return {.at_ms = at_ms, .verb = std::move(verb), .arguments = std::move(arguments)};
}

json::Array names_of(std::initializer_list<int> servers) {
    json::Array names;
    for (const int server : servers)
        names.emplace_back(name_of_server(server));
    return names;
}

// s3 joins through s0, while it and s2, which is in the room, do not reach each other.
Scenario join_without_keys(const std::string& version) {
    Scenario scenario;
    scenario.servers = 4;
    scenario.users_per_server = 1;
    scenario.identity_seed = 3;
    scenario.link.latency_us_min = 20'000;
    scenario.chaos_ms = 120'000;
    scenario.rooms = {{.name = "room",
                       .version = version,
                       .creator = name_of_user(0, 0),
                       .levels = {{name_of_user(0, 0), 100}, {name_of_user(2, 0), 100}},
                       .members = {{name_of_user(1, 0), name_of_user(2, 0)}}}};
    if (version == "12") scenario.rooms[0].levels.erase(scenario.rooms[0].levels.begin());
    const auto act = [&](std::int64_t at_ms, const std::string& verb, int server) {
        scenario.timeline.push_back(
            step_of(at_ms, verb, {{"room", "room"}, {"user", name_of_user(server, 0)}}));
    };
    act(1'000, "topic", 2);
    scenario.timeline.push_back(step_of(
        5'000,
        "partition",
        {{"for_ms", 100'000}, {"groups", json::Array{names_of({0, 1, 2}), names_of({0, 1, 3})}}}));
    act(10'000, "join", 3);
    act(60'000, "message", 0);
    act(70'000, "message", 2);  // Rejected by s3, to which its sender has not joined.
    act(75'000, "message", 1);
    act(80'000, "message", 3);
    return scenario;
}

TEST(Repair, CompletesTheStateOfAJoin) {
    for (const char* version : {"1", "6", "11", "12"}) {
        const auto report = run(join_without_keys(version));
        ASSERT_TRUE(report.has_value());
        const auto has_reached = [&](const char* mark) {
            return std::ranges::count(report->reached, mark) > 0;
        };
        EXPECT_EQ(report->outcome, Outcome::Passed)
            << version << ": "
            << (report->findings.empty() ? report->stuck_in : report->findings.front().what);
        EXPECT_TRUE(has_reached("a room is entered with a state that has holes"));
        EXPECT_TRUE(has_reached("an event gets another state before it"));
        EXPECT_TRUE(has_reached("the completed state allows an event"));
        EXPECT_TRUE(has_reached("a completed state changes the current one"));
    }
}

}  // namespace
}  // namespace matrix::simulator
