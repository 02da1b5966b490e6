// Reading and setting a room's state.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#getting-events-for-a-room

#include "conformance/harness/conformance_test.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kGetStatePlace =
    "client-server-api/#get_matrixclientv3roomsroomidstateeventtypestatekey";
constexpr std::string_view kPutStatePlace =
    "client-server-api/#put_matrixclientv3roomsroomidstateeventtypestatekey";

class RoomStateTest : public ClientTest {
protected:
    Client alice = target.make_user("alice");
    Client bob = target.make_user("bob");
    RoomId room = alice.create_room();
};

struct StateKeyRow {
    std::string name;
    std::string state_key;
};
const std::vector<StateKeyRow> kStateKeys = {
    {"empty", ""},
    {"slash", "a/b"},
    {"percent", "100%"},
    {"space-and-plus", "a b+c"},
    {"non-ascii", "\xe2\x9c\x93"},
};

}  // namespace

CONFORMANCE_TEST(RoomStateTest,
                 {.id = "cs/room_state/returns-what-was-set",
                  .place = kPutStatePlace,
                  .text = "A state event that was set is read back under its type and state key, "
                          "whatever characters the key has.",
                  .rows = rows_of(kStateKeys)}) {
    const std::string& key = row_of(kStateKeys).state_key;
    const std::string path = room_path(room, {"state", "org.example.test", key});

    const Response put = alice.put(path, {{"answer", 42}});

    ASSERT_TRUE(has_status(put, 200));
    EXPECT_FALSE(string_at(put.body, {"event_id"}).empty()) << put;
    const Response read = alice.get(path);
    ASSERT_TRUE(has_status(read, 200));
    EXPECT_EQ(read.body, Json({{"answer", 42}}));
}

CONFORMANCE_TEST(RoomStateTest,
                 {.id = "cs/room_state/absent-is-404",
                  .place = kGetStatePlace,
                  .text = "State that the room does not have is 404 M_NOT_FOUND."}) {
    ASSERT_TRUE(has_status(alice.get(room_path(room, {"state", "m.room.create", ""})), 200));

    EXPECT_TRUE(is_error(
        alice.get(room_path(room, {"state", "org.example.none", ""})), 404, "M_NOT_FOUND"));
}

CONFORMANCE_TEST(RoomStateTest,
                 {.id = "cs/room_state/is-for-members",
                  .place = kGetStatePlace,
                  .text = "A user who is not and was not in the room is refused with 403."}) {
    const std::string path = room_path(room, {"state", "m.room.create", ""});
    const RoomId secret = alice.create_room({{"preset", "private_chat"}});
    ASSERT_TRUE(has_status(alice.get(path), 200));

    const Response response = bob.get(room_path(secret, {"state", "m.room.create", ""}));

    EXPECT_TRUE(is_error(response, 403, "M_FORBIDDEN"));
}

CONFORMANCE_TEST(RoomStateTest,
                 {.id = "cs/room_state/lists-the-whole-state",
                  .place = "client-server-api/#get_matrixclientv3roomsroomidstate",
                  .text = "/state lists the current state events, each once, as client events."}) {
    alice.send_state(room, "m.room.topic", "", {{"topic", "one"}});
    const EventId newest = alice.send_state(room, "m.room.topic", "", {{"topic", "two"}});

    const Response response = alice.get(room_path(room, {"state"}));

    ASSERT_TRUE(has_status(response, 200));
    ASSERT_TRUE(response.body.is_array()) << response;
    std::size_t topics = 0;
    for (const Json& event : response.body)
        topics += event.value("type", "") == "m.room.topic";
    EXPECT_EQ(topics, 1u) << response;
    const Json& topic = find_state_event(response.body, "m.room.topic", "");
    EXPECT_EQ(string_at(topic, {"event_id"}), newest.text());
    EXPECT_EQ(string_at(topic, {"room_id"}), room.text());
    EXPECT_EQ(string_at(topic, {"sender"}), alice.user().text());
    EXPECT_TRUE(at_path(topic, {"origin_server_ts"}).is_number_integer()) << topic;
}

CONFORMANCE_TEST(RoomStateTest,
                 {.id = "cs/room_state/needs-power",
                  .place = kPutStatePlace,
                  .text = "A user without the power to send a state event is refused with 403 "
                          "M_FORBIDDEN."}) {
    bob.join(room);
    const std::string path = room_path(room, {"state", "m.room.topic", ""});
    ASSERT_TRUE(has_status(alice.put(path, {{"topic", "mine"}}), 200));

    EXPECT_TRUE(is_error(bob.put(path, {{"topic", "yours"}}), 403, "M_FORBIDDEN"));
    EXPECT_EQ(string_at(alice.state(room, "m.room.topic"), {"topic"}), "mine");
}

CONFORMANCE_TEST(RoomStateTest,
                 {.id = "cs/room_state/nobody-sets-anothers-key",
                  .place = "rooms/v12#authorisation-rules",
                  .text = "A state key that begins with @ can be set by that user alone."}) {
    const Json content = {{"x", 1}};
    ASSERT_TRUE(has_status(
        alice.put(room_path(room, {"state", "org.example.own", alice.user().view()}), content),
        200));

    const Response response =
        alice.put(room_path(room, {"state", "org.example.own", bob.user().view()}), content);

    EXPECT_TRUE(is_error(response, 403, "M_FORBIDDEN"));
}

CONFORMANCE_TEST(RoomStateTest,
                 {.id = "cs/room_state/nobody-raises-above-oneself",
                  .place = "rooms/v12#authorisation-rules",
                  .text = "A user cannot give power above the own level.",
                  .rows = room_version_rows()}) {
    const RoomId levels_room = alice.create_room_of_version(
        room_version(),
        {{"preset", "public_chat"},
         {"power_level_content_override", {{"events", {{"m.room.power_levels", 50}}}}}});
    bob.join(levels_room);
    Json levels = alice.state(levels_room, "m.room.power_levels");
    levels["users"][bob.user().text()] = 50;
    alice.send_state(levels_room, "m.room.power_levels", "", levels);
    const std::string path = room_path(levels_room, {"state", "m.room.power_levels", ""});
    Json allowed = levels;
    allowed["users_default"] = 10;
    ASSERT_TRUE(has_status(bob.put(path, allowed), 200));
    Json raised = allowed;
    raised["users_default"] = 60;

    EXPECT_TRUE(is_error(bob.put(path, raised), 403, "M_FORBIDDEN"));
}

CONFORMANCE_TEST(RoomStateTest,
                 {.id = "cs/room_state/members-lists-memberships",
                  .place = "client-server-api/#get_matrixclientv3roomsroomidmembers",
                  .text = "/members lists membership events; `membership` and `not_membership` "
                          "filter them."}) {
    bob.join(room);
    bob.leave(room);

    const Response all = alice.get(room_path(room, {"members"}));
    const Response joined = alice.get(room_path(room, {"members"}) + "?membership=join");
    const Response others = alice.get(room_path(room, {"members"}) + "?not_membership=join");

    ASSERT_TRUE(has_status(all, 200));
    EXPECT_EQ(all.at({"chunk"}).size(), 2u) << all;
    ASSERT_EQ(joined.at({"chunk"}).size(), 1u) << joined;
    EXPECT_EQ(string_at(joined.at({"chunk"})[0], {"state_key"}), alice.user().text());
    ASSERT_EQ(others.at({"chunk"}).size(), 1u) << others;
    EXPECT_EQ(string_at(others.at({"chunk"})[0], {"state_key"}), bob.user().text());
}

CONFORMANCE_TEST(RoomStateTest,
                 {.id = "cs/room_state/joined-members-maps-profiles",
                  .place = "client-server-api/#get_matrixclientv3roomsroomidjoined_members",
                  .text = "/joined_members maps the joined users to their profiles."}) {
    bob.join(room);

    const Response response = alice.get(room_path(room, {"joined_members"}));

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(response.at({"joined"}).size(), 2u) << response;
    EXPECT_TRUE(response.at({"joined"}).contains(bob.user().text())) << response;
}

}  // namespace matrix::conformance
