// State resolution: one state from several that concurrent events produced.
//
// Here for who resolves once; `Resolver` (state_resolver.h) is for who resolves again and again in
// one room.
//
// Spec: https://spec.matrix.org/v1.19/rooms/v1/#state-resolution (v1),
//       https://spec.matrix.org/v1.19/rooms/v2/#state-resolution (v2 to v11) and
//       https://spec.matrix.org/v1.19/rooms/v12/#state-resolution (v12, "v2.1")
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
    /// In the order of ids. In room version 1, where it has no name: the conflicting events.
    std::vector<EventId> full_conflicted_set;
    /// In the order in which they were applied. In room version 1: power levels, join rules and
    /// memberships that were tried.
    std::vector<EventId> power_events;
    /// From the resolved power levels to the oldest; room version 1 has none.
    std::vector<EventId> mainline;
    /// In the order in which they were applied; in room version 1, tried.
    std::vector<EventId> remaining_events;
    /// In the order in which they were made. In room version 1 the first event of a key that has
    /// several is applied without a check, and so has no step.
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
State resolve(std::span<const State> states,
              const FindEvent& find_event,
              const RoomRules& rules,
              const Verifier& verifier,
              ResolutionTrace* trace = nullptr);

}  // namespace matrix
