#include "refserver/engine/client/nonces.h"

namespace matrix::engine {
namespace {

constexpr runtime::Duration kNonceLifetime = runtime::seconds(60);

}  // namespace

void Nonces::drop_expired() {
    const runtime::Timestamp now = clock_.monotonic_now();
    std::erase_if(made_at_, [&](const auto& entry) { return now - entry.second > kNonceLifetime; });
}

std::string Nonces::make() {
    drop_expired();
    std::string nonce = random_.stream("nonces").text(64, "0123456789abcdef");
    made_at_.emplace(nonce, clock_.monotonic_now());
    return nonce;
}

bool Nonces::take(const std::string& nonce) {
    drop_expired();
    return made_at_.erase(nonce) == 1;
}

}  // namespace matrix::engine
