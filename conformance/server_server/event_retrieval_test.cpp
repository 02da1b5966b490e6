// Asking a server for events and for the state of a room.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#retrieving-events

#include <algorithm>

#include "conformance/server_server/shared_room.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kStatePlace = "server-server-api/#get_matrixfederationv1stateroomid";
constexpr std::string_view kBackfillPlace =
    "server-server-api/#get_matrixfederationv1backfillroomid";
constexpr std::string_view kMissingEventsPlace =
    "server-server-api/#post_matrixfederationv1get_missing_eventsroomid";

class EventRetrieval : public TargetRoomTest {
protected:
    std::vector<EventId> send_messages(std::size_t count) {
        std::vector<EventId> ids;
        for (std::size_t i = 0; i < count; ++i)
            ids.push_back(alice.send_message(room, std::to_string(i)));
        return ids;
    }
    std::vector<EventId> ids_of(const Json& pdus) const {
        return sorted(ids_in(pdus, copy.rules()));
    }
    static std::vector<EventId> sorted(std::vector<EventId> ids) {
        std::ranges::sort(ids);
        return ids;
    }
    // Is everything that authorises one of `events` among `known`?
    void expect_closed(const Json& events, const std::vector<EventId>& known) const {
        for (const Pdu& event : pdus_from(events, copy.rules())) {
            for (const EventId& id : event.auth_events())
                EXPECT_TRUE(contains(known, id)) << id.text() << ", which authorises " << event;
        }
    }
};

struct RetrievalEndpoint {
    std::string_view name;
    Response (*ask)(Peer& peer, const RoomId& room, const EventId& event);
};
const RetrievalEndpoint kRoomEndpoints[] = {
    {"state",
     [](Peer& peer, const RoomId& room, const EventId& event) { return peer.state(room, event); }},
    {"state_ids",
     [](Peer& peer, const RoomId& room, const EventId& event) {
         return peer.state_ids(room, event);
     }},
    {"event_auth",
     [](Peer& peer, const RoomId& room, const EventId& event) {
         return peer.event_auth(room, event);
     }},
    {"backfill",
     [](Peer& peer, const RoomId& room, const EventId& event) {
         return peer.backfill(room, {event}, 5);
     }},
    {"get_missing_events",
     [](Peer& peer, const RoomId& room, const EventId& event) {
         return peer.missing_events(room, {}, {event});
     }},
};

}  // namespace

CONFORMANCE_TEST(EventRetrieval,
                 {.id = "ss/event/is-given-whole",
                  .place = "server-server-api/#get_matrixfederationv1eventeventid",
                  .text = "An event is given as a transaction that contains it alone.",
                  .rows = room_version_rows()}) {
    const EventId id = alice.send_message(room, "this one");

    const Response response = peer.event(id);

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(ids_of(response.at({"pdus"})), std::vector<EventId>{id}) << response;
    EXPECT_EQ(string_at(response.at({"pdus"}).at(0), {"content", "body"}), "this one");
}

CONFORMANCE_TEST(EventRetrieval,
                 {.id = "ss/event/of-a-room-of-others-is-not-given",
                  .place = "server-server-api/#get_matrixfederationv1eventeventid",
                  .text = "An event is not given to a server that is not in its room."}) {
    ASSERT_TRUE(has_status(peer.event(alice.send_message(room, "for you")), 200));
    const RoomId other = alice.create_room({{"preset", "private_chat"}});
    const EventId secret = alice.send_message(other, "secret");

    const Response response = peer.event(secret);

    EXPECT_TRUE(response.is_error()) << response;
    EXPECT_EQ(response.text.find("secret\""), std::string::npos) << response;
}

CONFORMANCE_TEST(EventRetrieval,
                 {.id = "ss/state/is-before-the-event",
                  .place = kStatePlace,
                  .text = "The state is that prior to the changes of the event.",
                  .rows = room_version_rows()}) {
    const EventId first = alice.send_state(room, "m.room.name", "", {{"name", "first"}});
    const EventId second = alice.send_state(room, "m.room.name", "", {{"name", "second"}});

    const Response response = peer.state(room, second);

    ASSERT_TRUE(has_status(response, 200));
    const std::vector<EventId> state = ids_of(response.at({"pdus"}));
    EXPECT_TRUE(contains(state, first)) << response;
    EXPECT_FALSE(contains(state, second)) << response;
}

CONFORMANCE_TEST(EventRetrieval,
                 {.id = "ss/state/auth-chain-is-complete",
                  .place = kStatePlace,
                  .text = "`auth_chain` holds what authorises the state, recursively.",
                  .rows = room_version_rows()}) {
    const EventId id = alice.send_message(room, "here");

    const Response response = peer.state(room, id);

    ASSERT_TRUE(has_status(response, 200));
    std::vector<EventId> known = ids_of(response.at({"auth_chain"}));
    // UNSPECIFIED: whether what is in the state stands in the chain once more.
    for (const EventId& in_state : ids_of(response.at({"pdus"})))
        known.push_back(in_state);
    expect_closed(response.at({"pdus"}), known);
    expect_closed(response.at({"auth_chain"}), known);
}

CONFORMANCE_TEST(EventRetrieval,
                 {.id = "ss/state_ids/are-those-of-the-state",
                  .place = "server-server-api/#get_matrixfederationv1state_idsroomid",
                  .text = "/state_ids gives the ids of what /state gives.",
                  .rows = room_version_rows()}) {
    const EventId id = alice.send_message(room, "here");
    const Response state = peer.state(room, id);
    ASSERT_TRUE(has_status(state, 200));

    const Response response = peer.state_ids(room, id);

    ASSERT_TRUE(has_status(response, 200));
    std::vector<EventId> ids;
    for (const Json& one : response.at({"pdu_ids"}))
        ids.emplace_back(one.get<std::string>());
    EXPECT_EQ(sorted(ids), ids_of(state.at({"pdus"}))) << response;
    EXPECT_TRUE(response.at({"auth_chain_ids"}).is_array()) << response;
}

CONFORMANCE_TEST(EventRetrieval,
                 {.id = "ss/event_auth/is-the-complete-chain",
                  .place = "server-server-api/#get_matrixfederationv1event_authroomideventid",
                  .text = "The auth chain of an event is all that authorises it, recursively.",
                  .rows = room_version_rows()}) {
    const EventId id = alice.send_message(room, "why");
    const Response given = peer.event(id);
    expect_step("asking for the event", given);

    const Response response = peer.event_auth(room, id);

    ASSERT_TRUE(has_status(response, 200));
    const Json& chain = response.at({"auth_chain"});
    const std::vector<EventId> known = ids_of(chain);
    expect_closed(given.at({"pdus"}), known);
    expect_closed(chain, known);
    EXPECT_FALSE(contains(known, id)) << "an event does not authorise itself";
}

CONFORMANCE_TEST(EventRetrieval,
                 {.id = "ss/backfill/gives-the-events-and-those-before",
                  .place = kBackfillPlace,
                  .text = "The answer is the given events and those that preceded them, up to the "
                          "limit.",
                  .rows = room_version_rows()}) {
    const std::vector<EventId> sent = send_messages(4);

    const Response response = peer.backfill(room, {sent[2]}, 2);

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(ids_of(response.at({"pdus"})), sorted({sent[1], sent[2]})) << response;
}

CONFORMANCE_TEST(EventRetrieval,
                 {.id = "ss/get_missing_events/gives-what-lies-between",
                  .place = kMissingEventsPlace,
                  .text = "The answer is the events before `latest_events`, without "
                          "`earliest_events`.",
                  .rows = room_version_rows()}) {
    const std::vector<EventId> sent = send_messages(4);

    const Response response = peer.missing_events(room, {sent[0]}, {sent[3]});

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(ids_of(response.at({"events"})), sorted({sent[1], sent[2]})) << response;
}

CONFORMANCE_TEST(EventRetrieval,
                 {.id = "ss/get_missing_events/keeps-the-limit",
                  .place = kMissingEventsPlace,
                  .text = "The breadth-first walk back from `latest_events` stops at the limit."}) {
    const std::vector<EventId> sent = send_messages(5);
    ASSERT_TRUE(has_status(peer.missing_events(room, {sent[0]}, {sent[4]}), 200));

    const Response response = peer.missing_events(room, {sent[0]}, {sent[4]}, 2);

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(ids_of(response.at({"events"})), sorted({sent[2], sent[3]})) << response;
}

CONFORMANCE_TEST(EventRetrieval,
                 {.id = "ss/event_retrieval/is-for-servers-in-the-room",
                  .place = "server-server-api/#retrieving-events",
                  .text = "A server that is not in the room learns nothing of it.",
                  .rows = rows_of(kRoomEndpoints)}) {
    const auto ask = row_of(kRoomEndpoints).ask;
    ASSERT_TRUE(has_status(ask(peer, room, alice.send_message(room, "for you")), 200));
    const RoomId other = alice.create_room();
    alice.send_message(other, "secret");
    const EventId last = alice.send_message(other, "secret");

    const Response response = ask(peer, other, last);

    EXPECT_TRUE(response.is_error()) << response;
    EXPECT_SHOULD(response.status == 403 && response.errcode == "M_FORBIDDEN") << response;
}

CONFORMANCE_TEST(EventRetrieval,
                 {.id = "ss/event_retrieval/event-of-another-room-is-unknown",
                  .place = "server-server-api/#retrieving-events",
                  .text = "By way of a room that a server is in, it learns nothing of another.",
                  .rows = rows_of(kRoomEndpoints)}) {
    const RetrievalEndpoint& endpoint = row_of(kRoomEndpoints);
    ASSERT_TRUE(has_status(endpoint.ask(peer, room, alice.send_message(room, "for you")), 200));
    const RoomId other = alice.create_room({{"preset", "private_chat"}, {"name", "secret"}});
    const EventId first = alice.send_message(other, "secret");
    const EventId last = alice.send_message(other, "secret");

    const Response response = endpoint.ask(peer, room, last);

    EXPECT_EQ(response.text.find("secret"), std::string::npos) << response;
    EXPECT_EQ(response.text.find(other.text()), std::string::npos) << response;
    EXPECT_EQ(response.text.find(first.text()), std::string::npos) << response;
    if (endpoint.name.starts_with("state")) {
        EXPECT_TRUE(is_error(response, 404, "M_NOT_FOUND"));
    }
}

// What a server has of the state at its entry it may have without its place in the graph.
CONFORMANCE_TEST(PeerRoomTest,
                 {.id = "ss/event/serves-the-state-of-its-entry",
                  .level = Level::Should,
                  .place = "server-server-api/#get_matrixfederationv1eventeventid",
                  .text = "A server gives the events that it names as state, whole, each by "
                          "itself."}) {
    const Pdu join = *room.find_state("m.room.member", alice.user().text());
    const Response named = peer.state_ids(room.id(), join.id());
    ASSERT_TRUE(has_status(named, 200));
    ASSERT_FALSE(named.at({"pdu_ids"}).empty());

    for (const Json& id : named.at({"pdu_ids"})) {
        const Response response = peer.event(EventId(id.get<std::string>()));
        ASSERT_TRUE(has_status(response, 200));
        const std::vector<Pdu> given = pdus_from(response.at({"pdus"}), room.rules());
        ASSERT_EQ(given.size(), 1);
        const auto sent = room.find(given.front().id());
        ASSERT_TRUE(sent);
        EXPECT_EQ(given.front().json["content"], sent->json["content"]);
    }
}

}  // namespace matrix::conformance
