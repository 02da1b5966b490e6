// State resolution: one state from several that concurrent events produced.
//
// Spec: https://spec.matrix.org/v1.19/rooms/v2/#state-resolution (v2 to v11) and
//       https://spec.matrix.org/v1.19/rooms/v12/#state-resolution (v2.1)
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <vector>

#include "refserver/protocol/auth_rules.h"
#include "refserver/protocol/event.h"
#include "refserver/protocol/state.h"

namespace matrix {

/// Gives an event by its id, and says whether it was rejected; no event if it is unknown.
///
/// Rejected events are part of a resolution, but authorize nothing in it.
using FindEvent = std::function<auth::CitedEvent(const EventId&)>;

/// What a resolution did, for reports and for those who doubt it.
struct ResolutionTrace {
    std::vector<EventId> full_conflicted_set;  ///< In the order of ids.
    std::vector<EventId> power_events;         ///< In the order in which they were applied.
    std::vector<EventId> mainline;             ///< From the resolved power levels to the oldest.
    std::vector<EventId> remaining_events;     ///< In the order in which they were applied.
    struct Step {
        EventId event_id;
        auth::Verdict verdict;
    };
    std::vector<Step> steps;
    /// Did the mainline (and not time or id alone) order two of the remaining events?
    bool was_decided_by_mainline = false;
};

/// The resolved state of `states`, by the algorithm of the room version.
///
/// The order of `states` does not matter. One state, or equal ones, are returned as they are.
/// Events that cannot be found count as absent: the result never depends on an assertion.
/// `rules` must be supported (`is_supported`).
State resolve(std::span<const State> states,
              const FindEvent& find_event,
              const RoomRules& rules,
              const Verifier& verifier,
              ResolutionTrace* trace = nullptr);

}  // namespace matrix
