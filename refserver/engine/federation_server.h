// FederationServer: what this server answers to others. One file per endpoint in federation/.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/
#pragma once

#include <map>
#include <string>

#include "refserver/engine/http_api.h"
#include "refserver/engine/rooms.h"

namespace matrix::engine {

class KeyRing;
class Outbox;

class FederationServer {
public:
    struct Services {
        ServerName server_name;
        Rooms& rooms;
        KeyRing& keys;
        Outbox& outbox;
        Notifier& notifier;
        storage::Turns& turns;
        runtime::Clock& clock;
        runtime::Log& log;
        const Signer& signer;
        /// Is this a user of ours that exists?
        std::function<bool(const UserId&)> is_local_user;
        /// The profile of a user of ours.
        std::function<std::optional<json::Object>(const UserId&)> find_profile;
    };
    explicit FederationServer(Services services) : services_(std::move(services)) {}
    FederationServer(const FederationServer&) = delete;
    FederationServer& operator=(const FederationServer&) = delete;

    Task<Result<Reply>> get_server_keys(Request request);
    Task<Result<Reply>> get_version(Request request);
    Task<Result<Reply>> make_join(Request request);
    Task<Result<Reply>> send_join(Request request);
    Task<Result<Reply>> make_leave(Request request);
    Task<Result<Reply>> send_leave(Request request);
    Task<Result<Reply>> invite(Request request);
    Task<Result<Reply>> send_transaction(Request request);
    Task<Result<Reply>> get_event(Request request);
    Task<Result<Reply>> get_state(Request request);
    Task<Result<Reply>> get_state_ids(Request request);
    Task<Result<Reply>> get_event_auth(Request request);
    Task<Result<Reply>> backfill(Request request);
    Task<Result<Reply>> get_missing_events(Request request);
    Task<Result<Reply>> query_profile(Request request);

private:
    Services services_;
};

}  // namespace matrix::engine
