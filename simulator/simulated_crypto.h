// Signatures without elliptic curves: a keyed hash of the same length, for runs with many events.
//
// Not secure, and not meant to be: whoever knows a public key can sign. A forged signature is made
// by signing with another key, as a fault that a scenario asks for.
#pragma once

#include <memory>
#include <string_view>

#include "refserver/protocol/signatures.h"

namespace matrix::simulator {

std::unique_ptr<Signer> make_simulated_signer(KeyId key_id, std::string_view seed);
const Verifier& simulated_verifier();

}  // namespace matrix::simulator
