// Cross-signing: keys and signatures.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#cross-signing

#include "conformance/client_server/authenticated_request.h"
#include "conformance/harness/conformance_test.h"
#include "conformance/harness/device_identity.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kSigningUploadPath = "/_matrix/client/v3/keys/device_signing/upload";
constexpr std::string_view kSignaturesUploadPath = "/_matrix/client/v3/keys/signatures/upload";
constexpr std::string_view kSigningUploadPlace =
    "client-server-api/#post_matrixclientv3keysdevice_signingupload";
constexpr std::string_view kSignaturesUploadPlace =
    "client-server-api/#post_matrixclientv3keyssignaturesupload";
constexpr std::string_view kKeySecurityPlace = "client-server-api/#key-and-signature-security";

class CrossSigning : public ClientTest {
protected:
    static Response query_keys(const Client& client, const UserId& user) {
        return client.post("/_matrix/client/v3/keys/query",
                           {{"device_keys", {{user.text(), Json::array()}}}});
    }
    void must_upload_all() const {
        expect_step(
            "uploading device keys",
            alice.post("/_matrix/client/v3/keys/upload", {{"device_keys", device.device_keys()}}));
        expect_step("uploading cross-signing keys", alice.post(kSigningUploadPath, keys.upload()));
    }
    Response upload_signature(const UserId& user,
                              std::string_view key_id,
                              const Json& signed_key) const {
        return alice.post(kSignaturesUploadPath, {{user.text(), {{key_id, signed_key}}}});
    }
    std::string failure_of(const Response& response, const UserId& user, std::string_view key) {
        return string_at(response.body, {"failures", user.view(), key, "errcode"});
    }
    /// A signature under alice's device, as `viewer` sees it.
    std::string device_signature(const Client& viewer, const UserId& signer, const KeyId& key) {
        return string_at(query_keys(viewer, alice.user()).body,
                         {"device_keys",
                          alice.user().view(),
                          alice.device().view(),
                          "signatures",
                          signer.view(),
                          key.view()});
    }

    const Client alice = target.make_user("alice");
    const Client bob = target.make_user("bob");
    const DeviceIdentity device{alice.user(), alice.device()};
    const CrossSigningIdentity keys{alice.user()};
};

}  // namespace

CONFORMANCE_TEST(CrossSigning,
                 {.id = "cs/cross_signing/first-keys-need-no-authentication",
                  .place = kSigningUploadPlace,
                  .text = "The first keys are uploaded without further authentication, and the "
                          "same ones again.",
                  .since = "v1.11"}) {
    ASSERT_TRUE(has_status(alice.post(kSigningUploadPath, keys.upload()), 200));
    EXPECT_TRUE(has_status(alice.post(kSigningUploadPath, keys.upload()), 200));

    const Response response = query_keys(bob, alice.user());

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(response.at({"master_keys", alice.user().view(), "keys"}), keys.master_key()["keys"])
        << response;
    EXPECT_EQ(response.at({"self_signing_keys", alice.user().view()}), keys.self_signing_key())
        << response;
}

CONFORMANCE_TEST(CrossSigning,
                 {.id = "cs/cross_signing/other-keys-need-authentication",
                  .place = kSigningUploadPlace,
                  .text = "User-interactive authentication must be performed where a master key "
                          "exists and another is uploaded."}) {
    ASSERT_TRUE(has_status(alice.post(kSigningUploadPath, keys.upload()), 200));
    const CrossSigningIdentity other(alice.user());

    const Response refused = alice.post(kSigningUploadPath, other.upload());
    ASSERT_TRUE(has_status(refused, 401));
    EXPECT_TRUE(refused.at({"flows"}).is_array()) << refused;
    EXPECT_EQ(query_keys(bob, alice.user()).at({"master_keys", alice.user().view(), "keys"}),
              keys.master_key()["keys"])
        << "nothing has changed";

    ASSERT_TRUE(
        has_status(send_authenticated(alice, "POST", kSigningUploadPath, other.upload()), 200));
    EXPECT_EQ(query_keys(bob, alice.user()).at({"master_keys", alice.user().view(), "keys"}),
              other.master_key()["keys"]);
}

CONFORMANCE_TEST(CrossSigning,
                 {.id = "cs/cross_signing/needs-a-master-key",
                  .place = kSigningUploadPlace,
                  .text = "Without a master key other keys are refused with M_MISSING_PARAM."}) {
    const Response response =
        alice.post(kSigningUploadPath, {{"self_signing_key", keys.self_signing_key()}});

    ASSERT_TRUE(has_status(response, 400));
    EXPECT_SHOULD(response.errcode == "M_MISSING_PARAM") << response;
    EXPECT_TRUE(has_status(alice.post(kSigningUploadPath, keys.upload()), 200));
}

CONFORMANCE_TEST(CrossSigning,
                 {.id = "cs/cross_signing/refuses-what-the-master-key-has-not-signed",
                  .place = kSigningUploadPlace,
                  .text = "A self-signing or user-signing key that is not signed by the master key "
                          "is refused with M_INVALID_SIGNATURE."}) {
    const CrossSigningIdentity other(alice.user());
    for (const std::string_view field : {"self_signing_key", "user_signing_key"}) {
        Json upload = keys.upload();
        const std::string name(field);
        upload[name] = signed_anew(upload[name], alice.user(), other.master());

        EXPECT_TRUE(is_error(alice.post(kSigningUploadPath, upload), 400, "M_INVALID_SIGNATURE"))
            << field;
    }
    EXPECT_TRUE(has_status(alice.post(kSigningUploadPath, keys.upload()), 200));
}

CONFORMANCE_TEST(CrossSigning,
                 {.id = "cs/cross_signing/refuses-the-name-of-a-device",
                  .place = kSigningUploadPlace,
                  .text = "A key whose public part is the id of one of the user's devices is "
                          "forbidden."}) {
    const Response login = target.anonymous().post(
        "/_matrix/client/v3/login",
        {{"type", "m.login.password"},
         {"identifier", {{"type", "m.id.user"}, {"user", alice.user().text()}}},
         {"password", alice.password()},
         {"device_id", public_key_text(keys.master())}});
    if (!login.is_ok()) skip_unsupported("the suite cannot choose the id of a device here");

    EXPECT_TRUE(is_error(alice.post(kSigningUploadPath, keys.upload()), 403, "M_FORBIDDEN"));
}

CONFORMANCE_TEST(CrossSigning,
                 {.id = "cs/cross_signing/user-signing-key-is-for-its-owner",
                  .place = "client-server-api/#post_matrixclientv3keysquery",
                  .text = "The user-signing key is shown to the user himself and nobody else."}) {
    must_upload_all();

    const Response own = query_keys(alice, alice.user());
    const Response others = query_keys(bob, alice.user());

    EXPECT_EQ(own.at({"user_signing_keys", alice.user().view()}), keys.user_signing_key()) << own;
    EXPECT_TRUE(others.at({"user_signing_keys", alice.user().view()}).is_null()) << others;
}

CONFORMANCE_TEST(CrossSigning,
                 {.id = "cs/cross_signing/sync-tells-of-new-keys",
                  .place = "client-server-api/#cross-signing",
                  .text = "Who shares an encrypted room is told of new cross-signing keys."}) {
    const RoomId room = alice.create_room();
    alice.send_state(room, "m.room.encryption", "", {{"algorithm", "m.megolm.v1.aes-sha2"}});
    bob.join(room);
    const std::string since = bob.sync_token();

    ASSERT_TRUE(has_status(alice.post(kSigningUploadPath, keys.upload()), 200));

    bob.sync_until(
        [&](const Response& sync) {
            const Json& users = sync.at({"device_lists", "changed"});
            return users.is_array() &&
                   std::ranges::find(users, Json(alice.user().text())) != users.end();
        },
        {.since = since});
}

CONFORMANCE_TEST(CrossSigning,
                 {.id = "cs/cross_signing/self-signature-of-a-device-is-for-all",
                  .place = kSignaturesUploadPlace,
                  .text = "The signature of the self-signing key on a device is shown to other "
                          "users, beside that of the device."}) {
    must_upload_all();
    const Json vouched = signed_anew(device.device_keys(), alice.user(), keys.self_signing());

    const Response response = upload_signature(alice.user(), alice.device().view(), vouched);

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(failure_of(response, alice.user(), alice.device().view()), "") << response;
    const std::string key = keys.self_signing().key_id().text();
    EXPECT_EQ(device_signature(bob, alice.user(), KeyId(key)),
              string_at(vouched, {"signatures", alice.user().view(), key}));
    EXPECT_FALSE(device_signature(bob, alice.user(), device.signer().key_id()).empty());
}

CONFORMANCE_TEST(CrossSigning,
                 {.id = "cs/cross_signing/devices-sign-their-master-key",
                  .place = kKeySecurityPlace,
                  .text = "The signature of a device on its owner's master key is shown to "
                          "others."}) {
    must_upload_all();
    const std::string id = public_key_text(keys.master());

    const Response response = upload_signature(
        alice.user(), id, signed_anew(keys.master_key(), alice.user(), device.signer()));

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(failure_of(response, alice.user(), id), "") << response;
    EXPECT_FALSE(string_at(query_keys(bob, alice.user()).body,
                           {"master_keys",
                            alice.user().view(),
                            "signatures",
                            alice.user().view(),
                            device.signer().key_id().view()})
                     .empty());
}

CONFORMANCE_TEST(CrossSigning,
                 {.id = "cs/cross_signing/user-signature-is-for-the-signer",
                  .place = kKeySecurityPlace,
                  .text = "The signature of a user-signing key on another's master key is shown to "
                          "the signer alone."}) {
    must_upload_all();
    const CrossSigningIdentity bobs(bob.user());
    expect_step("uploading cross-signing keys", bob.post(kSigningUploadPath, bobs.upload()));
    const std::string id = public_key_text(bobs.master());

    const Response response = upload_signature(
        bob.user(), id, signed_anew(bobs.master_key(), alice.user(), keys.user_signing()));

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(failure_of(response, bob.user(), id), "") << response;
    const auto seen_by = [&](const Client& viewer) {
        return string_at(query_keys(viewer, bob.user()).body,
                         {"master_keys",
                          bob.user().view(),
                          "signatures",
                          alice.user().view(),
                          keys.user_signing().key_id().view()});
    };
    EXPECT_FALSE(seen_by(alice).empty());
    EXPECT_TRUE(seen_by(bob).empty());
}

namespace {

struct BadSignature {
    std::string name;
    std::string text;
};
const std::vector<BadSignature> kBadSignatures = {
    {"forged", "A signature by a key that is not the one that it names fails."},
    {"malformed", "A signature that is no base64 fails."},
    {"foreign", "A signature in the name of another user fails."},
    {"changed", "A key that is not the published one fails."},
};

}  // namespace

// Security case 36: signatures that are forged, malformed or somebody else's.
CONFORMANCE_TEST(CrossSigning,
                 {.id = "cs/cross_signing/bad-signatures-fail-one-by-one",
                  .place = kSignaturesUploadPlace,
                  .text = "A signature that is not valid is named in `failures` and not stored.",
                  .rows = rows_of(kBadSignatures)}) {
    const std::string kind = row_of(kBadSignatures).name;
    must_upload_all();
    const CrossSigningIdentity other(alice.user());
    const CrossSigningIdentity bobs(bob.user());
    const KeyId right_key = keys.self_signing().key_id();
    UserId signer = alice.user();
    KeyId key = right_key;
    Json bad = signed_anew(device.device_keys(), alice.user(), keys.self_signing());
    Json& signatures = bad["signatures"][alice.user().text()];
    if (kind == "forged") {
        const Json forged = signed_anew(bad, alice.user(), other.self_signing());
        signatures[key.text()] = forged["signatures"][alice.user().text()].begin().value();
    } else if (kind == "malformed") {
        signatures[key.text()] = "not base64!";
    } else if (kind == "foreign") {
        expect_step("uploading cross-signing keys", bob.post(kSigningUploadPath, bobs.upload()));
        signer = bob.user();
        key = bobs.self_signing().key_id();
        bad = signed_anew(device.device_keys(), bob.user(), bobs.self_signing());
    } else {
        bad["algorithms"] = Json::array();
        bad = signed_anew(bad, alice.user(), keys.self_signing());
    }

    const Response response = upload_signature(alice.user(), alice.device().view(), bad);

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_FALSE(failure_of(response, alice.user(), alice.device().view()).empty()) << response;
    EXPECT_EQ(device_signature(alice, signer, key), "");
    EXPECT_EQ(device_signature(bob, signer, key), "");
    const Json good = signed_anew(device.device_keys(), alice.user(), keys.self_signing());
    EXPECT_EQ(failure_of(upload_signature(alice.user(), alice.device().view(), good),
                         alice.user(),
                         alice.device().view()),
              "");
}

}  // namespace matrix::conformance
