// Syncing.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#syncing

#include <chrono>

#include "conformance/harness/conformance_test.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kSyncPlace = "client-server-api/#get_matrixclientv3sync";

class SyncTest : public ClientTest {
protected:
    Client alice = target.make_user("alice");
    Client bob = target.make_user("bob");
    RoomId room = alice.create_room();

    static std::string next_batch(const Response& response) {
        return string_at(response.body, {"next_batch"});
    }
};

}  // namespace

CONFORMANCE_TEST(
    SyncTest,
    {.id = "cs/sync/initial-shows-state-and-timeline",
     .place = kSyncPlace,
     .text = "An initial sync shows a joined room: state and timeline together give the "
             "current state."}) {
    const EventId message = alice.send_message(room, "hello");

    const Response response = alice.sync();

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_FALSE(next_batch(response).empty()) << response;
    const Json& joined = joined_room(response, room);
    const Json& timeline = timeline_of(response, room);
    EXPECT_FALSE(find_event(timeline, message).is_null()) << response;
    const Json& state = at_path(joined, {"state", "events"});
    const bool has_create = !find_state_event(state, "m.room.create", "").is_null() ||
                            !find_state_event(timeline, "m.room.create", "").is_null();
    EXPECT_TRUE(has_create) << response;
}

CONFORMANCE_TEST(
    SyncTest,
    {.id = "cs/sync/incremental-shows-what-is-new",
     .place = kSyncPlace,
     .text = "A sync with `since` shows the events since then, and not those before."}) {
    const EventId old = alice.send_message(room, "old");
    const std::string since = alice.sync_token();
    const EventId fresh = alice.send_message(room, "fresh");

    const Response response = alice.sync({.since = since});

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_FALSE(find_event(timeline_of(response, room), fresh).is_null()) << response;
    EXPECT_TRUE(find_event(timeline_of(response, room), old).is_null()) << response;
}

CONFORMANCE_TEST(SyncTest,
                 {.id = "cs/sync/nothing-new-is-nothing",
                  .place = kSyncPlace,
                  .text = "A room in which nothing happened since then is not in the response."}) {
    const std::string since = alice.sync_token();

    const Response response = alice.sync({.since = since});

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_TRUE(joined_room(response, room).is_null()) << response;
}

CONFORMANCE_TEST(SyncTest,
                 {.id = "cs/sync/long-poll-returns-when-something-happens",
                  .place = "client-server-api/#syncing",
                  .text = "A sync with a timeout returns as soon as there is something new."}) {
    bob.join(room);
    const std::string since = bob.sync_token();
    std::future<Response> waiting =
        bob.start({.target = "/_matrix/client/v3/sync?timeout=30000&since=" + escape(since),
                   .timeout = std::chrono::milliseconds(40'000)});

    const EventId message = alice.send_message(room, "wake up");

    const Response response = waiting.get();
    ASSERT_TRUE(has_status(response, 200));
    EXPECT_FALSE(find_event(timeline_of(response, room), message).is_null()) << response;
    EXPECT_LT(response.duration, std::chrono::milliseconds(25'000)) << response;
}

CONFORMANCE_TEST(SyncTest,
                 {.id = "cs/sync/timeout-returns-an-empty-answer",
                  .place = kSyncPlace,
                  .text = "A sync in which nothing happens returns after its timeout, with a token "
                          "to go on."}) {
    const std::string since = alice.sync_token();

    const Response response =
        alice.sync({.since = since, .timeout = std::chrono::milliseconds(300)});

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_FALSE(next_batch(response).empty()) << response;
    EXPECT_GE(response.duration, std::chrono::milliseconds(250)) << response;
}

CONFORMANCE_TEST(SyncTest,
                 {.id = "cs/sync/shows-an-invite-with-stripped-state",
                  .place = kSyncPlace,
                  .text = "An invited user sees the room under `invite`, with stripped state that "
                          "has the own membership."}) {
    const std::string since = bob.sync_token();
    alice.invite(room, bob.user());

    const Response response = bob.sync_until(
        [&](const Response& sync) { return !sync.at({"rooms", "invite", room.view()}).is_null(); },
        {.since = since});

    const Json& events = response.at({"rooms", "invite", room.view(), "invite_state", "events"});
    const Json& membership = find_state_event(events, "m.room.member", bob.user().view());
    EXPECT_EQ(string_at(membership, {"content", "membership"}), "invite") << response;
    EXPECT_FALSE(find_state_event(events, "m.room.create", "").is_null()) << response;
}

CONFORMANCE_TEST(
    SyncTest,
    {.id = "cs/sync/shows-a-left-room-once",
     .place = kSyncPlace,
     .text = "A room that the user left since then is under `leave`, with the leave in "
             "it, and later no more."}) {
    bob.join(room);
    const std::string since = bob.sync_token();
    bob.leave(room);

    const Response first = bob.sync({.since = since});
    const Response second = bob.sync({.since = next_batch(first)});

    ASSERT_TRUE(has_status(first, 200));
    const Json& left = first.at({"rooms", "leave", room.view()});
    EXPECT_FALSE(
        find_state_event(at_path(left, {"timeline", "events"}), "m.room.member", bob.user().view())
            .is_null())
        << first;
    EXPECT_TRUE(second.at({"rooms", "leave", room.view()}).is_null()) << second;
}

CONFORMANCE_TEST(SyncTest,
                 {.id = "cs/sync/a-new-join-gets-full-state",
                  .place = kSyncPlace,
                  .text = "A room that the user joined since then comes with its state."}) {
    const std::string since = bob.sync_token();
    bob.join(room);

    const Response response = bob.sync({.since = since});

    ASSERT_TRUE(has_status(response, 200));
    const Json& joined = joined_room(response, room);
    const Json& state = at_path(joined, {"state", "events"});
    const Json& timeline = timeline_of(response, room);
    const bool has_create = !find_state_event(state, "m.room.create", "").is_null() ||
                            !find_state_event(timeline, "m.room.create", "").is_null();
    EXPECT_TRUE(has_create) << response;
}

CONFORMANCE_TEST(
    SyncTest,
    {.id = "cs/sync/a-gap-is-limited-and-can-be-filled",
     .place = kSyncPlace,
     .text = "If there are more events than the timeline's limit, `limited` is true and "
             "`prev_batch` leads to the rest."}) {
    const std::string since = alice.sync_token();
    const EventId first = alice.send_message(room, "first");
    for (int number = 0; number < 4; ++number)
        alice.send_message(room, std::to_string(number));

    const Response response =
        alice.sync({.since = since, .filter = R"({"room":{"timeline":{"limit":2}}})"});

    ASSERT_TRUE(has_status(response, 200));
    const Json& joined = joined_room(response, room);
    EXPECT_EQ(at_path(joined, {"timeline", "limited"}), Json(true)) << response;
    EXPECT_EQ(timeline_of(response, room).size(), 2u) << response;
    const std::string back = string_at(joined, {"timeline", "prev_batch"});
    const Response rest =
        alice.get(room_path(room, {"messages"}) + "?dir=b&limit=3&from=" + escape(back));
    ASSERT_TRUE(has_status(rest, 200));
    EXPECT_FALSE(find_event(rest.at({"chunk"}), first).is_null()) << rest;
}

CONFORMANCE_TEST(
    SyncTest,
    {.id = "cs/sync/state-of-a-gap-is-in-state",
     .place = kSyncPlace,
     .text = "State that changed between `since` and the start of a limited timeline is "
             "in `state`."}) {
    const std::string since = alice.sync_token();
    const EventId topic = alice.send_state(room, "m.room.topic", "", {{"topic", "in the gap"}});
    for (int number = 0; number < 4; ++number)
        alice.send_message(room, std::to_string(number));

    const Response response =
        alice.sync({.since = since, .filter = R"({"room":{"timeline":{"limit":2}}})"});

    ASSERT_TRUE(has_status(response, 200));
    const Json& state = at_path(joined_room(response, room), {"state", "events"});
    EXPECT_FALSE(find_event(state, topic).is_null()) << response;
}

CONFORMANCE_TEST(SyncTest,
                 {.id = "cs/sync/transaction-id-is-for-the-sending-device",
                  .place = "client-server-api/#transaction-identifiers",
                  .text = "The device that sent an event sees its transaction id in `unsigned`; no "
                          "other does.",
                  .since = "v1.7"}) {
    bob.join(room);
    const std::string alice_since = alice.sync_token();
    const std::string bob_since = bob.sync_token();
    const std::string transaction = Client::make_transaction_id();
    const Response sent = alice.put(room_path(room, {"send", "m.room.message", transaction}),
                                    {{"msgtype", "m.text"}, {"body", "mine"}});
    ASSERT_TRUE(has_status(sent, 200));
    const EventId id(string_at(sent.body, {"event_id"}));

    const Json own = alice.sync_until_event(room, id, alice_since);
    const Json seen = bob.sync_until_event(room, id, bob_since);

    EXPECT_EQ(string_at(own, {"unsigned", "transaction_id"}), transaction) << own;
    EXPECT_TRUE(at_path(seen, {"unsigned", "transaction_id"}).is_null()) << seen;
}

CONFORMANCE_TEST(SyncTest,
                 {.id = "cs/sync/full-state-shows-all",
                  .place = kSyncPlace,
                  .text = "With full_state all state is returned, even if nothing changed."}) {
    const std::string since = alice.sync_token();

    const Response response = alice.sync({.since = since, .full_state = true});

    ASSERT_TRUE(has_status(response, 200));
    const Json& state = at_path(joined_room(response, room), {"state", "events"});
    EXPECT_FALSE(find_state_event(state, "m.room.create", "").is_null()) << response;
}

CONFORMANCE_TEST(SyncTest,
                 {.id = "cs/sync/leads-nobody-into-others-rooms",
                  .place = kSyncPlace,
                  .text = "A user sees nothing of a room that the user has nothing to do with."}) {
    const std::string since = bob.sync_token();
    alice.send_message(room, "private matters");
    const RoomId marker = bob.create_room();

    const Response response =
        bob.sync_until([&](const Response& sync) { return !joined_room(sync, marker).is_null(); },
                       {.since = since});

    EXPECT_EQ(response.text.find(room.text()), std::string::npos) << response;
}

CONFORMANCE_TEST(SyncTest,
                 {.id = "cs/filter/is-stored-and-used",
                  .place = "client-server-api/#post_matrixclientv3useruseridfilter",
                  .text = "A stored filter is read back as it was, and a sync takes its id."}) {
    const Json filter = {{"room", {{"timeline", {{"limit", 1}}}}}};
    const std::string path = "/_matrix/client/v3/user/" + escape(alice.user().view()) + "/filter";
    const Response stored = alice.post(path, filter);
    ASSERT_TRUE(has_status(stored, 200));
    const std::string id = string_at(stored.body, {"filter_id"});
    alice.send_message(room, "one");
    alice.send_message(room, "two");

    const Response read = alice.get(path + "/" + escape(id));
    const Response response = alice.sync({.filter = id});

    ASSERT_TRUE(has_status(read, 200));
    EXPECT_EQ(read.body, filter);
    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(timeline_of(response, room).size(), 1u) << response;
}

CONFORMANCE_TEST(SyncTest,
                 {.id = "cs/filter/of-others-is-refused",
                  .place = "client-server-api/#post_matrixclientv3useruseridfilter",
                  .text = "A user cannot store a filter for another one."}) {
    const auto path_of = [](const Client& user) {
        return "/_matrix/client/v3/user/" + escape(user.user().view()) + "/filter";
    };
    ASSERT_TRUE(has_status(alice.post(path_of(alice)), 200));

    EXPECT_TRUE(is_error(alice.post(path_of(bob)), 403, "M_FORBIDDEN"));
}

}  // namespace matrix::conformance
