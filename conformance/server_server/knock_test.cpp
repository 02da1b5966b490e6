// Another server's user knocks on a room of the target.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#knocking-rooms

#include "conformance/server_server/shared_room.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kMakeKnockPlace =
    "server-server-api/#get_matrixfederationv1make_knockroomiduserid";
constexpr std::string_view kSendKnockPlace =
    "server-server-api/#put_matrixfederationv1send_knockroomideventid";

Json knockable_room(std::string_view join_rule) {
    const Json rule = {{"type", "m.room.join_rules"}, {"content", {{"join_rule", join_rule}}}};
    return {{"preset", "private_chat"}, {"name", "door"}, {"initial_state", Json::array({rule})}};
}

// Alice of the target made a room on which one may knock.
class KnockTest : public FederationTest {
protected:
    // The knock of a user of the peer, complete but for its signature.
    Pdu draft_knock(std::string_view localpart) {
        const Response response = peer.make_knock(room, peer.user(localpart));
        expect_step("asking for a knock", response);
        Pdu knock{response.at({"event"}),
                  find_room_rules(string_at(response.body, {"room_version"}))};
        if (knock.rules == nullptr) fail_step("asking for a knock: unknown room version", response);
        return knock;
    }

    const Client alice = target.make_user("alice");
    const UserId bob = peer.user("bob");
    const RoomId room =
        alice.create_room_of_version(room_version_here(target), knockable_room("knock"));
};

struct BadKnock {
    std::string_view name;
    std::string_view text;
    void (*change)(Pdu& knock, const Peer& peer);
};
const BadKnock kBadKnocks[] = {
    {"type",
     "The type of the event is m.room.member.",
     [](Pdu& knock, const Peer&) { knock["type"] = "m.room.message"; }},
    {"membership",
     "The `membership` of the event is `knock`.",
     [](Pdu& knock, const Peer&) { knock["content"]["membership"] = "leave"; }},
    {"sender",
     "The sender is a user of the origin.",
     [](Pdu& knock, const Peer&) {
         knock["sender"] = "@bob:elsewhere.example";
         knock["state_key"] = "@bob:elsewhere.example";
     }},
    {"state_key",
     "The `state_key` is equal to the sender.",
     [](Pdu& knock, const Peer& peer) { knock["state_key"] = peer.user("dave").text(); }},
};

}  // namespace

CONFORMANCE_TEST(KnockTest,
                 {.id = "ss/make_knock/gives-a-template-of-the-knock",
                  .place = kMakeKnockPlace,
                  .text = "The template is a knock of the user on the room.",
                  .since = "v1.1",
                  .rows = knock_version_rows()}) {
    const Response response = peer.make_knock(room, bob);

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(string_at(response.body, {"room_version"}), room_version());
    const Json& event = response.at({"event"});
    EXPECT_EQ(string_at(event, {"type"}), "m.room.member");
    EXPECT_EQ(string_at(event, {"room_id"}), room.text());
    EXPECT_EQ(string_at(event, {"sender"}), bob.text());
    EXPECT_EQ(string_at(event, {"state_key"}), bob.text());
    EXPECT_EQ(string_at(event, {"content", "membership"}), "knock");
}

CONFORMANCE_TEST(KnockTest,
                 {.id = "ss/make_knock/refuses-a-user-of-another-server",
                  .place = kMakeKnockPlace,
                  .text = "The user is one of the server that asks.",
                  .since = "v1.1"}) {
    ASSERT_TRUE(has_status(peer.make_knock(room, bob), 200));

    EXPECT_TRUE(
        is_error(peer.make_knock(room, UserId("@bob:elsewhere.example")), 403, "M_FORBIDDEN"));
}

CONFORMANCE_TEST(KnockTest,
                 {.id = "ss/make_knock/refuses-a-server-without-the-room-version",
                  .place = kMakeKnockPlace,
                  .text = "A room whose version is not among `ver` is refused with "
                          "M_INCOMPATIBLE_ROOM_VERSION, and its version is told.",
                  .since = "v1.1"}) {
    ASSERT_TRUE(has_status(peer.make_knock(room, bob), 200));

    const Response response = peer.make_knock(room, bob, {"org.example.other"});

    EXPECT_TRUE(is_error(response, 400, "M_INCOMPATIBLE_ROOM_VERSION"));
    EXPECT_EQ(string_at(response.body, {"room_version"}), target.default_room_version());
}

CONFORMANCE_TEST(KnockTest,
                 {.id = "ss/make_knock/unknown-room-is-404",
                  .place = kMakeKnockPlace,
                  .text = "A room that is unknown to the server is 404 M_NOT_FOUND.",
                  .since = "v1.1"}) {
    ASSERT_TRUE(has_status(peer.make_knock(room, bob), 200));

    EXPECT_TRUE(is_error(peer.make_knock(RoomId("!unknown:" + target.server_name().text()), bob),
                         404,
                         "M_NOT_FOUND"));
}

CONFORMANCE_TEST(KnockTest,
                 {.id = "ss/make_knock/refuses-where-nobody-may-knock",
                  .place = kMakeKnockPlace,
                  .text = "A room that is not set up for knocks is 403 M_FORBIDDEN.",
                  .since = "v1.1"}) {
    ASSERT_TRUE(has_status(peer.make_knock(room, bob), 200));
    const RoomId shut = alice.create_room({{"preset", "private_chat"}});

    EXPECT_TRUE(is_error(peer.make_knock(shut, bob), 403, "M_FORBIDDEN"));
}

CONFORMANCE_TEST(KnockTest,
                 {.id = "ss/make_knock/refuses-a-banned-user",
                  .place = kMakeKnockPlace,
                  .text = "A user who is banned is 403 M_FORBIDDEN.",
                  .since = "v1.1"}) {
    alice.ban(room, peer.user("mallory"));
    ASSERT_TRUE(has_status(peer.make_knock(room, bob), 200));

    EXPECT_TRUE(is_error(peer.make_knock(room, peer.user("mallory")), 403, "M_FORBIDDEN"));
}

CONFORMANCE_TEST(KnockTest,
                 {.id = "ss/send_knock/brings-the-knock-into-the-room",
                  .place = kSendKnockPlace,
                  .text = "The resident server accepts the knock into the room's graph, and tells "
                          "what the room is by whole events, m.room.create among them.",
                  .since = "v1.1",
                  .rows = knock_version_rows()}) {
    const Pdu knock = peer.sign(draft_knock("bob"));

    const Response response = peer.send_knock(knock);

    ASSERT_TRUE(has_status(response, 200));
    alice.sync_until_event(room, knock.id());
    EXPECT_EQ(alice.membership(room, bob), "knock");
    const Json& state = response.at({"knock_room_state"});
    EXPECT_FALSE(find_state_event(state, "m.room.create", "").is_null()) << response;
    const Json& name = find_state_event(state, "m.room.name", "");
    EXPECT_EQ(string_at(name, {"content", "name"}), "door") << response;
    EXPECT_TRUE(name.contains("signatures") && name.contains("auth_events")) << response;
}

CONFORMANCE_TEST(KnockTest,
                 {.id = "ss/send_knock/refuses-another-event",
                  .place = kSendKnockPlace,
                  .text = "An event that is no knock of a user of the origin is refused.",
                  .since = "v1.1",
                  .rows = rows_of(kBadKnocks)}) {
    Pdu bad = draft_knock("carol");
    ASSERT_TRUE(has_status(peer.send_knock(peer.sign(draft_knock("bob"))), 200));
    row_of(kBadKnocks).change(bad, peer);

    expect_refused_as_invalid(peer.send_knock(peer.sign(bad)));

    EXPECT_EQ(alice.membership(room, peer.user("carol")), "");
}

CONFORMANCE_TEST(KnockTest,
                 {.id = "ss/send_knock/refuses-a-knock-that-is-wrongly-signed",
                  .place = kSendKnockPlace,
                  .text = "A knock that fails the signature check is refused.",
                  .since = "v1.1"}) {
    const Pdu draft = draft_knock("carol");
    ASSERT_TRUE(has_status(peer.send_knock(peer.sign(draft_knock("bob"))), 200));
    const auto stranger = make_ed25519_signer(peer.signer().key_id(), std::string(32, 'x'));

    expect_refused_as_invalid(peer.send_knock(sign_pdu(draft, peer.name(), *stranger)));

    EXPECT_EQ(alice.membership(room, peer.user("carol")), "");
}

CONFORMANCE_TEST(KnockTest,
                 {.id = "ss/send_knock/refuses-a-knock-that-is-not-permitted",
                  .place = kSendKnockPlace,
                  .text = "A knock that the room does not permit any more is 403 M_FORBIDDEN.",
                  .since = "v1.1"}) {
    const Pdu late = peer.sign(draft_knock("carol"));
    ASSERT_TRUE(has_status(peer.send_knock(peer.sign(draft_knock("bob"))), 200));
    alice.ban(room, peer.user("carol"));

    EXPECT_TRUE(is_error(peer.send_knock(late), 403, "M_FORBIDDEN"));
}

CONFORMANCE_TEST(KnockTest,
                 {.id = "ss/make_knock/denied-server-is-403",
                  .place = "server-server-api/#server-access-control-lists-acls",
                  .text = "A server that the room's m.room.server_acl denies is refused with 403 "
                          "M_FORBIDDEN by /make_knock and /send_knock.",
                  .since = "v1.1"}) {
    const Pdu late = peer.sign(draft_knock("carol"));
    ASSERT_TRUE(has_status(peer.send_knock(peer.sign(draft_knock("bob"))), 200));
    const auto name = split_server_name(peer.name());
    alice.send_state(room,
                     "m.room.server_acl",
                     "",
                     {{"allow", {"*"}}, {"allow_ip_literals", true}, {"deny", {name->host}}});

    EXPECT_TRUE(is_error(peer.make_knock(room, peer.user("dave")), 403, "M_FORBIDDEN"));
    EXPECT_TRUE(is_error(peer.send_knock(late), 403, "M_FORBIDDEN"));
}

}  // namespace matrix::conformance
