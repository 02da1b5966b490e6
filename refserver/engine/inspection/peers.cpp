// GET /_refserver/queues, peers, keys and devices: what this server knows of others and of users.

#include "refserver/base/result_macros.h"
#include "refserver/engine/inspection_server.h"
#include "refserver/engine/peers/key_ring.h"
#include "refserver/engine/peers/outbox.h"
#include "refserver/engine/peers/peer_health.h"
#include "refserver/protocol/base64.h"
#include "refserver/storage/accounts.h"
#include "refserver/storage/remote_keys.h"

namespace matrix::engine {

Task<Result<Reply>> InspectionServer::get_queues(Request) {
    json::Array queues;
    for (const Outbox::Queue& queue : services_.outbox.list_queues()) {
        queues.push_back(
            json::Object{{"destination", queue.destination.text()},
                         {"events", static_cast<std::int64_t>(queue.events)},
                         {"edus", static_cast<std::int64_t>(queue.edus)},
                         {"ephemeral_edus", static_cast<std::int64_t>(queue.ephemeral_edus)},
                         {"rooms_to_catch_up", static_cast<std::int64_t>(queue.rooms_to_catch_up)},
                         {"failures", queue.failures},
                         {"retry_at_ts", queue.retry_at_ts}});
    }
    Reply reply;
    reply.body = json::Object{{"queues", std::move(queues)}};
    co_return reply;
}

Task<Result<Reply>> InspectionServer::get_peers(Request) {
    json::Array peers;
    for (const PeerHealth::Report& report : services_.peer_health.list()) {
        peers.push_back(json::Object{{"server", report.server.text()},
                                     {"failures", report.failures},
                                     {"pause_left_ms", report.pause_left.value / 1000},
                                     {"requests", static_cast<std::int64_t>(report.requests)}});
    }
    Reply reply;
    reply.body = json::Object{{"peers", std::move(peers)}};
    co_return reply;
}

Task<Result<Reply>> InspectionServer::get_keys(Request request) {
    const ServerName server(request.path[0]);
    if (!parse_server_name(server.view())) co_return invalid_param("serverName: no server name");
    storage::RemoteKeys store(services_.turns);
    json::Array keys;
    for (const auto& [key_id, key] : store.load(server)) {
        keys.push_back(json::Object{{"key_id", key_id.text()},
                                    {"public_key", encode_base64(key.public_key)},
                                    {"valid_until_ts", key.valid_until_ts},
                                    {"is_old", key.is_old}});
    }
    Reply reply;
    json::Object body{{"server", server.text()}, {"keys", std::move(keys)}};
    if (const auto fetch = services_.keys.find_fetch(server)) {
        json::Object told{{"is_fetching", fetch->is_fetching},
                          {"fetched_ts", fetch->fetched_ts},
                          {"next_fetch_ts", fetch->next_fetch_ts}};
        if (!fetch->last_failure.empty()) told.set("last_failure", fetch->last_failure);
        body.set("fetch", std::move(told));
    }
    reply.body = std::move(body);
    co_return reply;
}

Task<Result<Reply>> InspectionServer::get_devices(Request request) {
    ASSIGN_OR_CO_RETURN(const UserId user, require_user_id(request.path[0], "userId"));
    json::Array devices;
    for (const auto& device : storage::AccountStore(services_.turns).list_devices(user)) {
        json::Object object{{"device_id", device.id.text()}};
        if (device.display_name) object.set("display_name", *device.display_name);
        devices.push_back(std::move(object));
    }
    Reply reply;
    reply.body = json::Object{{"user_id", user.text()}, {"devices", std::move(devices)}};
    co_return reply;
}

}  // namespace matrix::engine
