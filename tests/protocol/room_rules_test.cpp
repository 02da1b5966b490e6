// The table of room versions, against one list per row of what the versions say.
//
// Spec: https://spec.matrix.org/v1.19/rooms/

#include "refserver/protocol/room_rules.h"

#include <functional>
#include <string>

#include <gtest/gtest.h>

namespace matrix {
namespace {

TEST(RoomRules, KnowsTheTwelveVersionsAndNoOther) {
    std::string versions;
    for (const RoomRules& rules : all_room_rules()) {
        versions += std::string(rules.version) + ' ';
        EXPECT_EQ(find_room_rules(rules.version), &rules);
    }
    EXPECT_EQ(versions, "1 2 3 4 5 6 7 8 9 10 11 12 ");
    for (const std::string_view unknown : {"", "0", "13", "01", "1 ", "org.matrix.msc2176"}) {
        EXPECT_EQ(find_room_rules(unknown), nullptr) << unknown;
    }
}

// Holds from the first to the last version of its row, and in no other.
struct VersionRow {
    std::string_view rule;
    std::function<bool(const RoomRules&)> holds;
    int first;
    int last;
};

const VersionRow kVersionRows[] = {
    {"ids in events",
     [](const auto& r) { return r.event_format == EventFormat::IdsAndHashes; },
     1,
     2},
    {"hashed room ids",
     [](const auto& r) { return r.event_format == EventFormat::HashedRoomId; },
     12,
     12},
    {"opaque ids",
     [](const auto& r) { return r.event_id_encoding == EventIdEncoding::Opaque; },
     1,
     2},
    {"standard base64",
     [](const auto& r) { return r.event_id_encoding == EventIdEncoding::StandardBase64; },
     3,
     3},
    {"state resolution 1",
     [](const auto& r) { return r.state_resolution == StateResolution::V1; },
     1,
     1},
    {"state resolution 2.1",
     [](const auto& r) { return r.state_resolution == StateResolution::V2_1; },
     12,
     12},
    {"floaty levels",
     [](const auto& r) { return r.power_levels == PowerLevelSyntax::IntegersStringsAndFloats; },
     1,
     5},
    {"integer levels only",
     [](const auto& r) { return r.power_levels == PowerLevelSyntax::Integers; },
     10,
     12},
    {"depths of 64 bits", [](const auto& r) { return r.depth_max == INT64_MAX; }, 1, 5},
    {"depths of 53 bits", [](const auto& r) { return r.depth_max == 9007199254740991; }, 6, 12},
    {"canonical JSON", [](const auto& r) { return r.is_canonical_json_enforced; }, 6, 12},
    {"key validity", [](const auto& r) { return r.is_key_validity_enforced; }, 5, 12},
    {"creator in content", [](const auto& r) { return r.has_creator_in_content; }, 1, 10},
    {"privileged creators", [](const auto& r) { return r.has_privileged_creators; }, 12, 12},
    {"redacts in content", [](const auto& r) { return r.has_redacts_in_content; }, 11, 12},
    {"redaction auth rule", [](const auto& r) { return r.has_redaction_auth_rule; }, 1, 2},
    {"aliases auth rule", [](const auto& r) { return r.has_aliases_auth_rule; }, 1, 5},
    {"notification levels", [](const auto& r) { return r.checks_notifications; }, 6, 12},
    {"knock", [](const auto& r) { return r.has_knock; }, 7, 12},
    {"restricted", [](const auto& r) { return r.has_restricted; }, 8, 12},
    {"knock_restricted", [](const auto& r) { return r.has_knock_restricted; }, 10, 12},
    {"keeps aliases", [](const auto& r) { return r.redaction.keeps_aliases; }, 1, 5},
    {"keeps legacy", [](const auto& r) { return r.redaction.keeps_legacy_top_level; }, 1, 10},
    {"keeps allow", [](const auto& r) { return r.redaction.keeps_allow; }, 8, 12},
    {"keeps authoriser", [](const auto& r) { return r.redaction.keeps_authorising_user; }, 9, 12},
    {"keeps create", [](const auto& r) { return r.redaction.keeps_all_of_create; }, 11, 12},
    {"keeps invite", [](const auto& r) { return r.redaction.keeps_invite_level; }, 11, 12},
    {"keeps redacts", [](const auto& r) { return r.redaction.keeps_redacts; }, 11, 12},
    {"keeps signed",
     [](const auto& r) { return r.redaction.keeps_signed_third_party_invite; },
     11,
     12},
};

TEST(RoomRules, ChangesEachRuleInTheVersionThatSaysSo) {
    for (const VersionRow& row : kVersionRows) {
        for (const RoomRules& rules : all_room_rules()) {
            const int version = std::stoi(std::string(rules.version));
            EXPECT_EQ(row.holds(rules), version >= row.first && version <= row.last)
                << row.rule << " in " << version;
        }
    }
}

}  // namespace
}  // namespace matrix
