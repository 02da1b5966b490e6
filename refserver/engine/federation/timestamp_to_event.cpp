// GET /_matrix/federation/v1/timestamp_to_event: the event that was sent closest to a time.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#retrieving-events

#include "refserver/base/result_macros.h"
#include "refserver/engine/federation_server.h"
#include "refserver/engine/rooms/server_view.h"

namespace matrix::engine {
namespace {

/// How many events are looked at, where the history that is not for the origin lies before it.
constexpr std::size_t kLookedAtMax = 100;

Result<Direction> take_direction(const Request& request) {
    const std::string* dir = request.find_query("dir");
    if (!dir) return missing_param("dir: the parameter is required");
    if (*dir == "f") return Direction::Forwards;
    if (*dir == "b") return Direction::Backwards;
    return invalid_param("dir: expected \"f\" or \"b\"");
}

}  // namespace

Task<Result<Reply>> FederationServer::get_event_by_timestamp(Request request) {
    ASSIGN_OR_CO_RETURN(const RoomPtr room,
                        co_await find_room_to_read(request.origin, request.path[0]));
    if (!request.find_query("ts")) co_return missing_param("ts: the parameter is required");
    ASSIGN_OR_CO_RETURN(const std::int64_t ts, request.integer_query("ts", 0));
    ASSIGN_OR_CO_RETURN(const Direction direction, take_direction(request));
    ServerView view(room, request.origin);
    for (const StoredEvent& stored : room->nearest_to(ts, direction, kLookedAtMax)) {
        if (!co_await view.may_see(stored)) continue;
        Reply reply;
        reply.body = json::Object{{"event_id", stored.event->id.text()},
                                  {"origin_server_ts", stored.event->origin_server_ts}};
        co_return reply;
    }
    co_return not_found("no event of the room is known in this direction from that time");
}

}  // namespace matrix::engine
