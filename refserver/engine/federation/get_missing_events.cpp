// POST /_matrix/federation/v1/get_missing_events: what lies between two sets of events.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#backfilling-and-retrieving-missing-events

#include <algorithm>

#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/engine/federation/event_lists.h"
#include "refserver/engine/federation_server.h"
#include "refserver/runtime/fault_point.h"

namespace matrix::engine {
namespace {

constexpr std::int64_t kMissingEventsDefault = 10;
constexpr std::int64_t kMissingEventsMax = 50;
constexpr std::size_t kMissingEventsEndsMax = 100;

Result<std::vector<EventId>> take_ends(const json::Object& body, std::string_view field) {
    ASSIGN_OR_RETURN(const auto entries, optional_array(body, field));
    if (!entries) return missing_param(std::string(field) + ": the field is required");
    if (entries->size() > kMissingEventsEndsMax) {
        return invalid_param(std::string(field) + ": expected at most " +
                             std::to_string(kMissingEventsEndsMax));
    }
    std::vector<EventId> ids;
    for (const json::Value& entry : *entries) {
        const std::string* text = entry.if_string();
        ASSIGN_OR_RETURN(EventId id, require_event_id(text ? *text : "", field));
        ids.push_back(std::move(id));
    }
    return ids;
}

// Those that are in the room: the walk neither starts nor ends in another one.
void keep_events_of(const Room& room, std::vector<EventId>& ids) {
    std::erase_if(ids, [&](const EventId& id) { return !room.find_event(id); });
}

}  // namespace

Task<Result<Reply>> FederationServer::get_missing_events(Request request) {
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body());
    ASSIGN_OR_CO_RETURN(std::vector<EventId> earliest, take_ends(body, "earliest_events"));
    ASSIGN_OR_CO_RETURN(std::vector<EventId> latest, take_ends(body, "latest_events"));
    ASSIGN_OR_CO_RETURN(const RoomPtr room,
                        co_await find_room_to_read(request.origin, request.path[0], latest));
    keep_events_of(*room, earliest);
    keep_events_of(*room, latest);
    ASSIGN_OR_CO_RETURN(const auto limit, optional_integer(body, "limit"));
    ASSIGN_OR_CO_RETURN(const auto min_depth, optional_integer(body, "min_depth"));

    const std::int64_t most = SIM_FAULT_POINT("one missing event is given") ? 1 : kMissingEventsMax;
    const std::int64_t bounded =
        std::clamp<std::int64_t>(limit.value_or(kMissingEventsDefault), 0, most);
    std::vector<StoredEvent> found;
    for (const EventPtr& event : room->missing_between(
             earliest, latest, static_cast<std::size_t>(bounded), min_depth.value_or(0))) {
        if (const auto stored = room->find_event(event->id)) found.push_back(*stored);
    }
    const auto shown = co_await list_shown(room, request.origin, std::move(found));
    SIM_SOMETIMES(!shown.empty(), "another server fills a gap with our help");
    Reply reply;
    reply.written_body = "{\"events\":";
    write_events_to(reply.written_body, shown);
    reply.written_body += '}';
    co_return reply;
}

}  // namespace matrix::engine
