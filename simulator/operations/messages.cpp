// What people say in rooms, and take back.

#include <algorithm>

#include "refserver/engine/http_api.h"
#include "simulator/operations/operation.h"

namespace matrix::simulator {
namespace {

Task<void> send_message(World* world, Step step) {
    const LivingRoom& room = world->room_of(step);
    const std::string number = world->next_transaction();
    const Answer sent =
        co_await world->call(world->user(step.text("user")),
                             "PUT",
                             room_path(room.id, "/send/m.room.message/" + number),
                             json::Object{{"msgtype", "m.text"}, {"body", "message " + number}});
    count_done(*world, sent, "messages_sent");
    const std::string* id = sent.body.find_string("event_id");
    // Looked up again: rooms may have been added meanwhile.
    if (id != nullptr) world->room_of(step).messages.emplace_back(*id);
}

constexpr std::array kRedactParameters = {
    kUserParameter,
    kRoomParameter,
    Parameter{.name = "back",
              .kind = ParameterKind::Integer,
              .meaning = "Which message: so many before the newest; at most the oldest.",
              .most = 1000},
};

Task<void> redact(World* world, Step step) {
    const LivingRoom& room = world->room_of(step);
    if (room.messages.empty()) co_return world->skip(step, "nothing to redact");
    const auto back =
        std::min(static_cast<std::size_t>(step.integer("back")), room.messages.size() - 1);
    const EventId& message = room.messages[room.messages.size() - 1 - back];
    const std::string path =
        "/redact/" + engine::percent_encode(message.view()) + "/" + world->next_transaction();
    const Answer redacted = co_await world->call(
        world->user(step.text("user")), "PUT", room_path(room.id, path), json::Object{});
    count_done(*world, redacted, "messages_redacted");
}

constexpr std::array kMessageVerbs = {
    Verb{"message", VerbKind::Operation, "Sends a text.", kUserAndRoom, send_message},
    Verb{"redact", VerbKind::Operation, "Redacts a message.", kRedactParameters, redact},
};

}  // namespace

std::span<const Verb> message_verbs() {
    return kMessageVerbs;
}

}  // namespace matrix::simulator
