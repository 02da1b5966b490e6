// What becomes of a room's events when each is checked behind those that it follows on.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "refserver/commands/event_auth.h"
#include "refserver/commands/room.h"

namespace matrix::commands {

/// What checks 4 to 7 say of an event.
struct Judgement {
    enum class Outcome { Accepted, SoftFailed, Rejected, Unjudged };
    Outcome outcome = Outcome::Accepted;
    int check = 0;           ///< 4 to 7: which one refused, or could not be made.
    auth::Failure failure;   ///< Of a refusal.
    std::string missing;     ///< What an unjudged event lacks, in words.
    bool has_state = false;  ///< Is the state before it known, and so check 5 made?
};

/// The events of one room, judged in the order in which they follow on each other.
///
/// The order of lines or ids plays no part. An event is unjudged when one that it cites is not
/// there or is unjudged itself; without all of its `prev_events` it is judged by check 4 alone.
class History {
public:
    /// `events` is told which events are rejected.
    History(EventMap& events, const RoomRules& rules);

    /// Checks 4 and 5 of every event.
    void judge();
    /// Check 6 of every event that is accepted so far: by the state that the room has without it
    /// and what follows on it, as if it came last.
    void judge_by_current_state();
    /// Check 7 of every event that is accepted so far and carries signatures: by the policy server
    /// of that same state, whose key stands in the room.
    void judge_by_policy(const Verifier& verifier);

    const Judgement& judgement(const EventId& id) const { return judgements_.at(id); }
    /// Nothing if some event on the way to it is not there.
    std::optional<State> state_before(const Event& event);
    std::optional<State> state_after(const EventId& id) const;
    /// The accepted events with a known state on which no other one follows, in the order of ids.
    std::vector<EventId> forward_extremities() const;
    /// The states after `ids`, resolved; nothing if one of them is unknown.
    std::optional<State> resolve_after(const std::set<EventId>& ids);

private:
    std::vector<EventPtr> order_events() const;
    Judgement judge_event(const Event& event);
    bool is_placed(const EventId& id) const;
    void find_concurrent(const std::vector<EventPtr>& order);
    std::set<EventId> list_extremities_without(const Event& event) const;

    EventMap& events_;
    const RoomRules& rules_;
    std::map<EventId, Judgement> judgements_;
    std::map<EventId, State> states_after_;
    std::map<std::set<EventId>, State> resolved_;
    /// The placed events that each one follows on, past those that are not placed.
    std::map<EventId, std::set<EventId>> parents_;
    std::map<EventId, std::vector<EventId>> children_;  ///< The other way, placed ones only.
    std::set<EventId> concurrent_;  ///< Events beside which others stand, neither before nor after.
};

}  // namespace matrix::commands
