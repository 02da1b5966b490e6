// KeyRing: our signing key, other servers' keys, and whether a signature is good.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#retrieving-server-keys
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "refserver/engine/counters.h"
#include "refserver/engine/error.h"
#include "refserver/protocol/event.h"
#include "refserver/protocol/server_keys.h"
#include "refserver/protocol/signatures.h"
#include "refserver/protocol/x_matrix.h"
#include "refserver/runtime/clock.h"
#include "refserver/runtime/log.h"
#include "refserver/runtime/network.h"
#include "refserver/runtime/task.h"
#include "refserver/runtime/workers.h"
#include "refserver/storage/turns.h"

namespace matrix::engine {

class FederationClient;

class KeyRing {
public:
    struct Services {
        ServerName server_name;
        const Signer& signer;
        const Verifier& verifier;
        storage::Turns& turns;
        runtime::Clock& clock;
        runtime::Workers& workers;
        runtime::Log& log;
        Counters& counters;
        /// Notaries that are asked when a server does not answer, in this order.
        std::vector<ServerName> trusted_key_servers;
        /// Our own keys that sign no more.
        std::map<KeyId, ServerKey> old_keys = {};
    };
    explicit KeyRing(Services services);
    KeyRing(const KeyRing&) = delete;
    KeyRing& operator=(const KeyRing&) = delete;
    ~KeyRing();
    /// Two-step construction: the client needs our key to sign its requests.
    void connect(FederationClient& federation);

    /// Our own key document, as served at /_matrix/key/v2/server.
    json::Object own_keys() const;

    /// Asks servers for their keys, some at a time, and their notaries if they do not answer. Those
    /// that were asked just now are not.
    runtime::Task<void> refresh(std::vector<ServerName> servers);

    /// How the newest fetch of a server's keys ended.
    struct FetchReport {
        bool is_fetching = false;        ///< Another one is under way.
        std::string last_failure;        ///< What the server did wrong; empty if it gave its keys.
        std::int64_t fetched_ts = 0;     ///< When; 0: never yet.
        std::int64_t next_fetch_ts = 0;  ///< Not asked again before, if there is need to.
    };
    /// Nothing: not asked since the start, or forgotten.
    std::optional<FetchReport> find_fetch(const ServerName& server) const;

    /// Are the event's required signatures there and good? Fetches the keys that it must.
    /// 400 M_INVALID_PARAM says which server's signature is missing, unknown or wrong.
    runtime::Task<Result<void>> verify_event(json::Object pdu, const RoomRules* rules);
    /// The same for many events of one room, one verdict for each, in their order. Keys are fetched
    /// from all servers at a time; many signatures are checked by the workers.
    using Pdus = std::shared_ptr<const std::vector<json::Object>>;
    runtime::Task<std::vector<Result<void>>> verify_events(Pdus pdus, const RoomRules* rules);
    /// Reads PDUs of one room version, and makes the first three checks on receipt: format,
    /// signatures, hash, by which an event may be redacted. Each is judged alone, and answered in
    /// its place. Many are checked by the workers, in batches.
    runtime::Task<std::vector<Result<Event>>> take_events(std::vector<json::Object> pdus,
                                                          const RoomRules* rules);
    /// The same of many that are said to be of one room: those that are, and are good.
    struct KeptEvents {
        std::vector<Event> events;  ///< In their order.
        std::size_t dropped = 0;
    };
    runtime::Task<KeptEvents> keep_events(std::vector<json::Object> pdus,
                                          RoomId room,
                                          const RoomRules* rules);
    /// Has this server signed the event, whether it must or not?
    runtime::Task<Result<void>> verify_signature_of(ServerName server,
                                                    json::Object pdu,
                                                    const RoomRules* rules);

    struct Authenticated {
        ServerName origin;
        json::Value content;  ///< The body, parsed; null if there is none.
    };
    /// Authenticates an incoming request: 401 M_UNAUTHORIZED if it is not who it says,
    /// 400 M_NOT_JSON if it has a body that is not JSON.
    runtime::Task<Result<Authenticated>> authenticate(runtime::HttpRequest request);

private:
    runtime::Task<Result<Authenticated>> find_origin(runtime::HttpRequest request);

    struct Data;
    std::unique_ptr<Data> data_;
};

}  // namespace matrix::engine
