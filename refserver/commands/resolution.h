// State resolution as the commands run it: by the fast implementation, by the oracle, or by both.
#pragma once

#include <expected>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "conformance/oracle/state_resolution.h"
#include "refserver/commands/room.h"
#include "refserver/protocol/state.h"

namespace matrix::commands {

/// What both implementations tell about a resolution.
struct Resolution {
    State state;
    // Of room version 1 as `ResolutionTrace` says it.
    std::vector<EventId> full_conflicted_set;  ///< In the order of ids.
    std::vector<EventId> power_order;          ///< As they were applied.
    std::vector<EventId> mainline;             ///< From the resolved power levels to the oldest.
    std::vector<EventId> remaining_order;      ///< As they were applied.
    struct Step {
        EventId event_id;
        bool is_allowed = false;
        std::string rule;    ///< Which one allows or refuses.
        std::string detail;  ///< Of a refusal.
    };
    std::vector<Step> steps;
};

/// The events of a state, in the order of ids.
std::vector<EventId> list_ids(const State& state);

/// By `refserver/protocol`.
Resolution resolve_fast(std::span<const State> states,
                        const EventMap& events,
                        const RoomRules& rules);

/// A resolution by the oracle. Not copyable: its trace points into its room.
struct OracleResolution {
    oracle::Room room;
    oracle::Resolution resolution;
};
OracleResolution resolve_by_oracle(std::span<const State> states,
                                   const EventMap& events,
                                   const RoomRules& rules,
                                   oracle::Quirks quirks = {});
/// The same in the words of both.
Resolution make_resolution(const OracleResolution& resolved);

/// In one sentence, where two resolutions of the same input part; nothing if nowhere.
std::optional<std::string> find_difference(const Resolution& fast, const Resolution& oracle);

/// The quirks of these names; an error lists the names there are.
std::expected<oracle::Quirks, std::string> find_quirks(std::span<const std::string> names);

}  // namespace matrix::commands
