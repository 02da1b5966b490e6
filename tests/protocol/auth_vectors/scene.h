// One case of the authorization vectors in the making: a room of one version and an event of it,
// both as JSON, which is what the vectors hold.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "refserver/protocol/json.h"
#include "refserver/protocol/room_rules.h"
#include "refserver/protocol/state.h"
#include "tests/protocol/abstract_room.h"

namespace matrix::testing {

/// The events of a room version's cases, each once, with ids that say what they are.
class EventPool {
public:
    /// The id of the event: a new one, unless the pool has an event that is equal but for its id.
    std::string add(const std::string& label, json::Object event);
    /// In the order of their coming; each has its id.
    const std::vector<json::Object>& events() const { return events_; }

private:
    std::vector<json::Object> events_;
    std::map<std::string, std::string> ids_;  ///< By the text of the event without its id.
    std::set<std::string> taken_;
};

/// What one case holds beside its name and what is expected.
struct SceneParts {
    json::Object event;
    std::vector<std::string> state;     ///< Ids, in the order of keys.
    std::vector<std::string> rejected;  ///< Ids.
    friend bool operator==(const SceneParts&, const SceneParts&) = default;
};

/// Starts as a `RuleRoom`: its members are `kCreator`, `kMod` (level 50) and `kUser` (level 0).
class Scene {
public:
    explicit Scene(const RoomRules& rules);

    const RoomRules& rules() const { return *rules_; }

    // The state, whatever the rules say.

    void set(std::string_view type,
             std::string_view state_key,
             std::string_view sender,
             json::Object content);
    void set_member(std::string_view user, std::string_view membership);
    void set_join_rule(const json::Value& join_rule);
    /// The levels of such rooms, and `more`.
    void set_levels(json::Object more);
    json::Object levels(json::Object more) const;
    /// The create event's content: with a creator where the version needs one, unless `more` says.
    void set_create(json::Object more);
    void clear(std::string_view type) { clear_but(type, ""); }
    /// Only the create event stays.
    void start_over() { clear_but("", "m.room.create"); }
    /// The entry counts as rejected.
    void reject(std::string_view type, std::string_view state_key);

    // The event. It cites what is selected of the state and follows an event that is not here.

    void send(std::string_view sender,
              std::string_view type,
              std::optional<std::string_view> state_key,
              json::Object content);
    void send_member(std::string_view sender,
                     std::string_view target,
                     std::string_view membership,
                     json::Object more = {});
    void send_create(json::Object more);
    /// To be changed.
    json::Object& event() { return event_; }
    /// Its only previous event is the create event.
    void follow_create() { follows_create_ = true; }
    /// Cites an event that is not in the state, after the others.
    void cite(json::Object event) { cited_.push_back(std::move(event)); }
    /// An entry of the state.
    const json::Object& find(std::string_view type, std::string_view state_key) const;
    /// Does not cite this entry of the state.
    void leave_out(std::string_view type, std::string_view state_key);

    SceneParts finish(EventPool& pool) const;

private:
    void clear_but(std::string_view type, std::string_view kept);
    json::Object make_create(json::Object more) const;
    json::Array cite_selected(const std::map<StateKey, std::string>& ids) const;

    const RoomRules* rules_;
    std::map<StateKey, json::Object> state_;
    std::set<StateKey> rejected_;
    std::set<StateKey> left_out_;
    std::vector<json::Object> cited_;
    json::Object event_;
    bool follows_create_ = false;
};

}  // namespace matrix::testing
