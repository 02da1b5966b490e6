// Who comes, goes, asks to be let in, and is thrown out.

#include "refserver/engine/http_api.h"
#include "simulator/operations/operation.h"

namespace matrix::simulator {
namespace {

Task<void> change_membership(World* world, Step step, std::string endpoint, std::string metric) {
    const LivingRoom& room = world->room_of(step);
    const Answer changed = co_await world->call(world->user(step.text("user")),
                                                "POST",
                                                room_path(room.id, endpoint),
                                                json::Object{{"user_id", step.text("target")}});
    count_done(*world, changed, metric);
}

Task<void> ban(World* world, Step step) {
    return change_membership(world, std::move(step), "/ban", "bans");
}
Task<void> unban(World* world, Step step) {
    return change_membership(world, std::move(step), "/unban", "unbans");
}
Task<void> kick(World* world, Step step) {
    return change_membership(world, std::move(step), "/kick", "kicks");
}
Task<void> invite(World* world, Step step) {
    return change_membership(world, std::move(step), "/invite", "invites");
}

constexpr std::array kEntryParameters = {
    kUserParameter,
    kRoomParameter,
    Parameter{.name = "via",
              .kind = ParameterKind::Server,
              .meaning = "Which server is asked; default: the creator's.",
              .is_optional = true},
};

// "/_matrix/client/v3/join/ROOM?via=SERVER"
std::string entry_target(World& world, const Step& step, std::string_view endpoint) {
    const LivingRoom& room = world.room_of(step);
    const std::string via = step.has("via") ? step.text("via") : room.creator.id.server().text();
    return "/_matrix/client/v3/" + std::string(endpoint) + "/" +
           engine::percent_encode(room.id.view()) + "?via=" + engine::percent_encode(via);
}

// Has somebody vouched for the user, as restricted rooms want it?
bool is_vouched_for(World& world, const RoomId& id, const User& user) {
    SimulatedServer& server = world.cluster().server(user.server);
    if (!server.is_up()) return false;
    const auto room = server.engine().rooms().find(id);
    const EventPtr member =
        room ? (*room)->find_state("m.room.member", user.id.view()) : EventPtr();
    return member && member->membership() == Membership::Join &&
           member->parse_content().contains("join_authorised_via_users_server");
}

Task<void> join(World* world, Step step) {
    const User user = world->user(step.text("user"));
    const Answer joined =
        co_await world->call(user, "POST", entry_target(*world, step, "join"), json::Object{});
    count_done(*world, joined, "joins");
    if (joined.is_ok() && is_vouched_for(*world, world->room_of(step).id, user))
        world->measure("joins_restricted", 1);
}

Task<void> knock(World* world, Step step) {
    const Answer knocked = co_await world->call(world->user(step.text("user")),
                                                "POST",
                                                entry_target(*world, step, "knock"),
                                                json::Object{});
    count_done(*world, knocked, "knocks");
}

Task<void> leave(World* world, Step step) {
    const LivingRoom& room = world->room_of(step);
    const Answer left = co_await world->call(
        world->user(step.text("user")), "POST", room_path(room.id, "/leave"), json::Object{});
    count_done(*world, left, "leaves");
}

constexpr VerbKind kMemberOperation = VerbKind::Operation;
constexpr std::array kMemberVerbs = {
    Verb{"ban", kMemberOperation, "Bans the target.", kUserRoomAndTarget, ban},
    Verb{"unban", kMemberOperation, "Lifts the target's ban.", kUserRoomAndTarget, unban},
    Verb{"kick", kMemberOperation, "Removes the target.", kUserRoomAndTarget, kick},
    Verb{"invite", kMemberOperation, "Invites the target.", kUserRoomAndTarget, invite},
    Verb{"join", kMemberOperation, "Joins the room.", kEntryParameters, join},
    Verb{"knock", kMemberOperation, "Asks to be let in.", kEntryParameters, knock},
    Verb{"leave",
         kMemberOperation,
         "Leaves the room, or refuses an invitation.",
         kUserAndRoom,
         leave},
};

}  // namespace

std::span<const Verb> member_verbs() {
    return kMemberVerbs;
}

}  // namespace matrix::simulator
