// ServerOptions: what is decided before a server starts.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "refserver/engine/peers/host_lookup.h"
#include "refserver/protocol/identifiers.h"
#include "refserver/protocol/signatures.h"
#include "refserver/storage/database.h"
#include "refserver/storage/event_pool.h"
#include "refserver/storage/watch.h"

namespace matrix::engine {

struct ServerOptions {
    ServerName server_name;
    std::string database_name = "homeserver.db";
    storage::DatabaseOptions database;

    /// Development mode: minimal password hashing, no rate limits, open registration.
    bool is_development = true;
    std::string default_room_version = "12";
    std::optional<std::string> registration_shared_secret;
    /// The client API's base URL in /.well-known/matrix/client; empty: that is 404.
    std::string public_url;
    /// What /.well-known/matrix/server says: where other servers reach this one; nothing: 404.
    std::optional<ServerName> delegated_name;
    /// Notaries that are asked for keys of servers that do not answer, in this order.
    std::vector<ServerName> trusted_key_servers;
    /// Where to connect for some names, whatever DNS says.
    AppointedAddresses appointed_addresses;
    /// Is this a policy server for rooms that appoint it?
    bool is_policy_server = false;
    /// As a policy server, events whose canonical JSON contains one of these are not signed.
    std::vector<std::string> policy_refused_texts;
    /// Sign with a new key from this start on: the present one, which may have become known, is
    /// published as an old one.
    bool rotates_key = false;
    /// Localparts of accounts to create at the start, if they do not exist.
    std::vector<std::string> users;

    /// Real: Ed25519. The seed is 32 bytes, made by the server and kept in its database.
    std::function<std::unique_ptr<Signer>(KeyId, std::string_view seed)> make_signer =
        make_ed25519_signer;
    const Verifier* verifier = &ed25519_verifier();

    /// Shared with other servers of the process, and outlives them; null: this server has its own
    /// copy of each event.
    storage::EventPool* event_pool = nullptr;
    /// Is told what becomes of events; outlives the server. Null: nobody is.
    const storage::Watch* watch = nullptr;
};

}  // namespace matrix::engine
