#include "simulator/simulated_crypto.h"

#include "refserver/protocol/sha256.h"

namespace matrix::simulator {
namespace {

std::string keyed_hash(std::string_view public_key, std::string_view message) {
    std::string keyed(public_key);
    keyed += message;
    const Sha256 first = sha256(keyed);
    keyed.assign(view(first));
    keyed += public_key;
    const Sha256 second = sha256(keyed);
    return std::string(view(first)) + std::string(view(second));
}

class SimulatedSigner : public Signer {
public:
    SimulatedSigner(KeyId key_id, std::string_view seed)
        : key_id_(std::move(key_id)), public_key_(view(sha256(seed))) {}
    KeyId key_id() const override { return key_id_; }
    std::string public_key() const override { return public_key_; }
    std::string sign(std::string_view message) const override {
        return keyed_hash(public_key_, message);
    }

private:
    KeyId key_id_;
    std::string public_key_;
};

class SimulatedVerifier : public Verifier {
public:
    bool is_valid(std::string_view public_key,
                  std::string_view message,
                  std::string_view signature) const override {
        return keyed_hash(public_key, message) == signature;
    }
};

}  // namespace

std::unique_ptr<Signer> make_simulated_signer(KeyId key_id, std::string_view seed) {
    return std::make_unique<SimulatedSigner>(std::move(key_id), seed);
}

const Verifier& simulated_verifier() {
    static const SimulatedVerifier kVerifier;
    return kVerifier;
}

}  // namespace matrix::simulator
