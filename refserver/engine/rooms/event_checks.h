// Authorization of events over what a server knows: which events a check is run against.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu
#pragma once

#include <vector>

#include "refserver/protocol/auth_rules.h"
#include "refserver/protocol/state.h"
#include "refserver/protocol/state_resolution.h"
#include "refserver/storage/events.h"

namespace matrix::engine {

/// What checks of one room's events need besides the event.
struct CheckContext {
    EventPtr create;  ///< Of the room; null only while it is the event to be checked.
    FindEvent find_event;
    const Verifier& verifier;
};

/// Some events of a state, and what keeps them alive.
struct HeldAuthState {
    auth::AuthState state;
    std::vector<EventPtr> held;

    /// Nothing happens when `event` is null.
    void set(auth::Role role, EventPtr event) {
        if (!event) return;
        state.set(role, event.get());
        held.push_back(std::move(event));
    }
};
/// The events of `state` that a check of `event` looks at.
HeldAuthState select_auth_state(const State& state,
                                const Event& event,
                                const CheckContext& context);

/// Step 4 of the checks on receipt: by the event's own auth events.
auth::Verdict check_by_auth_events(const Event& event, const CheckContext& context);
/// Steps 5 and 6: by the state before the event, or by the current one.
auth::Verdict check_by_state(const Event& event, const State& state, const CheckContext& context);

/// What steps 4 to 6 say, and the rule if they refuse.
struct Judgement {
    storage::EventStatus status = storage::EventStatus::Accepted;
    auth::Failure failure;
};
Judgement judge(const Event& event,
                const State& before,
                const State& current,
                const CheckContext& context);

/// An event that came without its place in the graph, and what step 4 says of it.
struct CheckedOutlier {
    EventPtr event;
    auth::Verdict verdict;
};
/// The events of a set, each once and behind those of the set that it cites.
std::vector<EventPtr> order_by_citation(std::vector<Event> events);
/// Checks events in this order, where those before authorize those behind; else as
/// `check_outliers`.
std::vector<CheckedOutlier> check_in_order(std::vector<EventPtr> ordered, CheckContext context);
/// Checks a set of events that authorize each other, those first that others cite.
///
/// What cites events that are neither in the set nor known is left out: it cannot be judged. The
/// context's create event may be null: then the first one of the set is taken.
std::vector<CheckedOutlier> check_outliers(std::vector<Event> events, CheckContext context);

}  // namespace matrix::engine
