// What each side knows of a room in the end: ours by looking inside, the target by its answers.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "refserver/engine/rooms/room.h"
#include "simulator/live/arena.h"

namespace matrix::live {

/// (type, state_key) to event.
using StateIds = std::map<std::pair<std::string, std::string>, EventId>;

/// One event as one of our servers has it.
struct OurEvent {
    EventPtr event;
    engine::EventStatus status = engine::EventStatus::Accepted;
    bool is_rejected = false;
    std::string rule;  ///< That refused it.
    std::optional<StateIds> state_before;
};

struct OurView {
    /// The timeline, everything that it cites to be authorized, the current state, and what was
    /// asked for besides.
    std::map<EventId, OurEvent> events;
    std::set<EventId> extremities;
    StateIds state;  ///< Now.
};
/// Nothing if the server does not know the room. Every event of `wanted` that it has is among them.
std::optional<OurView> look_into(OurServers& ours,
                                 int server,
                                 const RoomId& room,
                                 std::vector<EventId> wanted);

struct TargetView {
    StateIds state;  ///< By /state, now.
    std::set<EventId> messages;
    std::set<EventId> extremities;  ///< As the template of /make_join shows them.
};
/// What the target shows its anchor, and a server. Nothing if it refuses an answer; that is noted.
std::optional<TargetView> look_at_target(Arena& arena, const LiveRoom& room);
/// The ends of `ours` and all that is before them over prev_events. Where our servers have a gap,
/// as servers may, the target is asked.
std::set<EventId> walk_history(Arena& arena,
                               const LiveRoom& room,
                               const std::vector<OurView>& ours);
std::optional<std::set<EventId>> ask_extremities(Arena& arena, const LiveRoom& room);

}  // namespace matrix::live
