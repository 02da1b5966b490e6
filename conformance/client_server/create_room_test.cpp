// Making a room.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#creation

#include <algorithm>
#include <vector>

#include "conformance/harness/conformance_test.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kCreatePath = "/_matrix/client/v3/createRoom";
constexpr std::string_view kCreatePlace = "client-server-api/#post_matrixclientv3createroom";

struct PresetRow {
    std::string name;
    std::string text;
    std::string join_rule;
    std::string history_visibility;
    std::string guest_access;
};
const std::vector<PresetRow> kPresets = {
    {"private_chat",
     "private_chat: join rule invite, history shared, guests may join.",
     "invite",
     "shared",
     "can_join"},
    {"trusted_private_chat",
     "trusted_private_chat: join rule invite, history shared, guests may join.",
     "invite",
     "shared",
     "can_join"},
    {"public_chat",
     "public_chat: join rule public, history shared, guests may not join.",
     "public",
     "shared",
     "forbidden"},
};

}  // namespace

CONFORMANCE_TEST(ClientTest,
                 {.id = "cs/create_room/gives-a-room-with-its-creator",
                  .place = kCreatePlace,
                  .text = "The creator of a room is joined to it.",
                  .rows = room_version_rows()}) {
    const Client alice = target.make_user("alice");

    const RoomId room = alice.create_room_of_version(room_version());

    EXPECT_EQ(alice.membership(room, alice.user()), "join");
    EXPECT_EQ(string_at(alice.state(room, "m.room.create"), {"room_version"}), room_version());
}

CONFORMANCE_TEST(ClientTest,
                 {.id = "cs/create_room/presets-set-state",
                  .place = kCreatePlace,
                  .text = "A preset decides join rule, history visibility and guest access.",
                  .rows = rows_of(kPresets)}) {
    const PresetRow& row = row_of(kPresets);
    const Client alice = target.make_user("alice");

    const RoomId room = alice.create_room({{"preset", row.name}});

    EXPECT_EQ(string_at(alice.state(room, "m.room.join_rules"), {"join_rule"}), row.join_rule);
    EXPECT_EQ(string_at(alice.state(room, "m.room.history_visibility"), {"history_visibility"}),
              row.history_visibility);
    EXPECT_EQ(string_at(alice.state(room, "m.room.guest_access"), {"guest_access"}),
              row.guest_access);
}

CONFORMANCE_TEST(ClientTest,
                 {.id = "cs/create_room/trusted-preset-empowers-invitees",
                  .place = kCreatePlace,
                  .text = "In a trusted_private_chat all invitees have the power of the creator.",
                  .rows = room_version_rows({"10", "11"})}) {
    const Client alice = target.make_user("alice");
    const Client bob = target.make_user("bob");

    const RoomId room = alice.create_room_of_version(
        room_version(),
        {{"preset", "trusted_private_chat"}, {"invite", Json::array({bob.user().text()})}});

    const Json levels = alice.state(room, "m.room.power_levels");
    EXPECT_EQ(at_path(levels, {"users", bob.user().text()}), Json(100)) << levels;
}

CONFORMANCE_TEST(ClientTest,
                 {.id = "cs/create_room/v12-creators-are-not-in-power-levels",
                  .place = "rooms/v12#authorisation-rules",
                  .text = "In room version 12 `users` of the power levels does not name a creator.",
                  .rows = room_version_rows({"12"})}) {
    const Client alice = target.make_user("alice");

    const RoomId room = alice.create_room_of_version(room_version());

    const Json levels = alice.state(room, "m.room.power_levels");
    EXPECT_TRUE(at_path(levels, {"users", alice.user().text()}).is_null()) << levels;
}

CONFORMANCE_TEST(ClientTest,
                 {.id = "cs/create_room/v12-room-id-is-the-create-events-hash",
                  .place = "rooms/v12#event-format",
                  .text = "In room version 12 the room id is the create event's id with another "
                          "sigil.",
                  .rows = room_version_rows({"12"})}) {
    const Client alice = target.make_user("alice");

    const RoomId room = alice.create_room_of_version(room_version());

    const Response state = alice.get(room_path(room, {"state"}));
    ASSERT_TRUE(has_status(state, 200));
    const Json& create = find_state_event(state.body, "m.room.create", "");
    EXPECT_EQ("!" + string_at(create, {"event_id"}).substr(1), room.text()) << state;
}

CONFORMANCE_TEST(
    ClientTest,
    {.id = "cs/create_room/rooms-made-alike-are-two-rooms",
     .place = kCreatePlace,
     .text = "Each request creates a new room, also when it is made like the one before.",
     .rows = room_version_rows()}) {
    const Client alice = target.make_user("alice");

    std::vector<RoomId> rooms;
    for (int count = 0; count < 5; ++count) {
        rooms.push_back(alice.create_room_of_version(room_version()));
    }

    std::ranges::sort(rooms);
    EXPECT_EQ(std::ranges::unique(rooms).size(), 0u);
}

CONFORMANCE_TEST(ClientTest,
                 {.id = "cs/create_room/sets-name-and-topic",
                  .place = kCreatePlace,
                  .text = "`name` and `topic` become m.room.name and m.room.topic."}) {
    const Client alice = target.make_user("alice");

    const RoomId room = alice.create_room({{"name", "The room"}, {"topic", "A topic"}});

    EXPECT_EQ(string_at(alice.state(room, "m.room.name"), {"name"}), "The room");
    EXPECT_EQ(string_at(alice.state(room, "m.room.topic"), {"topic"}), "A topic");
}

CONFORMANCE_TEST(ClientTest,
                 {.id = "cs/create_room/initial-state-wins-over-the-preset",
                  .place = kCreatePlace,
                  .text = "Events of `initial_state` take precedence over those of the preset."}) {
    const Client alice = target.make_user("alice");

    const RoomId room =
        alice.create_room({{"preset", "public_chat"},
                           {"initial_state",
                            Json::array({{{"type", "m.room.history_visibility"},
                                          {"state_key", ""},
                                          {"content", {{"history_visibility", "joined"}}}}})}});

    EXPECT_EQ(string_at(alice.state(room, "m.room.history_visibility"), {"history_visibility"}),
              "joined");
}

CONFORMANCE_TEST(ClientTest,
                 {.id = "cs/create_room/overrides-power-levels",
                  .place = kCreatePlace,
                  .text = "`power_level_content_override` is applied on top of the generated power "
                          "levels."}) {
    const Client alice = target.make_user("alice");

    const RoomId room = alice.create_room(
        {{"preset", "public_chat"}, {"power_level_content_override", {{"events_default", 7}}}});

    const Json levels = alice.state(room, "m.room.power_levels");
    EXPECT_EQ(at_path(levels, {"events_default"}), Json(7)) << levels;
}

CONFORMANCE_TEST(ClientTest,
                 {.id = "cs/create_room/invites",
                  .place = kCreatePlace,
                  .text = "Users in `invite` are invited."}) {
    const Client alice = target.make_user("alice");
    const Client bob = target.make_user("bob");

    const RoomId room = alice.create_room(
        {{"preset", "private_chat"}, {"invite", Json::array({bob.user().text()})}});

    EXPECT_EQ(alice.membership(room, bob.user()), "invite");
    bob.join(room);
    EXPECT_EQ(alice.membership(room, bob.user()), "join");
}

CONFORMANCE_TEST(
    ClientTest,
    {.id = "cs/create_room/creation-content-goes-into-the-create-event",
     .place = kCreatePlace,
     .text = "Extra keys of `creation_content` are added to the m.room.create event."}) {
    const Client alice = target.make_user("alice");

    const RoomId room = alice.create_room({{"creation_content", {{"m.federate", false}}}});

    EXPECT_EQ(at_path(alice.state(room, "m.room.create"), {"m.federate"}), Json(false));
}

CONFORMANCE_TEST(ClientTest,
                 {.id = "cs/create_room/refuses-an-unknown-version",
                  .place = kCreatePlace,
                  .text = "A room version that the server does not know is refused with 400 "
                          "M_UNSUPPORTED_ROOM_VERSION."}) {
    const Client alice = target.make_user("alice");
    ASSERT_TRUE(has_status(alice.post(kCreatePath), 200));

    const Response response = alice.post(kCreatePath, {{"room_version", "no-such-version"}});

    EXPECT_TRUE(is_error(response, 400, "M_UNSUPPORTED_ROOM_VERSION"));
}

}  // namespace matrix::conformance
