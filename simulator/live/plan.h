// What a live run does: rounds, each with faults in force and operations of users, drawn from the
// seed before anything happens.
//
// One plan for one seed and one set of options, whatever the target does. When each operation meets
// the target is a matter of real time.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "simulator/live/faults.h"

namespace matrix::live {

/// Two on each side: an anchor, whose power and membership nothing ever changes, so that whatever
/// he sends is allowed by every state of the room; and another, with whom anything may happen.
inline constexpr int kUsersPerSide = 2;

struct PlanOptions {
    std::uint64_t seed = 1;
    int servers = 3;  ///< Ours; the target is the side after them.
    int rooms = 2;
    int rounds = 6;
    int operations = 40;  ///< Of each round.
    int pause_ms_max = 200;
    bool has_faults = true;

    int sides() const { return servers + 1; }
    int target_side() const { return servers; }
    int actors() const { return sides() * kUsersPerSide; }
};

enum class Action { Message, Topic, PowerLevels, Ban, Unban, Kick, Invite, Join, Leave, Redact };
std::string_view name_of(Action action);

struct Operation {
    Action action = Action::Message;
    int actor = 0;  ///< The number of a side times `kUsersPerSide`, and 0 for its anchor.
    int room = 0;
    int subject = 0;   ///< An actor that is no anchor: who is banned, kicked, invited, ...
    int level = 0;     ///< For power levels.
    int pause_ms = 0;  ///< Before it.
};

struct Round {
    std::string shape;  ///< Of its faults, for people.
    LinkFaults faults;
    std::vector<Operation> operations;
};

std::vector<Round> draw_plan(const PlanOptions& options);

}  // namespace matrix::live
