// What Byzantine hosts do: the table.

#include <array>

#include "simulator/scenario/verbs.h"
#include "simulator/world.h"

namespace matrix::simulator {
namespace {

constexpr std::array kIntrudeParameters = {
    Parameter{"host", ParameterKind::Byzantine, "Who does it."},
    Parameter{"server", ParameterKind::Server, "To whom it sends."},
    Parameter{"room", ParameterKind::Room, "In which room."},
};

// Honest servers reject each of them (v12 6, "the sender's membership is not join") and never let
// one into their state.
Task<void> intrude(World* world, Step step) {
    const LivingRoom* living = world->find_room(step.text("room"));
    if (living == nullptr) co_return world->skip(step, "no such room yet");
    const int server = world->server_number(step.text("server"));
    if (!world->cluster().server(server).is_up()) co_return world->skip(step, "the server is down");
    const auto room = world->cluster().server(server).engine().rooms().find(living->id);
    if (!room) co_return world->skip(step, "the server does not know the room");
    ByzantineHost& host = world->byzantine_host(step.text("host"));
    EventTemplate event;
    event.sender = UserId("@mallory:" + host.name().text());
    event.type = "m.room.topic";
    event.state_key = "";
    event.content.set("topic", "intruded " + world->next_transaction());
    host.send(server, {host.make_event(**room, std::move(event))});
}

constexpr std::array kByzantineVerbs = {
    Verb{"intrude",
         VerbKind::Byzantine,
         "Sends a well-signed topic of a user who is not in the room.",
         kIntrudeParameters,
         intrude},
};

}  // namespace

std::span<const Verb> byzantine_verbs() {
    return kByzantineVerbs;
}

}  // namespace matrix::simulator
