// THE table of what differs between room versions 1 to 12.
//
// Code never asks for a version's number: it asks one of these fields. So a version may also be
// given as data: `refserver/versions` reads one from a file.
//
// Spec: https://spec.matrix.org/v1.19/rooms/
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "refserver/protocol/resolution_steps.h"

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
    friend bool operator==(const RedactionRules&, const RedactionRules&) = default;
};

struct RoomRules {
    std::string_view version;  ///< "1" to "12", or the name of a registered one.
    std::string_view base;     ///< Which of "1" to "12" it is made from; itself, if it is one.

    EventFormat event_format;
    EventIdEncoding event_id_encoding;
    StateResolution state_resolution;
    ResolutionSteps resolution_steps;  ///< Of v2 and v2.1.
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

    /// Is it none of "1" to "12"?
    bool is_custom() const { return version != base; }
    friend bool operator==(const RoomRules&, const RoomRules&) = default;
};

/// Null when `version` is not one of "1" to "12" and nobody has registered it.
const RoomRules* find_room_rules(std::string_view version);

/// Versions 1 to 12, the oldest first.
std::span<const RoomRules> all_room_rules();

/// These and the registered ones, in the order in which they were registered.
std::vector<const RoomRules*> known_room_rules();

/// Makes a room version known to the whole process as long as it lives.
///
/// Every event points to the rules of its version, and every layer down to the rows of the storage
/// finds them by the version's name alone. A table passed along would be an argument of each parser
/// of the protocol, so that a proposal could be tried; so there is one for the process. A program
/// registers what its flags name before it starts anything: whatever runs finds the same rules from
/// its first step to its last, on every thread, and a run depends on the files that it was given
/// and on nothing else. A test that registers a version takes it back at its end. Events of the
/// version must not outlive the registration.
class RegisteredRoomRules {
public:
    /// `version` must be unknown so far; it replaces what `rules` say of it.
    RegisteredRoomRules(std::string version, const RoomRules& rules);
    RegisteredRoomRules(const RegisteredRoomRules&) = delete;
    RegisteredRoomRules& operator=(const RegisteredRoomRules&) = delete;
    ~RegisteredRoomRules();

    const RoomRules& rules() const { return rules_; }

private:
    friend const RoomRules* find_room_rules(std::string_view version);
    friend std::vector<const RoomRules*> known_room_rules();

    std::string version_;
    RoomRules rules_;
    RegisteredRoomRules* older_;
};

}  // namespace matrix
