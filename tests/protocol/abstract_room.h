// Rooms of events that have labels instead of hashes: what a rule says does not depend on bytes.
//
// The ids of such events are chosen by the test, nothing is signed, and `text` holds the content
// only.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "refserver/protocol/auth_rules.h"
#include "refserver/protocol/state_resolution.h"

namespace matrix::testing {

/// What a test says about one abstract event.
struct AbstractEvent {
    std::string id;  ///< With its sigil.
    std::string type;
    std::optional<std::string> state_key = std::nullopt;
    std::string sender = {};
    json::Object content = {};
    std::int64_t origin_server_ts = 0;
    std::vector<std::string> auth_events = {};
    std::vector<std::string> prev_events = {};
    std::int64_t depth = 0;  ///< Read by state resolution of room version 1 alone.
};

/// The room id of every abstract room: in v12 that of a create event with the id `$create:a`.
RoomId abstract_room_id(const RoomRules& rules);

EventPtr make_abstract_event(const AbstractEvent& event, const RoomRules& rules);

/// Events by id, as a resolution looks them up.
class EventStore {
public:
    void add(EventPtr event) { events_[event->id] = std::move(event); }
    void reject(const std::string& id) { rejected_.insert(EventId(id)); }
    EventPtr find(const std::string& id) const;
    FindEvent finder() const;

private:
    std::map<EventId, EventPtr> events_;
    std::set<EventId> rejected_;
};

// The users of a `RuleRoom`.
inline constexpr const char* kCreator = "@creator:a";
inline constexpr const char* kMod = "@mod:a";
inline constexpr const char* kUser = "@user:b";
inline constexpr const char* kStranger = "@stranger:b";

/// The rooms in which authorization rules are tried: the creator and `mod` (level 50) and `user`
/// (level 0) are members, `stranger` is none; the join rule is `invite`.
class RuleRoom {
public:
    explicit RuleRoom(const RoomRules& rules);

    /// An event that follows on something else than the create event.
    Event make(std::string_view sender,
               std::string_view type,
               std::optional<std::string> state_key,
               json::Object content) const;
    Event member(std::string_view sender,
                 std::string_view target,
                 std::string_view membership,
                 json::Object more = {}) const;

    /// Puts an event into the state, whatever the rules say.
    void set(const Event& event);
    void set_create(json::Object content);
    void set_member(std::string_view user, std::string_view membership);
    void set_join_rule(std::string_view join_rule);
    /// With `more` beside what such rooms have.
    void set_power_levels(json::Object more);
    json::Object power_levels(json::Object more) const;
    /// Removes all entries of a type.
    void clear(std::string_view type);

    const RoomRules& rules() const { return *rules_; }
    /// The entry of the state; null if there is none.
    EventPtr find(std::string_view type, std::string_view state_key) const;
    const Event* create() const { return find("m.room.create", "").get(); }
    /// What a check of `event` looks at; borrows from this room.
    auth::AuthState state_for(const Event& event) const;

    /// The rule that refuses the event, or "allowed". The test fails if the oracle says otherwise.
    std::string check(const Event& event) const;

private:
    std::string ask_oracle(const Event& event) const;

    const RoomRules* rules_;
    std::map<StateKey, EventPtr> state_;
};

}  // namespace matrix::testing
