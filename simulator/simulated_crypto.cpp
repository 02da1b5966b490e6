#include "simulator/simulated_crypto.h"

#include "refserver/protocol/sha256.h"
#include "simulator/quick_hash.h"

namespace matrix::simulator {
namespace {

constexpr std::size_t kSignatureWords = 8;

std::string keyed_hash(std::string_view public_key, std::string_view message) {
    const QuickHash hash = quick_hash(message, quick_hash(public_key));
    std::string signature;
    for (std::uint64_t word = 0; word < kSignatureWords; ++word) {
        // Each word of both halves, so that every byte depends on the whole message.
        const QuickHash spread = quick_hash({}, {hash.low + word, hash.high ^ word});
        for (int shift = 0; shift < 64; shift += 8)
            signature += static_cast<char>(spread.low >> shift);
    }
    return signature;
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
