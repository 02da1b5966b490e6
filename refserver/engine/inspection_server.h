// InspectionServer: what this server tells the people who run it, under /_refserver/. One file per
// subject in inspection/.
//
// Everything is read only, but for snapshots. It is no part of Matrix: see
// refserver/admin/README.md.
#pragma once

#include <cstddef>
#include <functional>

#include "refserver/engine/counters.h"
#include "refserver/engine/http_api.h"
#include "refserver/engine/rooms/rooms.h"
#include "refserver/runtime/workers.h"

namespace matrix::storage {
class EventStore;
}  // namespace matrix::storage

namespace matrix::engine {

class Outbox;
class PeerHealth;

/// What one answer lists at most; the rest is on the next page.
inline constexpr std::int64_t kInspectedEventsMax = 1000;

class InspectionServer {
public:
    struct Services {
        ServerName server_name;
        Rooms& rooms;
        storage::EventStore& events;
        Outbox& outbox;
        PeerHealth& peer_health;
        storage::Turns& turns;
        runtime::Clock& clock;
        runtime::Workers& workers;
        const Verifier& verifier;
        std::function<Counters()> count;
        std::function<std::size_t()> count_open_requests;
    };
    explicit InspectionServer(Services services) : services_(std::move(services)) {}
    InspectionServer(const InspectionServer&) = delete;
    InspectionServer& operator=(const InspectionServer&) = delete;

    // server
    Task<Result<Reply>> get_server(Request request);
    Task<Result<Reply>> get_metrics(Request request);
    Task<Result<Reply>> post_snapshot(Request request);

    // peers
    Task<Result<Reply>> get_queues(Request request);
    Task<Result<Reply>> get_peers(Request request);
    Task<Result<Reply>> get_keys(Request request);
    Task<Result<Reply>> get_devices(Request request);

    // rooms
    Task<Result<Reply>> list_rooms(Request request);
    Task<Result<Reply>> get_room(Request request);
    Task<Result<Reply>> get_graph(Request request);
    Task<Result<Reply>> get_event(Request request);
    Task<Result<Reply>> get_state(Request request);
    Task<Result<Reply>> get_auth_chain(Request request);

private:
    struct Place {
        RoomPtr room;
        StoredEvent stored;
    };
    Result<RoomPtr> find_room(const Request& request);
    /// The event that the second value of the path names.
    Result<Place> find_event(const Request& request);
    json::Object explain(const Room& room, const StoredEvent& stored);

    Services services_;
};

}  // namespace matrix::engine
