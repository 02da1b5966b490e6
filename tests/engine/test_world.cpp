#include "tests/engine/test_world.h"

#include "refserver/base/assert.h"
#include "refserver/protocol/base64.h"
#include "refserver/protocol/event_hash.h"
#include "refserver/protocol/server_keys.h"
#include "refserver/protocol/sha256.h"
#include "simulator/simulated_crypto.h"

namespace matrix::engine {
namespace {

std::unique_ptr<storage::Database> open_database(runtime::Disk& disk) {
    auto database = storage::Database::open(disk, "homeserver.db", {});
    MATRIX_ASSERT(database);
    return *std::move(database);
}

runtime::HttpResponse respond_with(int status, const json::Object& body) {
    return {status, {}, json::write(body)};
}

// In room versions 1 and 2 the content tells events of a room apart well enough to make an id of
// it.
json::Object make_signable(const EventTemplate& event,
                           const RoomRules& rules,
                           const ServerName& server) {
    if (rules.event_id_encoding != EventIdEncoding::Opaque) return make_pdu(event, rules);
    const std::string what = event.room_id.text() + event.type + json::write(event.content) +
                             std::to_string(event.depth);
    const std::string hash = encode_base64_url(view(sha256(what)));
    return make_pdu(event, rules, EventId("$" + hash + ":" + server.text()));
}

}  // namespace

TestKey::TestKey(const std::string& server)
    : signer(simulator::make_simulated_signer(KeyId("ed25519:test"),
                                              std::string(view(sha256(server))))),
      document(make_server_keys(
          ServerName(server), *signer, simulator::kEpochMs + 7 * 24 * 3'600'000)) {}

ScriptedPeer::ScriptedPeer(TestWorld& world, const std::string& name) : name_(name), key_(name) {
    ++world.hosts;
    world.network.add_host(
        name,
        [this](runtime::HttpRequest request, runtime::Responder respond) {
            respond(answer(request));
        },
        [](std::move_only_function<void()> job) { job(); });
}

runtime::HttpResponse ScriptedPeer::answer(const runtime::HttpRequest& request) {
    if (request.target.starts_with("/_matrix/key/v2/server")) {
        return respond_with(200, key_.document);
    }
    constexpr std::string_view kPrefix = "/_matrix/federation/v1/";
    if (!request.target.starts_with(kPrefix)) return respond_with(404, {});
    const std::string target = request.target.substr(kPrefix.size());
    if (target.starts_with("send/")) return respond_with(200, {{"pdus", json::Object{}}});
    requests.push_back(target);
    for (const auto& [beginning, body] : answers) {
        if (target.starts_with(beginning)) return respond_with(200, body);
    }
    return respond_with(404, {{"errcode", "M_NOT_FOUND"}, {"error", "not in the script"}});
}

json::Object ScriptedPeer::sign(const EventTemplate& event, const RoomRules& rules) const {
    return sign(make_signable(event, rules, name_), rules);
}

json::Object ScriptedPeer::sign(json::Object pdu, const RoomRules& rules) const {
    pdu.erase("hashes");
    pdu.erase("signatures");
    hash_and_sign_event(pdu, name_, *key_.signer, rules);
    return pdu;
}

RoomHost::RoomHost(TestWorld& world_, const std::string& name_)
    : world(world_),
      name(name_),
      key(name_),
      random(static_cast<std::uint64_t>(world.hosts) + 100),
      executor(world.time, world.hosts),
      clock(world.time, executor, world.hosts),
      workers(world.time, executor, world.random, world.hosts),
      log(world.time, world.hosts, runtime::LogLevel::Error),
      disk(static_cast<std::uint64_t>(world.hosts)),
      durability(disk, clock, world.random, {}),
      host(world.network.add_host(
          name_,
          [this](runtime::HttpRequest request, runtime::Responder respond) {
              answer(std::move(request), std::move(respond));
          },
          [this](std::move_only_function<void()> job) { executor.run_turn(std::move(job)); })),
      network(world.network.view_of(host)),
      resolver(world.dns.view_of(host)),
      database(open_database(disk)),
      turns(*database, executor, durability, log),
      events(turns),
      states(turns),
      room_store(turns),
      keys({.server_name = name,
            .signer = *key.signer,
            .verifier = simulator::simulated_verifier(),
            .turns = turns,
            .clock = clock,
            .workers = workers,
            .log = log,
            .counters = counters,
            .trusted_key_servers = {}}),
      discovery({.appointed = {},
                 .resolver = *resolver,
                 .network = *network,
                 .clock = clock,
                 .random = random,
                 .log = log,
                 .counters = counters}),
      health({.clock = clock, .random = random, .log = log, .counters = counters}),
      federation({.server_name = name,
                  .signer = *key.signer,
                  .verifier = simulator::simulated_verifier(),
                  .turns = turns,
                  .discovery = discovery,
                  .health = health,
                  .network = *network,
                  .clock = clock,
                  .log = log,
                  .workers = workers,
                  .counters = counters}),
      outbox({.server_name = name,
              .federation = federation,
              .health = health,
              .turns = turns,
              .clock = clock,
              .random = random,
              .log = log,
              .counters = counters}),
      notifier(turns, clock),
      dropped({.clock = clock, .log = log, .counters = counters}),
      rooms({.server_name = name,
             .turns = turns,
             .events = events,
             .states = states,
             .rooms = room_store,
             .executor = executor,
             .clock = clock,
             .random = random,
             .log = log,
             .signer = *key.signer,
             .verifier = simulator::simulated_verifier(),
             .keys = keys,
             .federation = federation,
             .outbox = outbox,
             .notifier = notifier,
             .workers = workers,
             .counters = counters,
             .dropped = dropped}) {
    ++world.hosts;
    keys.connect(federation);
    outbox.connect(rooms);
}

void RoomHost::answer(runtime::HttpRequest request, runtime::Responder respond) {
    if (request.target.starts_with("/_matrix/key/v2/server")) {
        respond(respond_with(200, keys.own_keys()));
        return;
    }
    if (!request.target.starts_with("/_matrix/federation/v1/send/")) {
        respond(respond_with(404, {{"errcode", "M_NOT_FOUND"}, {"error", "not served in tests"}}));
        return;
    }
    const auto body = json::parse(request.body, json::Numbers::Any);
    MATRIX_ASSERT(body && body->find_array("pdus") && body->find_string("origin"));
    handlers.start(
        receive_all(*body->find_array("pdus"), ServerName(*body->find_string("origin"))));
    respond(respond_with(200, {{"pdus", json::Object{}}}));
}

runtime::Task<void> RoomHost::receive_all(json::Array pdus, ServerName origin) {
    for (const json::Value& pdu : pdus) {
        const std::string* room_id = pdu.find_string("room_id");
        auto room = rooms.find(RoomId(room_id ? *room_id : ""));
        if (room) co_await (*room)->receive(*pdu.if_object(), origin);
    }
}

RemoteRooms::Services RoomHost::remote_room_services() {
    return {.server_name = name,
            .rooms = rooms,
            .keys = keys,
            .federation = federation,
            .notifier = notifier,
            .turns = turns,
            .clock = clock,
            .random = random,
            .log = log,
            .signer = *key.signer};
}

Result<Receipt> RoomHost::receive(const RoomPtr& room,
                                  const json::Object& pdu,
                                  const ServerName& from) {
    auto receipt = wait_for(room->receive(pdu, from));
    MATRIX_ASSERT(receipt.has_value());
    return *std::move(receipt);
}

RoomPtr RoomHost::create_room(const std::string& version,
                              const std::string& rule,
                              std::vector<NewEvent> more) {
    const UserId alice = user("alice");
    NewRoom room{.version = version, .creator = alice, .create_content = {}, .events = {}};
    room.events.push_back(member(alice, alice, "join"));
    json::Object users;
    if (!find_room_rules(version)->has_privileged_creators) users.set(alice.text(), 100);
    room.events.push_back(state_event(alice, "m.room.power_levels", {{"users", users}}));
    room.events.push_back(state_event(alice, "m.room.join_rules", {{"join_rule", rule}}));
    room.events.insert(room.events.end(), more.begin(), more.end());
    RoomPtr created;
    turn([&] { created = rooms.create(room).value(); });
    world.settle();
    return created;
}

RoomPtr RoomHost::join(RoomHost& resident, const RoomPtr& room, const std::string& localpart) {
    const UserId joiner = user(localpart);
    const EventTemplate made = room->make_template(member(joiner, joiner, "join")).value();
    json::Object pdu = make_signable(made, room->rules(), name);
    hash_and_sign_event(pdu, name, *key.signer, room->rules());
    const StoredEvent admitted = resident.receive(room, pdu, name).value().stored;

    const State before = room->state_before(admitted.event->id).value();
    JoinedRoom joined{.join = admitted.event, .state = {}, .auth_chain = {}};
    std::vector<EventId> ids{admitted.event->id};
    for (const EventPtr& event : room->load_events(before)) {
        joined.state.push_back(*event);
        ids.push_back(event->id);
    }
    for (const EventPtr& event : room->auth_chain(ids))
        joined.auth_chain.push_back(*event);
    return wait_for(rooms.enter(std::move(joined))).value().value();
}

NewEvent message(const UserId& sender, const std::string& body) {
    return {.sender = sender,
            .type = "m.room.message",
            .state_key = std::nullopt,
            .content = {{"msgtype", "m.text"}, {"body", body}},
            .redacts = std::nullopt};
}

NewEvent state_event(const UserId& sender,
                     const std::string& type,
                     json::Object content,
                     const std::string& state_key) {
    return {.sender = sender,
            .type = type,
            .state_key = state_key,
            .content = std::move(content),
            .redacts = std::nullopt};
}

NewEvent member(const UserId& sender, const UserId& target, const std::string& membership) {
    return state_event(sender, "m.room.member", {{"membership", membership}}, target.text());
}

json::Object pdu_of(const StoredEvent& stored) {
    return stored.event->parse_text();
}

std::vector<std::string> all_versions() {
    std::vector<std::string> versions;
    for (const RoomRules& rules : all_room_rules())
        versions.emplace_back(rules.version);
    return versions;
}

}  // namespace matrix::engine
