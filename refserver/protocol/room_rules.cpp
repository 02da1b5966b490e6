// The table of room versions: each row says what its version changes in the one before.

#include "refserver/protocol/room_rules.h"

#include <algorithm>
#include <array>
#include <utility>

#include "refserver/base/assert.h"

namespace matrix {
namespace {

constexpr std::int64_t kDepthMaxV1 = INT64_MAX;
constexpr std::int64_t kDepthMaxV6 = (std::int64_t{1} << 53) - 1;

constexpr RoomRules make_v1() {
    return {
        .version = "1",
        .event_format = EventFormat::IdsAndHashes,
        .event_id_encoding = EventIdEncoding::Opaque,
        .state_resolution = StateResolution::V1,
        .resolution_steps = kStepsV2,
        .redaction = {.keeps_aliases = true,
                      .keeps_legacy_top_level = true,
                      .keeps_allow = false,
                      .keeps_authorising_user = false,
                      .keeps_all_of_create = false,
                      .keeps_invite_level = false,
                      .keeps_redacts = false,
                      .keeps_signed_third_party_invite = false},
        .power_levels = PowerLevelSyntax::IntegersStringsAndFloats,
        .depth_max = kDepthMaxV1,
        .is_canonical_json_enforced = false,
        .is_key_validity_enforced = false,
        .has_creator_in_content = true,
        .has_privileged_creators = false,
        .has_redacts_in_content = false,
        .has_redaction_auth_rule = true,
        .has_aliases_auth_rule = true,
        .checks_notifications = false,
        .has_knock = false,
        .has_restricted = false,
        .has_knock_restricted = false,
    };
}

constexpr std::array<RoomRules, 12> make_all() {
    const RoomRules v1 = make_v1();

    RoomRules v2 = v1;
    v2.version = "2";
    v2.state_resolution = StateResolution::V2;

    RoomRules v3 = v2;
    v3.version = "3";
    v3.event_format = EventFormat::Ids;
    v3.event_id_encoding = EventIdEncoding::StandardBase64;
    v3.has_redaction_auth_rule = false;

    RoomRules v4 = v3;
    v4.version = "4";
    v4.event_id_encoding = EventIdEncoding::UrlSafeBase64;

    RoomRules v5 = v4;
    v5.version = "5";
    v5.is_key_validity_enforced = true;

    RoomRules v6 = v5;
    v6.version = "6";
    v6.redaction.keeps_aliases = false;
    v6.power_levels = PowerLevelSyntax::IntegersAndStrings;
    v6.depth_max = kDepthMaxV6;
    v6.is_canonical_json_enforced = true;
    v6.has_aliases_auth_rule = false;
    v6.checks_notifications = true;

    RoomRules v7 = v6;
    v7.version = "7";
    v7.has_knock = true;

    RoomRules v8 = v7;
    v8.version = "8";
    v8.redaction.keeps_allow = true;
    v8.has_restricted = true;

    RoomRules v9 = v8;
    v9.version = "9";
    v9.redaction.keeps_authorising_user = true;

    RoomRules v10 = v9;
    v10.version = "10";
    v10.power_levels = PowerLevelSyntax::Integers;
    v10.has_knock_restricted = true;

    RoomRules v11 = v10;
    v11.version = "11";
    v11.redaction.keeps_legacy_top_level = false;
    v11.redaction.keeps_all_of_create = true;
    v11.redaction.keeps_invite_level = true;
    v11.redaction.keeps_redacts = true;
    v11.redaction.keeps_signed_third_party_invite = true;
    v11.has_creator_in_content = false;
    v11.has_redacts_in_content = true;

    RoomRules v12 = v11;
    v12.version = "12";
    v12.event_format = EventFormat::HashedRoomId;
    v12.state_resolution = StateResolution::V2_1;
    v12.resolution_steps = kStepsV2_1;
    v12.has_privileged_creators = true;

    std::array<RoomRules, 12> all = {v1, v2, v3, v4, v5, v6, v7, v8, v9, v10, v11, v12};
    for (RoomRules& rules : all)
        rules.base = rules.version;
    return all;
}

constexpr std::array<RoomRules, 12> kAllRoomRules = make_all();

// The end of a chain, so that nothing has to be made before `main`.
constinit RegisteredRoomRules* newest_registered = nullptr;

}  // namespace

const RoomRules* find_room_rules(std::string_view version) {
    const auto rules = std::ranges::find(kAllRoomRules, version, &RoomRules::version);
    if (rules != kAllRoomRules.end()) return &*rules;
    for (const RegisteredRoomRules* one = newest_registered; one; one = one->older_) {
        if (one->version_ == version) return &one->rules_;
    }
    return nullptr;
}

std::span<const RoomRules> all_room_rules() {
    return kAllRoomRules;
}

std::vector<const RoomRules*> known_room_rules() {
    std::vector<const RoomRules*> known;
    for (const RegisteredRoomRules* one = newest_registered; one; one = one->older_)
        known.push_back(&one->rules_);
    for (std::size_t number = kAllRoomRules.size(); number > 0; --number)
        known.push_back(&kAllRoomRules[number - 1]);
    std::ranges::reverse(known);
    return known;
}

RegisteredRoomRules::RegisteredRoomRules(std::string version, const RoomRules& rules)
    : version_(std::move(version)), rules_(rules), older_(newest_registered) {
    MATRIX_ASSERT(find_room_rules(version_) == nullptr);
    rules_.version = version_;
    newest_registered = this;
}

RegisteredRoomRules::~RegisteredRoomRules() {
    RegisteredRoomRules** link = &newest_registered;
    while (*link != this)
        link = &(*link)->older_;
    *link = older_;
}

}  // namespace matrix
