// The checks on each event that another server sends.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu

#include <algorithm>

#include "conformance/server_server/shared_room.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kChecksPlace = "server-server-api/#checks-performed-on-receipt-of-a-pdu";

class PduChecks : public PeerRoomTest {
protected:
    // A refused event is no reason to refuse the transaction.
    void expect_not_shown(const Pdu& event) {
        EXPECT_TRUE(has_status(peer.send_transaction({event}), 200));
        EXPECT_FALSE(is_shown_by_now(event.id())) << event;
    }
    void expect_shown(const Pdu& event) {
        room.add(event);
        ASSERT_TRUE(is_accepted(peer.send_transaction({event}), event.id()));
        ASSERT_TRUE(is_shown_by_now(event.id())) << event;
    }
    Pdu draft_by(const UserId& sender) const {
        return room.draft(sender, "m.room.message", {{"msgtype", "m.text"}, {"body", "hi"}});
    }
};

struct BadPdu {
    std::string_view name;
    std::string_view text;
    void (*change)(Pdu& event);
};
constexpr std::size_t kPduBytesMax = 65536;
const BadPdu kBadPdus[] = {
    {"too_large",
     "An event is at most 65536 bytes long.",
     [](Pdu& event) { event["content"]["body"] = std::string(kPduBytesMax, 'a'); }},
    {"too_many_prev_events",
     "An event has at most 20 `prev_events`.",
     [](Pdu& event) {
         Json& prev_events = event["prev_events"];
         const Json first = prev_events.at(0);
         prev_events = Json::array();
         for (int i = 0; i < 21; ++i)
             prev_events.push_back(first);
     }},
    {"too_many_auth_events",
     "An event has at most 10 `auth_events`.",
     [](Pdu& event) {
         Json& auth_events = event["auth_events"];
         const Json first = auth_events.at(0);
         auth_events = Json::array();
         for (int i = 0; i < 11; ++i)
             auth_events.push_back(first);
     }},
    {"depth", "The `depth` of an event is an integer.", [](Pdu& event) { event["depth"] = "7"; }},
    {"huge_depth",
     "The `depth` of an event is within the range of canonical JSON (security-cases.tsv 19).",
     [](Pdu& event) { event["depth"] = std::int64_t{1} << 53; }},
    {"sender",
     "The `sender` of an event is at most 255 bytes long.",
     [](Pdu& event) {
         const UserId sender = event.sender();
         event["sender"] = "@" + std::string(255, 'a') + ":" + sender.server().text();
     }},
};

}  // namespace

CONFORMANCE_TEST(PduChecks,
                 {.id = "ss/pdu_checks/invalid-event-is-dropped",
                  .place = "rooms/v12#event-format",
                  .text = "An event that does not comply with the event format is dropped.",
                  .rows = rows_of(kBadPdus)}) {
    expect_shown(peer.sign(draft_message("good")));
    Pdu bad = draft_message("bad");
    row_of(kBadPdus).change(bad);

    expect_not_shown(peer.sign(bad));
}

CONFORMANCE_TEST(PduChecks,
                 {.id = "ss/pdu_checks/wrong-signature-is-dropped",
                  .place = kChecksPlace,
                  .text = "An event that fails the signature check is dropped.",
                  .rows = room_version_rows()}) {
    expect_shown(peer.sign(draft_message("good")));
    const auto stranger = make_ed25519_signer(peer.signer().key_id(), std::string(32, 'x'));

    expect_not_shown(sign_pdu(draft_message("forged"), peer.name(), *stranger));
}

CONFORMANCE_TEST(PduChecks,
                 {.id = "ss/pdu_checks/missing-signature-is-dropped",
                  .place = "server-server-api/#validating-hashes-and-signatures-on-received-events",
                  .text = "An event without a signature of the sender's server is dropped."}) {
    expect_shown(peer.sign(draft_message("good")));
    const auto signer = make_ed25519_signer(peer.signer().key_id(), std::string(32, 'x'));

    expect_not_shown(sign_pdu(draft_message("foreign"), ServerName("elsewhere.example"), *signer));
}

CONFORMANCE_TEST(PduChecks,
                 {.id = "ss/pdu_checks/wrong-hash-is-redacted",
                  .place = kChecksPlace,
                  .text = "An event that fails the hash check is redacted before it is processed "
                          "further.",
                  .rows = room_version_rows()}) {
    expect_shown(peer.sign(draft_message("good")));
    Pdu changed = peer.sign(draft_message("as it was signed"));
    changed["content"]["body"] = "as it was changed later";

    ASSERT_TRUE(has_status(peer.send_transaction({changed}), 200));

    ASSERT_TRUE(is_shown_by_now(changed.id())) << "an event that was redacted is accepted";
    EXPECT_EQ(at_path(alice.event(room.id(), changed.id()), {"content"}), Json::object());
}

CONFORMANCE_TEST(PduChecks,
                 {.id = "ss/pdu_checks/event-of-a-non-member-is-rejected",
                  .place = "rooms/v12#authorisation-rules",
                  .text = "An event whose sender is not joined is rejected.",
                  .rows = room_version_rows()}) {
    expect_shown(peer.sign(draft_by(join_peer_user("bob"))));

    expect_not_shown(peer.sign(draft_by(peer.user("stranger"))));
}

CONFORMANCE_TEST(PduChecks,
                 {.id = "ss/pdu_checks/sender-is-of-the-signing-server",
                  .place = "server-server-api/#validating-hashes-and-signatures-on-received-events",
                  .text = "An event in the name of a user of another server, who is in the room, "
                          "is dropped: that server has not signed it."}) {
    expect_shown(peer.sign(draft_message("good")));

    expect_not_shown(peer.sign(draft_by(alice.user())));
}

CONFORMANCE_TEST(PduChecks,
                 {.id = "ss/pdu_checks/rejected-state-event-changes-nothing",
                  .place = "server-server-api/#rejection",
                  .text = "A state event that is rejected does not become state: its sender has "
                          "no power.",
                  .rows = room_version_rows()}) {
    const UserId bob = join_peer_user("bob");
    expect_shown(peer.sign(room.draft(creator, "m.room.name", {{"name", "creator's"}}, "")));

    expect_not_shown(peer.sign(room.draft(bob, "m.room.name", {{"name", "bob's"}}, "")));

    EXPECT_EQ(string_at(alice.state(room.id(), "m.room.name"), {"name"}), "creator's");
}

CONFORMANCE_TEST(PduChecks,
                 {.id = "ss/pdu_checks/power-is-not-taken",
                  .place = "rooms/v12#authorisation-rules",
                  .text = "Nobody gives out more power than they have.",
                  .rows = room_version_rows()}) {
    const UserId bob = join_peer_user("bob");
    Json levels = room.find_state("m.room.power_levels")->json["content"];
    levels["users"][bob.text()] = 50;
    expect_shown(peer.sign(room.draft(creator, "m.room.power_levels", levels, "")));
    levels["users"][bob.text()] = 99;

    expect_not_shown(peer.sign(room.draft(bob, "m.room.power_levels", levels, "")));

    const Json& known = alice.state(room.id(), "m.room.power_levels");
    EXPECT_EQ(at_path(known, {"users", bob.view()}), 50) << known;
}

CONFORMANCE_TEST(PduChecks,
                 {.id = "ss/pdu_checks/event-behind-a-rejected-one-is-accepted",
                  .level = Level::Should,
                  .place = "server-server-api/#rejection",
                  .text = "Events that reference rejected events are allowed if they still pass "
                          "the auth rules."}) {
    const Pdu rejected = peer.sign(draft_by(peer.user("stranger")));
    expect_not_shown(rejected);
    room.add(rejected);

    const Pdu next = peer.sign(draft_message("after it"));

    expect_shown(next);
    EXPECT_FALSE(is_shown_by_now(rejected.id()));
}

CONFORMANCE_TEST(PduChecks,
                 {.id = "ss/soft_failure/event-around-a-ban-is-not-shown",
                  .level = Level::Should,
                  .place = "server-server-api/#soft-failure",
                  .text = "An event that passes by the state before it, and not by the current "
                          "state, is not relayed to clients: its sender was banned meanwhile.",
                  .rows = room_version_rows()}) {
    const UserId mallory = join_peer_user("mallory");
    expect_shown(peer.sign(draft_by(mallory)));
    const std::vector<EventId> before_ban = room.extremities();
    const Pdu ban = peer.sign(room.draft_member(creator, mallory, "ban"));
    expect_shown(ban);

    const Pdu evasion = peer.sign(room.draft_after(
        before_ban, mallory, "m.room.message", {{"msgtype", "m.text"}, {"body", "still here"}}));

    EXPECT_TRUE(has_status(peer.send_transaction({evasion}), 200));
    is_shown_by_now(ban.id());
    const Response page = alice.get(room_path(room.id(), {"messages"}) + "?dir=b&limit=50");
    EXPECT_FALSE(find_event(page.at({"chunk"}), ban.id()).is_null()) << page;
    EXPECT_TRUE(find_event(page.at({"chunk"}), evasion.id()).is_null()) << page;
}

CONFORMANCE_TEST(PduChecks,
                 {.id = "ss/soft_failure/event-is-not-referenced",
                  .level = Level::Should,
                  .place = "server-server-api/#soft-failure",
                  .text = "A soft-failed event is not referenced by new events of the server."}) {
    const UserId mallory = join_peer_user("mallory");
    const std::vector<EventId> before_ban = room.extremities();
    const Pdu ban = peer.sign(room.draft_member(creator, mallory, "ban"));
    expect_shown(ban);
    const Pdu evasion = peer.sign(room.draft_after(
        before_ban, mallory, "m.room.message", {{"msgtype", "m.text"}, {"body", "still here"}}));
    EXPECT_TRUE(has_status(peer.send_transaction({evasion}), 200));
    is_shown_by_now(ban.id());

    const EventId next = alice.send_message(room.id(), "what next");

    const std::optional<Pdu> sent = peer.wait_for_event(next);
    ASSERT_TRUE(sent);
    EXPECT_FALSE(contains(sent->prev_events(), evasion.id())) << *sent;
}

CONFORMANCE_TEST(PduChecks,
                 {.id = "ss/missing_events/are-fetched-from-the-sender",
                  .level = Level::Should,
                  .place = "server-server-api/#backfilling-and-retrieving-missing-events",
                  .text = "A server that gets an event without those before it fetches them, and "
                          "shows them too.",
                  .rows = room_version_rows()}) {
    const Pdu first = peer.sign(draft_message("first"));
    room.add(first);
    const Pdu second = peer.sign(draft_message("second"));
    room.add(second);

    const Pdu third =
        peer.send(room, creator, "m.room.message", {{"msgtype", "m.text"}, {"body", "third"}});

    alice.sync_until_event(room.id(), third.id());
    EXPECT_TRUE(peer.wait_for_request("POST", "/_matrix/federation/v1/get_missing_events/"));
    for (const Pdu& missing : {first, second}) {
        EXPECT_TRUE(is_shown_by_now(missing.id())) << missing;
    }
}

CONFORMANCE_TEST(PduChecks,
                 {.id = "ss/missing_events/bring-their-state",
                  .place = "server-server-api/#room-state-resolution",
                  .text = "State that changed in events that the server had missed is its state "
                          "too.",
                  .rows = room_version_rows()}) {
    peer.append(room, creator, "m.room.name", {{"name", "missed"}}, "");

    const Pdu message = peer.send(
        room, creator, "m.room.message", {{"msgtype", "m.text"}, {"body", "did you know?"}});

    alice.sync_until_event(room.id(), message.id());
    EXPECT_EQ(string_at(alice.state(room.id(), "m.room.name"), {"name"}), "missed");
}

}  // namespace matrix::conformance
