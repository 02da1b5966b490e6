// Signing JSON and events, and verifying the signatures that others made.
//
// Spec: https://spec.matrix.org/v1.19/appendices/#signing-json and
//       https://spec.matrix.org/v1.19/server-server-api/#signing-events
#pragma once

#include <expected>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "refserver/protocol/event.h"
#include "refserver/protocol/identifiers.h"
#include "refserver/protocol/json.h"

namespace matrix {

/// Holds a secret key. Real: Ed25519; in the simulator: a keyed hash of the same length.
class Signer {
public:
    virtual ~Signer() = default;
    virtual KeyId key_id() const = 0;
    virtual std::string public_key() const = 0;                    ///< 32 raw bytes.
    virtual std::string sign(std::string_view message) const = 0;  ///< 64 raw bytes.
};

/// Checks signatures; the other half of `Signer`.
class Verifier {
public:
    virtual ~Verifier() = default;
    virtual bool is_valid(std::string_view public_key,
                          std::string_view message,
                          std::string_view signature) const = 0;
};

/// An Ed25519 key from its 32-byte seed.
std::unique_ptr<Signer> make_ed25519_signer(KeyId key_id, std::string_view seed);
/// Ed25519 as libsodium judges it.
///
/// UNSPECIFIED: RFC 8032 leaves edge cases open, and Matrix names NaCl. We follow libsodium: the
/// equation without cofactor, S below the group's order, and no public key or R of small order.
const Verifier& ed25519_verifier();

/// One signature of an object: `signatures.<server>.<key_id>`.
struct SignatureRef {
    std::string entity;  ///< A server name (or a user id, for device keys).
    KeyId key_id;
    std::string signature;  ///< Raw bytes; empty if what stands there is no base64 string.
};

/// All signatures that `object` carries, of every entity and algorithm, in the order of keys.
std::vector<SignatureRef> list_signatures(const json::Object& object);

/// Adds `signer`'s signature to `signatures.<entity>`; others stay.
void sign_json(json::Object& object, std::string_view entity, const Signer& signer);

/// Does `signature` by `public_key` (both raw bytes) cover `object` without `signatures` and
/// `unsigned`?
bool has_signature(const json::Object& object,
                   std::string_view signature,
                   std::string_view public_key,
                   const Verifier& verifier);

/// Adds the content hash and the signature of a server, which covers the redacted event.
void hash_and_sign_event(json::Object& pdu,
                         const ServerName& server,
                         const Signer& signer,
                         const RoomRules& rules);
/// Adds a server's signature to an event whose hash is there already.
void sign_event(json::Object& pdu,
                const ServerName& server,
                const Signer& signer,
                const RoomRules& rules);

/// The servers whose signature an event of this room version must carry, each once.
///
/// The sender's, unless the event is an invite of a third party; in v1 and v2 that of the event's
/// id too; where restricted joins exist, that of the user who authorised one.
///
/// Spec: server-server-api, "Validating hashes and signatures on received events".
std::vector<ServerName> required_signers(const Event& event);

}  // namespace matrix
