// What the checks on receipt say of each event of a file.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu
#pragma once

#include <array>
#include <string>
#include <vector>

#include "refserver/commands/key_file.h"
#include "refserver/commands/room_file.h"

namespace matrix::commands {

/// What a server does with the event.
enum class Fate {
    Accepted,
    Redacted,    ///< Accepted, without what its hash does not cover (check 3).
    SoftFailed,  ///< Kept, and shown to nobody (checks 6 and 7).
    Rejected,    ///< Part of the graph, but never of a state (checks 4 and 5).
    Dropped,     ///< As if it had not come (checks 1 and 2).
    Unjudged,    ///< What it cites is not in the file.
};
inline constexpr std::array kFates = {Fate::Accepted,
                                      Fate::Redacted,
                                      Fate::SoftFailed,
                                      Fate::Rejected,
                                      Fate::Dropped,
                                      Fate::Unjudged};
std::string_view name_of(Fate fate);

/// One breach, or one thing that could not be checked.
struct Finding {
    int check = 1;  ///< 1 format, 2 signatures, 3 hash, 4 auth events, 5 and 6 states, 7 policy.
    Fate fate;      ///< What follows from it.
    std::string field;     ///< Empty if it concerns the whole event.
    std::string expected;  ///< What was expected; of checks 4 to 7 what is refused.
    std::string rule;      ///< As listed in ci/spec_rules.txt.
};

struct EventReport {
    Place place;
    EventId id;  ///< Empty if it could not be told.
    std::string type;
    Fate fate = Fate::Accepted;
    bool is_verified = false;   ///< Are all signatures that it needs good?
    bool has_given_id = false;  ///< Then it has neither hashes nor signatures.
    bool has_state = false;     ///< Could check 5 be made?
    std::vector<Finding> findings;
};

struct RoomReport {
    std::string room_version;
    RoomId room_id;
    std::vector<EventReport> events;  ///< In the order of the input.
};

/// Judges every event of `files`. `now_ts` in milliseconds bounds how long keys are believed.
RoomReport report_room(std::span<const RoomFile> files,
                       const RoomRules& rules,
                       const KeyRing& keys,
                       std::int64_t now_ts);

}  // namespace matrix::commands
