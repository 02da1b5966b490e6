// Replacing a room by one of another version.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#room-upgrades

#include "conformance/harness/conformance_test.h"
#include "conformance/harness/steps.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kUpgradePlace =
    "client-server-api/#post_matrixclientv3roomsroomidupgrade";
constexpr std::string_view kUpgradeBehaviour = "client-server-api/#room-upgrades";

class RoomUpgradesTest : public ClientTest {
protected:
    Response upgrade(const Client& client,
                     const RoomId& room,
                     std::string_view version,
                     Json options = Json::object()) const {
        options["new_version"] = version;
        return client.post(room_path(room, {"upgrade"}), options);
    }
    /// Ends the test if it is refused.
    RoomId replace(const RoomId& room,
                   std::string_view version,
                   Json options = Json::object()) const {
        const Response upgraded = upgrade(alice, room, version, std::move(options));
        expect_step("upgrading " + room.text(), upgraded);
        return RoomId(string_at(upgraded.body, {"replacement_room"}));
    }

    Client alice = target.make_user("alice");
    Client bob = target.make_user("bob");
};

struct CarriedRow {
    std::string name;  ///< The event's type.
    Json content;
};
const std::vector<CarriedRow> kCarried = {
    {"m.room.server_acl", {{"allow", {"*"}}, {"deny", {"evil.example.org"}}}},
    {"m.room.encryption", {{"algorithm", "m.megolm.v1.aes-sha2"}}},
    {"m.room.name", {{"name", "The old name"}}},
    {"m.room.avatar", {{"url", "mxc://example.org/avatar"}}},
    {"m.room.topic", {{"topic", "An old topic"}}},
    {"m.room.guest_access", {{"guest_access", "can_join"}}},
    {"m.room.history_visibility", {{"history_visibility", "joined"}}},
    {"m.room.join_rules", {{"join_rule", "knock"}}},
};

struct VersionRow {
    std::string name;
};
const std::vector<VersionRow> kVersions = {{"11"}, {"12"}};

}  // namespace

CONFORMANCE_TEST(RoomUpgradesTest,
                 {.id = "cs/room_upgrades/rooms-name-each-other",
                  .place = kUpgradeBehaviour,
                  .text = "The new room has the version that was asked for and names the old one "
                          "as its predecessor; a tombstone in the old one names the new one.",
                  .rows = rows_of(kVersions)}) {
    const std::string& version = row_of(kVersions).name;
    const RoomId old = alice.create_room_of_version("10");

    const RoomId replacement = replace(old, version);

    const Json create = alice.state(replacement, "m.room.create");
    EXPECT_EQ(string_at(create, {"room_version"}), version);
    EXPECT_EQ(string_at(create, {"predecessor", "room_id"}), old.text());
    EXPECT_EQ(string_at(alice.state(old, "m.room.tombstone"), {"replacement_room"}),
              replacement.text());
    EXPECT_EQ(alice.membership(replacement, alice.user()), "join");
}

CONFORMANCE_TEST(RoomUpgradesTest,
                 {.id = "cs/room_upgrades/carries-state-over",
                  .level = Level::Should,
                  .place = kUpgradeBehaviour,
                  .text = "The recommended state events are replicated to the new room.",
                  .rows = rows_of(kCarried)}) {
    const CarriedRow& row = row_of(kCarried);
    const RoomId old = alice.create_room_of_version("10");
    alice.send_state(old, row.name, "", row.content);

    const RoomId replacement = replace(old, "11");

    EXPECT_EQ(alice.state(replacement, row.name), row.content);
}

CONFORMANCE_TEST(RoomUpgradesTest,
                 {.id = "cs/room_upgrades/carries-power-levels-over",
                  .level = Level::Should,
                  .place = kUpgradeBehaviour,
                  .text = "m.room.power_levels is replicated to the new room.",
                  .rows = rows_of(kVersions)}) {
    const RoomId old = alice.create_room_of_version("10");
    Json levels = alice.state(old, "m.room.power_levels");
    levels["users"][bob.user().text()] = 42;
    levels["kick"] = 77;
    alice.send_state(old, "m.room.power_levels", "", levels);

    const RoomId replacement = replace(old, row_of(kVersions).name);

    const Json carried = alice.state(replacement, "m.room.power_levels");
    EXPECT_EQ(at_path(carried, {"users", bob.user().text()}), Json(42)) << carried;
    EXPECT_EQ(at_path(carried, {"kick"}), Json(77)) << carried;
}

CONFORMANCE_TEST(RoomUpgradesTest,
                 {.id = "cs/room_upgrades/v12-creators-are-not-in-power-levels",
                  .place = "rooms/v12#authorisation-rules",
                  .text = "In a replacement of version 12 `users` of the power levels names no "
                          "creator, whatever the old room said of them."}) {
    const RoomId old = alice.create_room_of_version("11");
    Json levels = alice.state(old, "m.room.power_levels");
    levels["users"][bob.user().text()] = 90;
    alice.send_state(old, "m.room.power_levels", "", levels);

    const RoomId replacement =
        replace(old, "12", {{"additional_creators", Json::array({bob.user().text()})}});

    const Json carried = alice.state(replacement, "m.room.power_levels");
    EXPECT_TRUE(at_path(carried, {"users", alice.user().text()}).is_null()) << carried;
    EXPECT_TRUE(at_path(carried, {"users", bob.user().text()}).is_null()) << carried;
}

CONFORMANCE_TEST(RoomUpgradesTest,
                 {.id = "cs/room_upgrades/additional-creators-are-set",
                  .place = kUpgradePlace,
                  .text = "`additional_creators` of the request become those of the new room, if "
                          "its version has such.",
                  .since = "v1.16"}) {
    const RoomId old = alice.create_room_of_version("11");

    const RoomId replacement =
        replace(old, "12", {{"additional_creators", Json::array({bob.user().text()})}});

    const Json create = alice.state(replacement, "m.room.create");
    EXPECT_EQ(at_path(create, {"additional_creators"}), Json::array({bob.user().text()})) << create;
}

CONFORMANCE_TEST(RoomUpgradesTest,
                 {.id = "cs/room_upgrades/additional-creators-are-not-copied",
                  .place = kUpgradePlace,
                  .text = "Additional creators of the old room are not transferred by themselves.",
                  .since = "v1.16"}) {
    const RoomId old = alice.create_room_of_version(
        "12", {{"creation_content", {{"additional_creators", Json::array({bob.user().text()})}}}});
    const Json old_create = alice.state(old, "m.room.create");
    ASSERT_FALSE(at_path(old_create, {"additional_creators"}).empty()) << old_create;

    const RoomId replacement = replace(old, "12");

    const Json create = alice.state(replacement, "m.room.create");
    EXPECT_TRUE(at_path(create, {"additional_creators"}).empty()) << create;
}

CONFORMANCE_TEST(RoomUpgradesTest,
                 {.id = "cs/room_upgrades/additional-creators-are-ignored-before-v12",
                  .place = kUpgradePlace,
                  .text = "`additional_creators` has no effect where the version has no such.",
                  .since = "v1.16"}) {
    const RoomId old = alice.create_room_of_version("10");

    const RoomId replacement =
        replace(old, "11", {{"additional_creators", Json::array({bob.user().text()})}});

    const Json create = alice.state(replacement, "m.room.create");
    EXPECT_TRUE(at_path(create, {"additional_creators"}).is_null()) << create;
}

CONFORMANCE_TEST(RoomUpgradesTest,
                 {.id = "cs/room_upgrades/keeps-the-type",
                  .place = kUpgradeBehaviour,
                  .text = "`type` is copied from the old room, and absent where it had none.",
                  .since = "v1.4"}) {
    const RoomId space =
        alice.create_room_of_version("10", {{"creation_content", {{"type", "m.space"}}}});
    const RoomId plain = alice.create_room_of_version("10");

    const RoomId new_space = replace(space, "11");
    const RoomId new_plain = replace(plain, "11");

    EXPECT_EQ(string_at(alice.state(new_space, "m.room.create"), {"type"}), "m.space");
    EXPECT_TRUE(at_path(alice.state(new_plain, "m.room.create"), {"type"}).is_null());
}

CONFORMANCE_TEST(RoomUpgradesTest,
                 {.id = "cs/room_upgrades/moves-local-aliases",
                  .place = kUpgradeBehaviour,
                  .text = "Local aliases of the old room lead to the new one."}) {
    const RoomId old = alice.create_room_of_version("10");
    const std::string alias =
        "#" + Client::make_transaction_id() + ":" + alice.user().server().text();
    const std::string path = "/_matrix/client/v3/directory/room/" + escape(alias);
    ASSERT_TRUE(has_status(alice.put(path, {{"room_id", old.text()}}), 200));

    const RoomId replacement = replace(old, "11");

    const Response found = alice.get(path);
    ASSERT_TRUE(has_status(found, 200));
    EXPECT_EQ(string_at(found.body, {"room_id"}), replacement.text()) << found;
}

CONFORMANCE_TEST(RoomUpgradesTest,
                 {.id = "cs/room_upgrades/closes-the-old-room",
                  .level = Level::Should,
                  .place = kUpgradeBehaviour,
                  .text = "The power levels of the old room are changed so that members can "
                          "neither speak there nor invite."}) {
    const RoomId old = alice.create_room_of_version("10");
    bob.join(old);
    bob.send_message(old, "Before");

    replace(old, "11");

    EXPECT_TRUE(is_error(bob.put(room_path(old, {"send", "m.room.message", "after"}),
                                 {{"msgtype", "m.text"}, {"body", "After"}}),
                         403,
                         "M_FORBIDDEN"));
    const Json levels = alice.state(old, "m.room.power_levels");
    EXPECT_GE(at_path(levels, {"invite"}), Json(50)) << levels;
}

CONFORMANCE_TEST(RoomUpgradesTest,
                 {.id = "cs/room_upgrades/is-for-those-who-may",
                  .place = kUpgradePlace,
                  .text = "A user who may not send a tombstone is refused with 403 M_FORBIDDEN, "
                          "and nothing happens."}) {
    const RoomId room = alice.create_room_of_version("10");
    bob.join(room);

    const Response refused = upgrade(bob, room, "11");

    EXPECT_TRUE(is_error(refused, 403, "M_FORBIDDEN"));
    EXPECT_TRUE(is_error(
        alice.get(room_path(room, {"state", "m.room.tombstone", ""})), 404, "M_NOT_FOUND"));
    EXPECT_TRUE(has_status(upgrade(alice, room, "11"), 200));
}

CONFORMANCE_TEST(RoomUpgradesTest,
                 {.id = "cs/room_upgrades/needs-no-more-than-a-tombstone",
                  .place = kUpgradePlace,
                  .text = "Who may send a tombstone may upgrade the room, though other state is "
                          "beyond his power, and has no more power in the new room."}) {
    const RoomId old = alice.create_room_of_version("10");
    bob.join(old);
    alice.send_state(old, "m.room.name", "", {{"name", "The old name"}});
    Json levels = alice.state(old, "m.room.power_levels");
    levels["events"]["m.room.tombstone"] = 0;
    alice.send_state(old, "m.room.power_levels", "", levels);

    const Response upgraded = upgrade(bob, old, "11");

    ASSERT_TRUE(has_status(upgraded, 200));
    const RoomId replacement(string_at(upgraded.body, {"replacement_room"}));
    EXPECT_SHOULD(bob.state(replacement, "m.room.name") == Json({{"name", "The old name"}}));
    const Json carried = bob.state(replacement, "m.room.power_levels");
    EXPECT_SHOULD(at_path(carried, {"users", alice.user().text()}) == Json(100)) << carried;
    EXPECT_SHOULD(at_path(carried, {"users", bob.user().text()}).is_null()) << carried;
}

CONFORMANCE_TEST(RoomUpgradesTest,
                 {.id = "cs/room_upgrades/unknown-version",
                  .place = kUpgradePlace,
                  .text = "A version that the server has not is 400 M_UNSUPPORTED_ROOM_VERSION."}) {
    const RoomId room = alice.create_room_of_version("10");

    EXPECT_TRUE(
        is_error(upgrade(alice, room, "org.example.never"), 400, "M_UNSUPPORTED_ROOM_VERSION"));
    EXPECT_TRUE(has_status(upgrade(alice, room, "11"), 200));
}

CONFORMANCE_TEST(RoomUpgradesTest,
                 {.id = "cs/room_upgrades/needs-a-version",
                  .place = kUpgradePlace,
                  .text = "`new_version` is required: without it the answer is 400."}) {
    const RoomId room = alice.create_room_of_version("10");

    EXPECT_TRUE(has_status(alice.post(room_path(room, {"upgrade"}), Json::object()), 400));
}

}  // namespace matrix::conformance
