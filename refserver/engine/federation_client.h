// FederationClient: what this server asks of others, one function per operation.
//
// Every request is signed, has a deadline, and its answer is taken apart with suspicion: errors say
// which server and which field.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/
#pragma once

#include <string>
#include <vector>

#include "refserver/engine/error.h"
#include "refserver/protocol/event.h"
#include "refserver/protocol/server_keys.h"
#include "refserver/protocol/signatures.h"
#include "refserver/runtime/log.h"
#include "refserver/runtime/network.h"
#include "refserver/runtime/task.h"
#include "refserver/storage/turns.h"

namespace matrix::engine {

using runtime::Task;

class FederationClient {
public:
    struct Services {
        ServerName server_name;
        const Signer& signer;
        const Verifier& verifier;
        storage::Turns& turns;  ///< Nothing leaves before what it tells of is durable.
        runtime::Network& network;
        runtime::Log& log;
    };
    explicit FederationClient(Services services) : services_(std::move(services)) {}
    FederationClient(const FederationClient&) = delete;
    FederationClient& operator=(const FederationClient&) = delete;

    /// A template to be filled in and signed; what the peer put into it is checked by the caller.
    struct MadeEvent {
        json::Object event;
        std::string room_version;
    };
    Task<Result<MadeEvent>> make_join(ServerName server, RoomId room, UserId user);
    struct SentJoin {
        json::Object event;  ///< The join with the resident's signature, if it added one.
        json::Array state;
        json::Array auth_chain;
        std::vector<ServerName> servers_in_room;
    };
    Task<Result<SentJoin>> send_join(ServerName server, RoomId room, EventId id, json::Object pdu);
    Task<Result<MadeEvent>> make_leave(ServerName server, RoomId room, UserId user);
    Task<Result<void>> send_leave(ServerName server, RoomId room, EventId id, json::Object pdu);
    /// The invite, signed by the invited user's server.
    Task<Result<json::Object>> invite(ServerName server,
                                      RoomId room,
                                      EventId id,
                                      std::string room_version,
                                      json::Object pdu,
                                      json::Array stripped_state);

    /// Result per event id: empty, or the error that the peer gave.
    Task<Result<json::Object>> send_transaction(ServerName server,
                                                std::string transaction_id,
                                                json::Object transaction);

    Task<Result<json::Object>> get_event(ServerName server, EventId id);
    Task<Result<json::Array>> get_missing_events(ServerName server,
                                                 RoomId room,
                                                 std::vector<EventId> earliest,
                                                 std::vector<EventId> latest,
                                                 std::int64_t limit,
                                                 std::int64_t min_depth);
    struct StateIds {
        std::vector<EventId> state;
        std::vector<EventId> auth_chain;
    };
    Task<Result<StateIds>> get_state_ids(ServerName server, RoomId room, EventId at);
    struct StateEvents {
        json::Array state;
        json::Array auth_chain;
    };
    Task<Result<StateEvents>> get_state(ServerName server, RoomId room, EventId at);
    Task<Result<json::Array>> get_event_auth(ServerName server, RoomId room, EventId id);
    Task<Result<json::Array>> backfill(ServerName server,
                                       RoomId room,
                                       std::vector<EventId> from,
                                       std::int64_t limit);
    /// Not signed: this is how signatures become verifiable.
    Task<Result<ServerKeys>> get_keys(ServerName server);
    Task<Result<json::Object>> get_profile(ServerName server, UserId user, std::string field);

private:
    Task<Result<json::Object>> request(ServerName server,
                                       std::string method,
                                       std::string target,
                                       json::Value content);
    Services services_;
};

}  // namespace matrix::engine
