// Keys of devices: uploading, asking, claiming, and being told of changes.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#end-to-end-encryption

#include <algorithm>

#include "conformance/harness/conformance_test.h"
#include "conformance/harness/device_identity.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kUploadPath = "/_matrix/client/v3/keys/upload";
constexpr std::string_view kQueryPath = "/_matrix/client/v3/keys/query";
constexpr std::string_view kClaimPath = "/_matrix/client/v3/keys/claim";
constexpr std::string_view kKeysUploadPlace = "client-server-api/#post_matrixclientv3keysupload";
constexpr std::string_view kClientKeysQueryPlace =
    "client-server-api/#post_matrixclientv3keysquery";
constexpr std::string_view kClientKeysClaimPlace =
    "client-server-api/#post_matrixclientv3keysclaim";
constexpr std::string_view kKeySyncPlace = "client-server-api/#e2e-extensions-to-sync";
constexpr std::string_view kOneTimeAlgorithm = "signed_curve25519";

class DeviceKeys : public ClientTest {
protected:
    static DeviceIdentity identity_of(const Client& client) {
        return DeviceIdentity(client.user(), client.device());
    }
    static void must_upload(const Client& client, const Json& keys) {
        expect_step("uploading keys", client.post(kUploadPath, keys));
    }
    static void must_upload_identity(const Client& client) {
        must_upload(client, {{"device_keys", identity_of(client).device_keys()}});
    }
    static Response query(const Client& client, const UserId& user) {
        return client.post(kQueryPath, {{"device_keys", {{user.text(), Json::array()}}}});
    }
    static Response claim(const Client& client, const Client& of) {
        return client.post(
            kClaimPath,
            {{"one_time_keys", {{of.user().text(), {{of.device().text(), kOneTimeAlgorithm}}}}}});
    }
    /// "algorithm:id" of the one key in an answer; empty if there is none.
    static std::string claimed_name(const Response& response, const Client& of) {
        const Json& keys = response.at({"one_time_keys", of.user().view(), of.device().view()});
        return keys.is_object() && keys.size() == 1 ? keys.begin().key() : "";
    }
    static bool has_user(const Response& sync, std::string_view list, const UserId& user) {
        const Json& users = sync.at({"device_lists", list});
        return users.is_array() && std::ranges::find(users, Json(user.text())) != users.end();
    }

    const Client alice = target.make_user("alice");
    const Client bob = target.make_user("bob");
};

struct ForeignIdentity {
    std::string name;
    std::string text;
    std::string member;
    std::string value;
};
const std::vector<ForeignIdentity> kForeignIdentities = {
    {"user_id", "`user_id` must match the user ID used when logging in.", "user_id", "@eve:x.test"},
    {"device_id",
     "`device_id` must match the device ID used when logging in.",
     "device_id",
     "ANOTHERS"},
};

}  // namespace

CONFORMANCE_TEST(DeviceKeys,
                 {.id = "cs/keys/uploaded-keys-are-given",
                  .place = kClientKeysQueryPlace,
                  .text = "A query gives for each device what it uploaded, to every user."}) {
    const Json keys = identity_of(alice).device_keys();
    const Response uploaded = alice.post(kUploadPath, {{"device_keys", keys}});
    ASSERT_TRUE(has_status(uploaded, 200));
    EXPECT_TRUE(uploaded.at({"one_time_key_counts"}).is_object()) << uploaded;

    const Response response = query(bob, alice.user());

    ASSERT_TRUE(has_status(response, 200));
    Json given = response.at({"device_keys", alice.user().view(), alice.device().view()});
    ASSERT_TRUE(given.is_object()) << response;
    given.erase("unsigned");
    EXPECT_EQ(given, keys) << response;
}

CONFORMANCE_TEST(DeviceKeys,
                 {.id = "cs/keys/display-name-is-beside-the-keys",
                  .place = kClientKeysQueryPlace,
                  .text = "The name of a device is in `unsigned.device_display_name`."}) {
    must_upload_identity(alice);
    expect_step("naming a device",
                alice.put("/_matrix/client/v3/devices/" + escape(alice.device().view()),
                          {{"display_name", "My telephone"}}));

    const Response response = query(bob, alice.user());

    EXPECT_EQ(string_at(response.body,
                        {"device_keys",
                         alice.user().view(),
                         alice.device().view(),
                         "unsigned",
                         "device_display_name"}),
              "My telephone")
        << response;
}

// Security case 37: keys that claim another user or device.
CONFORMANCE_TEST(DeviceKeys,
                 {.id = "cs/keys/refuses-keys-of-others",
                  .place = kKeysUploadPlace,
                  .text = "The keys are those of the user and device that upload them.",
                  .rows = rows_of(kForeignIdentities)}) {
    const ForeignIdentity& row = row_of(kForeignIdentities);
    const DeviceIdentity identity = identity_of(alice);
    const Json right = identity.device_keys();
    Json wrong = right;
    wrong[row.member] = row.value;
    wrong = signed_anew(wrong, alice.user(), identity.signer());

    EXPECT_TRUE(alice.post(kUploadPath, {{"device_keys", wrong}}).is_error());

    EXPECT_TRUE(query(bob, alice.user())
                    .at({"device_keys", alice.user().view(), alice.device().view()})
                    .is_null())
        << "nothing was stored";
    EXPECT_TRUE(has_status(alice.post(kUploadPath, {{"device_keys", right}}), 200));
}

CONFORMANCE_TEST(DeviceKeys,
                 {.id = "cs/keys/unsigned-identity-is-refused",
                  .level = Level::Should,
                  .place = "client-server-api/#uploading-keys",
                  .text = "The identity keys are signed by the device's Ed25519 key."}) {
    const Json right = identity_of(alice).device_keys();
    const Json wrong = signed_anew(right, alice.user(), identity_of(alice).signer());

    EXPECT_SHOULD(alice.post(kUploadPath, {{"device_keys", wrong}}).is_error());
    EXPECT_TRUE(has_status(alice.post(kUploadPath, {{"device_keys", right}}), 200));
}

CONFORMANCE_TEST(DeviceKeys,
                 {.id = "cs/keys/unknown-users-are-left-out",
                  .place = kClientKeysQueryPlace,
                  .text = "A user who is not known is missing from the answer, and no failure."}) {
    const UserId nobody("@nobody-is-here:" + target.server_name().text());

    const Response response = query(alice, nobody);

    ASSERT_TRUE(has_status(response, 200));
    const Json& devices = response.at({"device_keys", nobody.view()});
    EXPECT_TRUE(devices.is_null() || devices.empty()) << response;
    const Json& failures = response.at({"failures"});
    EXPECT_TRUE(failures.is_null() || failures.empty()) << response;
}

CONFORMANCE_TEST(DeviceKeys,
                 {.id = "cs/keys/unreachable-servers-are-failures",
                  .place = kClientKeysQueryPlace,
                  .text = "Servers that could not be reached are named in `failures`; the rest is "
                          "answered."}) {
    must_upload_identity(alice);
    const std::string server = "unreachable.invalid";

    const Response response =
        bob.post(kQueryPath,
                 {{"timeout", 2000},
                  {"device_keys",
                   {{"@eve:" + server, Json::array()}, {alice.user().text(), Json::array()}}}});

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_TRUE(response.at({"failures", server}).is_object()) << response;
    EXPECT_TRUE(
        response.at({"device_keys", alice.user().view(), alice.device().view()}).is_object())
        << response;
}

CONFORMANCE_TEST(DeviceKeys,
                 {.id = "cs/keys/one-time-keys-are-counted",
                  .place = kKeysUploadPlace,
                  .text = "`one_time_key_counts` has the number of unclaimed keys, as /sync has; a "
                          "key that is uploaded again is the same key."}) {
    const DeviceIdentity identity = identity_of(alice);
    const Json keys = {{"one_time_keys",
                        {{"signed_curve25519:A", identity.one_time_key("a")},
                         {"signed_curve25519:B", identity.one_time_key("b")}}}};
    const Response first = alice.post(kUploadPath, keys);
    const Response second = alice.post(kUploadPath, keys);

    ASSERT_TRUE(has_status(first, 200));
    ASSERT_TRUE(has_status(second, 200));
    EXPECT_EQ(first.at({"one_time_key_counts", kOneTimeAlgorithm}), 2) << first;
    EXPECT_EQ(second.at({"one_time_key_counts", kOneTimeAlgorithm}), 2) << second;
    const Response sync = alice.sync();
    EXPECT_EQ(sync.at({"device_one_time_keys_count", kOneTimeAlgorithm}), 2) << sync;
    ASSERT_TRUE(has_status(claim(bob, alice), 200));
    const Response after = alice.sync();
    EXPECT_EQ(after.at({"device_one_time_keys_count", kOneTimeAlgorithm}), 1) << after;
}

CONFORMANCE_TEST(DeviceKeys,
                 {.id = "cs/keys/one-time-keys-are-given-once-in-order",
                  .place = kClientKeysClaimPlace,
                  .text = "One-time keys are given out in the order of their uploads, each at most "
                          "once."}) {
    const DeviceIdentity identity = identity_of(alice);
    const Json first = identity.one_time_key("z");
    must_upload(alice, {{"one_time_keys", {{"signed_curve25519:Z", first}}}});
    must_upload(alice, {{"one_time_keys", {{"signed_curve25519:A", identity.one_time_key("a")}}}});

    const Response one = claim(bob, alice);
    const Response two = claim(bob, alice);
    const Response none = claim(bob, alice);

    EXPECT_EQ(claimed_name(one, alice), "signed_curve25519:Z") << one;
    EXPECT_EQ(
        one.at(
            {"one_time_keys", alice.user().view(), alice.device().view(), "signed_curve25519:Z"}),
        first);
    EXPECT_EQ(claimed_name(two, alice), "signed_curve25519:A") << two;
    ASSERT_TRUE(has_status(none, 200));
    EXPECT_EQ(claimed_name(none, alice), "") << none;
}

CONFORMANCE_TEST(DeviceKeys,
                 {.id = "cs/keys/fallback-key-when-there-are-no-others",
                  .place = "client-server-api/#one-time-and-fallback-keys",
                  .text = "A fallback key is given when there are no one-time keys, again and "
                          "again; until then it is listed as unused.",
                  .since = "v1.2"}) {
    const DeviceIdentity identity = identity_of(alice);
    must_upload(alice,
                {{"one_time_keys", {{"signed_curve25519:A", identity.one_time_key("a")}}},
                 {"fallback_keys", {{"signed_curve25519:F", identity.fallback_key("f")}}}});
    const Response unused = alice.sync();
    EXPECT_EQ(unused.at({"device_unused_fallback_key_types"}), Json::array({kOneTimeAlgorithm}))
        << unused;

    EXPECT_EQ(claimed_name(claim(bob, alice), alice), "signed_curve25519:A");
    EXPECT_EQ(alice.sync().at({"device_unused_fallback_key_types"}).size(), 1U);
    EXPECT_EQ(claimed_name(claim(bob, alice), alice), "signed_curve25519:F");
    EXPECT_EQ(claimed_name(claim(bob, alice), alice), "signed_curve25519:F");

    const Response used = alice.sync();
    EXPECT_EQ(used.at({"device_unused_fallback_key_types"}), Json::array()) << used;
    must_upload(alice, {{"fallback_keys", {{"signed_curve25519:G", identity.fallback_key("g")}}}});
    EXPECT_EQ(claimed_name(claim(bob, alice), alice), "signed_curve25519:G") << "it is replaced";
}

CONFORMANCE_TEST(DeviceKeys,
                 {.id = "cs/keys/sync-tells-of-new-keys",
                  .place = kKeySyncPlace,
                  .text = "Users who share an encrypted room and have new device keys are in "
                          "`device_lists.changed`, others are not."}) {
    const Client stranger = target.make_user("stranger");
    const RoomId room = alice.create_room();
    alice.send_state(room, "m.room.encryption", "", {{"algorithm", "m.megolm.v1.aes-sha2"}});
    bob.join(room);
    const std::string since = bob.sync_token();
    must_upload_identity(stranger);

    must_upload_identity(alice);

    bool tells_of_stranger = false;
    bob.sync_until(
        [&](const Response& sync) {
            tells_of_stranger = tells_of_stranger || has_user(sync, "changed", stranger.user());
            return has_user(sync, "changed", alice.user());
        },
        {.since = since});
    EXPECT_FALSE(tells_of_stranger);
}

CONFORMANCE_TEST(DeviceKeys,
                 {.id = "cs/keys/sync-tells-of-new-and-old-company",
                  .place = kKeySyncPlace,
                  .text = "A user who now shares an encrypted room is in `changed`; one who shares "
                          "none any more is in `left`."}) {
    const RoomId room = alice.create_room();
    alice.send_state(room, "m.room.encryption", "", {{"algorithm", "m.megolm.v1.aes-sha2"}});
    const std::string alice_since = alice.sync_token();
    const std::string bob_since = bob.sync_token();

    bob.join(room);

    const auto tells_of = [](std::string_view list, const Client& user) {
        return [list, id = user.user()](const Response& sync) { return has_user(sync, list, id); };
    };
    const Response alice_sync = alice.sync_until(tells_of("changed", bob), {.since = alice_since});
    const Response bob_sync = bob.sync_until(tells_of("changed", alice), {.since = bob_since});
    bob.leave(room);
    alice.sync_until(tells_of("left", bob), {.since = string_at(alice_sync.body, {"next_batch"})});
    bob.sync_until(tells_of("left", alice), {.since = string_at(bob_sync.body, {"next_batch"})});
}

CONFORMANCE_TEST(DeviceKeys,
                 {.id = "cs/keys/changes-between-two-tokens",
                  .place = "client-server-api/#get_matrixclientv3keyschanges",
                  .text = "Users of shared rooms with new device keys between `from` and `to` are "
                          "in `changed`, others are not."}) {
    const RoomId room = alice.create_room();
    alice.send_state(room, "m.room.encryption", "", {{"algorithm", "m.megolm.v1.aes-sha2"}});
    bob.join(room);
    const auto changes = [&](const std::string& from, const std::string& to) {
        return bob.get("/_matrix/client/v3/keys/changes?from=" + escape(from) +
                       "&to=" + escape(to));
    };
    const auto names_alice = [&](const Response& response) {
        const Json& users = response.at({"changed"});
        return users.is_array() &&
               std::ranges::find(users, Json(alice.user().text())) != users.end();
    };
    const std::string before = bob.sync_token();
    must_upload_identity(alice);
    const Response told = bob.sync_until(
        [&](const Response& sync) { return has_user(sync, "changed", alice.user()); },
        {.since = before});
    const std::string after = string_at(told.body, {"next_batch"});

    const Response changed = changes(before, after);
    const Response unchanged = changes(after, after);

    ASSERT_TRUE(has_status(changed, 200));
    EXPECT_TRUE(names_alice(changed)) << changed;
    ASSERT_TRUE(has_status(unchanged, 200));
    EXPECT_FALSE(names_alice(unchanged)) << unchanged;
    EXPECT_TRUE(bob.get("/_matrix/client/v3/keys/changes").is_error());
}

CONFORMANCE_TEST(DeviceKeys,
                 {.id = "cs/keys/deleted-device-has-no-keys",
                  .place = "client-server-api/#post_matrixclientv3logout",
                  .text = "A device that logs out is deleted, with its keys, and those who share a "
                          "room are told."}) {
    const RoomId room = alice.create_room();
    alice.send_state(room, "m.room.encryption", "", {{"algorithm", "m.megolm.v1.aes-sha2"}});
    bob.join(room);
    const Client second = target.log_in(alice);
    const DeviceIdentity identity = identity_of(second);
    must_upload(second,
                {{"device_keys", identity.device_keys()},
                 {"one_time_keys", {{"signed_curve25519:A", identity.one_time_key("a")}}}});
    const std::string since = bob.sync_token();

    expect_step("logging out", second.post("/_matrix/client/v3/logout"));

    bob.sync_until([&](const Response& sync) { return has_user(sync, "changed", alice.user()); },
                   {.since = since});
    const Response response = query(bob, alice.user());
    EXPECT_TRUE(response.at({"device_keys", alice.user().view(), second.device().view()}).is_null())
        << response;
    EXPECT_EQ(claimed_name(claim(bob, second), second), "");
}

}  // namespace matrix::conformance
