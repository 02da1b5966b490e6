// Redactions between servers.
//
// Spec: https://spec.matrix.org/v1.19/rooms/v12#handling-redactions

#include "conformance/server_server/shared_room.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kHandlingRedactionsPlace = "rooms/v12#handling-redactions";

class FederatedRedaction : public PeerRoomTest {
protected:
    Pdu send_redaction(const UserId& sender, const EventId& redacted) {
        Pdu redaction = room.draft(sender, "m.room.redaction", Json::object());
        if (room.rules().has_redacts_in_content) {
            redaction["content"]["redacts"] = redacted.text();
        } else {
            redaction["redacts"] = redacted.text();
        }
        redaction = peer.sign(redaction);
        room.add(redaction);
        expect_step("sending a redaction", peer.send_transaction({redaction}));
        return redaction;
    }
    Pdu send_text(const UserId& sender) {
        Pdu message =
            peer.send(room, sender, "m.room.message", {{"msgtype", "m.text"}, {"body", "regret"}});
        alice.sync_until_event(room.id(), message.id());
        return message;
    }
};

}  // namespace

CONFORMANCE_TEST(FederatedRedaction,
                 {.id = "ss/redaction/of-another-server-is-applied",
                  .place = kHandlingRedactionsPlace,
                  .text = "A redaction by the sender of the event takes its content away.",
                  .rows = room_version_rows()}) {
    const Pdu message = send_text(creator);
    ASSERT_EQ(string_at(alice.event(room.id(), message.id()), {"content", "body"}), "regret");

    const Pdu redaction = send_redaction(creator, message.id());

    alice.sync_until_event(room.id(), redaction.id());
    EXPECT_EQ(at_path(alice.event(room.id(), message.id()), {"content"}), Json::object());
}

CONFORMANCE_TEST(FederatedRedaction,
                 {.id = "ss/redaction/of-others-needs-power",
                  .place = kHandlingRedactionsPlace,
                  .text = "A redaction of an event of another server's user is applied only if its "
                          "sender has the power to redact.",
                  .rows = room_version_rows()}) {
    const UserId bob = join_peer_user("bob");
    const EventId first = alice.send_message(room.id(), "first");
    const EventId second = alice.send_message(room.id(), "second");
    ASSERT_TRUE(peer.wait_for_event(second));
    alice.sync_until_event(room.id(), send_redaction(creator, first).id());
    ASSERT_EQ(at_path(alice.event(room.id(), first), {"content"}), Json::object());

    send_redaction(bob, second);

    const Pdu marker = send_text(creator);
    EXPECT_EQ(string_at(alice.event(room.id(), second), {"content", "body"}), "second") << marker;
}

CONFORMANCE_TEST(
    FederatedRedaction,
    {.id = "ss/redaction/names-the-event-where-the-version-has-it",
     .place =
         "rooms/v11#moving-the-redacts-property-of-mroomredaction-events-to-a-content-property",
     .text = "`redacts` is in the content from room version 11 on, and beside it "
             "before.",
     .rows = room_version_rows()}) {
    const EventId message = alice.send_message(room.id(), "regret");

    const EventId id = alice.redact(room.id(), message);

    const std::optional<Pdu> redaction = peer.wait_for_event(id);
    ASSERT_TRUE(redaction) << "the redaction did not come";
    const bool is_in_content = room.rules().has_redacts_in_content;
    EXPECT_EQ(string_at(redaction->json, {"content", "redacts"}),
              is_in_content ? message.text() : "")
        << *redaction;
    if (!is_in_content) {
        EXPECT_EQ(string_at(redaction->json, {"redacts"}), message.text()) << *redaction;
    }
}

}  // namespace matrix::conformance
