// THE room generator: a room with forks, conflicts, refusals and servers that are wrong about the
// state, from a stream of choices.
//
// Events are real (canonical JSON, content hashes, event ids); they are not signed.
#pragma once

#include <map>
#include <vector>

#include "refserver/protocol/state_resolution.h"
#include "tests/generators/choices.h"

namespace matrix::generators {

struct RoomEvent {
    EventPtr event;
    bool is_rejected = false;
    State before;  ///< As the sender's server saw it, rightly or not.
    State after;   ///< The same when the event was rejected.
};

class Room {
public:
    explicit Room(const RoomRules& rules) : rules_(&rules) {}

    const RoomRules& rules() const { return *rules_; }
    /// What an event cites stands before it. The first one creates the room.
    const std::vector<RoomEvent>& events() const { return events_; }
    auth::CitedEvent find(const EventId& id) const;
    /// Valid as long as the room.
    FindEvent finder() const {
        return [this](const EventId& id) { return find(id); };
    }

    void add(RoomEvent event);

private:
    const RoomRules* rules_;
    std::vector<RoomEvent> events_;
    std::map<EventId, std::size_t> indices_;
};

struct RoomLimits {
    std::size_t commands_max = 60;  ///< Attempts to send something.
    std::size_t user_count = 5;     ///< On three servers; few users are in each other's way.
    bool has_wrong_states = true;   ///< Are some servers wrong about the state?
};

/// It ends early when the choices do.
Room make_room(Choices& choices, const RoomRules& rules, const RoomLimits& limits = {});

/// Two to five states of `room` that a server may have to resolve.
std::vector<State> choose_states(Choices& choices, const Room& room);

}  // namespace matrix::generators
