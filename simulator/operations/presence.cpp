// What passes: who types, who has read what, who is there.

#include "refserver/engine/http_api.h"
#include "simulator/operations/operation.h"

namespace matrix::simulator {
namespace {

constexpr std::int64_t kTypingMs = 10'000;

Task<void> type(World* world, Step step) {
    const LivingRoom& room = world->room_of(step);
    const User user = world->user(step.text("user"));
    const Answer typed = co_await world->call(
        user,
        "PUT",
        room_path(room.id, "/typing/" + engine::percent_encode(user.id.view())),
        json::Object{{"typing", true}, {"timeout", kTypingMs}});
    count_done(*world, typed, "typings");
}

Task<void> send_receipt(World* world, Step step) {
    const LivingRoom& room = world->room_of(step);
    if (room.messages.empty()) co_return world->skip(step, "nothing to read");
    const std::string path =
        "/receipt/m.read/" + engine::percent_encode(room.messages.back().view());
    const Answer sent = co_await world->call(
        world->user(step.text("user")), "POST", room_path(room.id, path), json::Object{});
    count_done(*world, sent, "receipts");
}

constexpr std::array kPresences = {
    std::string_view("online"), std::string_view("unavailable"), std::string_view("offline")};
constexpr std::array kPresenceParameters = {
    kUserParameter,
    Parameter{.name = "presence",
              .kind = ParameterKind::Option,
              .meaning = "The new presence.",
              .options = kPresences},
};

Task<void> set_presence(World* world, Step step) {
    const User user = world->user(step.text("user"));
    const Answer set = co_await world->call(
        user,
        "PUT",
        "/_matrix/client/v3/presence/" + engine::percent_encode(user.id.view()) + "/status",
        json::Object{{"presence", step.text("presence")}, {"status_msg", "fighting"}});
    count_done(*world, set, "presences");
}

constexpr std::array kPresenceVerbs = {
    Verb{"typing", VerbKind::Operation, "Types for ten seconds.", kUserAndRoom, type},
    Verb{
        "receipt", VerbKind::Operation, "Has read the newest message.", kUserAndRoom, send_receipt},
    Verb{"presence",
         VerbKind::Operation,
         "Sets the user's presence.",
         kPresenceParameters,
         set_presence},
};

}  // namespace

std::span<const Verb> presence_verbs() {
    return kPresenceVerbs;
}

}  // namespace matrix::simulator
