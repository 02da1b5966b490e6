// ServerView: what of a room another server may see, while one request of it is answered.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#room-history-visibility
#pragma once

#include <map>
#include <optional>
#include <string>

#include "refserver/engine/rooms/room.h"

namespace matrix::engine {

/// Remembers the members of the server at the event that was asked about last: another event costs
/// the difference of the states, and the first one a look at all members, over several turns.
class ServerView {
public:
    ServerView(RoomPtr room, ServerName server);
    ServerView(const ServerView&) = delete;
    ServerView& operator=(const ServerView&) = delete;

    /// May one of its users see the event?
    Task<bool> may_see(StoredEvent event);
    /// Had it a joined user before this event? False where the state is unknown.
    Task<bool> was_joined_before(EventId event);

private:
    Task<void> move_to(State state);
    bool is_member_key(const StateKey& key) const;

    RoomPtr room_;
    ServerName server_;
    State at_;
    /// At that state, by state key.
    std::map<std::string, std::optional<Membership>> members_;
};

}  // namespace matrix::engine
