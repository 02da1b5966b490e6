// FederationClient: what this server asks of others, one function per operation.
//
// Every request is signed, has a deadline, and its answer is taken apart with suspicion: errors say
// which server and which field.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "refserver/engine/error.h"
#include "refserver/engine/peers/peer_health.h"
#include "refserver/engine/peers/server_discovery.h"
#include "refserver/protocol/event.h"
#include "refserver/protocol/server_keys.h"
#include "refserver/protocol/signatures.h"
#include "refserver/runtime/log.h"
#include "refserver/runtime/network.h"
#include "refserver/runtime/task.h"
#include "refserver/runtime/workers.h"
#include "refserver/storage/turns.h"

namespace matrix::engine {

using runtime::Task;

/// What our client or peer is told when `server` answered with an error. Codes that say something
/// about the request are passed on; those that would be taken for our own (401, rate limits, wrong
/// parameters) become 502 M_UNKNOWN.
Error error_of_answer(const ServerName& server, const runtime::HttpResponse& response);

class FederationClient {
public:
    struct Services {
        ServerName server_name;
        const Signer& signer;
        const Verifier& verifier;
        storage::Turns& turns;  ///< Nothing leaves before what it tells of is durable.
        ServerDiscovery& discovery;
        PeerHealth& health;
        runtime::Network& network;
        runtime::Clock& clock;
        runtime::Log& log;
        runtime::Workers& workers;
        Counters& counters;
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
    Task<Result<MadeEvent>> make_knock(ServerName server, RoomId room, UserId user);
    /// What the resident shows of the room: whole events.
    Task<Result<json::Array>> send_knock(ServerName server,
                                         RoomId room,
                                         EventId id,
                                         json::Object pdu);
    Task<Result<MadeEvent>> make_leave(ServerName server, RoomId room, UserId user);
    Task<Result<void>> send_leave(ServerName server, RoomId room, EventId id, json::Object pdu);
    /// The invite, signed by the invited user's server. In rooms of version 1 and 2 an older server
    /// is asked again in its own way.
    Task<Result<json::Object>> invite(ServerName server,
                                      RoomId room,
                                      EventId id,
                                      std::string room_version,
                                      json::Object pdu,
                                      json::Array stripped_state);

    /// A policy server's signatures of an event, as they are to be added to it. A refusal is passed
    /// on as the policy server put it.
    Task<Result<json::Object>> ask_policy_server(ServerName server, json::Object pdu);

    /// Has the inviter's server send an invite that an identity server has signed.
    Task<Result<void>> exchange_third_party_invite(ServerName server,
                                                   RoomId room,
                                                   json::Object event);

    /// Result per event id: empty, or the error that the peer gave.
    Task<Result<json::Object>> send_transaction(ServerName server,
                                                std::string transaction_id,
                                                json::Object transaction);

    // Of lists of events, what is no object has been dropped; nothing else has been looked at.

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
    /// Where an alias of that server leads.
    struct AliasedRoom {
        RoomId room;
        std::vector<ServerName> servers;  ///< That are likely to be in the room.
    };
    Task<Result<AliasedRoom>> query_directory(ServerName server, RoomAlias alias);
    /// A page of a server's directory of rooms, as that server gives it; `body` says which.
    Task<Result<json::Object>> query_public_rooms(ServerName server, json::Object body);
    /// Not signed: this is how signatures become verifiable.
    Task<Result<ServerKeys>> get_keys(ServerName server);
    /// What a notary knows of `server`. Each document is signed by its origin; whether the notary
    /// has signed it too is for the caller to check.
    Task<Result<std::vector<ServerKeys>>> query_keys(ServerName notary, ServerName server);
    // Devices and keys: answers whose members have not been looked at.

    /// `asked`: device ids by user, as /user/keys/query takes them.
    Task<Result<json::Object>> query_user_keys(ServerName server,
                                               json::Object asked,
                                               runtime::Duration timeout);
    /// `asked`: algorithms by user and device. What it gives is given to nobody else.
    Task<Result<json::Object>> claim_user_keys(ServerName server,
                                               json::Object asked,
                                               runtime::Duration timeout);
    Task<Result<json::Object>> get_user_devices(UserId user);
    Task<Result<json::Object>> get_profile(ServerName server, UserId user, std::string field);

private:
    struct Call {
        ServerName server;
        std::string method;
        std::string target;
        std::optional<json::Value> content;
        runtime::Duration timeout = runtime::seconds(30);
        std::size_t answer_bytes_max = 1024 * 1024;
        bool is_signed = true;
        Insistence insistence = Insistence::Patient;
        int* refused_with = nullptr;  ///< Where the status of an answer with an error is wanted.
        /// What an answer with an error becomes.
        Error (*error_of)(const ServerName&, const runtime::HttpResponse&) = error_of_answer;
    };
    /// A large one on a worker.
    Task<std::expected<json::Value, json::ParseError>> parse_answer(std::string body,
                                                                    std::size_t bytes_max);
    /// The body of a successful answer.
    Task<Result<json::Object>> request(Call call);
    Task<Result<json::Value>> request_value(Call call);
    Task<Result<json::Object>> invite_v1(ServerName server, std::string path, json::Object pdu);
    Result<runtime::HttpRequest> make_message(const Call& call) const;
    /// Over the places where the server may be, until one has taken the request.
    Task<runtime::Network::Result> send(ServerName server, runtime::OutgoingRequest request);
    Task<Result<MadeEvent>> make_event(ServerName server, std::string target);
    Services services_;
};

}  // namespace matrix::engine
