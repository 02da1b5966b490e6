// Authorization rules: may this event be part of the room?
//
// Pure functions over values: no clock, no storage, no network, no logging. Every room version is
// served by the same code; `RoomRules` says which variant of a rule applies.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#authorisation-rules
#pragma once

#include <array>
#include <cstdint>
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

/// The beginning of some text, held without allocation; cut at a character, with an ellipsis.
class Excerpt {
public:
    Excerpt() = default;
    explicit Excerpt(std::string_view text);
    std::string_view view() const { return {bytes_.data(), size_}; }

private:
    std::array<char, 79> bytes_;
    std::uint8_t size_ = 0;
};

/// Why an event was refused. Made and copied without allocation: resolution refuses many.
struct Failure {
    std::string_view rule;    ///< A literal, as in ci/spec_rules.txt: "v12 5.3.2".
    std::string_view detail;  ///< A literal: one sentence for people; never parsed.
    Excerpt about;            ///< The key, user or event that `detail` speaks of; may be empty.
};
/// `detail` and what it is about, for people.
std::string describe(const Failure& failure);
std::ostream& operator<<(std::ostream& out, const Failure& failure);

/// Why an event was allowed.
struct Grant {
    std::string_view rule;  ///< A literal, as in ci/spec_rules.txt: "v12 5.3.6".
};
std::ostream& operator<<(std::ostream& out, const Grant& grant);

/// What all rules together say: one of them allows the event, or one refuses it.
using Verdict = std::expected<Grant, Failure>;
/// What a part of the rules says, none of which allows: the event passes them, or one refuses it.
using Passed = std::expected<void, Failure>;

/// The part that an event of the state plays in the check of another event.
enum class Role : std::uint8_t {
    Create,
    PowerLevels,
    JoinRules,
    Sender,      ///< The membership of the sender.
    Target,      ///< The membership of whom `state_key` names, of an m.room.member event.
    Authorizer,  ///< The membership of the user of `join_authorised_via_users_server`.
    Token,       ///< The m.room.third_party_invite event whose token an invite shows.
};
inline constexpr std::size_t kRoleCount = 7;
std::ostream& operator<<(std::ostream& out, Role role);

/// What a power level can be needed for, besides sending an event.
enum class Action { Ban, Invite, Kick, Redact };

/// The few events of one state that the check of one event looks at, each by its role.
///
/// Borrows: the events must outlive the check. A role that is empty here has no event in the state.
class AuthState {
public:
    const Event* operator[](Role role) const { return events_[static_cast<std::size_t>(role)]; }
    /// Null empties the role.
    void set(Role role, const Event* event) { events_[static_cast<std::size_t>(role)] = event; }

    /// Of the user whose membership has this role; nothing also for a malformed membership.
    std::optional<Membership> membership(Role role) const;
    /// The level of a user, by the power levels, or by the create event while there are none.
    /// A creator of v12 has `kCreatorLevel`.
    std::int64_t level_of(std::string_view user_id) const;
    std::int64_t level_of(const UserId& user) const { return level_of(user.view()); }
    std::int64_t level_for(Action action) const;
    /// The level that sending an event of this type needs.
    std::int64_t level_to_send(std::string_view type, bool is_state) const;

private:
    const PowerLevelsContent* find_power_levels() const;
    std::array<const Event*, kRoleCount> events_{};
};

/// Above every level that can be written.
inline constexpr std::int64_t kCreatorLevel = INT64_MAX;

/// Where the state has the event for a role. Borrows from the event that is checked.
struct RequiredKey {
    Role role = Role::Create;
    std::string_view type;
    std::string_view state_key;
};

/// At most one key for each role.
class RequiredState {
public:
    void add(Role role, std::string_view type, std::string_view state_key) {
        keys_[size_++] = {role, type, state_key};
    }
    const RequiredKey* begin() const { return keys_.data(); }
    const RequiredKey* end() const { return keys_.data() + size_; }
    std::size_t size() const { return size_; }

private:
    std::array<RequiredKey, kRoleCount> keys_;
    std::size_t size_ = 0;
};

/// The state that `event` must cite in its `auth_events`, in the order of roles; a key with two
/// roles stands twice. Without m.room.create in v12: a check needs it besides.
///
/// A malformed membership requires what can be told of it; the check refuses it.
/// Spec: server-server-api, "Auth events selection".
RequiredState required_state(const Event& event);
/// The same for an event that does not exist yet, each key once, in the order of keys.
std::vector<StateKey> required_state(const EventTemplate& event, const RoomRules& rules);

/// An event that another one cites, and what became of it.
struct CitedEvent {
    EventPtr event;  ///< Null if it could not be had.
    bool is_rejected = false;
};

/// The state that an event's own auth events make; of two with one key the first counts.
///
/// `cited` holds every event of `event.auth_events`, in that order. `create` is the room's accepted
/// create event: it is in the state from v12 on, where nobody cites it.
AuthState state_of_cited(const Event& event,
                         std::span<const CitedEvent> cited,
                         const Event* create);

/// Checks what can be known from the event and its auth events alone; run once, on receipt.
///
/// `cited` holds every event of `event.auth_events`, in that order. Rejected ones are included:
/// citing them is itself a failure (v12 3.3). `create` is the room's accepted create event, needed
/// from v12 on, and null when `event` is the create event itself.
Passed check_cited(const Event& event, std::span<const CitedEvent> cited, const Event* create);

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
