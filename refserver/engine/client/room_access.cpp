#include "refserver/engine/client/room_access.h"

#include <charconv>
#include <limits>

#include "refserver/base/result_macros.h"
#include "refserver/engine/rooms/room_description.h"

namespace matrix::engine {
namespace {

std::unexpected<Error> not_a_member() {
    return forbidden("you are not in this room, and were not in it");
}

}  // namespace

State RoomView::state() const {
    return until ? room->state_at(*until) : room->current_state();
}

Result<RoomView> view_room(Rooms& rooms, const RoomId& id, const UserId& user) {
    auto room = rooms.find(id);
    if (!room) return not_a_member();
    if ((*room)->membership(user) == Membership::Join || is_world_readable(**room)) {
        return RoomView{*room, std::nullopt};
    }
    // He may read the state at his leaving exactly if he may see the event of it.
    const auto change = rooms.membership_at(id, user, {std::numeric_limits<std::int64_t>::max()});
    if (!change || change->is_forgotten) return not_a_member();
    const auto event = (*room)->find_event(change->event);
    if (!event || change->membership == Membership::Invite || !(*room)->may_see(user, *event)) {
        return not_a_member();
    }
    return RoomView{*room, change->position};
}

Result<RoomPtr> find_joined_room(Rooms& rooms, const RoomId& id, const UserId& user) {
    auto room = rooms.find(id);
    if (!room || (*room)->membership(user) != Membership::Join) {
        return forbidden("you are not in this room");
    }
    return *room;
}

json::Object member_content(Membership membership,
                            const json::Object& profile,
                            const std::optional<std::string>& reason) {
    json::Object content{{"membership", name_of(membership)}};
    for (const std::string_view field : {"displayname", "avatar_url"}) {
        const json::Value* value = profile.find(field);
        if (value && value->if_string()) content.set(field, *value);
    }
    if (reason) content.set("reason", *reason);
    return content;
}

NewEvent member_event(const UserId& sender, const UserId& target, json::Object content) {
    return {sender, "m.room.member", target.text(), std::move(content), std::nullopt};
}

std::string write_sync_token(StreamPosition position) {
    return "s" + std::to_string(position.value);
}

namespace {

// Takes a number off the front of `text`.
std::optional<std::int64_t> take_number(std::string_view& text) {
    std::int64_t number = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
    if (result.ec != std::errc{}) return std::nullopt;
    text.remove_prefix(static_cast<std::size_t>(result.ptr - text.data()));
    return number;
}

}  // namespace

Result<StreamPosition> parse_sync_token(std::string_view token, std::string_view what) {
    std::string_view rest = token;
    if (rest.starts_with('s')) {
        rest.remove_prefix(1);
        const auto number = take_number(rest);
        if (number && *number >= 0 && rest.empty()) return StreamPosition{*number};
    }
    return invalid_param(std::string(what) + ": expected a token that this server gave");
}

std::string write_timeline_token(TimelinePoint before) {
    return "t" + std::to_string(before.depth) + "_" + std::to_string(before.stream.value);
}

Result<TimelinePoint> parse_timeline_token(const Room& room,
                                           std::string_view token,
                                           std::string_view what) {
    if (token.starts_with('t')) {
        std::string_view rest = token.substr(1);
        const auto depth = take_number(rest);
        if (depth && rest.starts_with('_')) {
            rest.remove_prefix(1);
            const auto stream = take_number(rest);
            if (stream && rest.empty()) return TimelinePoint{*depth, {*stream}};
        }
    }
    ASSIGN_OR_RETURN(const StreamPosition position, parse_sync_token(token, what));
    const Room::Recent newest =
        room.recent({std::numeric_limits<std::int64_t>::min()}, position, 1);
    if (newest.events.empty()) return TimelinePoint{};
    return place_after(newest.events.back());
}

}  // namespace matrix::engine
