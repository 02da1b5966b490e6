// The events of one room as the oracle reads them: their JSON, and whom they cite.
//
// Contents are read from the JSON itself, never from what the fast implementation made of it.
#pragma once

#include <cstdlib>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "refserver/protocol/event.h"

namespace matrix::oracle {

/// What the specification calls K: (event_type, state_key).
using Key = std::pair<std::string, std::string>;
/// One of the states S_i: which event each key has. The event itself may be unknown.
using StateMap = std::map<Key, EventId>;

/// What became of an event when it was received.
enum class Standing { Accepted, Rejected };

/// The number of a room version, 1 to 12; 0 of one that was given as data.
int number_of(const RoomRules& rules);

/// The same, for a sentence of the text about what `field` says: the text has numbers, and a
/// version that was given as data has none. There it is that of its base, or if it changes the
/// field, of the nearest version that has its value; the newest of two that are as near.
template <class Value>
int number_of(const RoomRules& rules, Value RoomRules::* field);

/// An event with its JSON, parsed once.
struct ReadEvent {
    explicit ReadEvent(EventPtr event_, Standing standing_ = Standing::Accepted);

    EventPtr event;
    Standing standing;
    json::Object pdu;  ///< The whole event, or for an abstract one at least its `content`.

    const EventId& id() const { return event->id; }
    bool is_rejected() const { return standing == Standing::Rejected; }
    bool is_state() const { return event->state_key.has_value(); }
    Key key() const { return {event->type, event->state_key.value_or("")}; }
    bool has_key(std::string_view type, std::string_view state_key) const {
        return event->type == type && event->state_key == state_key;
    }
    /// A property of the content; null if there is none.
    const json::Value* find(std::string_view property) const;
    /// A property of the content that is a string; empty if it is none.
    std::string_view find_string(std::string_view property) const;
    /// The number of its room version, 1 to 12; see `number_of`.
    template <class Value>
    int version(Value RoomRules::* field) const {
        return version_ ? version_ : number_of(*event->rules, field);
    }

private:
    int version_;  ///< 0: of a version that was given as data.
};

template <class Value>
int number_of(const RoomRules& rules, Value RoomRules::* field) {
    if (!rules.is_custom()) return number_of(rules);
    const int base = number_of(*find_room_rules(rules.base));
    int nearest = 0;
    for (const RoomRules& other : all_room_rules()) {
        const int number = number_of(other);
        const bool is_nearer = nearest == 0 || std::abs(number - base) <= std::abs(nearest - base);
        if (other.*field == rules.*field && is_nearer) nearest = number;
    }
    return nearest;
}

/// What stands before the first colon of an id is its own; the rest is its domain. Empty if there
/// is no colon.
std::string_view domain_of(std::string_view id);

struct ById {
    bool operator()(const ReadEvent* a, const ReadEvent* b) const { return a->id() < b->id(); }
};
using EventSet = std::set<const ReadEvent*, ById>;
using EventList = std::vector<const ReadEvent*>;

class Room {
public:
    explicit Room(const RoomRules& rules) : rules_(&rules) {}
    Room(const Room&) = delete;
    Room& operator=(const Room&) = delete;
    Room(Room&&) = default;
    Room& operator=(Room&&) = default;

    const RoomRules& rules() const { return *rules_; }

    /// Pointers to events stay valid as long as the room. An id that is added again is ignored.
    void add(EventPtr event, Standing standing = Standing::Accepted);

    /// Null if the event is unknown.
    const ReadEvent* find(const EventId& id) const;

    /// The known events that `event` cites in its `auth_events`, in that order.
    const EventList& auth_events(const ReadEvent& event) const;
    /// The first of them with this key, rejected or not; null if there is none.
    const ReadEvent* auth_event(const ReadEvent& event,
                                std::string_view type,
                                std::string_view state_key) const;
    /// Everything that is reached from `event` over `auth_events`, without the event itself.
    const EventSet& auth_chain(const ReadEvent& event) const;
    /// The create event of an event's room: cited, or from v12 on the accepted one that the room id
    /// names. Null if there is none.
    const ReadEvent* create_of(const ReadEvent& event) const;

private:
    const RoomRules* rules_;
    std::map<EventId, ReadEvent> events_;
    // What was asked before; cleared when an event is added.
    mutable std::map<const ReadEvent*, EventList, ById> auth_events_;
    mutable std::map<const ReadEvent*, EventSet, ById> auth_chains_;
};

}  // namespace matrix::oracle
