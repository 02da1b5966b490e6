#include "tests/crash/workload.h"

#include <utility>

#include "refserver/base/assert.h"
#include "refserver/engine/http_api.h"
#include "simulator/cluster.h"

namespace matrix::crash {
namespace {

constexpr int kAttemptsMax = 200;
constexpr std::int64_t kSetupMs = 60'000;
constexpr std::uint64_t kThinkMs = 12;
constexpr std::uint64_t kRetryMs = 300;
constexpr int kHastyAttempts = 100;
constexpr std::uint64_t kPatientRetryMs = 60'000;

json::Object text_message(const std::string& body) {
    return {{"body", body}, {"msgtype", "m.text"}};
}

}  // namespace

std::string room_path(const RoomId& room, std::string_view rest) {
    return "/_matrix/client/v3/rooms/" + engine::percent_encode(room.view()) + std::string(rest);
}

void Workload::prepare() {
    world_.tasks().start(make_rooms());
    for (int waited = 0; waited < kSetupMs && running_ == 0; waited += 100)
        world_.run_for(100);
    MATRIX_ASSERT(running_ == 1);
    running_ = 0;
}

Task<void> Workload::make_rooms() {
    const std::string home0 = CrashWorld::user(Side::Home, 0).text();
    const std::string home1 = CrashWorld::user(Side::Home, 1).text();
    const std::string peer0 = CrashWorld::user(Side::Peer, 0).text();
    rooms_.of_home = co_await make_public_room(Side::Home, home0);
    rooms_.of_peer = co_await make_public_room(Side::Peer, peer0);
    rooms_.visit_at_home = co_await make_public_room(Side::Home, home0);
    rooms_.visit_at_peer = co_await make_public_room(Side::Peer, peer0);
    co_await join_first(Side::Peer, peer0, rooms_.of_home, Side::Home);
    co_await join_first(Side::Home, home0, rooms_.of_peer, Side::Peer);
    co_await join_first(Side::Home, home1, rooms_.of_peer, Side::Peer);
    co_await join_first(Side::Home, home1, rooms_.of_home, Side::Home);
    running_ = 1;
}

Task<RoomId> Workload::make_public_room(Side side, std::string user) {
    const auto made = co_await world_.call(side,
                                           std::move(user),
                                           "POST",
                                           "/_matrix/client/v3/createRoom",
                                           json::Object{{"preset", "public_chat"}});
    MATRIX_ASSERT(made && made->is_ok());
    co_return RoomId(made->string("room_id"));
}

Task<void> Workload::join_first(Side side, std::string user, RoomId room, Side resident) {
    const auto joined =
        co_await world_.call(side,
                             std::move(user),
                             "POST",
                             room_path(room, "/join?via=" + CrashWorld::name_of(resident).text()),
                             json::Object{});
    MATRIX_ASSERT(joined && joined->is_ok());
}

void Workload::start() {
    for (int number = 0; number < 3; ++number) {
        for (const Side side : {Side::Home, Side::Peer}) {
            ++running_;
            world_.tasks().start(run({side, number, CrashWorld::user(side, number).text()}));
        }
    }
}

Task<void> Workload::run(Client client) {
    while (!is_stopping_) {
        co_await world_.sleep(static_cast<std::int64_t>(random_.below(kThinkMs)));
        if (client.side == Side::Home) {
            co_await act_at_home(client);
        } else {
            // The peer is fast, and home shall not be busy with it alone.
            co_await world_.sleep(static_cast<std::int64_t>(random_.below(kRetryMs)));
            co_await act_at_peer(client);
        }
    }
    --running_;
}

Task<void> Workload::act_at_home(Client client) {
    const std::uint64_t draw = random_.below(20);
    if (client.number == 2) {
        // The visitor, who also makes accounts and names.
        if (draw < 8) co_return co_await visit(client, rooms_.visit_at_peer, Side::Peer);
        if (draw < 14) co_return co_await put_name(client);
        co_return co_await register_account(client);
    }
    if (draw < 6) co_return co_await send(client, rooms_.of_home);
    if (draw < 11) co_return co_await send(client, rooms_.of_peer);
    if (draw < 13 && client.number == 0) co_return co_await put_topic(client, rooms_.of_home);
    if (draw < 15) co_return co_await create_room(client);
    if (draw < 17) co_return co_await put_name(client);
    co_await sync(client);
}

Task<void> Workload::act_at_peer(Client client) {
    const std::uint64_t draw = random_.below(20);
    if (client.number == 1) co_return co_await visit(client, rooms_.visit_at_home, Side::Home);
    if (client.number == 2) co_return co_await invite_to_home(client);
    if (draw < 10) co_return co_await send(client, rooms_.of_home);
    co_await send(client, rooms_.of_peer);
}

Task<std::optional<Answer>> Workload::ask(Client client,
                                          std::string method,
                                          std::string target,
                                          json::Value body) {
    for (int attempt = 0; attempt < kAttemptsMax; ++attempt) {
        auto answer = co_await world_.call(client.side, client.user, method, target, body);
        if (answer && answer->status < 500) co_return answer;
        if (answer && client.side == Side::Home) {
            ++(answer->status == 507 ? refused_full_ : refused_failed_);
        }
        // A server pauses for minutes before it asks one again that was away several times.
        const std::uint64_t pause_ms = attempt < kHastyAttempts ? kRetryMs : kPatientRetryMs;
        co_await world_.sleep(static_cast<std::int64_t>(random_.below(pause_ms)));
    }
    co_return std::nullopt;
}

void Workload::note_event(const RoomId& room, const EventId& event) {
    ++world_.ledger().acknowledged;
    world_.ledger().told_to_clients.emplace(event, room);
}

Task<void> Workload::send(Client client, RoomId room) {
    const std::string name = next_name("m");
    const std::string target = room_path(room, "/send/m.room.message/" + name);
    const json::Object content = text_message(name);
    const auto answer = co_await ask(client, "PUT", target, content);
    if (client.side == Side::Peer || !answer || !answer->is_ok()) co_return;
    const EventId event(answer->string("event_id"));
    note_event(room, event);
    world_.ledger().sends.push_back({client.user, target, content, event});
}

Task<void> Workload::put_topic(Client client, RoomId room) {
    const json::Object content{{"topic", next_name("topic ")}};
    const auto answer =
        co_await ask(client, "PUT", room_path(room, "/state/m.room.topic/"), content);
    if (answer && answer->is_ok()) note_event(room, EventId(answer->string("event_id")));
}

// Asked once: what is lost with the connection may exist or not, but as a whole.
Task<void> Workload::create_room(Client client) {
    const std::string name = next_name("room");
    json::Object wish{{"preset", "private_chat"}, {"name", name}, {"room_alias_name", name}};
    json::Array invitees{CrashWorld::user(Side::Home, 1 - client.number).text()};
    if (random_.one_in(2)) invitees.emplace_back(CrashWorld::user(Side::Peer, 2).text());
    wish.set("invite", std::move(invitees));
    const auto answer = co_await world_.call(
        client.side, client.user, "POST", "/_matrix/client/v3/createRoom", std::move(wish));
    if (!answer || !answer->is_ok()) co_return;
    ++world_.ledger().acknowledged;
    const std::string alias = "#" + name + ":" + CrashWorld::name_of(Side::Home).text();
    world_.ledger().rooms.emplace(RoomId(answer->string("room_id")),
                                  AcknowledgedRoom{client.user, alias, name});
}

// A room of the peer, in which nothing else happens: what home is told of it is the invite alone.
// The invite is asked for until it is answered, as a peer's user would who sees it fail.
Task<void> Workload::invite_to_home(Client client) {
    const auto made = co_await ask(
        client, "POST", "/_matrix/client/v3/createRoom", json::Object{{"preset", "private_chat"}});
    if (!made || !made->is_ok()) co_return;
    const json::Object whom{{"user_id", CrashWorld::user(Side::Home, 2).text()}};
    co_await ask(client, "POST", room_path(RoomId(made->string("room_id")), "/invite"), whom);
}

Task<void> Workload::visit(Client client, RoomId room, Side resident) {
    LastValue& membership = world_.ledger().memberships[{client.user, room}];
    const bool is_joining = membership.acknowledged != "join";
    const std::string wanted = is_joining ? "join" : "leave";
    membership.ask(wanted);
    const std::string target =
        room_path(room, "/" + wanted) + "?via=" + CrashWorld::name_of(resident).text();
    const auto answer = co_await ask(client, "POST", target, json::Object{});
    if (!answer) co_return;
    // A repeated leave may be refused, because the first one came through.
    if (!answer->is_ok() && !(answer->status == 403 && !is_joining)) co_return;
    ++world_.ledger().acknowledged;
    world_.ledger().memberships[{client.user, room}].acknowledge(wanted);
}

Task<void> Workload::put_name(Client client) {
    const std::string name = next_name("name");
    world_.ledger().names[client.user].ask(name);
    const std::string target =
        "/_matrix/client/v3/profile/" + engine::percent_encode(client.user) + "/displayname";
    const auto answer = co_await ask(client, "PUT", target, json::Object{{"displayname", name}});
    if (!answer || !answer->is_ok()) co_return;
    ++world_.ledger().acknowledged;
    world_.ledger().names[client.user].acknowledge(name);
}

Task<void> Workload::register_account(Client client) {
    const std::string localpart = next_name("new");
    const json::Object body{{"username", localpart},
                            {"password", "secret"},
                            {"auth", json::Object{{"type", "m.login.dummy"}}}};
    const auto answer =
        co_await world_.call(client.side, client.user, "POST", "/_matrix/client/v3/register", body);
    if (!answer || !answer->is_ok()) co_return;
    ++world_.ledger().acknowledged;
    world_.ledger().localparts.insert(localpart);
}

Task<void> Workload::sync(Client client) {
    const auto answer =
        co_await world_.call(client.side, client.user, "GET", "/_matrix/client/v3/sync");
    if (!answer || !answer->is_ok()) co_return;
    const json::Value* rooms = answer->body.find("rooms");
    const json::Value* joined = rooms ? rooms->find("join") : nullptr;
    if (!joined || !joined->if_object()) co_return;
    for (const json::Member& room : *joined->if_object()) {
        const json::Value* timeline = room.value.find("timeline");
        const json::Array* events = timeline ? timeline->find_array("events") : nullptr;
        for (const json::Value& event : events ? *events : json::Array()) {
            if (const std::string* id = event.find_string("event_id")) {
                note_event(RoomId(room.key), EventId(*id));
            }
        }
    }
}

}  // namespace matrix::crash
