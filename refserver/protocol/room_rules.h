// THE table of what differs between room versions 1 to 12.
//
// Code never asks for a version's number: it asks one of these fields.
//
// Spec: https://spec.matrix.org/v1.19/rooms/
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace matrix {

enum class EventFormat {
    IdsAndHashes,  ///< v1, v2: `event_id` in the event, references are pairs of id and hashes.
    Ids,           ///< v3 to v11: the id is the reference hash, references are ids.
    HashedRoomId,  ///< v12: as before; the room id is the hash of a create event without `room_id`.
};

enum class EventIdEncoding { Opaque, StandardBase64, UrlSafeBase64 };

enum class StateResolution { V1, V2, V2_1 };

/// Which textual forms of a power level are numbers.
enum class PowerLevelSyntax {
    IntegersStringsAndFloats,  ///< v1 to v5.
    IntegersAndStrings,        ///< v6 to v9.
    Integers,                  ///< v10 and later.
};

/// What a redaction keeps beyond what every version keeps.
struct RedactionRules {
    bool keeps_aliases;                    ///< v1 to v5: `aliases` of m.room.aliases.
    bool keeps_legacy_top_level;           ///< v1 to v10: `origin`, `membership`, `prev_state`.
    bool keeps_allow;                      ///< v8+: `allow` of m.room.join_rules.
    bool keeps_authorising_user;           ///< v9+: `join_authorised_via_users_server`.
    bool keeps_all_of_create;              ///< v11+, instead of `creator` alone.
    bool keeps_invite_level;               ///< v11+: `invite` of m.room.power_levels.
    bool keeps_redacts;                    ///< v11+: `redacts` of m.room.redaction's content.
    bool keeps_signed_third_party_invite;  ///< v11+: `third_party_invite.signed` of a membership.
};

struct RoomRules {
    std::string_view version;  ///< "1" to "12".

    EventFormat event_format;
    EventIdEncoding event_id_encoding;
    StateResolution state_resolution;
    RedactionRules redaction;
    PowerLevelSyntax power_levels;

    std::int64_t depth_max;
    bool is_canonical_json_enforced;  ///< v6+.
    bool is_key_validity_enforced;    ///< v5+.

    bool has_creator_in_content;   ///< v1 to v10; later the sender of the create is the creator.
    bool has_privileged_creators;  ///< v12: creators are above all levels; additional creators.
    bool has_redacts_in_content;   ///< v11+.
    bool has_redaction_auth_rule;  ///< v1, v2; later a redaction is judged when it is applied.
    bool has_aliases_auth_rule;    ///< v1 to v5.
    bool checks_notifications;     ///< v6+: `notifications` is part of a power level check.
    bool has_knock;                ///< v7+.
    bool has_restricted;           ///< v8+.
    bool has_knock_restricted;     ///< v10+.
};

/// Null when `version` is not one of "1" to "12".
const RoomRules* find_room_rules(std::string_view version);

/// All versions, the oldest first.
std::span<const RoomRules> all_room_rules();

}  // namespace matrix
