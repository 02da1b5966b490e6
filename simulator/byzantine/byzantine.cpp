// What Byzantine hosts do: the table.
//
// Acts within a room are those of a member: the host joins when it first acts there. Honest servers
// must come to the same state after all of them but one: the word of a host about the state before
// an event whose predecessors nobody else has is all that they have, so a room in which a host lied
// about that is not held to convergence.

#include <algorithm>
#include <array>

#include "refserver/engine/http_api.h"
#include "refserver/protocol/event_hash.h"
#include "simulator/scenario/verbs.h"
#include "simulator/world.h"

namespace matrix::simulator {
namespace {

constexpr std::int64_t kYearMs = 365LL * 86'400'000;
constexpr std::size_t kOversizeBytes = 70'000;

constexpr Parameter kHost{"host", ParameterKind::Byzantine, "Who does it."};
constexpr Parameter kToServer{"server", ParameterKind::Server, "To whom it sends."};
constexpr Parameter kInRoom{"room", ParameterKind::Room, "In which room."};
constexpr Parameter kWhile{.name = kDurationParameter,
                           .kind = ParameterKind::Integer,
                           .meaning = "How long.",
                           .least = 1,
                           .most = 3'600'000};
constexpr std::array kActParameters = {kHost, kToServer, kInRoom};

/// Who acts upon whom, where; nothing if it cannot be.
struct Stage {
    ByzantineHost& host;
    int server;
    engine::RoomPtr room;
    const RoomRules& rules;

    json::Object text(World& world, const std::string& body) const {
        json::Object content{{"body", body + " " + world.next_transaction()},
                             {"msgtype", "m.text"}};
        return content;
    }
    EventTemplate message(World& world, const std::string& body) const {
        return host.make_template(
            *room, host.member(), "m.room.message", std::nullopt, text(world, body));
    }
};

std::optional<Stage> find_stage(World& world, const Step& step) {
    const int server = world.server_number(step.text("server"));
    if (!world.cluster().server(server).is_up()) {
        world.skip(step, "the server is down");
        return std::nullopt;
    }
    auto room = world.cluster().server(server).engine().rooms().find(world.room_of(step).id);
    if (!room) {
        world.skip(step, "the server does not know the room");
        return std::nullopt;
    }
    return Stage{world.byzantine_host(step.text("host")), server, *room, (*room)->rules()};
}

// The stage of a member; the host joins if it has to. The room is looked up again after that.
Task<std::optional<Stage>> enter_stage(World* world, Step step) {
    std::optional<Stage> stage = find_stage(*world, step);
    if (!stage) co_return std::nullopt;
    ByzantineHost& host = stage->host;
    const auto membership = stage->room->membership(host.member());
    if (membership == Membership::Join) co_return stage;
    const RoomId id = stage->room->id();
    const int server = stage->server;
    stage.reset();
    if (!co_await host.join(id, server)) {
        world->skip(step, "the host may not join");
        co_return std::nullopt;
    }
    world->measure("byzantine_joins", 1);
    co_return find_stage(*world, step);
}

void deliver(const Stage& stage, json::Object pdu) {
    stage.host.keep(pdu, stage.rules);
    stage.host.send(stage.server, {std::move(pdu)});
}

// --- Acts of strangers and members ---------------------------------------------------------------

// Honest servers reject each of them (v12 6, "the sender's membership is not join") and never let
// one into their state.
Task<void> intrude(World* world, Step step) {
    const auto stage = find_stage(*world, step);
    if (!stage) co_return;
    const EventTemplate event =
        stage->host.make_template(*stage->room,
                                  UserId("@stranger:" + stage->host.name().text()),
                                  "m.room.topic",
                                  "",
                                  json::Object{{"topic", "intruded " + world->next_transaction()}});
    stage->host.send(stage->server, {stage->host.seal(event, stage->rules)});
}

// Another event of the same place to each of two servers, both of them allowed.
constexpr std::array kEquivocateParameters = {
    kHost,
    kToServer,
    Parameter{"other", ParameterKind::Server, "Who gets the other one."},
    kInRoom,
};
Task<void> equivocate(World* world, Step step) {
    const auto stage = co_await enter_stage(world, step);
    if (!stage) co_return;
    const std::string member = stage->host.member().text();
    for (const char* face : {"left", "right"}) {
        const EventTemplate event = stage->host.make_template(
            *stage->room,
            stage->host.member(),
            "m.room.member",
            member,
            json::Object{{"displayname", face + world->next_transaction()},
                         {"membership", "join"}});
        const json::Object pdu = stage->host.seal(event, stage->rules);
        stage->host.keep(pdu, stage->rules);
        const bool is_first = face[0] == 'l';
        const int server = is_first ? stage->server : world->server_number(step.text("other"));
        stage->host.send(server, {pdu});
    }
}

// What comes before it is not to be had from anybody.
Task<void> withhold(World* world, Step step) {
    const auto stage = co_await enter_stage(world, step);
    if (!stage) co_return;
    const auto hidden = event_id_of(
        stage->host.seal(stage->message(*world, "withheld"), stage->rules), stage->rules);
    if (!hidden) co_return;
    EventTemplate shown = stage->message(*world, "after the withheld");
    shown.prev_events = {*hidden};
    ++shown.depth;
    deliver(*stage, stage->host.seal(shown, stage->rules));
}

constexpr std::array kForkParameters = {
    kHost,
    kToServer,
    kInRoom,
    Parameter{.name = "branches",
              .kind = ParameterKind::Integer,
              .meaning = "How many events of one place.",
              .least = 2,
              .most = 50},
};
Task<void> fork(World* world, Step step) {
    const auto stage = co_await enter_stage(world, step);
    if (!stage) co_return;
    std::vector<json::Object> pdus;
    for (std::int64_t branch = 0; branch < step.integer("branches"); ++branch) {
        pdus.push_back(stage->host.seal(stage->message(*world, "fork"), stage->rules));
        stage->host.keep(pdus.back(), stage->rules);
    }
    stage->host.send(stage->server, std::move(pdus));
}

constexpr std::array kBackdateParameters = {
    kHost,
    kToServer,
    kInRoom,
    Parameter{.name = "by_ms",
              .kind = ParameterKind::Integer,
              .meaning = "How far in the future it was sent; negative: in the past.",
              .least = -10 * kYearMs,
              .most = 10 * kYearMs},
};
Task<void> misdate(World* world, Step step) {
    const auto stage = co_await enter_stage(world, step);
    if (!stage) co_return;
    EventTemplate event = stage->message(*world, "another time");
    event.origin_server_ts =
        std::max<std::int64_t>(event.origin_server_ts + step.integer("by_ms"), 0);
    deliver(*stage, stage->host.seal(event, stage->rules));
}

constexpr std::array kDepthParameters = {
    kHost,
    kToServer,
    kInRoom,
    Parameter{.name = "depth",
              .kind = ParameterKind::Integer,
              .meaning = "What it says.",
              .least = 0,
              .most = json::kIntegerMax},
};
Task<void> lie_about_depth(World* world, Step step) {
    const auto stage = co_await enter_stage(world, step);
    if (!stage) co_return;
    EventTemplate event = stage->message(*world, "another depth");
    event.depth = step.integer("depth");
    deliver(*stage, stage->host.seal(event, stage->rules));
}

// --- Events that nobody may accept ---------------------------------------------------------------

constexpr std::array<std::string_view, 5> kAuthFaults = {
    "missing", "unknown", "cyclic", "foreign", "twice"};
constexpr std::array kAuthParameters = {
    kHost,
    kToServer,
    kInRoom,
    Parameter{.name = "fault",
              .kind = ParameterKind::Option,
              .meaning = "What is wrong with them.",
              .options = kAuthFaults},
};

EventId made_up_id(World& world, const Stage& stage) {
    const std::string number = world.next_transaction();
    if (stage.rules.event_id_encoding == EventIdEncoding::Opaque) {
        return EventId("$nowhere" + number + ":" + stage.host.name().text());
    }
    std::string id = "$nowhere" + number;
    id.resize(44, 'A');
    return EventId(id);
}

Task<void> cite_badly(World* world, Step step) {
    const auto stage = co_await enter_stage(world, step);
    if (!stage) co_return;
    const std::string& fault = step.text("fault");
    EventTemplate event = stage->message(*world, "bad auth events");
    if (fault == "missing") event.auth_events.clear();
    if (fault == "unknown") event.auth_events.push_back(made_up_id(*world, *stage));
    if (fault == "twice") event.auth_events.push_back(event.auth_events.front());
    if (fault == "foreign") {
        for (const LivingRoom& other : world->rooms()) {
            if (other.id == stage->room->id()) continue;
            const auto room =
                world->cluster().server(stage->server).engine().rooms().find(other.id);
            if (room && !(*room)->extremities().empty())
                event.auth_events.push_back((*room)->extremities().front());
        }
    }
    if (fault != "cyclic") co_return deliver(*stage, stage->host.seal(event, stage->rules));
    // Only opaque ids can be cited before they exist; elsewhere the event it cites is unknown.
    EventTemplate other = event;
    other.auth_events.push_back(made_up_id(*world, *stage));
    json::Object second = stage->host.seal(other, stage->rules);
    if (const auto id = event_id_of(second, stage->rules)) event.auth_events.push_back(*id);
    json::Object first = stage->host.seal(event, stage->rules);
    if (stage->rules.event_id_encoding == EventIdEncoding::Opaque) {
        other.auth_events.back() = EventId(*first.find("event_id")->if_string());
        json::Object closed =
            make_pdu(other, stage->rules, EventId(*second.find("event_id")->if_string()));
        stage->host.sign(closed, stage->rules);
        second = std::move(closed);
    }
    stage->host.keep(second, stage->rules);
    deliver(*stage, std::move(first));
}

constexpr std::array<std::string_view, 4> kForgeries = {
    "hash", "signature", "no_signature", "oversize"};
constexpr std::array kForgeParameters = {
    kHost,
    kToServer,
    kInRoom,
    Parameter{.name = "fault",
              .kind = ParameterKind::Option,
              .meaning = "What is wrong with it.",
              .options = kForgeries},
};
Task<void> forge(World* world, Step step) {
    const auto stage = co_await enter_stage(world, step);
    if (!stage) co_return;
    const std::string& fault = step.text("fault");
    EventTemplate event = stage->message(*world, "forged");
    if (fault == "oversize") event.content.set("body", std::string(kOversizeBytes, 'x'));
    json::Object pdu = stage->host.seal(event, stage->rules);
    if (fault == "signature") stage->host.sign_falsely(pdu, stage->rules);
    if (fault == "no_signature") pdu.set("signatures", json::Object());
    // Receivers keep what is left after redaction. Spec: server-server-api, checks 3.
    if (fault == "hash") pdu.set("content", stage->text(*world, "altered"));
    deliver(*stage, std::move(pdu));
}

// --- Lies that last ------------------------------------------------------------------------------

constexpr std::array<std::string_view, 3> kStateLies = {"empty", "garbage", "crown"};
constexpr std::array kStateParameters = {
    kHost,
    kToServer,
    kInRoom,
    Parameter{.name = "lie",
              .kind = ParameterKind::Option,
              .meaning = "What it says.",
              .options = kStateLies},
    kWhile,
};
Task<void> lie_about_state(World* world, Step step) {
    const auto stage = co_await enter_stage(world, step);
    if (!stage) co_return;
    const std::string& lie = step.text("lie");
    stage->host.lie_about_state(lie == "empty"     ? StateLie::Empty
                                : lie == "garbage" ? StateLie::Garbage
                                                   : StateLie::Crown,
                                stage->room);
    world->doubt_room(stage->room->id(), step.text("host") + " lied about its state");
    EventTemplate event = stage->message(*world, "after what nobody has");
    event.prev_events = {made_up_id(*world, *stage)};
    deliver(*stage, stage->host.seal(event, stage->rules));
}
void end_lie(World& world, const Step& step) {
    world.byzantine_host(step.text("host")).lie_about_state(StateLie::None, nullptr);
}

constexpr std::array kStaleKeyParameters = {kHost, kWhile};
Task<void> publish_stale_keys(World* world, Step step) {
    world->byzantine_host(step.text("host")).publish_stale_keys(true);
    co_return;
}
void end_stale_keys(World& world, const Step& step) {
    world.byzantine_host(step.text("host")).publish_stale_keys(false);
}

// The room's creator shuts the host out; it goes on as before.
// Spec: server-server-api, "Server Access Control Lists (ACLs)".
Task<void> evade_acl(World* world, Step step) {
    auto entered = co_await enter_stage(world, step);
    if (!entered) co_return;
    const RoomId id = entered->room->id();
    ByzantineHost& host = entered->host;
    const int server = entered->server;
    const User creator = world->room_of(step).creator;
    entered.reset();
    const json::Object acl{{"allow", json::Array{"*"}}, {"deny", json::Array{host.name().text()}}};
    co_await world->call(creator, "PUT", room_path(id, "/state/m.room.server_acl/"), acl);
    co_await world->cluster().clock().sleep(runtime::seconds(5));
    const auto stage = find_stage(*world, step);
    if (!stage || stage->room->is_server_allowed(host.name())) {
        co_return world->skip(step, "the server knows no such list");
    }
    const json::Object pdu = host.seal(stage->message(*world, "shut out"), stage->rules);
    const auto event = event_id_of(pdu, stage->rules);
    const engine::RoomPtr room = stage->room;
    const Answer answer = co_await host.send_and_wait(server, {pdu});
    world->measure("acl_evasions_tried", 1);
    const json::Object* results = answer.body.find_object("pdus");
    const json::Value* result =
        results == nullptr || !event ? nullptr : results->find(event->view());
    if (!answer.is_ok() || (result != nullptr && result->find("error") != nullptr)) co_return;
    if (room->is_server_allowed(host.name())) co_return;  // Resolution has lifted it meanwhile.
    world->findings().add("acl",
                          world->cluster().time().now_us(),
                          "server " + std::to_string(server) + " took " +
                              (event ? event->text() : "an event") + " of " + host.name().text() +
                              ", which the room's ACL shuts out");
}
void end_acl(World& world, const Step& step) {
    const LivingRoom& room = world.room_of(step);
    world.request_later(room.creator,
                        "PUT",
                        room_path(room.id, "/state/m.room.server_acl/"),
                        json::Object{{"allow", json::Array{"*"}}, {"deny", json::Array()}});
}

// --- Signing oracles -----------------------------------------------------------------------------

constexpr std::array<std::string_view, 4> kBaits = {
    "invite_of_power_levels", "invite_of_own_user", "join_of_message", "join_of_other_user"};
constexpr std::array kBaitParameters = {
    kHost,
    kToServer,
    kInRoom,
    Parameter{.name = "bait",
              .kind = ParameterKind::Option,
              .meaning = "What it asks a server to sign, and which it must not.",
              .options = kBaits},
};
Task<void> ask_for_signature(World* world, Step step) {
    const auto stage = co_await enter_stage(world, step);
    if (!stage) co_return;
    ByzantineHost& host = stage->host;
    const int server = stage->server;
    const std::string& bait = step.text("bait");
    const std::string member = host.member().text();
    const std::string victim = "@user0:" + world->cluster().server(server).name().text();
    EventTemplate event = stage->message(*world, "sign this");
    if (bait == "invite_of_power_levels") {
        event.type = "m.room.power_levels";
        event.state_key = "";
        event.content = json::Object{{"users", json::Object{{member, 100}}}};
    } else if (bait == "invite_of_own_user") {
        event.type = "m.room.member";
        event.state_key = member;
        event.content = json::Object{{"membership", "invite"}};
    } else if (bait == "join_of_other_user") {
        event.type = "m.room.member";
        event.sender = UserId(victim);
        event.state_key = victim;
        event.content = json::Object{{"membership", "join"}};
    }
    const json::Object pdu = host.seal(event, stage->rules);
    const auto id = event_id_of(pdu, stage->rules);
    if (!id) co_return;
    const bool is_invite = bait.starts_with("invite");
    const std::string place =
        engine::percent_encode(stage->room->id().view()) + "/" + engine::percent_encode(id->view());
    json::Value body = is_invite ? json::Value(json::Object{{"event", pdu},
                                                            {"invite_room_state", json::Array()},
                                                            {"room_version", stage->rules.version}})
                                 : json::Value(pdu);
    const Answer answer = co_await host.ask(
        server,
        "PUT",
        std::string("/_matrix/federation/v2/") + (is_invite ? "invite/" : "send_join/") + place,
        std::move(body));
    world->measure("signatures_asked_for", 1);
    const json::Object* signed_event = answer.body.find_object("event");
    const json::Value* signatures =
        signed_event == nullptr ? nullptr : signed_event->find("signatures");
    if (!answer.is_ok() || signatures == nullptr) co_return;
    if (signatures->find(world->cluster().server(server).name().view()) == nullptr) co_return;
    world->findings().add("signing_oracle",
                          world->cluster().time().now_us(),
                          "server " + std::to_string(server) + " signed what it must not: " + bait +
                              ": " + json::write(*signed_event));
}

constexpr VerbKind kByzantine = VerbKind::Byzantine;
constexpr std::array kTimedActParameters = {kHost, kToServer, kInRoom, kWhile};
constexpr std::array kByzantineVerbs = {
    Verb{"intrude",
         kByzantine,
         "Sends a well-signed topic of a user who is not in the room.",
         kActParameters,
         intrude},
    Verb{"equivocate",
         kByzantine,
         "Sends another event of the same place to each of two servers.",
         kEquivocateParameters,
         equivocate},
    Verb{"withhold",
         kByzantine,
         "Sends an event, and not the one before it.",
         kActParameters,
         withhold},
    Verb{"fork", kByzantine, "Sends many events of one place.", kForkParameters, fork},
    Verb{"misdate", kByzantine, "Sends an event of another time.", kBackdateParameters, misdate},
    Verb{"lie_about_depth",
         kByzantine,
         "Sends an event with a depth that it has not.",
         kDepthParameters,
         lie_about_depth},
    Verb{"cite_badly",
         kByzantine,
         "Sends an event with bad auth events.",
         kAuthParameters,
         cite_badly},
    Verb{"forge",
         kByzantine,
         "Sends an event with a bad hash or signature, or one that is too large.",
         kForgeParameters,
         forge},
    Verb{"lie_about_state",
         kByzantine,
         "Answers falsely what the state before an event is that nobody else has.",
         kStateParameters,
         lie_about_state,
         end_lie},
    Verb{"stale_keys",
         kByzantine,
         "Publishes keys that were good until yesterday.",
         kStaleKeyParameters,
         publish_stale_keys,
         end_stale_keys},
    Verb{"evade_acl",
         kByzantine,
         "Goes on when the room's creator shuts the host out; let in again at the end.",
         kTimedActParameters,
         evade_acl,
         end_acl},
    Verb{"ask_for_signature",
         kByzantine,
         "Asks a server to sign what it must not.",
         kBaitParameters,
         ask_for_signature},
};

}  // namespace

std::span<const Verb> byzantine_verbs() {
    return kByzantineVerbs;
}

}  // namespace matrix::simulator
