// What people change about rooms.

#include "refserver/engine/http_api.h"
#include "simulator/operations/operation.h"

namespace matrix::simulator {
namespace {

Task<Answer> set_state(World* world, Step step, std::string type, json::Object content) {
    const LivingRoom& room = world->room_of(step);
    return world->call(world->user(step.text("user")),
                       "PUT",
                       room_path(room.id, "/state/" + type + "/"),
                       std::move(content));
}

Task<void> set_topic(World* world, Step step) {
    json::Object content{{"topic", "topic " + world->next_transaction()}};
    co_await set_state(world, std::move(step), "m.room.topic", std::move(content));
}

constexpr std::array<std::string_view, 6> kJoinRules = {
    "public", "invite", "knock", "private", "restricted", "knock_restricted"};
constexpr std::array kJoinRuleParameters = {
    kUserParameter,
    kRoomParameter,
    Parameter{.name = "rule",
              .kind = ParameterKind::Option,
              .meaning = "The new join rule.",
              .options = kJoinRules},
    Parameter{.name = "allow",
              .kind = ParameterKind::Room,
              .meaning = "Whose members a restricted rule admits.",
              .is_optional = true},
};

Task<void> set_join_rule(World* world, Step step) {
    json::Object content{{"join_rule", step.text("rule")}};
    if (step.has("allow")) {
        const RoomId& allowed = world->room_named(step.text("allow")).id;
        content.set(
            "allow",
            json::Array{json::Object{{"type", "m.room_membership"}, {"room_id", allowed.text()}}});
    }
    const Answer set =
        co_await set_state(world, std::move(step), "m.room.join_rules", std::move(content));
    count_done(*world, set, "join_rules_set");
}

constexpr std::array<std::string_view, 4> kVisibilities = {
    "shared", "joined", "invited", "world_readable"};
constexpr std::array kVisibilityParameters = {
    kUserParameter,
    kRoomParameter,
    Parameter{.name = "visibility",
              .kind = ParameterKind::Option,
              .meaning = "Who may see what comes from now on.",
              .options = kVisibilities},
};

Task<void> set_history_visibility(World* world, Step step) {
    json::Object content{{"history_visibility", step.text("visibility")}};
    co_await set_state(world, std::move(step), "m.room.history_visibility", std::move(content));
}

constexpr std::array kServerAclParameters = {
    kUserParameter,
    kRoomParameter,
    Parameter{.name = "denied",
              .kind = ParameterKind::Servers,
              .meaning = "Which servers may not take part; default: none.",
              .is_optional = true},
};

Task<void> set_server_acl(World* world, Step step) {
    json::Array denied;
    for (std::string& server : step.list("denied"))
        denied.emplace_back(std::move(server));
    json::Object content{{"allow", json::Array{"*"}}, {"deny", std::move(denied)}};
    const Answer set =
        co_await set_state(world, std::move(step), "m.room.server_acl", std::move(content));
    count_done(*world, set, "server_acls_set");
}

constexpr std::array kLevelParameters = {
    kUserParameter,
    kRoomParameter,
    kTargetParameter,
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

constexpr std::array kReplaceParameters = {
    kUserParameter,
    kRoomParameter,
    Parameter{"new_room", ParameterKind::NewRoom, "What the replacement is called."},
    Parameter{"version", ParameterKind::RoomVersion, "The version of the replacement."},
};

Task<void> replace_room(World* world, Step step) {
    const RoomId old = world->room_of(step).id;
    const User user = world->user(step.text("user"));
    const Answer upgraded =
        co_await world->call(user,
                             "POST",
                             room_path(old, "/upgrade"),
                             json::Object{{"new_version", step.text("version")}});
    count_done(*world, upgraded, "upgrades");
    const std::string* id = upgraded.body.find_string("replacement_room");
    if (id == nullptr) co_return;
    world->add_room({.name = step.text("new_room"),
                     .id = RoomId(*id),
                     .version = step.text("version"),
                     .creator = user,
                     .predecessor = old});
}

constexpr std::array kChildParameters = {
    kUserParameter,
    kRoomParameter,
    Parameter{"child", ParameterKind::Room, "Which room is, or is not any more, a child."},
};

Task<void> set_child(World* world, Step step, json::Object content) {
    const std::string child = world->room_named(step.text("child")).id.text();
    const Answer set = co_await world->call(
        world->user(step.text("user")),
        "PUT",
        room_path(world->room_of(step).id, "/state/m.space.child/" + engine::percent_encode(child)),
        std::move(content));
    count_done(*world, set, "children_set");
}

Task<void> add_child(World* world, Step step) {
    const std::string via = world->user(step.text("user")).id.server().text();
    return set_child(world, std::move(step), {{"via", json::Array{via}}});
}

Task<void> remove_child(World* world, Step step) {
    return set_child(world, std::move(step), {});
}

constexpr VerbKind kRoomOperation = VerbKind::Operation;
constexpr std::array kRoomVerbs = {
    Verb{"topic", kRoomOperation, "Sets a topic that no room had.", kUserAndRoom, set_topic},
    Verb{"join_rule", kRoomOperation, "Sets the join rule.", kJoinRuleParameters, set_join_rule},
    Verb{"history_visibility",
         kRoomOperation,
         "Sets the history visibility.",
         kVisibilityParameters,
         set_history_visibility},
    Verb{"server_acl",
         kRoomOperation,
         "Denies some servers the room, and no others.",
         kServerAclParameters,
         set_server_acl},
    Verb{"power_level",
         kRoomOperation,
         "Reads the power levels and writes them back with one user's changed.",
         kLevelParameters,
         set_power_level},
    Verb{"replace_room",
         kRoomOperation,
         "Replaces the room by one of another version.",
         kReplaceParameters,
         replace_room},
    Verb{"add_child", kRoomOperation, "Puts a room into a space.", kChildParameters, add_child},
    Verb{"remove_child",
         kRoomOperation,
         "Takes a room out of a space.",
         kChildParameters,
         remove_child},
};

}  // namespace

std::span<const Verb> room_verbs() {
    return kRoomVerbs;
}

}  // namespace matrix::simulator
