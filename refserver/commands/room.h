// A room as the commands work on it: its events by id, and the states that are to be resolved.
#pragma once

#include <expected>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "refserver/commands/room_file.h"
#include "refserver/protocol/event.h"
#include "refserver/protocol/state.h"
#include "refserver/protocol/state_resolution.h"

namespace matrix::commands {

/// Events by id. Copyable; the events are shared.
class EventMap {
public:
    /// False if another event has its id.
    bool add(EventPtr event);
    void reject(const EventId& id) { rejected_.insert(id); }

    /// No event if it is not there.
    auth::CitedEvent find(const EventId& id) const;
    /// Valid as long as this.
    FindEvent finder() const {
        return [this](const EventId& id) { return find(id); };
    }
    const std::map<EventId, EventPtr>& events() const { return events_; }
    const std::set<EventId>& rejected() const { return rejected_; }

private:
    std::map<EventId, EventPtr> events_;
    std::set<EventId> rejected_;
};

/// What is to be resolved.
struct Room {
    const RoomRules* rules = nullptr;
    EventMap events;
    std::vector<State> state_sets;
};

/// The rules of the room in `files`: those of `version` if there is one, else what the files say,
/// else what the create event says.
std::expected<const RoomRules*, InputError> find_rules(std::span<const RoomFile> files,
                                                       const std::optional<std::string>& version);

/// The room of events that do not say theirs.
RoomId find_default_room(std::span<const RoomFile> files, const RoomRules& rules);

/// The state of a set: of ids of events in `events`, or of ids with their keys.
///
/// An entry with a key may name an event that is missing.
std::expected<State, InputError> make_state(const StateSet& set, const EventMap& events);

/// Joins what lies in several files. All errors are reported, up to `kErrorsMax`.
std::expected<Room, std::vector<InputError>> make_room(std::span<const RoomFile> files,
                                                       const RoomRules& rules);
inline constexpr std::size_t kErrorsMax = 20;

}  // namespace matrix::commands
