// What a user may see of a room, and as of when; and how a user changes it.
#pragma once

#include <optional>
#include <string>

#include "refserver/engine/accounts.h"
#include "refserver/engine/rooms/rooms.h"

namespace matrix::engine {

/// A room whose state a user may read: now, or as it was when he left.
struct RoomView {
    RoomPtr room;
    std::optional<StreamPosition> until;  ///< The position of his leaving; absent: now.

    State state() const;
};

/// 403 M_FORBIDDEN unless the user is in the room, was in it, or all the world may read it.
Result<RoomView> view_room(Rooms& rooms, const RoomId& id, const UserId& user);
/// 403 M_FORBIDDEN unless the user is in the room now.
Result<RoomPtr> find_joined_room(Rooms& rooms, const RoomId& id, const UserId& user);

/// The content of a membership: with the profile of a user of ours, and a reason if there is one.
json::Object member_content(Membership membership,
                            const json::Object& profile,
                            const std::optional<std::string>& reason);
NewEvent member_event(const UserId& sender, const UserId& target, json::Object content);

// Points in time, as clients hold them. M_INVALID_PARAM, naming the parameter, if a text is none.

/// What `next_batch` of a sync is.
std::string write_sync_token(StreamPosition position);
Result<StreamPosition> parse_sync_token(std::string_view token, std::string_view what);

/// A place between two events of a room's timeline: before the event that has this depth and
/// position.
std::string write_timeline_token(TimelinePoint before);
/// Also takes the token of a sync, which is the place behind all that the sync has seen.
Result<TimelinePoint> parse_timeline_token(const Room& room,
                                           std::string_view token,
                                           std::string_view what);

inline TimelinePoint place_before(const StoredEvent& event) {
    return {event.event->depth, event.position};
}
inline TimelinePoint place_after(const StoredEvent& event) {
    return {event.event->depth, {event.position.value + 1}};
}

}  // namespace matrix::engine
