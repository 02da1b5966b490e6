// Interprets commands.

#include "tests/generators/room.h"

#include <algorithm>
#include <array>

#include "refserver/base/assert.h"
#include "tests/generators/model_room.h"
#include "tests/generators/race_patterns.h"
#include "tests/generators/state_sets.h"

namespace matrix::generators {

auth::CitedEvent Room::find(const EventId& id) const {
    const auto index = indices_.find(id);
    if (index == indices_.end()) return {};
    const RoomEvent& found = events_[index->second];
    return {.event = found.event, .is_rejected = found.is_rejected};
}

void Room::add(RoomEvent event) {
    indices_[event.event->id] = events_.size();
    events_.push_back(std::move(event));
}

namespace {

constexpr std::array<std::string_view, 7> kJoinRuleNames = {
    "public", "invite", "knock", "restricted", "knock_restricted", "private", "org.unknown"};

struct DeviationRow {
    Deviation deviation;
    std::uint64_t per_thousand;
};
// The rest has none.
constexpr std::array kDeviations = {
    DeviationRow{Deviation::KeptIfRefused, 80},
    DeviationRow{Deviation::AcceptedIfRefused, 8},
    DeviationRow{Deviation::Rejected, 10},
    DeviationRow{Deviation::SoftFailed, 30},
    DeviationRow{Deviation::CitesRejected, 30},
    DeviationRow{Deviation::CitesOlder, 15},
    DeviationRow{Deviation::CitesLess, 8},
    DeviationRow{Deviation::CitesMore, 5},
    DeviationRow{Deviation::CitesTwice, 5},
};

Deviation choose_deviation(Selector& selector) {
    constexpr std::uint64_t kThousand = 1000;
    // From the top, so that 0 is none.
    std::uint64_t number = kThousand - 1 - selector.below(kThousand);
    for (const DeviationRow& row : kDeviations) {
        if (number < row.per_thousand) return row.deviation;
        number -= row.per_thousand;
    }
    return Deviation::None;
}

class Interpreter {
public:
    Interpreter(ModelRoom& room, Choices& choices) : room_(room) {
        static constexpr std::array<std::uint64_t, 5> kForkPercents = {35, 35, 35, 5, 70};
        fork_percent_ = kForkPercents[choices.below(kForkPercents.size())];
    }

    void run(const Command& command) {
        AcceptanceCounts& counts = room_.room().acceptance().of(command.kind);
        ++counts.drawn;
        if (command.kind == CommandKind::Race) {
            const std::uint64_t sent = play_race(room_, command);
            counts.attempts += sent;
            ++(sent > 0 ? counts.accepted : counts.discarded);
            return;
        }
        const std::optional<std::size_t> index = attempt(command, counts);
        if (!index) {
            ++counts.discarded;
        } else {
            ++(room_.room().events()[*index].is_rejected ? counts.rejected : counts.accepted);
        }
    }

private:
    // What nobody may do is tried by the others; the last attempt may be kept though refused.
    std::optional<std::size_t> attempt(Command command, AcceptanceCounts& counts) {
        constexpr int kAttempts = 5;
        const Branch end = choose_parents(command.parents);
        Selector selector = command.deviation;
        const Deviation deviation =
            room_.limits().has_deviations ? choose_deviation(selector) : Deviation::None;
        for (int number = 1; number <= kAttempts; ++number) {
            ++counts.attempts;
            const bool is_held_back =
                deviation == Deviation::KeptIfRefused && number < kAttempts - 1;
            const auto index = room_.send({.event = draft(command, end.state),
                                           .parents = end.parents,
                                           .before = end.state,
                                           .deviation = is_held_back ? Deviation::None : deviation,
                                           .details = selector},
                                          command.clock);
            if (index) return index;
            ++command.actor;
            if (number == 2) ++command.target;
        }
        return std::nullopt;
    }

    // The newest events, or somewhere far behind.
    Branch choose_parents(Selector selector) const {
        constexpr std::size_t kParentsMax = 3;
        constexpr std::uint64_t kStale = 10;
        Branch branch;
        if (selector.happens(fork_percent_)) {
            branch.parents = {room_.room().events().size() - 1 -
                              selector.below(room_.room().events().size())};
        } else {
            const auto& newest = room_.extremities();
            branch.parents.assign(newest.rbegin(), newest.rend());
            branch.parents.resize(1 + selector.below(std::min(newest.size(), kParentsMax)));
        }
        branch.state = room_.state_after(branch.parents);
        if (selector.happens(kStale) && room_.limits().has_wrong_states) {
            branch.state = with_stale_entry(room_.room(), branch.state, selector);
        }
        return branch;
    }

    EventTemplate draft(const Command& command, const State& before) const {
        const UserId& actor = room_.user(command.actor);
        const UserId& target = room_.user(command.target);
        Selector params = command.params;
        switch (command.kind) {
            case CommandKind::Topic:
                return draft_topic(actor, params.below(5));
            case CommandKind::Join:
                return draft_join(actor, params);
            case CommandKind::Leave:
                return draft_member(actor, actor, "leave");
            case CommandKind::Invite:
                return draft_member(actor, target, "invite");
            case CommandKind::Ban:
                return draft_member(actor, target, "ban");
            case CommandKind::Kick:
                return draft_member(actor, target, "leave");
            case CommandKind::PowerLevels:
                return draft_levels(command, before);
            case CommandKind::JoinRules:
                return with_odd_key(draft_join_rules(actor, params.among(kJoinRuleNames)),
                                    command.details);
            case CommandKind::Status:
                return draft_status(actor, target, params);
            case CommandKind::Knock:
                return draft_member(actor, actor, "knock");
            case CommandKind::Token:
                return draft_token(actor, params);
            case CommandKind::TokenInvite:
                return draft_redemption(actor, target, before, params);
            case CommandKind::Aliases:
                return draft_state(actor, "m.room.aliases", actor.server().view(), {});
            case CommandKind::Message:
                return draft_message(actor, "m.room.message");
            case CommandKind::Redaction:
                return draft_redaction(actor, params);
            case CommandKind::Race:
                break;
        }
        unreachable();
    }

    EventTemplate draft_join(const UserId& user, Selector params) const {
        EventTemplate event = draft_member(user, user, "join");
        event.content.set("displayname", std::to_string(params.below(3)));
        if (params.below(2) == 1) {
            event.content.set("join_authorised_via_users_server",
                              room_.user(params.below(room_.users().size())).text());
        }
        return event;
    }

    // Under the own key, under no user's, or under one that another user owns.
    EventTemplate draft_status(const UserId& sender, const UserId& other, Selector params) const {
        static constexpr std::uint64_t kKeys = 5;
        const std::uint64_t key = params.below(kKeys);
        const std::string_view state_key = key == 3   ? "elsewhere"
                                           : key == 4 ? other.view()
                                                      : sender.view();
        return draft_state(sender, "org.status", state_key, {{"status", "here"}});
    }

    // Mostly by who made the token, without whom no proof is right.
    EventTemplate draft_redemption(const UserId& sender,
                                   const UserId& target,
                                   const State& before,
                                   Selector params) const {
        const EventId* token = nullptr;
        before.for_each_of_type("m.room.third_party_invite",
                                [&](const StateKey&, const EventId& id) { token = &id; });
        if (!token) return draft_token(sender, params);
        constexpr std::uint64_t kOtherSender = 20;
        const bool is_other = params.happens(kOtherSender);
        return draft_token_invite(
            is_other ? sender : room_.room().find(*token).event->sender, target, params);
    }

    EventTemplate draft_levels(const Command& command, const State& before) const {
        json::Object levels = room_.levels_in(before);
        edit_power_levels(
            levels, room_.users(), room_.rules(), command.params, room_.limits().has_odd_levels);
        return with_odd_key(
            draft_state(room_.user(command.actor), "m.room.power_levels", "", std::move(levels)),
            command.details);
    }

    // Power levels and join rules under a key that nobody reads.
    EventTemplate with_odd_key(EventTemplate event, Selector details) const {
        constexpr std::uint64_t kOddKey = 2;
        if (details.happens(kOddKey) && room_.limits().has_odd_levels) event.state_key = "foo";
        return event;
    }

    EventTemplate draft_message(const UserId& sender, std::string_view type) const {
        EventTemplate event = draft_state(sender, type, "", {{"body", "hello"}});
        event.state_key.reset();
        return event;
    }

    EventTemplate draft_redaction(const UserId& sender, Selector params) const {
        EventTemplate event = draft_message(sender, "m.room.redaction");
        event.content = {};
        event.redacts = params.among(room_.room().events()).event->id;
        return event;
    }

    ModelRoom& room_;
    std::uint64_t fork_percent_ = 35;
};

}  // namespace

Room make_room(Choices& choices, const RoomRules& rules, const RoomLimits& limits) {
    constexpr std::uint64_t kRaces = 30;
    ModelRoom room(choices, rules, limits);
    const bool has_races = choices.happens(kRaces) && limits.has_races;
    const Swarm swarm(choices, has_races);
    Interpreter interpreter(room, choices);
    room.make_beginning(choices);
    for (std::size_t count = 0; count < limits.commands_max; ++count) {
        if (choices.is_exhausted()) break;
        interpreter.run(draw_command(choices, swarm));
    }
    return std::move(room.room());
}

}  // namespace matrix::generators
