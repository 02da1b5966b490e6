// What can be read of a room: one event, its state, its members.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#getting-events-for-a-room

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "refserver/base/result_macros.h"
#include "refserver/engine/client/client_event.h"
#include "refserver/engine/client/room_access.h"
#include "refserver/engine/client_server.h"

namespace matrix::engine {
namespace {

/// Events that are read, parsed, and written as clients see them, in one turn.
constexpr std::size_t kEventsPerTurn = 64;
/// What most events take: enough memory at first, so that none is copied from place to place.
constexpr std::size_t kBytesPerEvent = 512;

bool is_member(const StateKey& key) {
    return key.type == "m.room.member";
}

}  // namespace

// A large room has tens of thousands, which are never in memory together.
Task<std::string> ClientServer::write_events(RoomPtr room,
                                             Requester requester,
                                             std::vector<EventId> ids,
                                             std::function<bool(const Event&)> is_shown) {
    const ClientEventWriter writer(*room, requester, transactions_, services_.clock.now());
    std::string list = "[";
    list.reserve(kBytesPerEvent * ids.size());
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (i % kEventsPerTurn == kEventsPerTurn - 1) co_await end_turn();
        const auto stored = room->find_event(ids[i]);
        if (!stored || (is_shown && !is_shown(*stored->event))) continue;
        if (list.size() > 1) list += ',';
        list += writer.write(stored->event, RoomIdMember::Included);
    }
    list += ']';
    co_return list;
}

Task<Result<Reply>> ClientServer::get_event(Request request) {
    ASSIGN_OR_CO_RETURN(const RoomId id, require_room_id(request.path[0], "roomId"));
    ASSIGN_OR_CO_RETURN(const EventId event_id, require_event_id(request.path[1], "eventId"));
    const auto room = services_.rooms.find(id);
    const auto stored = room ? (*room)->find_event(event_id) : nullptr;
    if (!stored || !(*room)->may_see(request.requester.user, *stored)) {
        co_return not_found("there is no such event, or you may not see it");
    }
    const ClientEventWriter writer(**room, request.requester, transactions_, services_.clock.now());
    co_return Reply{.written_body = writer.write(*stored, RoomIdMember::Included)};
}

Task<Result<Reply>> ClientServer::get_state(Request request) {
    ASSIGN_OR_CO_RETURN(const RoomId id, require_room_id(request.path[0], "roomId"));
    ASSIGN_OR_CO_RETURN(const RoomView view,
                        view_room(services_.rooms, id, request.requester.user));
    std::vector<EventId> ids = co_await view.room->gather_ids(view.state());
    co_return Reply{.written_body =
                        co_await write_events(view.room, request.requester, std::move(ids))};
}

Task<Result<Reply>> ClientServer::get_state_event(Request request) {
    ASSIGN_OR_CO_RETURN(const RoomId id, require_room_id(request.path[0], "roomId"));
    const std::string* format = request.find_query("format");
    if (format && *format != "content" && *format != "event") {
        co_return invalid_param("format: expected \"content\" or \"event\"");
    }
    ASSIGN_OR_CO_RETURN(const RoomView view,
                        view_room(services_.rooms, id, request.requester.user));
    const std::string state_key = request.path.size() > 2 ? request.path[2] : "";
    const State state = view.state();
    const EventId* event_id = state.find(request.path[1], state_key);
    const auto stored = event_id ? view.room->find_event(*event_id) : nullptr;
    if (!stored) co_return not_found("the room has no such state");
    if (!format || *format == "content") co_return Reply{.body = stored->event->parse_content()};
    const ClientEventWriter writer(
        *view.room, request.requester, transactions_, services_.clock.now());
    co_return Reply{.written_body = writer.write(*stored, RoomIdMember::Included)};
}

namespace {

Result<std::optional<Membership>> membership_query(const Request& request, std::string_view name) {
    const std::string* text = request.find_query(name);
    if (!text) return std::nullopt;
    const auto membership = find_membership(*text);
    if (!membership) return invalid_param(std::string(name) + ": not a membership");
    return membership;
}

// Of the members those, of which `wanted` or not `unwanted` is the membership.
struct MemberFilter {
    std::optional<Membership> wanted;
    std::optional<Membership> unwanted;
    bool admits(const Event& event) const {
        if (!wanted && !unwanted) return true;
        const auto membership = event.membership();
        return (wanted && membership == wanted) || (unwanted && membership != unwanted);
    }
};

// The state at the point of `at`, as far as its reader may look.
Result<State> state_of_view(const RoomView& view, const Request& request) {
    const std::string* at = request.find_query("at");
    if (!at) return view.state();
    ASSIGN_OR_RETURN(const TimelinePoint point, parse_timeline_token(*view.room, *at, "at"));
    // A point lies before its event.
    StreamPosition position{point.stream.value - 1};
    if (view.until && *view.until < position) position = *view.until;
    return view.room->state_at(position);
}

}  // namespace

Task<Result<Reply>> ClientServer::get_members(Request request) {
    ASSIGN_OR_CO_RETURN(const RoomId id, require_room_id(request.path[0], "roomId"));
    MemberFilter filter;
    ASSIGN_OR_CO_RETURN(filter.wanted, membership_query(request, "membership"));
    ASSIGN_OR_CO_RETURN(filter.unwanted, membership_query(request, "not_membership"));
    ASSIGN_OR_CO_RETURN(const RoomView view,
                        view_room(services_.rooms, id, request.requester.user));
    ASSIGN_OR_CO_RETURN(const State state, state_of_view(view, request));
    std::vector<EventId> ids = co_await view.room->gather_ids(state, is_member);
    const auto is_shown = [filter](const Event& event) { return filter.admits(event); };
    std::string body =
        co_await write_events(view.room, request.requester, std::move(ids), is_shown);
    body.insert(0, "{\"chunk\":");
    body += '}';
    co_return Reply{.written_body = std::move(body)};
}

Task<Result<Reply>> ClientServer::get_joined_members(Request request) {
    ASSIGN_OR_CO_RETURN(const RoomId id, require_room_id(request.path[0], "roomId"));
    ASSIGN_OR_CO_RETURN(const RoomPtr room,
                        find_joined_room(services_.rooms, id, request.requester.user));
    const std::vector<EventId> ids = co_await room->gather_ids(room->current_state(), is_member);
    std::string body = "{\"joined\":{";
    const std::size_t empty = body.size();
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (i % kEventsPerTurn == kEventsPerTurn - 1) co_await end_turn();
        const auto stored = room->find_event(ids[i]);
        if (!stored || stored->event->membership() != Membership::Join) continue;
        const json::Value content(stored->event->parse_content());
        json::Object profile;
        if (const std::string* name = content.find_string("displayname")) {
            profile.set("display_name", *name);
        }
        if (const std::string* url = content.find_string("avatar_url")) {
            profile.set("avatar_url", *url);
        }
        if (body.size() > empty) body += ',';
        json::write_string_to(body, *stored->event->state_key);
        body += ':';
        body += json::write(profile);
    }
    body += "}}";
    co_return Reply{.written_body = std::move(body)};
}

}  // namespace matrix::engine
