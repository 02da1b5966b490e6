// GET /rooms/{roomId}/messages: the timeline, page by page.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidmessages

#include <limits>
#include <set>

#include "refserver/base/result_macros.h"
#include "refserver/engine/client/client_event.h"
#include "refserver/engine/client/event_filter.h"
#include "refserver/engine/client/room_access.h"
#include "refserver/engine/client_server.h"

namespace matrix::engine {
namespace {

constexpr std::int64_t kMessagesDefault = 10;
constexpr std::int64_t kMessagesMax = 1000;
/// How many events are looked at for one page, when a filter or the visibility hides most.
constexpr std::size_t kEventsScannedMax = 2000;
/// How often other servers are asked for history for one page.
constexpr int kBackfillsMax = 3;

struct PageWish {
    Direction direction = Direction::Backwards;
    TimelinePoint from;  ///< A place before an event.
    std::optional<TimelinePoint> to;
    std::size_t limit = 0;
    EventFilter filter;
};

Result<EventFilter> parse_filter_query(const Request& request) {
    const std::string* text = request.find_query("filter");
    if (!text) return EventFilter();
    const auto parsed = json::parse(*text, json::Numbers::Any);
    const json::Object* object = parsed ? parsed->if_object() : nullptr;
    if (!object) return invalid_param("filter: expected a JSON object");
    return parse_event_filter(*object);
}

Result<PageWish> parse_page_wish(const Request& request, const Room& room) {
    PageWish wish;
    const std::string* direction = request.find_query("dir");
    if (!direction) return missing_param("dir: expected \"b\" or \"f\"");
    if (*direction != "b" && *direction != "f") {
        return invalid_param("dir: expected \"b\" or \"f\"");
    }
    wish.direction = *direction == "b" ? Direction::Backwards : Direction::Forwards;
    ASSIGN_OR_RETURN(wish.filter, parse_filter_query(request));
    ASSIGN_OR_RETURN(const std::int64_t limit,
                     request.integer_query("limit", wish.filter.limit.value_or(kMessagesDefault)));
    wish.limit = static_cast<std::size_t>(std::min(limit, kMessagesMax));

    if (const std::string* from = request.find_query("from")) {
        ASSIGN_OR_RETURN(wish.from, parse_timeline_token(room, *from, "from"));
    } else if (wish.direction == Direction::Backwards) {
        wish.from = room.newest_point();
        ++wish.from.stream.value;
    } else {
        wish.from = {std::numeric_limits<std::int64_t>::min(),
                     {std::numeric_limits<std::int64_t>::min() + 1}};
    }
    if (const std::string* to = request.find_query("to")) {
        ASSIGN_OR_RETURN(wish.to, parse_timeline_token(room, *to, "to"));
    }
    return wish;
}

struct FoundPage {
    std::vector<StoredEvent> events;
    std::optional<TimelinePoint> end;  ///< Nothing: there is no more, here at least.
    bool is_at_end_of_history = false;
    /// Backwards: what precedes what was looked at, and is not here; other servers may have it.
    std::vector<EventId> missing;
};

bool is_beyond(const StoredEvent& event, const PageWish& wish) {
    if (!wish.to) return false;
    const TimelinePoint place = place_before(event);
    return wish.direction == Direction::Backwards ? place < *wish.to : place >= *wish.to;
}

FoundPage find_page(const Room& room, const PageWish& wish, const UserId& user) {
    FoundPage found;
    const bool is_backwards = wish.direction == Direction::Backwards;
    // Room::page leaves out the point itself, in both directions.
    TimelinePoint at = wish.from;
    if (!is_backwards) --at.stream.value;
    std::size_t scanned = 0;
    found.end = wish.from;
    while (found.events.size() < wish.limit && scanned < kEventsScannedMax) {
        const TimelinePage page = room.page(at, wish.direction, wish.limit - found.events.size());
        if (is_backwards) {
            const auto missing = room.list_missing_before(page.events);
            found.missing.insert(found.missing.end(), missing.begin(), missing.end());
        }
        for (const StoredEvent& event : page.events) {
            if (is_beyond(event, wish)) {
                found.end.reset();
                return found;
            }
            found.end = is_backwards ? place_before(event) : place_after(event);
            if (wish.filter.admits(*event.event) && room.may_see(user, event)) {
                found.events.push_back(event);
            }
        }
        scanned += page.events.size();
        if (!page.next) {
            found.is_at_end_of_history = true;
            return found;
        }
        at = *page.next;
    }
    return found;
}

// The memberships of those who sent what is shown, if they are loaded lazily.
std::vector<std::string> write_senders(const Room& room,
                                       const FoundPage& found,
                                       const ClientEventWriter& writer) {
    std::set<UserId> senders;
    for (const StoredEvent& stored : found.events)
        senders.insert(stored.event->sender);
    std::vector<std::string> members;
    for (const UserId& sender : senders) {
        const EventPtr member = room.find_state("m.room.member", sender.view());
        if (member) members.push_back(writer.write(member, RoomIdMember::Included));
    }
    return members;
}

}  // namespace

Task<Result<Reply>> ClientServer::get_messages(Request request) {
    ASSIGN_OR_CO_RETURN(const RoomId id, require_room_id(request.path[0], "roomId"));
    const UserId& user = request.requester.user;
    ASSIGN_OR_CO_RETURN(const RoomView view, view_room(services_.rooms, id, user));
    const Room& room = *view.room;
    ASSIGN_OR_CO_RETURN(const PageWish wish, parse_page_wish(request, room));
    FoundPage found = find_page(room, wish, user);
    for (int asked = 0; asked < kBackfillsMax && !found.missing.empty(); ++asked) {
        if (!co_await view.room->backfill(std::move(found.missing))) break;
        found = find_page(room, wish, user);
    }
    if (found.is_at_end_of_history) {
        // Forwards, the end is where the next events will be.
        if (wish.direction == Direction::Backwards || found.events.empty()) found.end.reset();
    }
    const ClientEventWriter writer(room, request.requester, transactions_, services_.clock.now());
    std::vector<std::string> chunk;
    for (const StoredEvent& event : found.events)
        chunk.push_back(writer.write(event, RoomIdMember::Included));

    ObjectWriter reply;
    reply.add("start", write_timeline_token(wish.from)).add_written("chunk", write_array(chunk));
    if (found.end) reply.add("end", write_timeline_token(*found.end));
    if (wish.filter.lazy_loads_members) {
        reply.add_written("state", write_array(write_senders(room, found, writer)));
    }
    co_return Reply{.written_body = reply.finish()};
}

}  // namespace matrix::engine
