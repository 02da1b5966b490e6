// A server's published keys: parsing them, and for which times they are good.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#publishing-keys
#pragma once

#include <cstdint>
#include <expected>
#include <iosfwd>
#include <map>
#include <optional>
#include <string>

#include "refserver/protocol/event.h"
#include "refserver/protocol/signatures.h"

namespace matrix {

/// One key of a server, and until when it signs.
struct ServerKey {
    std::string public_key;           ///< 32 raw bytes.
    std::int64_t valid_until_ts = 0;  ///< Milliseconds; of an old key its `expired_ts`.
    bool is_old = false;              ///< From `old_verify_keys`: only for events before.
};

struct ServerKeys {
    ServerName server;
    std::int64_t valid_until_ts = 0;
    std::map<KeyId, ServerKey> keys;
    json::Object document;  ///< As received, with its signatures.
};

/// Reads a key document and verifies that it is signed by each key that it lists as current.
///
/// Keys of other algorithms than Ed25519 are skipped; without any current key the document is
/// refused.
std::expected<ServerKeys, EventError> parse_server_keys(const json::Object& document,
                                                        const Verifier& verifier);

/// The key document of a server, signed by its current key; keys that signed before are old ones,
/// each until its `valid_until_ts`.
json::Object make_server_keys(const ServerName& server,
                              const Signer& signer,
                              std::int64_t valid_until_ts,
                              const std::map<KeyId, ServerKey>& old_keys = {});

/// May `key` have signed an event of `origin_server_ts`, as seen by a server whose time is
/// `now_ts`?
///
/// Up to v4 every time is good; later a key is believed until `valid_until_ts`, and no longer than
/// seven days ahead of now. Spec: room version 5, "Signing key validity period".
///
/// UNSPECIFIED: up to v4 an old key is good after its `expired_ts` too, as in other servers: the
/// times of keys play no part there.
bool is_key_valid_for(const ServerKey& key,
                      std::int64_t origin_server_ts,
                      std::int64_t now_ts,
                      const RoomRules& rules);

/// What the signatures of one server on an event are worth.
enum class SignatureVerdict {
    Valid,       ///< At least one is by a known key, and all of those are good.
    Invalid,     ///< One by a known key is bad.
    NoKnownKey,  ///< None is by a known key that was valid then; fetch keys, and ask again.
};
std::ostream& operator<<(std::ostream& out, SignatureVerdict verdict);

/// Judges `server`'s signatures on a PDU by the keys of that server that are known.
///
/// Unknown keys and those not valid at `origin_server_ts` are skipped.
/// Spec: server-server-api, "Validating hashes and signatures on received events".
SignatureVerdict check_event_signatures(const json::Object& pdu,
                                        const ServerName& server,
                                        const std::map<KeyId, ServerKey>& keys,
                                        std::int64_t now_ts,
                                        const RoomRules& rules,
                                        const Verifier& verifier);

}  // namespace matrix
