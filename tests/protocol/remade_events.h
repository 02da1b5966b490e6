// Events that are changed a little, and the state that is made of such.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "tests/generators/room.h"

namespace matrix::testing {

/// `event` under the same id with another content.
Event with_content(const Event& event, const std::function<void(json::Object& content)>& change);

/// Another name for the same user, on the same server; what is no user id stays. Order is kept.
std::string other_user_name(std::string_view text);
/// `event` with other names for all users, wherever they stand.
Event with_other_user_names(const Event& event);

/// `event` read by the rules of another room version; the create event named by `create` in v12.
Event in_version(const Event& event, const RoomRules& rules, const EventId& create);

/// A state of a room whose events are remade when they are looked at.
class JudgedBy {
public:
    using Remake = std::function<Event(const Event&)>;

    /// `room` must outlive this.
    JudgedBy(const generators::Room& room, const State& state, const Remake& remake = {});

    /// The same with some entries replaced.
    JudgedBy with(std::vector<Event> entries) const;
    const Event* find(std::string_view type, std::string_view state_key) const;
    /// What a check of `event` looks at; borrows from this.
    auth::AuthState auth_state(const Event& event) const;

private:
    std::map<StateKey, EventPtr> entries_;
    EventPtr create_;
};

}  // namespace matrix::testing
