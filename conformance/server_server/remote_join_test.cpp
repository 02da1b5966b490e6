// A user of the target joins a room of another server.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#joining-rooms

#include <algorithm>

#include "conformance/server_server/shared_room.h"
#include "refserver/protocol/event_hash.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kJoiningPlace = "server-server-api/#joining-rooms";
constexpr std::string_view kMakeJoinPath = "/_matrix/federation/v1/make_join/";
constexpr std::string_view kSendJoinPath = "/_matrix/federation/v2/send_join/";

class RemoteJoin : public FederationTest {
protected:
    PeerRoom& make_room() { return peer.create_room({.version = room_version_here(target)}); }
    // Asks and does not insist.
    Response try_to_join(const PeerRoom& room) const {
        HttpRequest request{.method = "POST",
                            .target = "/_matrix/client/v3/join/" + escape(room.id().view()) +
                                      "?via=" + escape(peer.name().view()) +
                                      "&server_name=" + escape(peer.name().view()),
                            .body = "{}"};
        request.timeout = 3 * kDeadline;
        return alice.send(std::move(request));
    }
    // Has the target sent a join to this room?
    bool has_sent_join(const RoomId& room) const {
        const std::string path = std::string(kSendJoinPath) + escape(room.view());
        return std::ranges::any_of(peer.received_requests(), [&](const IncomingRequest& request) {
            return request.method == "PUT" && request.path().starts_with(path);
        });
    }
    // From now on /make_join and /send_join are answered by `change` of the right answer's body.
    void change_template(const PeerRoom& room, std::function<void(Json&)> change) {
        peer.on("GET", kMakeJoinPath.data(), [&room, change](const IncomingRequest& request) {
            const UserId user(request.segments()[5]);
            Json body = {{"room_version", room.version()},
                         {"event", room.draft_member(user, user, "join").json}};
            change(body["event"]);
            return respond(200, body);
        });
    }
    void change_answer(PeerRoom& room, std::function<void(Json&)> change) {
        peer.on("PUT", kSendJoinPath.data(), [&room, change](const IncomingRequest& request) {
            const Pdu join{request.json(), &room.rules()};
            room.add(join);
            std::vector<Pdu> state = room.state_before(join.id());
            Json body = {{"event", join.json}, {"state", to_json(state)}};
            state.push_back(join);
            body["auth_chain"] = to_json(room.auth_chain_of(state));
            change(body);
            return respond(200, body);
        });
    }

    const Client alice = target.make_user("alice");
};

struct BadTemplate {
    std::string_view name;
    std::string_view text;
    void (*change)(Json& event, const Peer& peer);
};
const BadTemplate kBadTemplates[] = {
    {"type",
     "The joining server verifies the `type` of the template.",
     [](Json& event, const Peer&) { event["type"] = "m.room.power_levels"; }},
    {"room_id",
     "The joining server verifies the `room_id` of the template.",
     [](Json& event, const Peer& peer) { event["room_id"] = "!other:" + peer.name().text(); }},
    {"sender",
     "The joining server verifies the `sender` of the template.",
     [](Json& event, const Peer& peer) { event["sender"] = peer.user("creator").text(); }},
    {"state_key",
     "The joining server verifies the `state_key` of the template.",
     [](Json& event, const Peer& peer) { event["state_key"] = peer.user("creator").text(); }},
    {"membership",
     "The joining server verifies the `content.membership` of the template.",
     [](Json& event, const Peer&) { event["content"]["membership"] = "leave"; }},
};

void remove_creates(Json& events) {
    std::erase_if(events.get_ref<Json::array_t&>(),
                  [](const Json& event) { return string_at(event, {"type"}) == "m.room.create"; });
}

}  // namespace

CONFORMANCE_TEST(RemoteJoin,
                 {.id = "ss/remote_join/joins-by-the-handshake",
                  .place = kJoiningPlace,
                  .text = "A user joins a room of another server by /make_join and /send_join, and "
                          "has its state.",
                  .rows = room_version_rows()}) {
    PeerRoom& room = make_room();
    const UserId creator = peer.user("creator");
    peer.append(room, creator, "m.room.name", {{"name", "remote"}}, "");

    alice.join(room.id(), peer.name().view());

    EXPECT_EQ(room.membership(alice.user()), "join") << "as the peer knows it";
    EXPECT_EQ(string_at(alice.state(room.id(), "m.room.name"), {"name"}), "remote");
    EXPECT_EQ(alice.membership(room.id(), creator), "join");
    EXPECT_EQ(alice.membership(room.id(), alice.user()), "join");
}

CONFORMANCE_TEST(RemoteJoin,
                 {.id = "ss/remote_join/sends-a-join-with-its-hash",
                  .place = kJoiningPlace,
                  .text = "The joining server fills in the template: time, content hash and "
                          "signature.",
                  .rows = room_version_rows()}) {
    PeerRoom& room = make_room();
    alice.join(room.id(), peer.name().view());

    const auto request = peer.wait_for_request("PUT", kSendJoinPath);

    ASSERT_TRUE(request);
    const Pdu join{request->json(), &room.rules()};
    EXPECT_EQ(request->segments().at(5), join.id().text());
    EXPECT_TRUE(has_valid_content_hash(to_protocol_object(join.json))) << join;
    EXPECT_TRUE(at_path(join.json, {"origin_server_ts"}).is_number_integer()) << join;
    EXPECT_TRUE(at_path(join.json, {"signatures", target.server_name().view()}).is_object())
        << join;
}

// security-cases.tsv 28
CONFORMANCE_TEST(RemoteJoin,
                 {.id = "ss/remote_join/claimed-predecessor-loses-nothing",
                  .place = "client-server-api/#room-upgrades",
                  .text = "A room that names another one as its predecessor, whose state has no "
                          "tombstone, takes neither its aliases nor its members."}) {
    const std::string alias =
        "#" + Client::make_transaction_id() + ":" + target.server_name().text();
    const std::string directory = "/_matrix/client/v3/directory/room/" + escape(alias);
    const RoomId old = alice.create_room();
    const EventId last = alice.send_message(old, "the last word");
    ASSERT_TRUE(has_status(alice.put(directory, {{"room_id", old.text()}}), 200));
    PeerRoom& room = peer.create_room(
        {.version = room_version_here(target),
         .create_content = {
             {"predecessor", {{"room_id", old.text()}, {"event_id", last.text()}}}}});

    alice.join(room.id(), peer.name().view());

    ASSERT_EQ(alice.membership(room.id(), alice.user()), "join");
    EXPECT_EQ(string_at(alice.get(directory).body, {"room_id"}), old.text());
    EXPECT_EQ(alice.membership(old, alice.user()), "join");
    EXPECT_TRUE(has_status(alice.get(room_path(old, {"state", "m.room.tombstone"})), 404));
    alice.send_message(old, "a word after it");
}

// The peer is not asked to keep such a join to itself: for all others in the room, alice is there.
CONFORMANCE_TEST(RemoteJoin,
                 {.id = "ss/remote_join/joins-again-after-a-lost-answer",
                  .place = kJoiningPlace,
                  .text = "A user whose join was accepted, while the answer to /send_join was "
                          "lost, joins by trying again, and has the room's state and what follows.",
                  .rows = room_version_rows()}) {
    PeerRoom& room = make_room();
    const UserId creator = peer.user("creator");
    peer.on("PUT", kSendJoinPath.data(), [&room](const IncomingRequest& request) {
        room.add(Pdu{request.json(), &room.rules()});
        return respond_error(502, "M_UNKNOWN", "the answer was lost");
    });
    // Whether it fails, or the target asks once more by itself, is not said.
    try_to_join(room);
    ASSERT_EQ(room.membership(alice.user()), "join") << "as the peer knows it";
    change_answer(room, [](Json&) {});

    alice.join(room.id(), peer.name().view());

    EXPECT_EQ(alice.membership(room.id(), alice.user()), "join");
    EXPECT_EQ(alice.membership(room.id(), creator), "join");
    const Pdu message =
        peer.send(room, creator, "m.room.message", {{"msgtype", "m.text"}, {"body", "you are in"}});
    const Json event = alice.sync_until_event(room.id(), message.id());
    EXPECT_EQ(string_at(event, {"content", "body"}), "you are in");
}

CONFORMANCE_TEST(RemoteJoin,
                 {.id = "ss/remote_join/names-its-room-versions",
                  .place = "server-server-api/#get_matrixfederationv1make_joinroomiduserid",
                  .text = "`ver` lists the room versions that the sending server supports."}) {
    PeerRoom& room = make_room();
    alice.join(room.id(), peer.name().view());

    const auto request = peer.wait_for_request("GET", kMakeJoinPath);

    ASSERT_TRUE(request);
    const std::vector<std::string> versions = request->query("ver");
    for (const std::string& version : target.room_versions()) {
        EXPECT_EQ(std::ranges::count(versions, version), 1)
            << "room version " << version << " in " << request->target;
    }
}

CONFORMANCE_TEST(RemoteJoin,
                 {.id = "ss/remote_join/refuses-a-template-of-another-event",
                  .place = kJoiningPlace,
                  .text = "The joining server verifies the template, and signs nothing else.",
                  .rows = rows_of(kBadTemplates)}) {
    PeerRoom& good = make_room();
    change_template(good, [](Json&) {});
    ASSERT_TRUE(has_status(try_to_join(good), 200));
    PeerRoom& bad = make_room();
    const BadTemplate& row = row_of(kBadTemplates);
    change_template(bad, [&](Json& event) { row.change(event, peer); });

    const Response response = try_to_join(bad);

    EXPECT_TRUE(response.is_error()) << response;
    EXPECT_FALSE(has_sent_join(bad.id())) << "an event that nobody asked for was signed";
}

CONFORMANCE_TEST(RemoteJoin,
                 {.id = "ss/remote_join/needs-the-create-event",
                  .place = "rooms/v12#authorisation-rules",
                  .text = "A state without m.room.create authorises nothing: the join fails."}) {
    PeerRoom& good = make_room();
    change_answer(good, [](Json&) {});
    ASSERT_TRUE(has_status(try_to_join(good), 200));
    PeerRoom& bad = make_room();
    change_answer(bad, [](Json& body) {
        remove_creates(body["state"]);
        remove_creates(body["auth_chain"]);
    });

    const Response response = try_to_join(bad);

    EXPECT_TRUE(response.is_error()) << response;
    EXPECT_NE(alice.membership(bad.id(), alice.user()), "join");
}

CONFORMANCE_TEST(RemoteJoin,
                 {.id = "ss/remote_join/refuses-the-create-event-of-another-room",
                  .place = "rooms/v12#authorisation-rules",
                  .text = "The m.room.create of another room authorises nothing: the join fails.",
                  .rows = room_version_rows()}) {
    PeerRoom& good = make_room();
    change_answer(good, [](Json&) {});
    ASSERT_TRUE(has_status(try_to_join(good), 200));
    PeerRoom& bad = make_room();
    const Json other = good.find_state("m.room.create")->json;
    change_answer(bad, [&](Json& body) {
        for (const char* field : {"state", "auth_chain"}) {
            remove_creates(body[field]);
            body[field].push_back(other);
        }
    });

    const Response response = try_to_join(bad);

    EXPECT_TRUE(response.is_error()) << response;
    EXPECT_NE(alice.membership(bad.id(), alice.user()), "join");
}

CONFORMANCE_TEST(RemoteJoin,
                 {.id = "ss/remote_join/ignores-state-that-is-not-signed",
                  .place = "server-server-api/#checks-performed-on-receipt-of-a-pdu",
                  .text = "An event of the answer that fails the signature check is dropped."}) {
    PeerRoom& room = make_room();
    const UserId creator = peer.user("creator");
    peer.append(room, creator, "m.room.name", {{"name", "signed"}}, "");
    const auto stranger = make_ed25519_signer(peer.signer().key_id(), std::string(32, 'x'));
    const Pdu forged = sign_pdu(
        room.draft(creator, "m.room.topic", {{"topic", "forged"}}, ""), peer.name(), *stranger);
    change_answer(room, [&](Json& body) { body["state"].push_back(forged.json); });

    const Response response = try_to_join(room);

    // UNSPECIFIED: whether the whole join fails with it.
    if (!response.is_ok()) return;
    EXPECT_EQ(string_at(alice.state(room.id(), "m.room.name"), {"name"}), "signed");
    const Response topic = alice.get(room_path(room.id(), {"state", "m.room.topic", ""}));
    EXPECT_TRUE(topic.is_error()) << topic;
}

CONFORMANCE_TEST(RemoteJoin,
                 {.id = "ss/remote_join/passes-a-refusal-on",
                  .level = Level::Should,
                  .place = "server-server-api/#get_matrixfederationv1make_joinroomiduserid",
                  .text = "The resident's error is passed through to the client: the room has a "
                          "version that the server does not know."}) {
    ASSERT_TRUE(has_status(try_to_join(make_room()), 200));
    PeerRoom& room = make_room();
    peer.on("GET", kMakeJoinPath.data(), [](const IncomingRequest&) {
        return respond(400,
                       {{"errcode", "M_INCOMPATIBLE_ROOM_VERSION"},
                        {"error", "Your homeserver does not support the room's version"},
                        {"room_version", "org.example.other"}});
    });

    const Response response = try_to_join(room);

    EXPECT_TRUE(is_error(response, 400, "M_INCOMPATIBLE_ROOM_VERSION"));
}

// security-cases.tsv 48
CONFORMANCE_TEST(
    RemoteJoin,
    {.id = "ss/remote_join/error-of-a-peer-is-not-our-own",
     .place = "client-server-api/#soft-logout",
     .text = "401 M_UNKNOWN_TOKEN tells a client that its own token is not valid: what "
             "another server answered to this one is not passed on as such."}) {
    PeerRoom& room = make_room();
    peer.on("GET", kMakeJoinPath.data(), [](const IncomingRequest&) {
        return respond(401,
                       {{"errcode", "M_UNKNOWN_TOKEN"}, {"error", "gone"}, {"soft_logout", true}});
    });

    const Response response = try_to_join(room);

    EXPECT_GE(response.status, 400) << response;
    EXPECT_NE(response.status, 401) << response;
    EXPECT_NE(string_at(response.body, {"errcode"}), "M_UNKNOWN_TOKEN") << response;
    EXPECT_TRUE(response.at({"soft_logout"}).is_null()) << response;
    EXPECT_TRUE(has_status(alice.get("/_matrix/client/v3/account/whoami"), 200));
}

}  // namespace matrix::conformance
