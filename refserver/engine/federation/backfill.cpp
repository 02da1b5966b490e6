// GET /_matrix/federation/v1/backfill: events and what precedes them.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#backfilling-and-retrieving-missing-events

#include <algorithm>

#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/engine/federation_server.h"
#include "refserver/runtime/fault_point.h"

namespace matrix::engine {
namespace {

constexpr std::int64_t kBackfillMax = 100;
constexpr std::size_t kBackfillFromMax = 20;

// Those that are in the room; others are as unknown as those that do not exist.
Result<std::vector<EventId>> take_starts(const Request& request, const Room& room) {
    std::vector<EventId> ids;
    const auto [first, last] = request.query.equal_range(std::string_view("v"));
    if (first == last) return missing_param("v: the parameter is required");
    if (std::cmp_greater(std::distance(first, last), kBackfillFromMax)) {
        return invalid_param("v: expected at most " + std::to_string(kBackfillFromMax));
    }
    for (auto entry = first; entry != last; ++entry) {
        ASSIGN_OR_RETURN(EventId id, require_event_id(entry->second, "v"));
        if (room.find_event(id)) ids.push_back(std::move(id));
    }
    return ids;
}

}  // namespace

Task<Result<Reply>> FederationServer::backfill(Request request) {
    ASSIGN_OR_CO_RETURN(const RoomPtr room,
                        co_await find_room_to_read(request.origin, request.path[0]));
    ASSIGN_OR_CO_RETURN(const std::vector<EventId> from, take_starts(request, *room));
    if (!request.find_query("limit")) co_return missing_param("limit: the parameter is required");
    ASSIGN_OR_CO_RETURN(const std::int64_t limit, request.integer_query("limit", 0));

    std::vector<StoredEvent> found;
    const std::int64_t most =
        SIM_FAULT_POINT("one event of the history is given") ? 1 : kBackfillMax;
    const auto bounded = static_cast<std::size_t>(std::min(limit, most));
    for (const EventPtr& event : room->preceding(from, bounded)) {
        if (const auto stored = room->find_event(event->id)) found.push_back(*stored);
    }
    const auto shown = co_await list_shown(room, request.origin, std::move(found));
    SIM_SOMETIMES(!shown.empty(), "another server pages back with our help");
    co_return transaction_of(shown);
}

}  // namespace matrix::engine
