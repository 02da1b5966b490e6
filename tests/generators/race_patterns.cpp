// Races between members of a room.

#include "tests/generators/race_patterns.h"

#include <algorithm>
#include <array>
#include <tuple>

namespace matrix::generators {

Race::Race(ModelRoom& room, const Command& command)
    : room_(room),
      base_(room.newest()),
      by_rank_(room.users().begin(), room.users().end()),
      params_(command.params),
      start_(room.clock()),
      latest_(room.clock()) {
    const auto rank = [&](const UserId& user) {
        const bool is_member = room_.membership_in(base_.state, user) == Membership::Join;
        // The highest level first; the least of all has no negative.
        return std::tuple(!is_member, ~room_.level_in(base_.state, user), user);
    };
    std::ranges::sort(by_rank_, {}, rank);
    other_ = member(1 + command.target % std::max<std::size_t>(by_rank_.size() - 1, 1));
}

Race::~Race() {
    room_.set_clock(latest_);
}

std::optional<std::size_t> Race::send_at(std::int64_t time, Branch& branch, EventTemplate event) {
    room_.set_clock(start_ + time - 1);  // A selector of 0 takes one step.
    const auto index = room_.send(branch, std::move(event), Selector());
    if (index) ++sent_;
    latest_ = std::max(latest_, start_ + time);
    return index;
}

std::optional<std::size_t> Race::send(Branch& branch, EventTemplate event) {
    const auto step = static_cast<std::int64_t>(params_.below(3));
    return send_at(latest_ - start_ + step, branch, std::move(event));
}

EventTemplate Race::promote(const Branch& branch,
                            const UserId& sender,
                            const UserId& user,
                            std::int64_t level) const {
    json::Object content = room_.levels_in(branch.state);
    const json::Value value = level;
    set_level(content, "users", user.view(), &value);
    return draft_state(sender, "m.room.power_levels", "", std::move(content));
}

EventTemplate Race::rejoin(const UserId& user) {
    EventTemplate event = draft_member(user, user, "join");
    event.content.set("displayname", std::to_string(sent_));
    return event;
}

State Race::with_entry_of(const State& state, std::string_view type, const State& from) const {
    const EventId* id = from.find(type, "");
    const StateKey key = {std::string(type), ""};
    return id ? state.with(key, *id) : state.without(key);
}

namespace {

void ban_while_joining(Race& race) {
    Branch left = race.base();
    Branch right = race.base();
    race.send(left, draft_member(race.strongest(), race.other(), "ban"));
    race.send(right, race.rejoin(race.other()));
    race.dispute({left.state, right.state});
}

void kick_while_acting(Race& race) {
    Branch left = race.base();
    Branch right = race.base();
    race.send(left, draft_member(race.strongest(), race.other(), "leave"));
    race.send(right, race.rejoin(race.other()));
    race.send(right, draft_topic(race.other(), 1));
    race.dispute({left.state, right.state});
}

void demote_while_acting(Race& race) {
    const UserId& actor = race.other();
    race.prepare(race.promote(race.base(), race.strongest(), actor, 50));
    Branch left = race.base();
    Branch right = race.base();
    race.send(left, race.promote(left, race.strongest(), actor, 0));
    race.send(right, draft_topic(actor, 2));
    race.send(right, draft_join_rules(actor, "invite"));
    race.send(right, draft_member(actor, race.member(2), "ban"));
    race.dispute({left.state, right.state});
    race.dispute({left.state, right.state, race.base().state});
}

// Somebody becomes a peer of the one who demotes them.
void demote_while_promoting_to_a_peer(Race& race) {
    const UserId& judge = race.member(1);
    const UserId& target = race.member(2);
    race.prepare(race.promote(race.base(), race.strongest(), judge, 75));
    Branch left = race.base();
    Branch right = race.base();
    race.send(left, race.promote(left, race.strongest(), target, 75));
    Branch demoting = right;
    race.send(demoting, race.promote(demoting, judge, target, 50));
    race.send(demoting, race.promote(demoting, judge, target, 25));
    race.dispute({left.state, demoting.state});
}

void promote_in_a_chain_while_demoting(Race& race) {
    const UserId& first = race.member(1);
    const UserId& second = race.member(2);
    race.prepare(race.promote(race.base(), race.strongest(), first, 75));
    Branch left = race.base();
    Branch right = race.base();
    race.send(left, race.promote(left, first, second, 50));
    race.send(left, race.promote(left, second, race.member(3), 25));
    race.send(left, draft_topic(second, 3));
    race.send(right, race.promote(right, race.strongest(), first, 0));
    race.dispute({left.state, right.state});
}

void change_join_rule_while_joining(Race& race) {
    race.prepare(draft_join_rules(race.strongest(), "public"));
    Branch left = race.base();
    Branch right = race.base();
    race.send(left, draft_join_rules(race.strongest(), "invite"));
    for (const UserId& user : race.room().users())
        race.send(right, race.rejoin(user));
    race.dispute({left.state, right.state});
}

void edit_levels_at_the_same_time(Race& race) {
    race.prepare(race.promote(race.base(), race.strongest(), race.member(1), 100));
    Branch left = race.base();
    Branch right = race.base();
    const std::size_t second = race.params().below(2);
    race.send_at(5, left, race.promote(left, race.strongest(), race.member(2), 50));
    race.send_at(5, right, race.promote(right, race.member(second), race.member(3), 50));
    race.send_at(5, right, draft_topic(race.strongest(), 4));
    race.dispute({left.state, right.state});
}

void unban_while_inviting(Race& race) {
    race.prepare(draft_member(race.strongest(), race.other(), "ban"));
    Branch left = race.base();
    Branch right = race.base();
    race.send(left, draft_member(race.strongest(), race.other(), "leave"));
    race.send(right, draft_member(race.strongest(), race.other(), "leave"));
    race.send(right, draft_member(race.strongest(), race.other(), "invite"));
    race.send(right, race.rejoin(race.other()));
    race.dispute({left.state, right.state});
    race.dispute({race.base().state, right.state});
}

void demote_oneself_while_banning(Race& race) {
    const UserId& actor = race.member(1);
    race.prepare(race.promote(race.base(), race.strongest(), actor, 60));
    Branch left = race.base();
    Branch right = race.base();
    race.send(left, race.promote(left, actor, actor, 0));
    race.send(right, draft_member(actor, race.member(2), "ban"));
    race.dispute({left.state, right.state});
}

void take_token_back_while_redeeming(Race& race) {
    const UserId& sender = race.strongest();
    race.prepare(draft_token(sender, Selector()));
    race.prepare(draft_member(sender, race.other(), "leave"));
    Branch left = race.base();
    Branch right = race.base();
    EventTemplate removal = draft_token(sender, Selector());
    removal.content = {};
    race.send(left, std::move(removal));
    race.send(right, draft_token_invite(sender, race.other(), Selector()));
    race.send(right, race.rejoin(race.other()));
    race.dispute({left.state, right.state});
}

void knock_while_banned(Race& race) {
    race.prepare(draft_join_rules(race.strongest(), "knock"));
    race.prepare(draft_member(race.strongest(), race.other(), "leave"));
    Branch left = race.base();
    Branch right = race.base();
    race.send(left, draft_member(race.strongest(), race.other(), "ban"));
    race.send(right, draft_member(race.other(), race.other(), "knock"));
    race.send(right, draft_member(race.strongest(), race.other(), "invite"));
    race.send(right, race.rejoin(race.other()));
    race.dispute({left.state, right.state});
}

void join_by_one_who_is_put_out(Race& race) {
    const UserId& authorizer = race.member(1);
    race.prepare(draft_join_rules(race.strongest(), "restricted"));
    race.prepare(draft_member(race.strongest(), race.member(2), "leave"));
    Branch left = race.base();
    Branch right = race.base();
    const bool is_banned = race.params().below(2) == 1;
    race.send(left,
              is_banned ? draft_member(race.strongest(), authorizer, "ban")
                        : race.promote(left, race.strongest(), authorizer, -1));
    EventTemplate join = race.rejoin(race.member(2));
    join.content.set("join_authorised_via_users_server", authorizer.text());
    race.send(right, std::move(join));
    race.dispute({left.state, right.state});
}

// v1 to v11: a second create event, which every server must accept, and what follows on it.
void forge_a_create_event(Race& race) {
    const RoomRules& rules = race.room().rules();
    if (rules.event_format == EventFormat::HashedRoomId) return;
    const UserId& forger = race.room().users().front();
    EventTemplate create = draft_state(forger, "m.room.create", "", {{"forged", true}});
    if (rules.has_creator_in_content) create.content.set("creator", forger.text());
    Branch forged;
    if (!race.send(forged, std::move(create))) return;
    const EventId create_id = race.room().room().events()[forged.parents.front()].event->id;
    race.send(forged, race.rejoin(forger));
    race.send(forged, race.promote(forged, forger, forger, 100));
    race.send(forged, draft_join_rules(forger, "private"));
    race.dispute({race.base().state, forged.state});
    race.dispute({race.base().state, race.base().state.with({"m.room.create", ""}, create_id)});
    race.dispute({race.base().state,
                  race.with_entry_of(forged.state, "m.room.power_levels", race.base().state)});
}

constexpr std::array kCommonPatterns = {
    RacePattern{"ban || join", ban_while_joining},
    RacePattern{"kick || act", kick_while_acting},
    RacePattern{"demote || act", demote_while_acting},
    RacePattern{"promote to a peer || demote", demote_while_promoting_to_a_peer},
    RacePattern{"promote in a chain || demote", promote_in_a_chain_while_demoting},
    RacePattern{"change of join rule || join", change_join_rule_while_joining},
    RacePattern{"power levels || power levels", edit_levels_at_the_same_time},
    RacePattern{"unban || invite", unban_while_inviting},
    RacePattern{"demote oneself || ban", demote_oneself_while_banning},
    RacePattern{"take token back || redeem", take_token_back_while_redeeming},
    RacePattern{"ban || knock", knock_while_banned},
    RacePattern{"put out || restricted join", join_by_one_who_is_put_out},
    RacePattern{"room || forged create", forge_a_create_event},
};

}  // namespace

std::span<const RacePattern> common_race_patterns() {
    return kCommonPatterns;
}

std::uint64_t play_race(ModelRoom& room, const Command& command) {
    const auto common = common_race_patterns();
    const auto special = counter_example_patterns();
    const std::uint64_t number = command.actor % (common.size() + special.size());
    const RacePattern& pattern =
        number < common.size() ? common[number] : special[number - common.size()];
    Race race(room, command);
    pattern.play(race);
    return race.sent();
}

}  // namespace matrix::generators
