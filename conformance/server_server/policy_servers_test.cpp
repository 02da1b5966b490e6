// Policy servers: the suite's peer is the one that a room uses, or the target is.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#policy-servers

#include <algorithm>

#include "conformance/server_server/shared_room.h"
#include "refserver/protocol/base64.h"
#include "refserver/protocol/policy_server.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kAskPlace =
    "server-server-api/#asking-for-a-policy-server-signature-on-an-event";
constexpr std::string_view kValidatePlace =
    "server-server-api/#validating-policy-server-signatures";
constexpr std::string_view kSignPath = "/_matrix/policy/v1/sign";

/// Signs what is no spam.
class PolicyPeer {
public:
    explicit PolicyPeer(Peer& peer)
        : peer_(peer),
          signer_(make_ed25519_signer(KeyId(std::string(kPolicyKeyId)), std::string(32, 'p'))) {}

    Json appointment() const {
        return {{"via", peer_.name().text()},
                {"public_keys", {{"ed25519", encode_base64(signer_->public_key())}}}};
    }
    void serve(const RoomRules& rules) {
        // It may be asked until the peer goes away, which is later than this.
        const auto judge = [signer = signer_, name = peer_.name(), rules = &rules](
                               const IncomingRequest& request) {
            if (request.body.find("spam") != std::string::npos) {
                return respond_error(400, "M_FORBIDDEN", "this looks like spam");
            }
            Pdu pdu{request.json(), rules};
            pdu.json.erase("signatures");
            return respond(200, add_signature(std::move(pdu), name, *signer).json["signatures"]);
        };
        peer_.on("POST", std::string(kSignPath), judge);
    }
    Pdu sign(Pdu pdu) const { return add_signature(std::move(pdu), peer_.name(), *signer_); }
    bool has_signed(const Pdu& pdu) const {
        return has_policy_signature(to_protocol_object(pdu.json),
                                    *pdu.rules,
                                    {peer_.name(), signer_->public_key()},
                                    ed25519_verifier());
    }
    /// How often the target asked about an event whose JSON contains `text`.
    std::ptrdiff_t count_asked(std::string_view text) const {
        return std::ranges::count_if(
            peer_.received_requests(), [&](const IncomingRequest& request) {
                return request.path() == kSignPath && request.body.find(text) != std::string::npos;
            });
    }

private:
    Peer& peer_;
    std::shared_ptr<Signer> signer_;
};

class PolicyServerOfTargetRoom : public TargetRoomTest {
protected:
    PolicyServerOfTargetRoom() { policy.serve(copy.rules()); }
    void appoint() const { alice.send_state(room, "m.room.policy", "", policy.appointment()); }
    Response put_message(std::string_view text) const {
        return alice.put(room_path(room, {"send", "m.room.message", Client::make_transaction_id()}),
                         {{"msgtype", "m.text"}, {"body", text}});
    }
    PolicyPeer policy{peer};
};

class PolicyServerOfPeerRoom : public PeerRoomTest {
protected:
    PolicyServerOfPeerRoom() {
        policy.serve(room.rules());
        peer.send(room, creator, "m.room.policy", policy.appointment(), "");
    }
    PolicyPeer policy{peer};
};

}  // namespace

CONFORMANCE_TEST(PolicyServerOfTargetRoom,
                 {.id = "ss/policy_servers/is-asked-before-sending",
                  .place = kAskPlace,
                  .text = "If a room has a policy server enabled, servers ask it to sign their "
                          "events before sending them, and add its signature.",
                  .since = "v1.18",
                  .rows = room_version_rows()}) {
    appoint();

    const EventId id = alice.send_message(room, "signed please");

    const std::optional<Pdu> event = peer.wait_for_event(id);
    ASSERT_TRUE(event) << "the message did not come";
    EXPECT_TRUE(policy.has_signed(*event)) << *event;
    EXPECT_EQ(policy.count_asked("signed please"), 1);
}

CONFORMANCE_TEST(PolicyServerOfTargetRoom,
                 {.id = "ss/policy_servers/refusal-reaches-the-client",
                  .level = Level::Should,
                  .place = kValidatePlace,
                  .text = "If the policy server refuses, the client's request is rejected with "
                          "that error verbatim.",
                  .since = "v1.18"}) {
    ASSERT_TRUE(has_status(put_message("spam, but free"), 200));
    appoint();

    const Response refused = put_message("spam, and refused");

    EXPECT_TRUE(is_error(refused, 400, "M_FORBIDDEN"));
    EXPECT_EQ(string_at(refused.body, {"error"}), "this looks like spam") << refused;
}

CONFORMANCE_TEST(PolicyServerOfTargetRoom,
                 {.id = "ss/policy_servers/refused-event-is-not-sent",
                  .level = Level::Should,
                  .place = kAskPlace,
                  .text = "An event for which the policy server returns an error is not sent to "
                          "servers.",
                  .since = "v1.18"}) {
    appoint();
    put_message("spam");

    const EventId next = alice.send_message(room, "no longer");

    ASSERT_TRUE(peer.wait_for_event(next));
    EXPECT_FALSE(peer.wait_for_pdu(
        [](const Json& pdu) { return string_at(pdu, {"content", "body"}) == "spam"; },
        std::chrono::milliseconds(0)));
}

CONFORMANCE_TEST(PolicyServerOfTargetRoom,
                 {.id = "ss/policy_servers/appointment-is-not-asked-about",
                  .place = "server-server-api/#post_matrixpolicyv1sign",
                  .text = "The endpoint is not called for `m.room.policy` with an empty state key, "
                          "so that a room can always do without its policy server.",
                  .since = "v1.18"}) {
    appoint();
    ASSERT_TRUE(peer.wait_for_event(alice.send_message(room, "asked about")));
    ASSERT_EQ(policy.count_asked("asked about"), 1);

    alice.send_state(room, "m.room.policy", "", Json::object());

    ASSERT_TRUE(peer.wait_for_event(alice.send_message(room, "spam, but free")));
    EXPECT_EQ(policy.count_asked("\"m.room.policy\""), 0);
    EXPECT_EQ(policy.count_asked("but free"), 0) << "the room has no policy server any more";
}

CONFORMANCE_TEST(PolicyServerOfTargetRoom,
                 {.id = "ss/policy_servers/without-a-member-is-none",
                  .place = "server-server-api/#determining-if-a-policy-server-is-enabled-in-a-room",
                  .text = "A server that has no joined user in the room is not its policy server.",
                  .since = "v1.18"}) {
    appoint();
    const RoomId other = alice.create_room();
    alice.send_state(other, "m.room.policy", "", policy.appointment());
    ASSERT_TRUE(peer.wait_for_event(alice.send_message(room, "here")));
    ASSERT_EQ(policy.count_asked("here"), 1);

    alice.send_message(other, "spam elsewhere");

    EXPECT_EQ(policy.count_asked("elsewhere"), 0);
}

CONFORMANCE_TEST(PolicyServerOfPeerRoom,
                 {.id = "ss/policy_servers/signed-event-is-shown",
                  .place = kValidatePlace,
                  .text = "An event with a valid signature of the policy server is recommended for "
                          "inclusion; its key is that of m.room.policy.",
                  .since = "v1.18",
                  .rows = room_version_rows()}) {
    const Pdu event = policy.sign(peer.sign(draft_message("spam, but signed")));
    room.add(event);

    ASSERT_TRUE(is_accepted(peer.send_transaction({event}), event.id()));

    EXPECT_TRUE(is_shown_by_now(event.id()));
    EXPECT_EQ(policy.count_asked("but signed"), 0);
}

CONFORMANCE_TEST(PolicyServerOfPeerRoom,
                 {.id = "ss/policy_servers/missing-signature-is-asked-for",
                  .level = Level::Should,
                  .place = kValidatePlace,
                  .text = "If the policy server's signature is missing, the server asks for one, "
                          "and then includes the event.",
                  .since = "v1.18"}) {
    const Pdu event = peer.sign(draft_message("not asked about yet"));
    room.add(event);

    ASSERT_TRUE(is_accepted(peer.send_transaction({event}), event.id()));

    EXPECT_TRUE(is_shown_by_now(event.id()));
    EXPECT_GE(policy.count_asked("not asked about yet"), 1);
}

CONFORMANCE_TEST(PolicyServerOfPeerRoom,
                 {.id = "ss/policy_servers/refused-event-is-soft-failed",
                  .level = Level::Should,
                  .place = kValidatePlace,
                  .text = "A received event that the policy server does not sign is soft-failed: "
                          "clients do not see it.",
                  .since = "v1.18",
                  .rows = room_version_rows()}) {
    const Pdu event = peer.sign(draft_message("spam"));

    EXPECT_TRUE(has_status(peer.send_transaction({event}), 200));

    EXPECT_FALSE(is_shown_by_now(event.id()));
}

CONFORMANCE_TEST(TargetRoomTest,
                 {.id = "ss/policy_servers/target-signs",
                  .place = "server-server-api/#post_matrixpolicyv1sign",
                  .text = "A policy server answers with its signature by `ed25519:policy_server`, "
                          "which the key of /.well-known/matrix/policy_server verifies.",
                  .since = "v1.18"}) {
    const Response known = alice.get("/.well-known/matrix/policy_server");
    if (known.status == 404) skip_unsupported("the target is no policy server");
    const std::string key = string_at(known.body, {"public_keys", "ed25519"});
    alice.send_state(room,
                     "m.room.policy",
                     "",
                     {{"via", target.server_name().text()}, {"public_keys", {{"ed25519", key}}}});
    ASSERT_TRUE(peer.wait_for_event(alice.send_message(room, "protected")));
    Pdu event = peer.sign(copy.draft(bob, "m.room.message", {{"body", "hello"}}));

    const Response response = peer.post(kSignPath, event.json);

    ASSERT_TRUE(has_status(response, 200));
    event["signatures"].update(response.body);
    EXPECT_TRUE(has_policy_signature(to_protocol_object(event.json),
                                     copy.rules(),
                                     {target.server_name(), decode_base64(key).value_or("")},
                                     ed25519_verifier()))
        << response;
}

}  // namespace matrix::conformance
