// A public room of any size, whose events are made when somebody asks for them: a creator, who
// changes the power levels now and then, and members, who change their profiles in turns.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tests/protocol/abstract_room.h"

namespace matrix::testing {

class LargeRoom {
public:
    struct Size {
        std::size_t events = 0;
        std::size_t members = 0;
        std::size_t power_levels = 1;  ///< How often they change.
    };
    LargeRoom(const RoomRules& rules, const Size& size);

    const RoomRules& rules() const { return rules_; }
    /// Valid as long as the room.
    FindEvent finder() const;
    /// The state after all events; made anew, so that it shares nothing with another one.
    State state() const;

    /// An event upon that state. Its id begins with the label.
    struct NewEvent {
        std::string label;
        std::size_t sender = 0;  ///< A member; 0 is the creator.
        std::string type;
        std::string state_key;
        json::Object content;
        std::vector<EventId> auth_events;  ///< But the create event.
    };
    EventId add(const NewEvent& event);

    static std::string user(std::size_t member);
    /// Power levels that give the creator what they need, and somebody else a level.
    json::Object levels(std::size_t moderator) const;
    EventId newest_power_levels() const;
    EventId newest_membership(std::size_t member) const;
    EventId join_rules() const;

private:
    static constexpr std::uint32_t kNobody = UINT32_MAX;
    /// Who is joined (again) by an event; nobody: it changes the power levels.
    struct Plan {
        std::uint32_t member = kNobody;
        std::uint32_t power_levels = 0;      ///< The event that it cites.
        std::uint32_t membership = kNobody;  ///< The same; nobody: there is none.
    };
    EventPtr make(std::size_t number) const;
    EventPtr find(const EventId& id) const;

    const RoomRules& rules_;
    std::vector<Plan> plans_;  ///< By event.
    std::vector<std::uint32_t> memberships_;
    std::uint32_t power_levels_;
    std::map<EventId, EventPtr> added_;
};

}  // namespace matrix::testing
