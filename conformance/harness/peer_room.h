// A room as the suite's peer keeps it: events, and the state after each.
//
// There is no state resolution here: where branches meet, the state of the first `prev_events` wins
// over later ones. A test that needs another state says so with `set_state_after`.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "conformance/harness/pdu.h"

namespace matrix::conformance {

/// Thread-safe: the test adds while the peer's server reads.
class PeerRoom {
public:
    /// (type, state_key) to event.
    using State = std::map<std::pair<std::string, std::string>, EventId>;

    PeerRoom(RoomId id, const RoomRules& rules) : id_(std::move(id)), rules_(&rules) {}

    const RoomId& id() const { return id_; }
    const RoomRules& rules() const { return *rules_; }
    std::string version() const { return std::string(rules_->version); }

    /// An event at the end of the room as a server would make it: prev_events, auth_events, depth
    /// and time are right. Not signed, not added; change what shall be wrong.
    Pdu draft(const UserId& sender,
              std::string_view type,
              Json content,
              std::optional<std::string> state_key = std::nullopt) const;
    /// A membership event of `user`, sent by `sender`.
    Pdu draft_member(const UserId& sender, const UserId& user, std::string_view membership) const;
    /// The same as `draft`, but at another place: after these events.
    Pdu draft_after(const std::vector<EventId>& prev_events,
                    const UserId& sender,
                    std::string_view type,
                    Json content,
                    std::optional<std::string> state_key = std::nullopt) const;

    /// Adds a signed event behind its prev_events and gives its id. Nothing is checked.
    EventId add(const Pdu& pdu);
    /// Adds an event that does not become part of the room's end or state (an outlier).
    void add_outlier(const Pdu& pdu);
    void set_state_after(const EventId& event, State state);
    /// Makes the room's end these events.
    void set_extremities(std::set<EventId> events);

    std::optional<Pdu> find(const EventId& event) const;
    /// Of the current state; nothing if there is none.
    std::optional<Pdu> find_state(std::string_view type, std::string_view state_key = "") const;
    /// "join", "leave" and so on; empty if the user was never there.
    std::string membership(const UserId& user) const;
    std::vector<Pdu> current_state() const;
    std::vector<Pdu> state_before(const EventId& event) const;
    std::vector<Pdu> state_after(const EventId& event) const;
    /// All events that these reach over auth_events, without themselves.
    std::vector<Pdu> auth_chain_of(const std::vector<Pdu>& events) const;
    /// In the order in which they were added, without outliers.
    std::vector<Pdu> timeline() const;
    std::vector<EventId> extremities() const;
    /// Back over prev_events from these, which are included, newest first.
    std::vector<Pdu> backfill(const std::vector<EventId>& from, std::size_t limit) const;
    /// Spec: POST /get_missing_events.
    std::vector<Pdu> missing_between(const std::vector<EventId>& earliest,
                                     const std::vector<EventId>& latest,
                                     std::size_t limit) const;

private:
    State state_at(const std::vector<EventId>& prev_events) const;
    Pdu draft_locked(const std::vector<EventId>& prev_events,
                     const UserId& sender,
                     std::string_view type,
                     Json content,
                     std::optional<std::string> state_key) const;
    std::vector<Pdu> events_of(const State& state) const;

    const RoomId id_;
    const RoomRules* const rules_;
    mutable std::mutex mutex_;
    std::map<EventId, Pdu> events_;
    std::map<EventId, State> states_after_;
    std::vector<EventId> order_;
    std::set<EventId> extremities_;
};

/// The events of `state` that authorise an event, as the spec selects them.
///
/// Spec: https://spec.matrix.org/v1.19/server-server-api/#auth-events-selection
std::vector<EventId> select_auth_events(const PeerRoom::State& state,
                                        const UserId& sender,
                                        std::string_view type,
                                        const std::optional<std::string>& state_key,
                                        const Json& content,
                                        const RoomRules& rules);

}  // namespace matrix::conformance
