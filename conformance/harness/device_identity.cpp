#include "conformance/harness/device_identity.h"

#include "conformance/harness/client.h"
#include "conformance/harness/pdu.h"
#include "refserver/protocol/base64.h"
#include "refserver/protocol/sha256.h"

namespace matrix::conformance {
namespace {

// A key that no other test has: one run's transaction ids are unique.
std::string fresh_seed() {
    return std::string(view(sha256("seed of " + Client::make_transaction_id())));
}

/// With an id that is its public part, as cross-signing keys have.
std::unique_ptr<Signer> make_cross_signer() {
    const std::string seed = fresh_seed();
    const auto nameless = make_ed25519_signer(KeyId("ed25519:0"), seed);
    return make_ed25519_signer(KeyId("ed25519:" + encode_base64(nameless->public_key())), seed);
}

Json cross_signing_key(const UserId& user, std::string_view usage, const Signer& key) {
    return {{"user_id", user.text()},
            {"usage", Json::array({usage})},
            {"keys", {{key.key_id().text(), public_key_text(key)}}}};
}

Json curve25519_key(std::string_view text) {
    return {{"key", encode_base64(view(sha256(text)))}};
}

}  // namespace

std::string public_key_text(const Signer& signer) {
    return encode_base64(signer.public_key());
}

Json signed_anew(Json key, const UserId& user, const Signer& signer) {
    key.erase("signatures");
    json::Object object = to_protocol_object(key);
    sign_json(object, user.view(), signer);
    return from_protocol(object);
}

DeviceIdentity::DeviceIdentity(UserId user, DeviceId device)
    : user_(std::move(user)),
      device_(std::move(device)),
      signer_(make_ed25519_signer(KeyId("ed25519:" + device_.text()), fresh_seed())) {}

Json DeviceIdentity::device_keys() const {
    const std::string curve = "curve25519:" + device_.text();
    const Json keys = {{"user_id", user_.text()},
                       {"device_id", device_.text()},
                       {"algorithms", {"m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"}},
                       {"keys",
                        {{signer_->key_id().text(), public_key_text(*signer_)},
                         {curve, curve25519_key(device_.view())["key"]}}}};
    return signed_anew(keys, user_, *signer_);
}

Json DeviceIdentity::one_time_key(std::string_view text) const {
    return signed_anew(curve25519_key(text), user_, *signer_);
}

Json DeviceIdentity::fallback_key(std::string_view text) const {
    Json key = curve25519_key(text);
    key["fallback"] = true;
    return signed_anew(std::move(key), user_, *signer_);
}

CrossSigningIdentity::CrossSigningIdentity(UserId user)
    : user_(std::move(user)),
      master_(make_cross_signer()),
      self_signing_(make_cross_signer()),
      user_signing_(make_cross_signer()) {}

Json CrossSigningIdentity::master_key() const {
    return cross_signing_key(user_, "master", *master_);
}

Json CrossSigningIdentity::self_signing_key() const {
    return signed_anew(cross_signing_key(user_, "self_signing", *self_signing_), user_, *master_);
}

Json CrossSigningIdentity::user_signing_key() const {
    return signed_anew(cross_signing_key(user_, "user_signing", *user_signing_), user_, *master_);
}

Json CrossSigningIdentity::upload() const {
    return {{"master_key", master_key()},
            {"self_signing_key", self_signing_key()},
            {"user_signing_key", user_signing_key()}};
}

}  // namespace matrix::conformance
