// A server that answers others, one room with a user of a peer in it, and one room without.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "refserver/engine/devices/devices.h"
#include "refserver/engine/ephemeral/presence.h"
#include "refserver/engine/ephemeral/receipts.h"
#include "refserver/engine/ephemeral/typing.h"
#include "refserver/engine/federation_server.h"
#include "refserver/engine/rooms/remote_rooms.h"
#include "refserver/protocol/event_hash.h"
#include "tests/engine/fake_peer.h"

namespace matrix::engine {

class FederationServerTest : public testing::Test {
protected:
    using Handler = Task<Result<Reply>> (FederationServer::*)(Request);

    FederationServerTest() {
        room_ = a_.create_room();
        other_ = a_.create_room("12", "invite");
        join(peer_, room_);
    }
    void join(FakePeer& peer, const RoomPtr& room) {
        const UserId eve = peer.user("eve");
        const EventTemplate made = room->make_template(member(eve, eve, "join")).value();
        const auto pdu = peer.sign(make_pdu(made, room->rules()), room->rules());
        ASSERT_EQ(a_.receive(room, pdu, peer.name).value().stored.status, EventStatus::Accepted);
    }
    StoredEvent send(const RoomPtr& room, const NewEvent& event) {
        std::optional<StoredEvent> sent;
        a_.turn([&] { sent = room->send(event).value(); });
        world_.settle();
        return *sent;
    }
    json::Object from_eve(const NewEvent& event) {
        return peer_.sign(make_pdu(room_->make_template(event).value(), room_->rules()),
                          room_->rules());
    }
    Result<Reply> ask(Handler handler,
                      std::vector<std::string> path,
                      Query query = {},
                      json::Value body = {},
                      const char* origin = "peer.test") {
        Request request;
        request.path = std::move(path);
        request.query = std::move(query);
        if (!body.is_null()) request.raw_body = json::write(body);
        request.body = std::move(body);
        request.origin = ServerName(origin);
        return a_.wait_for((server_.*handler)(std::move(request))).value();
    }
    static std::string text_of(const Result<Reply>& reply) {
        if (!reply) {
            return std::to_string(reply.error().status) + reply.error().errcode +
                   reply.error().message;
        }
        return reply->written_body.empty() ? json::write(reply->body) : reply->written_body;
    }
    static json::Value body_of(const Result<Reply>& reply) {
        return json::parse(text_of(reply), json::Numbers::Any).value();
    }
    static int status_of(const Result<Reply>& reply) {
        return reply ? reply->status : reply.error().status;
    }
    static EventId id_of(const json::Object& pdu, const RoomRules& rules) {
        return parse_event(pdu, rules).value().id;
    }

    /// Of `server_`, or of one of the next process.
    FederationServer::Services services() {
        return {.server_name = a_.name,
                .rooms = a_.rooms,
                .remote_rooms = remote_rooms_,
                .devices = devices_,
                .federation = a_.federation,
                .events = a_.events,
                .keys = a_.keys,
                .outbox = a_.outbox,
                .notifier = a_.notifier,
                .typing = typing_,
                .receipts = receipts_,
                .presence = presence_,
                .turns = a_.turns,
                .clock = a_.clock,
                .log = a_.log,
                .signer = *a_.key.signer,
                .counters = a_.counters,
                .is_local_user = [this](const UserId& user) { return user == a_.user("bob"); },
                .find_profile = [](const UserId&) { return std::nullopt; }};
    }

    TestWorld world_;
    RoomHost a_{world_, "a.test"};
    FakePeer peer_{world_, "peer.test"};
    RoomPtr room_;
    RoomPtr other_;
    RemoteRooms remote_rooms_{a_.remote_room_services()};
    Devices devices_{{.server_name = a_.name,
                      .rooms = a_.rooms,
                      .outbox = a_.outbox,
                      .notifier = a_.notifier,
                      .federation = a_.federation,
                      .turns = a_.turns,
                      .clock = a_.clock,
                      .random = a_.random,
                      .log = a_.log}};
    Typing typing_{{.server_name = a_.name,
                    .rooms = a_.rooms,
                    .turns = a_.turns,
                    .clock = a_.clock,
                    .notifier = a_.notifier,
                    .outbox = a_.outbox}};
    Receipts receipts_{
        {.server_name = a_.name, .turns = a_.turns, .notifier = a_.notifier, .outbox = a_.outbox}};
    Presence presence_{{.server_name = a_.name,
                        .rooms = a_.rooms,
                        .turns = a_.turns,
                        .clock = a_.clock,
                        .notifier = a_.notifier,
                        .outbox = a_.outbox}};
    FederationServer server_{services()};
    const UserId alice_ = a_.user("alice");
    const UserId eve_ = peer_.user("eve");
    const std::string unknown_ = "$PMBAEUvyyqu5RKYdcjFDLoSLcnMr9lOaUjTLhkgEFWI";
};

}  // namespace matrix::engine
