// What a server must not learn by reading, nor make others do: one test per case of the list of
// vulnerabilities that homeservers have had.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#retrieving-events

#include "conformance/server_server/shared_room.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kRetrievalPlace = "server-server-api/#retrieving-events";
constexpr std::string_view kUnknownEvent = "$PMBAEUvyyqu5RKYdcjFDLoSLcnMr9lOaUjTLhkgEFWI";

class ReadSecurity : public TargetRoomTest {
protected:
    // A room of alice's in which the peer is not.
    const RoomId other = alice.create_room({{"preset", "private_chat"}, {"name", "secret"}});
};

struct ReadEndpoint {
    std::string_view name;
    std::string_view text;
    Response (*ask)(Peer& peer, const RoomId& room, const EventId& event);
};
const ReadEndpoint kReadsByEvent[] = {
    {"state",
     "security-cases.tsv 3",
     [](Peer& peer, const RoomId& room, const EventId& event) { return peer.state(room, event); }},
    {"state_ids",
     "security-cases.tsv 3",
     [](Peer& peer, const RoomId& room, const EventId& event) {
         return peer.state_ids(room, event);
     }},
    {"event_auth",
     "security-cases.tsv 1 and 3",
     [](Peer& peer, const RoomId& room, const EventId& event) {
         return peer.event_auth(room, event);
     }},
    {"get_missing_events",
     "security-cases.tsv 2",
     [](Peer& peer, const RoomId& room, const EventId& event) {
         return peer.missing_events(room, {}, {event});
     }},
    {"event",
     "security-cases.tsv 6",
     [](Peer& peer, const RoomId&, const EventId& event) { return peer.event(event); }},
};
const ReadEndpoint kReadsOfHistory[] = {
    {"get_missing_events",
     "security-cases.tsv 5",
     [](Peer& peer, const RoomId& room, const EventId& event) {
         return peer.missing_events(room, {}, {event}, 50);
     }},
    {"backfill",
     "security-cases.tsv 5",
     [](Peer& peer, const RoomId& room, const EventId& event) {
         return peer.backfill(room, {event}, 50);
     }},
};

}  // namespace

CONFORMANCE_TEST(ReadSecurity,
                 {.id = "ss/read_security/event-of-another-room-is-as-unknown",
                  .place = kRetrievalPlace,
                  .text = "By way of a room that a server is in, an event of another room is "
                          "answered exactly as one that does not exist.",
                  .rows = rows_of(kReadsByEvent)}) {
    const auto ask = row_of(kReadsByEvent).ask;
    ASSERT_TRUE(has_status(ask(peer, room, alice.send_message(room, "for you")), 200));
    alice.send_message(other, "secret");
    const EventId hidden = alice.send_message(other, "secret");

    const Response of_other = ask(peer, room, hidden);
    const Response of_nothing = ask(peer, room, EventId(kUnknownEvent));

    EXPECT_EQ(of_other.status, of_nothing.status) << of_other << "\n" << of_nothing;
    std::string text = of_other.text;
    // UNSPECIFIED: an answer may name the event that was asked for.
    for (std::size_t at = text.find(hidden.view()); at != std::string::npos;
         at = text.find(hidden.view())) {
        text.replace(at, hidden.view().size(), kUnknownEvent);
    }
    EXPECT_EQ(text, of_nothing.text);
    EXPECT_EQ(text.find("secret"), std::string::npos) << of_other;
}

CONFORMANCE_TEST(ReadSecurity,
                 {.id = "ss/read_security/hidden-history-is-not-read",
                  .place = "client-server-api/#room-history-visibility",
                  .text = "What the history visibility hides from a server is redacted or left out "
                          "of what it reads.",
                  .rows = rows_of(kReadsOfHistory)}) {
    const auto ask = row_of(kReadsOfHistory).ask;
    const EventId first = alice.send_message(room, "shown before");
    const EventId second = alice.send_message(room, "shown");
    const Response shown = ask(peer, room, second);
    ASSERT_TRUE(has_status(shown, 200));
    ASSERT_NE(shown.text.find("shown before"), std::string::npos) << shown;
    const RoomId shy = alice.create_room({{"preset", "public_chat"},
                                          {"initial_state",
                                           {{{"type", "m.room.history_visibility"},
                                             {"content", {{"history_visibility", "joined"}}}}}}});
    alice.send_message(shy, "hidden from the peer");
    peer.join(shy, "bob");
    const EventId last = alice.send_message(shy, "not so");

    const Response response = ask(peer, shy, last);

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(response.text.find("hidden from the peer"), std::string::npos) << response;
}

CONFORMANCE_TEST(ReadSecurity,
                 {.id = "ss/read_security/huge-limit-is-bounded",
                  .level = Level::Should,
                  .place = "server-server-api/#post_matrixfederationv1get_missing_eventsroomid",
                  .text = "However many events a server asks for, it gets a bounded number "
                          "(security-cases.tsv 73)."}) {
    constexpr int kSent = 130;
    EventId last;
    for (int i = 0; i < kSent; ++i)
        last = alice.send_message(room, std::to_string(i));
    const Response few = peer.missing_events(room, {}, {last}, 3);
    ASSERT_TRUE(has_status(few, 200));
    ASSERT_EQ(few.at({"events"}).size(), 3U) << few;

    const Response response = peer.missing_events(room, {}, {last}, 1'000'000'000);

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_LT(response.at({"events"}).size(), static_cast<std::size_t>(kSent)) << response;
    EXPECT_TRUE(has_status(peer.missing_events(room, {}, {last}, 0), 200));
}

}  // namespace matrix::conformance
