// Every membership event that there can be, as far as the rules tell them apart.
//
// Old membership of the target, new membership, join rule, whether the sender is the target, their
// levels, and the room version: each combination once, judged by both implementations
// (`RuleRoom::check` fails where they differ).

#include <array>
#include <map>
#include <optional>

#include <gtest/gtest.h>

#include "tests/protocol/abstract_room.h"

namespace matrix::testing {
namespace {

constexpr std::array<std::string_view, 6> kOldMemberships = {
    "", "invite", "join", "leave", "ban", "knock"};
constexpr std::array<std::string_view, 6> kNewMemberships = {
    "invite", "join", "leave", "ban", "knock", "org.unknown"};
// The last but one is absent; the last is `restricted`, and somebody authorises the join.
constexpr std::array<std::string_view, 9> kRules = {"public",
                                                    "invite",
                                                    "knock",
                                                    "restricted",
                                                    "knock_restricted",
                                                    "private",
                                                    "org.unknown",
                                                    "",
                                                    "restricted, authorised"};
constexpr std::array<int, 3> kLevelDifferences = {-1, 0, 1};

struct MatrixCell {
    std::string_view old_membership;
    std::string_view new_membership;
    std::string_view join_rule;
    bool is_about_self;
    int level_difference;  ///< Of the sender to the target, or of oneself to what is needed.
};

RuleRoom make_matrix_room(const RoomRules& rules, const MatrixCell& cell) {
    RuleRoom room(rules);
    constexpr int kNeeded = 50;
    const int level = kNeeded + cell.level_difference;
    json::Object users = {{kMod, cell.is_about_self ? kNeeded : level},
                          {kUser, cell.is_about_self ? level : kNeeded}};
    if (!rules.has_privileged_creators) users.set(kCreator, 100);
    room.set_power_levels({{"users", std::move(users)},
                           {"invite", kNeeded - 1},
                           {"kick", kNeeded - 1},
                           {"ban", kNeeded - 1}});
    room.clear("m.room.join_rules");
    const std::string_view join_rule = cell.join_rule.substr(0, cell.join_rule.find(','));
    if (!join_rule.empty()) room.set_join_rule(join_rule);
    // Members, so that one without a membership of the target has to be made anew.
    room.clear("m.room.member");
    room.set_member(kCreator, "join");
    room.set_member(kMod, "join");
    if (!cell.old_membership.empty()) room.set_member(kUser, cell.old_membership);
    return room;
}

std::string judge(const RoomRules& rules, const MatrixCell& cell) {
    const RuleRoom room = make_matrix_room(rules, cell);
    json::Object more;
    if (cell.join_rule.ends_with("authorised")) {
        more.set("join_authorised_via_users_server", kCreator);
    }
    const Event event =
        room.member(cell.is_about_self ? kUser : kMod, kUser, cell.new_membership, std::move(more));
    return room.check(event);
}

template <class Visit>
void for_each_cell(Visit visit) {
    for (const std::string_view old_membership : kOldMemberships) {
        for (const std::string_view new_membership : kNewMemberships) {
            for (const std::string_view join_rule : kRules) {
                for (const bool is_about_self : {false, true}) {
                    for (const int difference : kLevelDifferences) {
                        visit(MatrixCell{
                            old_membership, new_membership, join_rule, is_about_self, difference});
                    }
                }
            }
        }
    }
}

class MembershipMatrix : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(
    Versions,
    MembershipMatrix,
    ::testing::Values("1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"),
    [](const auto& info) { return "v" + info.param; });

TEST_P(MembershipMatrix, IsJudgedAlikeByBothImplementations) {
    const RoomRules& rules = *find_room_rules(GetParam());
    std::map<std::string, int> verdicts;
    int cells = 0;
    for_each_cell([&](const MatrixCell& cell) {
        if (HasFailure()) return;
        ++cells;
        ++verdicts[judge(rules, cell)];
    });
    for (const auto& [verdict, count] : verdicts)
        RecordProperty(verdict, count);
    EXPECT_EQ(cells, 1944);  // 23,328 in all versions.
    EXPECT_GE(verdicts.size(), rules.has_restricted ? 12U : 9U) << "few rules were met";
}

// What nobody can do, whatever the versions.
TEST_P(MembershipMatrix, KeepsTheBannedOut) {
    const RoomRules& rules = *find_room_rules(GetParam());
    for_each_cell([&](const MatrixCell& cell) {
        const bool enters = cell.new_membership == "join" || cell.new_membership == "invite" ||
                            cell.new_membership == "knock";
        if (cell.old_membership != "ban" || !enters) return;
        EXPECT_NE(judge(rules, cell), "allowed")
            << cell.new_membership << ' ' << cell.join_rule << ' ' << cell.level_difference;
    });
}

// A user who may join a restricted room may join it when it is public.
TEST_P(MembershipMatrix, LetsInMoreWhenARoomBecomesPublic) {
    const RoomRules& rules = *find_room_rules(GetParam());
    for_each_cell([&](const MatrixCell& cell) {
        if (cell.new_membership != "join" || !cell.join_rule.starts_with("restricted")) return;
        if (judge(rules, cell) != "allowed") return;
        MatrixCell open = cell;
        open.join_rule = "public";
        EXPECT_EQ(judge(rules, open), "allowed") << cell.old_membership;
    });
}

}  // namespace
}  // namespace matrix::testing
