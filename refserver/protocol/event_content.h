// The contents that authorization rules read, parsed once when the event is parsed.
//
// What a rule would refuse is not refused here: a field of the wrong type is remembered as such,
// and the rule that looks at it decides. Everything else of a content stays text.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#authorisation-rules
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "refserver/protocol/identifiers.h"
#include "refserver/protocol/json.h"
#include "refserver/protocol/level_map.h"
#include "refserver/protocol/room_rules.h"

namespace matrix {

enum class Membership { Join, Invite, Leave, Ban, Knock };
enum class JoinRule { Public, Invite, Knock, Restricted, KnockRestricted, Private, Unknown };

std::string_view name_of(Membership membership);
std::optional<Membership> find_membership(std::string_view name);

/// A level in the syntax of the room version; nothing if the value is no level there.
///
/// DEVIATION: room versions 1 to 9 know numbers of any size; what an int64 cannot hold becomes its
/// largest or smallest value, because no room tells such levels apart.
std::optional<std::int64_t> parse_power_level(const json::Value& value, PowerLevelSyntax syntax);

struct CreateContent {
    bool is_federated = true;                   ///< `m.federate`.
    bool has_room_version = false;              ///< Is there a `room_version`, of whatever type?
    std::optional<std::string> room_version;    ///< Absent also when it is no string.
    bool has_creator = false;                   ///< Is there a `creator` at all (v1 to v10)?
    std::optional<UserId> creator;              ///< Absent also when it is no string.
    bool has_valid_additional_creators = true;  ///< False when present and no array of user ids.
    std::vector<UserId> additional_creators;
};

/// What proves a third-party invite; kept as JSON because it is verified as JSON.
struct ThirdPartyInvite {
    json::Value value;  ///< The content's `third_party_invite`, whatever its type.
};

struct MemberContent {
    std::optional<Membership> membership;  ///< Absent when missing, no string or unknown.
    bool has_membership = false;           ///< Is there a `membership`, of whatever type?
    /// `join_authorised_via_users_server`; present with an empty id when it is no user id.
    std::optional<UserId> join_authorized_via;
    std::optional<ThirdPartyInvite> third_party_invite;
};

/// A named level such as `ban`.
struct NamedLevel {
    std::optional<std::int64_t> level;  ///< Absent when the field is absent or not a level.
    bool is_malformed = false;          ///< Present, and not a level in this room version.
};

struct PowerLevelsContent {
    NamedLevel ban, events_default, invite, kick, redact, state_default, users_default;
    LevelMap users;
    LevelMap events;
    LevelMap notifications;
    /// Which of the three maps is no object, or holds something that is no level.
    bool is_users_malformed = false;
    bool is_events_malformed = false;
    bool is_notifications_malformed = false;
    bool has_invalid_user_id = false;  ///< A key of `users` that is no user id.
    /// Some number is beyond IEEE 754 binary64, which refuses the event (v1 to v5).
    bool has_number_out_of_range = false;
};

struct JoinRulesContent {
    JoinRule join_rule = JoinRule::Unknown;  ///< As written: may be too new for the room version.
};

/// The content of m.room.third_party_invite: keys that may prove an invite.
struct ThirdPartyInviteTokenContent {
    std::vector<std::string> public_keys;  ///< Base64 of either alphabet, `public_key` first.
};

using EventContent = std::variant<std::monostate,
                                  CreateContent,
                                  MemberContent,
                                  PowerLevelsContent,
                                  JoinRulesContent,
                                  ThirdPartyInviteTokenContent>;

/// Empty for every type that no authorization rule looks into.
EventContent parse_event_content(std::string_view type,
                                 const json::Object& content,
                                 const RoomRules& rules);

}  // namespace matrix
