// What others learn of our users' devices and keys.
#include "refserver/storage/cross_signing_keys.h"
#include "refserver/storage/device_keys.h"
#include "refserver/storage/device_lists.h"
#include "refserver/storage/one_time_keys.h"
#include "tests/engine/federation_fixture.h"

namespace matrix::engine {
namespace {

class FederationKeysTest : public FederationServerTest {
protected:
    using S = FederationServer;

    static json::Object device_keys_of(const UserId& user, const std::string& device) {
        return {{"user_id", user.text()},
                {"device_id", device},
                {"algorithms", json::Array{"m.olm.v1.curve25519-aes-sha2"}},
                {"keys", json::Object{{"ed25519:" + device, "key of " + device}}},
                {"signatures", json::Object{}}};
    }
    // A `find` over several keys; null where one is missing.
    static const json::Value* at(const json::Value& value,
                                 std::initializer_list<std::string_view> path) {
        const json::Value* found = &value;
        for (const std::string_view key : path)
            found = found ? found->find(key) : nullptr;
        return found;
    }
    static std::string string_of(const json::Value& value,
                                 std::initializer_list<std::string_view> path) {
        const json::Value* found = at(value, path);
        return found && found->if_string() ? *found->if_string() : "";
    }
    json::Value claim(const std::string& device, const std::string& algorithm) {
        json::Object devices;
        devices.set(device, algorithm);
        json::Object users;
        users.set(bob_.view(), std::move(devices));
        const auto reply =
            ask(&S::claim_user_keys, {}, {}, json::Object{{"one_time_keys", std::move(users)}});
        EXPECT_EQ(status_of(reply), 200) << text_of(reply);
        const json::Value body = body_of(reply);
        const json::Value* given = at(body, {"one_time_keys", bob_.view(), device});
        return given ? *given : json::Value();
    }
    Result<Reply> query(json::Object asked) {
        return ask(&S::query_user_keys, {}, {}, json::Object{{"device_keys", std::move(asked)}});
    }

    const UserId bob_ = a_.user("bob");
    storage::DeviceKeyStore device_keys_{a_.turns};
    storage::DeviceListStore device_lists_{a_.turns};
    storage::OneTimeKeyStore one_time_keys_{a_.turns};
    storage::CrossSigningKeyStore cross_signing_keys_{a_.turns};
};

TEST_F(FederationKeysTest, ListsDevicesWithTheVersionOfTheList) {
    const auto empty = ask(&S::get_user_devices, {bob_.text()});
    ASSERT_EQ(status_of(empty), 200) << text_of(empty);
    EXPECT_EQ(*body_of(empty).find_array("devices"), json::Array());
    a_.turn([&] {
        device_keys_.put(bob_, DeviceId("ONE"), device_keys_of(bob_, "ONE"));
        device_keys_.put(bob_, DeviceId("TWO"), device_keys_of(bob_, "TWO"));
        device_lists_.advance(bob_);
    });

    const json::Value first = body_of(ask(&S::get_user_devices, {bob_.text()}));
    a_.turn([&] {
        device_keys_.remove(bob_, DeviceId("ONE"));
        device_lists_.advance(bob_);
    });
    const json::Value second = body_of(ask(&S::get_user_devices, {bob_.text()}));

    EXPECT_EQ(string_of(first, {"user_id"}), bob_.text());
    ASSERT_EQ(first.find_array("devices")->size(), 2U);
    EXPECT_EQ(string_of(first.find_array("devices")->front(), {"keys", "keys", "ed25519:ONE"}),
              "key of ONE");
    EXPECT_EQ(second.find_array("devices")->size(), 1U);
    EXPECT_GT(*first.find_integer("stream_id"), *body_of(empty).find_integer("stream_id"));
    EXPECT_GT(*second.find_integer("stream_id"), *first.find_integer("stream_id"));
}

TEST_F(FederationKeysTest, RefusesUsersThatAreNotOurs) {
    ASSERT_EQ(status_of(ask(&S::get_user_devices, {bob_.text()})), 200);
    EXPECT_EQ(status_of(ask(&S::get_user_devices, {a_.user("nobody").text()})), 404);
    EXPECT_EQ(status_of(ask(&S::get_user_devices, {eve_.text()})), 400);
    EXPECT_EQ(status_of(query({{bob_.text(), json::Array{}}})), 200);
    EXPECT_EQ(status_of(query({{eve_.text(), json::Array{}}})), 400);
    EXPECT_EQ(status_of(query({{bob_.text(), "all"}})), 400);
    EXPECT_EQ(status_of(query({{bob_.text(), json::Array{7}}})), 400);
    EXPECT_EQ(status_of(ask(&S::query_user_keys, {}, {}, json::Object{})), 400);
    EXPECT_EQ(status_of(ask(&S::claim_user_keys, {}, {}, json::Object{})), 400);
    const json::Object foreign{{eve_.text(), json::Object{{"DEV", "signed_curve25519"}}}};
    EXPECT_EQ(status_of(ask(&S::claim_user_keys, {}, {}, json::Object{{"one_time_keys", foreign}})),
              400);
}

TEST_F(FederationKeysTest, GivesKeysOfTheDevicesThatAreAskedFor) {
    a_.turn([&] {
        device_keys_.put(bob_, DeviceId("ONE"), device_keys_of(bob_, "ONE"));
        device_keys_.put(bob_, DeviceId("TWO"), device_keys_of(bob_, "TWO"));
    });

    const json::Value all = body_of(query({{bob_.text(), json::Array{}}}));
    const json::Value one = body_of(query({{bob_.text(), json::Array{"TWO", "THREE"}}}));

    const std::string_view bob = bob_.view();
    EXPECT_EQ(string_of(all, {"device_keys", bob, "ONE", "keys", "ed25519:ONE"}), "key of ONE");
    EXPECT_EQ(string_of(all, {"device_keys", bob, "TWO", "keys", "ed25519:TWO"}), "key of TWO");
    EXPECT_EQ(at(one, {"device_keys", bob})->if_object()->size(), 1U);
    EXPECT_EQ(string_of(one, {"device_keys", bob, "TWO", "device_id"}), "TWO");
}

TEST_F(FederationKeysTest, GivesCrossSigningKeysWithTheirOwnersSignaturesAlone) {
    const json::Object signatures{{bob_.text(), json::Object{{"ed25519:DEV", "own"}}},
                                  {eve_.text(), json::Object{{"ed25519:USK", "foreign"}}}};
    const auto key = [&](const char* usage) {
        return json::Object{{"user_id", bob_.text()},
                            {"usage", json::Array{usage}},
                            {"keys", json::Object{{"ed25519:k", "k"}}},
                            {"signatures", signatures}};
    };
    using enum storage::CrossSigningUsage;
    a_.turn([&] {
        cross_signing_keys_.put(bob_, Master, key("master"));
        cross_signing_keys_.put(bob_, SelfSigning, key("self_signing"));
        cross_signing_keys_.put(bob_, UserSigning, key("user_signing"));
    });

    const auto queried = query({{bob_.text(), json::Array{}}});
    const auto devices = ask(&S::get_user_devices, {bob_.text()});

    const json::Value body = body_of(queried);
    const std::string_view bob = bob_.view();
    EXPECT_EQ(string_of(body, {"master_keys", bob, "signatures", bob, "ed25519:DEV"}), "own");
    EXPECT_NE(at(body, {"self_signing_keys", bob, "keys"}), nullptr);
    EXPECT_NE(at(body_of(devices), {"master_key", "keys"}), nullptr);
    EXPECT_NE(at(body_of(devices), {"self_signing_key", "keys"}), nullptr);
    for (const auto& reply : {queried, devices}) {
        EXPECT_EQ(text_of(reply).find("foreign"), std::string::npos) << text_of(reply);
        EXPECT_EQ(text_of(reply).find("user_signing"), std::string::npos) << text_of(reply);
    }
}

TEST_F(FederationKeysTest, GivesEachOneTimeKeyOnceAndThenTheFallbackKey) {
    const DeviceId device("DEV");
    const auto key = [](const char* id) {
        return storage::OneTimeKey{"signed_curve25519", id, json::Object{{"key", id}}};
    };
    a_.turn([&] {
        one_time_keys_.add(bob_, device, {key("z"), key("y")});
        one_time_keys_.add(bob_, device, {key("a")});
        one_time_keys_.put_fallback(bob_, device, key("f"));
    });
    ASSERT_EQ(one_time_keys_.count(bob_, device).at("signed_curve25519"), 3);
    ASSERT_EQ(one_time_keys_.unused_fallbacks(bob_, device).size(), 1U);

    // Of one upload any order, but the later upload last.
    EXPECT_EQ(string_of(claim("DEV", "signed_curve25519"), {"signed_curve25519:y", "key"}), "y");
    EXPECT_EQ(string_of(claim("DEV", "signed_curve25519"), {"signed_curve25519:z", "key"}), "z");
    EXPECT_EQ(string_of(claim("DEV", "signed_curve25519"), {"signed_curve25519:a", "key"}), "a");
    EXPECT_EQ(one_time_keys_.unused_fallbacks(bob_, device).size(), 1U);
    for (int i = 0; i < 2; ++i) {
        EXPECT_EQ(string_of(claim("DEV", "signed_curve25519"), {"signed_curve25519:f", "key"}),
                  "f");
    }
    EXPECT_TRUE(one_time_keys_.unused_fallbacks(bob_, device).empty());
    EXPECT_TRUE(claim("DEV", "curve25519").is_null());
    EXPECT_TRUE(claim("OTHER", "signed_curve25519").is_null());
}

TEST_F(FederationKeysTest, RefusesAClaimAsAWholeIfAPartOfItIsWrong) {
    const DeviceId device("DEV");
    a_.turn([&] { one_time_keys_.add(bob_, device, {{"signed_curve25519", "a", "key"}}); });
    const json::Object asked{{bob_.text(), json::Object{{"DEV", "signed_curve25519"}, {"DEW", 7}}}};

    EXPECT_EQ(status_of(ask(&S::claim_user_keys, {}, {}, json::Object{{"one_time_keys", asked}})),
              400);

    EXPECT_EQ(one_time_keys_.count(bob_, device).at("signed_curve25519"), 1);
}

}  // namespace
}  // namespace matrix::engine
