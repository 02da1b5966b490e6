// Authorization of one event by what a file or a request holds.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu
#pragma once

#include "refserver/commands/room.h"
#include "refserver/protocol/auth_rules.h"

namespace matrix::commands {

/// From v12 on the accepted create event that the room id of `event` names; null if there is none,
/// and in other versions.
EventPtr find_create(const Event& event, const EventMap& events);

/// Step 4 of the checks on receipt. `create` is what `find_create` gives.
auth::Verdict check_by_auth_events(const Event& event,
                                   const EventMap& events,
                                   const EventPtr& create);

/// Steps 5 and 6: by a state before the event, or the current one.
auth::Verdict check_by_state(const Event& event,
                             const State& state,
                             const EventMap& events,
                             const EventPtr& create);

}  // namespace matrix::commands
