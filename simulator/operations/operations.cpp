// What a client asks its server for: the operations of scenarios.

#include <array>
#include <string_view>
#include <utility>

#include "refserver/engine/http_api.h"
#include "simulator/scenario/verbs.h"
#include "simulator/world.h"

namespace matrix::simulator {
namespace {

constexpr std::int64_t kTypingMs = 10'000;

constexpr Parameter kUser{"user", ParameterKind::User, "Who asks."};
constexpr Parameter kRoom{"room", ParameterKind::Room, "In which room."};
constexpr Parameter kTarget{"target", ParameterKind::User, "Whom it is about."};
constexpr std::array kUserAndRoom = {kUser, kRoom};
constexpr std::array kUserRoomAndTarget = {kUser, kRoom, kTarget};

Task<void> send_message(World* world, Step step) {
    const LivingRoom& room = world->room_of(step);
    const std::string number = world->next_transaction();
    const Answer sent =
        co_await world->call(world->user(step.text("user")),
                             "PUT",
                             room_path(room.id, "/send/m.room.message/" + number),
                             json::Object{{"msgtype", "m.text"}, {"body", "message " + number}});
    const std::string* id = sent.body.find_string("event_id");
    // Looked up again: rooms may have been added meanwhile.
    if (id != nullptr) world->room_of(step).messages.emplace_back(*id);
}

Task<void> set_topic(World* world, Step step) {
    const LivingRoom& room = world->room_of(step);
    co_await world->call(world->user(step.text("user")),
                         "PUT",
                         room_path(room.id, "/state/m.room.topic/"),
                         json::Object{{"topic", "topic " + world->next_transaction()}});
}

constexpr std::array<std::string_view, 4> kJoinRules = {"public", "invite", "knock", "private"};
constexpr std::array kJoinRuleParameters = {
    kUser,
    kRoom,
    Parameter{.name = "rule",
              .kind = ParameterKind::Option,
              .meaning = "The new join rule.",
              .options = kJoinRules},
};

Task<void> set_join_rule(World* world, Step step) {
    const LivingRoom& room = world->room_of(step);
    co_await world->call(world->user(step.text("user")),
                         "PUT",
                         room_path(room.id, "/state/m.room.join_rules/"),
                         json::Object{{"join_rule", step.text("rule")}});
}

constexpr std::array kLevelParameters = {
    kUser,
    kRoom,
    kTarget,
    Parameter{.name = "level",
              .kind = ParameterKind::Integer,
              .meaning = "The target's new power level.",
              .least = -1000,
              .most = 1000},
};

// As a client does it: it reads what is, and writes it back with one level changed.
Task<void> set_power_level(World* world, Step step) {
    const LivingRoom& room = world->room_of(step);
    const User user = world->user(step.text("user"));
    const std::string path = room_path(room.id, "/state/m.room.power_levels/");
    const Answer current = co_await world->call(user, "GET", path);
    const json::Object* content = current.body.if_object();
    if (!current.is_ok() || content == nullptr) co_return world->skip(step, "no levels to edit");
    json::Object edited = *content;
    json::Object users;
    if (const json::Object* before = current.body.find_object("users")) users = *before;
    users.set(step.text("target"), step.integer("level"));
    edited.set("users", std::move(users));
    co_await world->call(user, "PUT", path, std::move(edited));
}

Task<void> change_membership(World* world, Step step, std::string endpoint) {
    const LivingRoom& room = world->room_of(step);
    co_await world->call(world->user(step.text("user")),
                         "POST",
                         room_path(room.id, endpoint),
                         json::Object{{"user_id", step.text("target")}});
}

Task<void> ban(World* world, Step step) {
    return change_membership(world, std::move(step), "/ban");
}
Task<void> unban(World* world, Step step) {
    return change_membership(world, std::move(step), "/unban");
}
Task<void> kick(World* world, Step step) {
    return change_membership(world, std::move(step), "/kick");
}
Task<void> invite(World* world, Step step) {
    return change_membership(world, std::move(step), "/invite");
}

constexpr std::array kJoinParameters = {
    kUser,
    kRoom,
    Parameter{.name = "via",
              .kind = ParameterKind::Server,
              .meaning = "Which server is asked; default: the creator's.",
              .is_optional = true},
};

Task<void> join(World* world, Step step) {
    const LivingRoom& room = world->room_of(step);
    const std::string via = step.has("via") ? step.text("via") : room.creator.id.server().text();
    co_await world->call(world->user(step.text("user")),
                         "POST",
                         "/_matrix/client/v3/join/" + engine::percent_encode(room.id.view()) +
                             "?via=" + engine::percent_encode(via),
                         json::Object{});
}

Task<void> leave(World* world, Step step) {
    const LivingRoom& room = world->room_of(step);
    co_await world->call(
        world->user(step.text("user")), "POST", room_path(room.id, "/leave"), json::Object{});
}

Task<void> type(World* world, Step step) {
    const LivingRoom& room = world->room_of(step);
    const User user = world->user(step.text("user"));
    co_await world->call(user,
                         "PUT",
                         room_path(room.id, "/typing/" + engine::percent_encode(user.id.view())),
                         json::Object{{"typing", true}, {"timeout", kTypingMs}});
}

Task<void> send_receipt(World* world, Step step) {
    const LivingRoom& room = world->room_of(step);
    if (room.messages.empty()) co_return world->skip(step, "nothing to read");
    const std::string path =
        "/receipt/m.read/" + engine::percent_encode(room.messages.back().view());
    co_await world->call(
        world->user(step.text("user")), "POST", room_path(room.id, path), json::Object{});
}

constexpr std::array kPresences = {
    std::string_view("online"), std::string_view("unavailable"), std::string_view("offline")};
constexpr std::array kPresenceParameters = {
    kUser,
    Parameter{.name = "presence",
              .kind = ParameterKind::Option,
              .meaning = "The new presence.",
              .options = kPresences},
};

Task<void> set_presence(World* world, Step step) {
    const User user = world->user(step.text("user"));
    co_await world->call(
        user,
        "PUT",
        "/_matrix/client/v3/presence/" + engine::percent_encode(user.id.view()) + "/status",
        json::Object{{"presence", step.text("presence")}, {"status_msg", "fighting"}});
}

constexpr VerbKind kOperation = VerbKind::Operation;
constexpr std::array kOperationVerbs = {
    Verb{"message", kOperation, "Sends a text.", kUserAndRoom, send_message},
    Verb{"topic", kOperation, "Sets a topic that no room had.", kUserAndRoom, set_topic},
    Verb{"join_rule", kOperation, "Sets the join rule.", kJoinRuleParameters, set_join_rule},
    Verb{"power_level",
         kOperation,
         "Reads the power levels and writes them back with one user's changed.",
         kLevelParameters,
         set_power_level},
    Verb{"ban", kOperation, "Bans the target.", kUserRoomAndTarget, ban},
    Verb{"unban", kOperation, "Lifts the target's ban.", kUserRoomAndTarget, unban},
    Verb{"kick", kOperation, "Removes the target.", kUserRoomAndTarget, kick},
    Verb{"invite", kOperation, "Invites the target.", kUserRoomAndTarget, invite},
    Verb{"join", kOperation, "Joins the room.", kJoinParameters, join},
    Verb{"leave", kOperation, "Leaves the room, or refuses an invitation.", kUserAndRoom, leave},
    Verb{"typing", kOperation, "Types for ten seconds.", kUserAndRoom, type},
    Verb{"receipt", kOperation, "Has read the newest message.", kUserAndRoom, send_receipt},
    Verb{"presence", kOperation, "Sets the user's presence.", kPresenceParameters, set_presence},
};

}  // namespace

std::span<const Verb> operation_verbs() {
    return kOperationVerbs;
}

}  // namespace matrix::simulator
