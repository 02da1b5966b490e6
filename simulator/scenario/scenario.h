// Scenario: a world and what happens in it, as data.
//
// Everything that a run does stands here: servers, users, rooms, and a timeline of steps (what a
// client asks for, a fault, what a Byzantine host does). A seed draws a scenario (draw.h), a file
// holds one (scenario_file.h), the shrinker makes it smaller. Only the small chance of the world
// (latencies, losses, costs) is left to `seed` or to `choices` at run time.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "refserver/protocol/json.h"
#include "simulator/choices.h"

namespace matrix::simulator {

/// One step of the timeline: a verb (verbs.h) and its arguments by name.
struct Step {
    std::int64_t at_ms = 0;  ///< Since everybody joined.
    std::string verb;
    json::Object arguments;

    /// An argument that the verb's table demands, or null-like values if it is optional: validated
    /// scenarios have all others.
    const std::string& text(std::string_view name) const;
    std::int64_t integer(std::string_view name) const;
    /// Empty if it is absent.
    std::vector<std::string> list(std::string_view name) const;
    bool has(std::string_view name) const { return arguments.contains(name); }

    friend bool operator==(const Step&, const Step&) = default;
};

/// A room that exists before the timeline begins.
struct RoomPlan {
    std::string name;     ///< What steps call it.
    std::string version;  ///< Of the room.
    std::string creator;  ///< A user id.
    std::string preset = "public_chat";
    std::string type;                            ///< Of the create event; empty: an ordinary room.
    std::map<std::string, std::int64_t> levels;  ///< Power levels of users at the creation.
    /// Who joins; nothing: every user of every server.
    std::optional<std::vector<std::string>> members;

    friend bool operator==(const RoomPlan&, const RoomPlan&) = default;
};

/// How latencies are spread between the least and the most.
enum class LatencyShape {
    Constant,     ///< Always the least.
    Uniform,      ///< Each is as likely as any other.
    MostlyShort,  ///< The product of two uniform draws: sometimes long.
    LongTail,     ///< Half are below the most, one in a hundred is a hundred times that.
};
/// "constant", "uniform", "mostly_short", "long_tail", in the order of the enumerators.
inline constexpr std::array<std::string_view, 4> kLatencyShapes = {
    "constant", "uniform", "mostly_short", "long_tail"};

/// How long messages are on their way, and whether they arrive.
struct LinkOptions {
    std::int64_t latency_us_min = 1'000;
    std::int64_t latency_us_max = 150'000;
    std::uint64_t loss_one_in = 0;  ///< 0: never; else once in so many messages.
    LatencyShape shape = LatencyShape::MostlyShort;

    friend bool operator==(const LinkOptions&, const LinkOptions&) = default;
};

struct Scenario {
    std::string name = "unnamed";
    std::string description;
    int servers = 10;
    int users_per_server = 2;
    int byzantine_hosts = 0;
    /// Of identifiers, keys and tokens.
    std::uint64_t identity_seed = 0;
    /// Of the world's small chance; nothing: `choices`, and then none.
    std::optional<std::uint64_t> seed;
    ChoiceRecord choices;
    LinkOptions link;
    std::vector<RoomPlan> rooms;
    /// Users whose clients follow /sync from the beginning of the timeline to the end.
    std::vector<std::string> syncing;
    std::int64_t chaos_ms = 600'000;  ///< How long the timeline is; then all faults end.
    std::vector<Step> timeline;       ///< Sorted by time.
    /// What must have been counted at least, for a run to mean something: names of run.h's metrics.
    std::map<std::string, std::uint64_t> at_least;

    friend bool operator==(const Scenario&, const Scenario&) = default;
};

/// Sorts the timeline by time; steps of the same time stay in their order.
void sort_timeline(Scenario& scenario);

/// Names of what a scenario has: `s3.test`, `@user1:s3.test`, `b0.test`.
std::string name_of_server(int number);
std::string name_of_user(int server, int user);
std::string name_of_byzantine_host(int number);
/// The number in a name; nothing if it is none of the scenario's.
std::optional<int> find_server(const Scenario& scenario, std::string_view name);
std::optional<int> find_byzantine_host(const Scenario& scenario, std::string_view name);
struct UserPlace {
    int server = 0;
    int user = 0;
};
std::optional<UserPlace> find_user(const Scenario& scenario, std::string_view id);
const RoomPlan* find_room(const Scenario& scenario, std::string_view name);

}  // namespace matrix::simulator
