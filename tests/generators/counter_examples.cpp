// The shapes on which known deviations of resolution algorithms show, as race patterns.
//
// Most are one branch: as soon as one stale state makes a server resolve, even a linear room is a
// dispute. Times are those that the deviation needs.

#include <array>

#include "tests/generators/race_patterns.h"

namespace matrix::generators {
namespace {

constexpr std::string_view kJoinRules = "m.room.join_rules";
constexpr std::string_view kPowerLevels = "m.room.power_levels";

// A: an event that authorizes is in the auth difference only if a state's own events do not count
// as part of its auth chain.
void hold_a_state_event_twice(Race& race) {
    const UserId& user = race.strongest();
    Branch branch = race.base();
    race.send_at(512, branch, draft_join_rules(user, "knock"));
    const State old = branch.state;
    race.send_at(13, branch, race.rejoin(user));
    race.send_at(14, branch, draft_join_rules(user, "private"));
    race.dispute({branch.state, race.with_entry_of(branch.state, kJoinRules, old)});
}

// B: the same with power levels between the join rules, where v2.1 shows it too.
void hold_power_levels_twice(Race& race) {
    const UserId& user = race.strongest();
    Branch branch = race.base();
    race.send_at(1000, branch, draft_join_rules(user, "invite"));
    const State old = branch.state;
    race.send_at(1005, branch, race.promote(branch, user, race.other(), 0));
    race.send_at(508, branch, draft_join_rules(user, "private"));
    race.dispute({branch.state, race.with_entry_of(branch.state, kJoinRules, old)});
}

// C: taking the greatest event from the newest end is not taking the smallest from the oldest.
void back_date_after_power_levels(Race& race) {
    const UserId& user = race.strongest();
    Branch branch = race.base();
    race.send_at(44, branch, draft_join_rules(user, "invite"));
    const State old = branch.state;
    race.send_at(50, branch, race.promote(branch, user, race.other(), 99));
    race.send_at(0, branch, draft_join_rules(user, "knock_restricted"));
    race.dispute({old, branch.state});
}

// D: a membership authorizes a power event through another one that nobody disputes.
void authorize_through_a_gap(Race& race) {
    const UserId& user = race.strongest();
    const EventId* first = race.base().state.find("m.room.member", user.view());
    if (!first) return;
    const StateKey key = {"m.room.member", user.text()};
    const EventId old_membership = *first;
    Branch branch = race.base();
    race.send(branch, race.rejoin(user));
    race.send(branch, race.rejoin(user));
    race.send(branch, race.promote(branch, user, race.other(), 50));
    Branch stale = {.parents = branch.parents, .state = branch.state.with(key, old_membership)};
    race.send(stale, draft_topic(user, 5));
    race.dispute({branch.state, stale.state});
}

// E: two topics of one user, who leaves on the branch of one of them: no topic is left.
void leave_after_own_topic(Race& race) {
    const UserId& user = race.other();
    race.prepare(race.promote(race.base(), race.strongest(), user, 50));
    Branch left = race.base();
    Branch right = race.base();
    race.send(left, draft_topic(user, 6));
    race.send(left, draft_member(user, user, "leave"));
    race.send(right, draft_topic(user, 7));
    race.dispute({left.state, right.state});
}

// An order that leads through an event outside of the full conflicted set is no order.
void order_through_an_undisputed_event(Race& race) {
    const UserId& user = race.strongest();
    Branch branch = race.base();
    race.send_at(512, branch, draft_join_rules(user, "knock"));
    const State old = branch.state;
    race.send_at(13, branch, race.rejoin(user));
    race.send_at(15, branch, draft_topic(user, 8));
    race.send_at(14, branch, draft_join_rules(user, "private"));
    race.dispute({branch.state, race.with_entry_of(branch.state, kJoinRules, old)});
}

// Both join rules are of a member who left later, which nobody disputes: v2 refuses both.
void leave_undisputed(Race& race) {
    const UserId& user = race.other();
    race.prepare(race.promote(race.base(), race.strongest(), user, 60));
    Branch branch = race.base();
    race.send(branch, draft_join_rules(user, "knock"));
    const State old = branch.state;
    race.send(branch, draft_join_rules(user, "public"));
    race.send(branch, draft_member(user, user, "leave"));
    race.dispute({branch.state, race.with_entry_of(branch.state, kJoinRules, old)});
}

// Stale power levels, and a promotion in between that both states' chains contain.
void promote_in_between(Race& race) {
    const UserId& first = race.member(1);
    const State old = race.base().state;
    Branch branch = race.base();
    race.send(branch, race.promote(branch, race.strongest(), first, 100));
    race.send(branch, race.promote(branch, first, race.member(2), 50));
    race.send(branch, draft_topic(race.member(2), 9));
    race.dispute({branch.state, race.with_entry_of(branch.state, kPowerLevels, old)});
}

// Nobody disputes the power levels, of which the two topics cite older and newer ones.
void agree_about_power_levels(Race& race) {
    const UserId& user = race.strongest();
    Branch newer = race.base();
    Branch older = race.base();
    race.send_at(1, newer, race.promote(newer, user, race.other(), 1));
    race.send_at(9999, older, draft_topic(user, 10));
    race.send_at(3, newer, draft_topic(user, 11));
    race.dispute({newer.state, race.with_entry_of(older.state, kPowerLevels, newer.state)});
}

constexpr std::array kCounterExamples = {
    RacePattern{"A: a state event twice", hold_a_state_event_twice},
    RacePattern{"B: power levels twice", hold_power_levels_twice},
    RacePattern{"C: back-dated after power levels", back_date_after_power_levels},
    RacePattern{"D: authorized through a gap", authorize_through_a_gap},
    RacePattern{"E: left after own topic", leave_after_own_topic},
    RacePattern{"order through an undisputed event", order_through_an_undisputed_event},
    RacePattern{"undisputed leave", leave_undisputed},
    RacePattern{"promotion in between", promote_in_between},
    RacePattern{"undisputed power levels", agree_about_power_levels},
};

}  // namespace

std::span<const RacePattern> counter_example_patterns() {
    return kCounterExamples;
}

}  // namespace matrix::generators
