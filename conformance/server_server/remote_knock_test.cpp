// A user of the target knocks on a room of another server.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#knocking-rooms

#include <algorithm>

#include "conformance/server_server/shared_room.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kKnockingPlace = "server-server-api/#knocking-rooms";
constexpr std::string_view kMakeKnockPath = "/_matrix/federation/v1/make_knock/";
constexpr std::string_view kSendKnockPath = "/_matrix/federation/v1/send_knock/";

class RemoteKnock : public FederationTest {
protected:
    PeerRoom& make_knockable_room() {
        PeerRoom& room =
            peer.create_room({.version = room_version_here(target), .join_rule = "knock"});
        peer.append(room, peer.user("creator"), "m.room.name", {{"name", "door"}}, "");
        return room;
    }
    Response knock(std::string_view room, const Json& body = Json::object()) const {
        HttpRequest request{.method = "POST",
                            .target = "/_matrix/client/v3/knock/" + escape(room) +
                                      "?via=" + escape(peer.name().view()) +
                                      "&server_name=" + escape(peer.name().view()),
                            .body = body.dump()};
        request.timeout = 3 * kDeadline;
        return alice.send(std::move(request));
    }
    bool has_sent_knock(const RoomId& room) const {
        const std::string path = std::string(kSendKnockPath) + escape(room.view());
        return std::ranges::any_of(peer.received_requests(), [&](const IncomingRequest& request) {
            return request.method == "PUT" && request.path().starts_with(path);
        });
    }

    const Client alice = target.make_user("alice");
};

const Json& knock_state_of(const Response& sync, const RoomId& room) {
    return sync.at({"rooms", "knock", room.view(), "knock_state", "events"});
}

struct BadKnockTemplate {
    std::string_view name;
    std::string_view text;
    void (*change)(Json& event, const Peer& peer);
};
const BadKnockTemplate kBadKnockTemplates[] = {
    {"type",
     "The knocking server verifies the `type` of the template.",
     [](Json& event, const Peer&) { event["type"] = "m.room.power_levels"; }},
    {"room_id",
     "The knocking server verifies the `room_id` of the template.",
     [](Json& event, const Peer& peer) { event["room_id"] = "!other:" + peer.name().text(); }},
    {"sender",
     "The knocking server verifies the `sender` of the template.",
     [](Json& event, const Peer& peer) { event["sender"] = peer.user("creator").text(); }},
    {"state_key",
     "The knocking server verifies the `state_key` of the template.",
     [](Json& event, const Peer& peer) { event["state_key"] = peer.user("creator").text(); }},
    {"membership",
     "The knocking server verifies the `content.membership` of the template.",
     [](Json& event, const Peer&) { event["content"]["membership"] = "join"; }},
};

}  // namespace

CONFORMANCE_TEST(RemoteKnock,
                 {.id = "ss/remote_knock/knocks-by-the-handshake",
                  .place = kKnockingPlace,
                  .text = "A user knocks on a room of another server by /make_knock and "
                          "/send_knock, and the user's sync shows the knock and the room.",
                  .since = "v1.1",
                  .rows = knock_version_rows()}) {
    PeerRoom& room = make_knockable_room();

    const Response response = knock(room.id().view(), {{"reason", "please"}});

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(string_at(response.body, {"room_id"}), room.id().text());
    EXPECT_EQ(room.membership(alice.user()), "knock") << "as the peer knows it";
    const auto member = room.find_state("m.room.member", alice.user().view());
    ASSERT_TRUE(member);
    EXPECT_EQ(string_at(member->json, {"content", "reason"}), "please");
    const Response sync = alice.sync_until(
        [&](const Response& one) { return !knock_state_of(one, room.id()).is_null(); });
    const Json& events = knock_state_of(sync, room.id());
    const Json& name = find_state_event(events, "m.room.name", "");
    EXPECT_EQ(string_at(name, {"content", "name"}), "door") << sync;
    EXPECT_FALSE(name.contains("signatures")) << "this is no stripped state: " << name;
    const Json& own = find_state_event(events, "m.room.member", alice.user().view());
    EXPECT_EQ(string_at(own, {"content", "membership"}), "knock") << sync;
}

CONFORMANCE_TEST(RemoteKnock,
                 {.id = "ss/remote_knock/by-an-alias-of-another-server",
                  .place = "client-server-api/#post_matrixclientv3knockroomidoralias",
                  .text = "A room is named by an alias of another server.",
                  .since = "v1.1"}) {
    PeerRoom& room = make_knockable_room();
    peer.on("GET", "/_matrix/federation/v1/query/directory", [&](const IncomingRequest&) {
        return respond(200, {{"room_id", room.id().text()}, {"servers", {peer.name().text()}}});
    });

    const Response response =
        alice.post("/_matrix/client/v3/knock/" + escape("#door:" + peer.name().text()));

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(string_at(response.body, {"room_id"}), room.id().text());
    EXPECT_EQ(room.membership(alice.user()), "knock") << "as the peer knows it";
}

CONFORMANCE_TEST(RemoteKnock,
                 {.id = "ss/remote_knock/is-retracted-by-leaving",
                  .place = kKnockingPlace,
                  .text = "A server retracts a knock by leaving the room, by /make_leave and "
                          "/send_leave.",
                  .since = "v1.1",
                  .rows = knock_version_rows()}) {
    PeerRoom& room = make_knockable_room();
    ASSERT_TRUE(has_status(knock(room.id().view()), 200));

    alice.leave(room.id());

    EXPECT_TRUE(peer.wait_for_request("PUT", "/_matrix/federation/v2/send_leave/"));
    EXPECT_EQ(room.membership(alice.user()), "leave") << "as the peer knows it";
}

CONFORMANCE_TEST(RemoteKnock,
                 {.id = "ss/remote_knock/refusal-reaches-the-user",
                  .level = Level::Should,
                  .place = "client-server-api/#knocking-on-rooms",
                  .text = "A knock that a member of the room refuses, by a leave in a transaction, "
                          "is over for the user: the room is among those that they left.",
                  .since = "v1.1",
                  .rows = knock_version_rows()}) {
    PeerRoom& room = make_knockable_room();
    ASSERT_TRUE(has_status(knock(room.id().view()), 200));
    const std::string since = alice.sync_token();
    const Pdu refusal = peer.append(room,
                                    peer.user("creator"),
                                    "m.room.member",
                                    {{"membership", "leave"}},
                                    alice.user().text());

    EXPECT_TRUE(is_accepted(peer.send_transaction({refusal}), refusal.id()));

    alice.sync_until(
        [&](const Response& sync) {
            return !sync.at({"rooms", "leave", room.id().view()}).is_null();
        },
        {.since = since});
}

CONFORMANCE_TEST(RemoteKnock,
                 {.id = "ss/remote_knock/is-answered-by-an-invite",
                  .place = "server-server-api/#inviting-to-a-room",
                  .text = "An invite says that a knock was accepted, and lets the user join.",
                  .since = "v1.1",
                  .rows = knock_version_rows()}) {
    PeerRoom& room = make_knockable_room();
    ASSERT_TRUE(has_status(knock(room.id().view()), 200));
    const Pdu invite = peer.sign(room.draft_member(peer.user("creator"), alice.user(), "invite"));
    expect_step("the invite", peer.send_invite(invite, to_json(room.current_state())));
    room.add(invite);

    alice.join(room.id(), peer.name().view());

    EXPECT_EQ(alice.membership(room.id(), alice.user()), "join");
}

CONFORMANCE_TEST(RemoteKnock,
                 {.id = "ss/remote_knock/signs-no-other-event",
                  .place = "server-server-api/#get_matrixfederationv1make_knockroomiduserid",
                  .text = "A template that is not the knock that was asked for is discarded.",
                  .since = "v1.1",
                  .rows = rows_of(kBadKnockTemplates)}) {
    ASSERT_TRUE(has_status(knock(make_knockable_room().id().view()), 200));
    PeerRoom& room = make_knockable_room();
    const auto change = row_of(kBadKnockTemplates).change;
    peer.on("GET", kMakeKnockPath.data(), [&](const IncomingRequest& request) {
        const UserId user(request.segments()[5]);
        Json event = room.draft_member(user, user, "knock").json;
        change(event, peer);
        return respond(200, {{"room_version", room.version()}, {"event", event}});
    });

    const Response response = knock(room.id().view());

    EXPECT_TRUE(response.is_error()) << response;
    EXPECT_FALSE(has_sent_knock(room.id())) << "security-cases.tsv 25";
}

CONFORMANCE_TEST(RemoteKnock,
                 {.id = "ss/remote_knock/tells-that-it-is-forbidden",
                  .place = "client-server-api/#post_matrixclientv3knockroomidoralias",
                  .text = "A knock that the resident server refuses is 403 M_FORBIDDEN.",
                  .since = "v1.1"}) {
    ASSERT_TRUE(has_status(knock(make_knockable_room().id().view()), 200));
    PeerRoom& room = make_knockable_room();
    peer.on("GET", kMakeKnockPath.data(), [](const IncomingRequest&) {
        return respond_error(403, "M_FORBIDDEN", "not you");
    });

    EXPECT_TRUE(is_error(knock(room.id().view()), 403, "M_FORBIDDEN"));
}

CONFORMANCE_TEST(RemoteKnock,
                 {.id = "ss/remote_knock/unsigned-state-is-not-shown",
                  .level = Level::Should,
                  .place = "server-server-api/#put_matrixfederationv1send_knockroomideventid",
                  .text = "Entries of `knock_room_state` that are improperly signed are removed "
                          "before clients see them.",
                  .since = "v1.16"}) {
    PeerRoom& room = make_knockable_room();
    peer.on("PUT", kSendKnockPath.data(), [&](const IncomingRequest& request) {
        room.add(Pdu{request.json(), &room.rules()});
        Json state = to_json(room.current_state());
        for (Json& event : state) {
            if (string_at(event, {"type"}) == "m.room.name") event["content"]["name"] = "forged";
            if (string_at(event, {"type"}) == "m.room.join_rules") event.erase("signatures");
        }
        return respond(200, {{"knock_room_state", state}});
    });

    ASSERT_TRUE(has_status(knock(room.id().view()), 200));

    const Response sync = alice.sync_until(
        [&](const Response& one) { return !knock_state_of(one, room.id()).is_null(); });
    const Json& events = knock_state_of(sync, room.id());
    EXPECT_FALSE(find_state_event(events, "m.room.create", "").is_null()) << sync;
    EXPECT_TRUE(find_state_event(events, "m.room.join_rules", "").is_null()) << sync;
    EXPECT_EQ(sync.text.find("forged"), std::string::npos) << sync;
}

}  // namespace matrix::conformance
