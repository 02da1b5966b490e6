// Verbs: what a step of a scenario can be, with its parameters, as one table.
//
// Reading and writing of scenario files, `simulator list`, the shrinker and the run all read it. A
// new verb is an entry in the table of its folder: operations/, faults/ or byzantine/.
#pragma once

#include <cstdint>
#include <limits>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "refserver/runtime/task.h"
#include "simulator/scenario/scenario.h"

namespace matrix::simulator {

class World;

enum class ParameterKind {
    User,         ///< A user id of the scenario.
    Server,       ///< A server's name.
    Servers,      ///< A list of servers' names.
    Groups,       ///< A list of lists of servers' names.
    Byzantine,    ///< A Byzantine host's name.
    Room,         ///< A room's name in the scenario, one of `rooms` or of an earlier step.
    NewRoom,      ///< A name that a step gives to a room which it makes.
    Integer,      ///< From `least` to `most`.
    Option,       ///< One of `options`.
    RoomVersion,  ///< A room version that is known.
    FaultPoint,   ///< The name of a fault point of the server.
    Text,         ///< Any text.
};

struct Parameter {
    std::string_view name;
    ParameterKind kind;
    std::string_view meaning;
    bool is_optional = false;
    std::int64_t least = 0;
    std::int64_t most = std::numeric_limits<std::int32_t>::max();
    std::span<const std::string_view> options = {};
};

/// "one_in: How seldom ... (1 to 1000)", with the range or the options of its values.
std::string describe(const Parameter& parameter);

enum class VerbKind {
    Operation,  ///< What a client asks its server for.
    Fault,      ///< Of the network, a disk, a clock, a process.
    Byzantine,  ///< What a host does that keeps to no rule.
};
std::string_view name_of(VerbKind kind);  ///< "operation", "fault", "byzantine".

struct Verb {
    std::string_view name;
    VerbKind kind;
    std::string_view meaning;  ///< A sentence for `simulator list`.
    std::span<const Parameter> parameters;
    /// Does the step. What cannot be done at that moment is left out, and noted in the trace.
    runtime::Task<void> (*perform)(World* world, Step step);
    /// Ends a fault, after its `for_ms` or when the world heals; null if there is nothing to end.
    void (*end)(World& world, const Step& step) = nullptr;
};

/// All verbs: operations, faults, Byzantine acts, each in its table's order.
const std::vector<Verb>& all_verbs();
const Verb* find_verb(std::string_view name);

/// The tables of the folders.
std::span<const Verb> operation_verbs();
std::span<const Verb> fault_verbs();
std::span<const Verb> byzantine_verbs();

/// How long a fault lasts; faults without an end of their own lack it.
inline constexpr std::string_view kDurationParameter = "for_ms";

/// What is wrong with the step, naming the argument and what was expected; nothing: it is sound.
std::optional<std::string> find_fault_of(const Step& step, const Scenario& scenario);

}  // namespace matrix::simulator
