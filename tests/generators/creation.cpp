// How rooms begin: create events of every kind, and what follows at once.

#include <array>

#include "tests/generators/model_room.h"

namespace matrix::generators {
namespace {

// v12: who else is a creator, rightly or not.
void add_creators(json::Object& content, std::span<const UserId> users, Choices& choices) {
    enum Variant : std::uint64_t { Nobody, One, Three, Sender, Twice, NoUserId, NoArray, Null };
    static constexpr std::array<Variant, 20> kVariants = {
        Nobody, Nobody, Nobody, Nobody, Nobody, Nobody, Nobody, Nobody,   Nobody,  Nobody,
        One,    One,    One,    One,    Three,  Three,  Sender, NoUserId, NoArray, Null};
    const Variant variant = kVariants[choices.below(kVariants.size())];
    const auto user = [&](std::size_t number) {
        return json::Value(users[number % users.size()].text());
    };
    switch (variant) {
        case Nobody:
            return;
        case One:
            return content.set("additional_creators", json::Array{user(1)});
        case Three:
            return content.set("additional_creators", json::Array{user(1), user(2), user(3)});
        case Sender:
            return content.set("additional_creators", json::Array{user(0)});
        case Twice:
            return content.set("additional_creators", json::Array{user(1), user(1)});
        case NoUserId:
            return content.set("additional_creators", json::Array{"no user id"});
        case NoArray:
            return content.set("additional_creators", users[1 % users.size()].text());
        case Null:
            return content.set("additional_creators", nullptr);
    }
}

// Each room draws the same number of choices here, whatever its version is.
EventTemplate draft_create(Choices& choices,
                           const RoomRules& rules,
                           std::span<const UserId> users,
                           bool has_deviations) {
    constexpr std::uint64_t kUnfederated = 10;
    constexpr std::uint64_t kOtherCreator = 10;
    constexpr std::uint64_t kUnknownVersion = 1;
    EventTemplate create = draft_state(users[0], "m.room.create", "", {});
    const bool has_unknown_version = choices.happens(kUnknownVersion) && has_deviations;
    const bool has_other_creator = choices.happens(kOtherCreator) && has_deviations;
    create.content.set("room_version", has_unknown_version ? "org.unknown" : rules.version);
    if (rules.has_creator_in_content) {
        create.content.set("creator", users[has_other_creator ? users.size() - 1 : 0].text());
    }
    if (choices.happens(kUnfederated)) create.content.set("m.federate", false);
    json::Object creators;
    add_creators(creators, users, choices);
    const bool is_usual = !creators.contains("additional_creators") || has_deviations;
    if (rules.has_privileged_creators && is_usual) {
        for (const json::Member& member : creators)
            create.content.set(member.key, member.value);
    }
    if (rules.event_format != EventFormat::HashedRoomId) create.room_id = RoomId("!room:a.test");
    return create;
}

}  // namespace

void ModelRoom::make_beginning(Choices& choices) {
    constexpr std::uint64_t kWithoutLevels = 10;
    constexpr std::uint64_t kInviteOnly = 30;
    send_create(draft_create(choices, rules(), users_, limits_.has_deviations));

    const auto* content = create()->find_content<CreateContent>();
    const UserId& creator = content->creator ? *content->creator : users_[0];
    Branch beginning = newest();
    send(beginning, draft_member(creator, creator, "join"), Selector());
    const bool has_levels = !choices.happens(kWithoutLevels);
    const std::string_view join_rule = choices.happens(kInviteOnly) ? "invite" : "public";
    if (has_levels) {
        json::Object users;
        if (!rules().has_privileged_creators) users.set(creator.view(), 100);
        send(beginning,
             draft_state(creator, "m.room.power_levels", "", {{"users", std::move(users)}}),
             Selector());
    }
    send(beginning, draft_join_rules(creator, join_rule), Selector());
}

}  // namespace matrix::generators
