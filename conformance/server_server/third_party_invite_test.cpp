// Invites to addresses: exchanged for invites to users.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#third-party-invites

#include "conformance/server_server/shared_room.h"
#include "refserver/protocol/base64.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kExchangePlace =
    "server-server-api/#put_matrixfederationv1exchange_third_party_inviteroomid";
constexpr std::string_view kOnbindPlace = "server-server-api/#put_matrixfederationv13pidonbind";
constexpr std::string_view kExchangePath = "/_matrix/federation/v1/exchange_third_party_invite/";

// What an identity server signs for the user to whom an address belongs.
Json identity_proof(const UserId& user, std::string_view token, const Signer& identity) {
    json::Object proof{{"mxid", user.text()}, {"token", token}};
    sign_json(proof, "identity.example", identity);
    return from_protocol(proof);
}

// Alice of the target invited an address to her room.
class ThirdPartyInvite : public FederationTest {
protected:
    ThirdPartyInvite() {
        alice.send_state(room,
                         "m.room.third_party_invite",
                         token,
                         {{"display_name", "c...@example.org"},
                          {"public_key", encode_base64(identity->public_key())},
                          {"key_validity_url", "https://identity.example/valid"}});
    }
    Json exchange_body(const UserId& user, const Json& proof) const {
        return {{"type", "m.room.member"},
                {"room_id", room.text()},
                {"sender", alice.user().text()},
                {"state_key", user.text()},
                {"content",
                 {{"membership", "invite"},
                  {"third_party_invite", {{"display_name", "carol"}, {"signed", proof}}}}}};
    }
    Response exchange(const Json& body) {
        return peer.put(std::string(kExchangePath) + escape(room.view()), body);
    }

    const std::unique_ptr<Signer> identity =
        make_ed25519_signer(KeyId("ed25519:1"), std::string(32, 'i'));
    const std::string token = Client::make_transaction_id();
    const Client alice = target.make_user("alice");
    const RoomId room =
        alice.create_room_of_version(room_version_here(target), {{"preset", "private_chat"}});
    const UserId carol = peer.user("carol");
};

struct BadExchange {
    std::string_view name;
    std::string_view text;
    void (*change)(Json& body, const Peer& peer);
};
const BadExchange kBadExchanges[] = {
    {"type",
     "The event is an m.room.member.",
     [](Json& body, const Peer&) { body["type"] = "m.room.message"; }},
    {"room_id",
     "The `room_id` is that of the path.",
     [](Json& body, const Peer&) { body["room_id"] = "!other:example.org"; }},
    {"membership",
     "The `membership` is `invite`.",
     [](Json& body, const Peer&) { body["content"]["membership"] = "join"; }},
    {"sender",
     "The sender is the one who sent the m.room.third_party_invite.",
     [](Json& body, const Peer& peer) { body["sender"] = peer.user("dave").text(); }},
    {"user",
     "The identity server signed for the invited user.",
     [](Json& body, const Peer& peer) { body["state_key"] = peer.user("dave").text(); }},
    {"signature",
     "The identity server's signature is good.",
     [](Json& body, const Peer& peer) {
         const auto stranger = make_ed25519_signer(KeyId("ed25519:1"), std::string(32, 'x'));
         Json& proof = body["content"]["third_party_invite"]["signed"];
         proof = identity_proof(peer.user("carol"), proof["token"].get<std::string>(), *stranger);
     }},
};

}  // namespace

CONFORMANCE_TEST(ThirdPartyInvite,
                 {.id = "ss/exchange_third_party_invite/issues-the-invite",
                  .place = kExchangePlace,
                  .text = "The server verifies the invite and, before it answers, has the invited "
                          "user's server sign it and sends it into the room.",
                  .rows = room_version_rows()}) {
    const Response response =
        exchange(exchange_body(carol, identity_proof(carol, token, *identity)));

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_TRUE(peer.wait_for_request("PUT", "/_matrix/federation/v2/invite/"));
    EXPECT_EQ(alice.membership(room, carol), "invite");
    const Json content = alice.state(room, "m.room.member", carol.view());
    EXPECT_EQ(string_at(content, {"third_party_invite", "signed", "token"}), token);
}

CONFORMANCE_TEST(ThirdPartyInvite,
                 {.id = "ss/exchange_third_party_invite/refuses-what-is-not-proven",
                  .place = "server-server-api/#verifying-the-invite",
                  .text = "An invite that is not proven is refused, and nobody is invited "
                          "(security-cases.tsv 38).",
                  .rows = rows_of(kBadExchanges)}) {
    Json bad = exchange_body(carol, identity_proof(carol, token, *identity));
    row_of(kBadExchanges).change(bad, peer);

    const Response response = exchange(bad);

    EXPECT_TRUE(response.is_error()) << response;
    EXPECT_EQ(alice.membership(room, carol), "");
    EXPECT_EQ(alice.membership(room, peer.user("dave")), "");
    ASSERT_TRUE(
        has_status(exchange(exchange_body(carol, identity_proof(carol, token, *identity))), 200));
}

CONFORMANCE_TEST(ThirdPartyInvite,
                 {.id = "ss/exchange_third_party_invite/needs-a-signed-request",
                  .place = "server-server-api/#request-authentication",
                  .text = "A request without authentication is refused."}) {
    const Json body = exchange_body(carol, identity_proof(carol, token, *identity));

    const Response response =
        peer.put(std::string(kExchangePath) + escape(room.view()), body, {.header = ""});

    EXPECT_EQ(response.status, 401) << response;
    ASSERT_TRUE(has_status(exchange(body), 200));
}

CONFORMANCE_TEST(FederationTest,
                 {.id = "ss/onbind/exchanges-pending-invites",
                  .place = kOnbindPlace,
                  .text = "A server that an identity server tells of a pending invite, and that is "
                          "not in the room, has the inviting server exchange it."}) {
    const Client bob = target.make_user("bob");
    const auto identity = make_ed25519_signer(KeyId("ed25519:1"), std::string(32, 'i'));
    const std::string room = "!elsewhere:" + peer.name().text();
    const Json proof = identity_proof(bob.user(), "token", *identity);
    peer.on("PUT", std::string(kExchangePath), [](const IncomingRequest&) {
        return respond(200, Json::object());
    });
    const Json body = {{"medium", "email"},
                       {"address", "bob@example.org"},
                       {"mxid", bob.user().text()},
                       {"invites",
                        {{{"medium", "email"},
                          {"address", "bob@example.org"},
                          {"mxid", bob.user().text()},
                          {"room_id", room},
                          {"sender", peer.user("creator").text()},
                          {"signed", proof}}}}};

    const Response response = peer.send_unsigned(
        {.method = "PUT", .target = "/_matrix/federation/v1/3pid/onbind", .body = body.dump()});

    ASSERT_TRUE(has_status(response, 200));
    const auto request = peer.wait_for_request("PUT", kExchangePath);
    ASSERT_TRUE(request);
    EXPECT_EQ(request->segments().at(4), room);
    const Json event = request->json();
    EXPECT_EQ(string_at(event, {"type"}), "m.room.member");
    EXPECT_EQ(string_at(event, {"room_id"}), room);
    EXPECT_EQ(string_at(event, {"sender"}), peer.user("creator").text());
    EXPECT_EQ(string_at(event, {"state_key"}), bob.user().text());
    EXPECT_EQ(string_at(event, {"content", "membership"}), "invite");
    EXPECT_EQ(at_path(event, {"content", "third_party_invite", "signed"}), proof);
}

}  // namespace matrix::conformance
