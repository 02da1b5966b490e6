// Authorization rules: may this event be part of the room?
//
// Pure functions over values: no clock, no storage, no network, no logging. Every room version is
// served by the same code; `RoomRules` says which variant of a rule applies.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#authorisation-rules
#pragma once

#include <expected>
#include <iosfwd>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "refserver/protocol/event.h"
#include "refserver/protocol/signatures.h"
#include "refserver/protocol/state.h"

namespace matrix::auth {

/// Why an event was refused.
struct Failure {
    std::string_view rule;  ///< As listed in ci/spec_rules.txt, for example "v12 5.3.2".
    std::string detail;     ///< One sentence for logs and test reports; never parsed.
};
std::ostream& operator<<(std::ostream& out, const Failure& failure);

/// Nothing on success: an event is allowed, or it is refused for one rule.
using Verdict = std::expected<void, Failure>;

/// The few events of one state that a check looks at: those that `required_state` names.
///
/// A key that is absent here is absent from the state.
class AuthState {
public:
    /// Inserts or replaces the entry under the event's own type and state key.
    void put(EventPtr event);
    const Event* find(std::string_view type, std::string_view state_key) const;
    EventPtr find_shared(std::string_view type, std::string_view state_key) const;

    /// The room's create event; from v12 on no auth event, and so given here by its room id.
    const Event* create() const { return find("m.room.create", ""); }
    std::optional<Membership> membership(const UserId& user) const;
    /// The level of a user, by the power levels, or by the create event while there are none.
    /// A creator of v12 has `kCreatorLevel`.
    std::int64_t level_of(const UserId& user) const;
    /// The level that a named action needs: "ban", "invite", "kick", "redact".
    std::int64_t level_for(std::string_view action) const;
    /// The level that sending an event of this type needs.
    std::int64_t level_to_send(std::string_view type, bool is_state) const;

private:
    std::vector<EventPtr> events_;
};

/// Above every level that can be written.
inline constexpr std::int64_t kCreatorLevel = INT64_MAX;

/// The state that `event` must cite in its `auth_events`, in the order of keys; without
/// m.room.create in v12. A check needs the create event besides.
///
/// Fails when the content is too malformed to tell, for example a membership without `membership`.
/// Spec: server-server-api, "Auth events selection".
std::expected<std::vector<StateKey>, Failure> required_state(const Event& event);
/// The same for an event that does not exist yet.
std::expected<std::vector<StateKey>, Failure> required_state(const EventTemplate& event,
                                                             const RoomRules& rules);

/// An event that another one cites, and what became of it.
struct CitedEvent {
    EventPtr event;  ///< Null if it could not be had.
    bool is_rejected = false;
};

/// Checks what can be known from the event and its auth events alone; run once, on receipt.
///
/// `cited` holds every event of `event.auth_events`, in that order. Rejected ones are included:
/// citing them is itself a failure (v12 3.3). `create` is the room's accepted create event, needed
/// from v12 on, and null when `event` is the create event itself.
Verdict check_cited(const Event& event, std::span<const CitedEvent> cited, const Event* create);

/// Checks the remaining rules against one state of the room. Signatures of servers must be verified
/// before; those of third-party invites are verified here.
///
/// A receiver runs it three times: with the state of the auth events, the state before the event,
/// and the current state. Spec: server-server-api, "Checks performed on receipt of a PDU", 4 to 6.
Verdict check_against(const AuthState& state, const Event& event, const Verifier& verifier);

/// May this redaction be applied to `target`, which is in the same room? (v3+)
/// Spec: room version 3, "Handling redactions".
bool may_redact(const AuthState& state, const Event& redaction, const Event& target);

}  // namespace matrix::auth
