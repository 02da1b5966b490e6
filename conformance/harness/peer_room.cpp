#include "conformance/harness/peer_room.h"

#include <algorithm>
#include <chrono>
#include <deque>

namespace matrix::conformance {
namespace {

std::int64_t now_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

Pdu PeerRoom::draft(const UserId& sender,
                    std::string_view type,
                    Json content,
                    std::optional<std::string> state_key) const {
    const std::lock_guard lock(mutex_);
    const std::vector<EventId> ends(extremities_.begin(), extremities_.end());
    return draft_locked(ends, sender, type, std::move(content), std::move(state_key));
}

Pdu PeerRoom::draft_member(const UserId& sender,
                           const UserId& user,
                           std::string_view membership) const {
    return draft(sender, "m.room.member", {{"membership", membership}}, user.text());
}

Pdu PeerRoom::draft_after(const std::vector<EventId>& prev_events,
                          const UserId& sender,
                          std::string_view type,
                          Json content,
                          std::optional<std::string> state_key) const {
    const std::lock_guard lock(mutex_);
    return draft_locked(prev_events, sender, type, std::move(content), std::move(state_key));
}

Pdu PeerRoom::draft_locked(const std::vector<EventId>& prev_events,
                           const UserId& sender,
                           std::string_view type,
                           Json content,
                           std::optional<std::string> state_key) const {
    std::int64_t depth = 0;
    for (const EventId& event : prev_events) {
        const auto known = events_.find(event);
        if (known == events_.end()) continue;
        const Json& its_depth = at_path(known->second.json, {"depth"});
        if (its_depth.is_number_integer()) depth = std::max(depth, its_depth.get<std::int64_t>());
    }
    const std::vector<EventId> auth_events =
        select_auth_events(state_at(prev_events), sender, type, state_key, content, *rules_);
    Json json = {{"type", type},
                 {"sender", sender.text()},
                 {"content", std::move(content)},
                 {"prev_events", references_to(prev_events, *rules_)},
                 {"auth_events", references_to(auth_events, *rules_)},
                 {"depth", depth + 1},
                 {"origin_server_ts", now_ms()}};
    if (!id_.empty()) json["room_id"] = id_.text();
    if (state_key) json["state_key"] = *state_key;
    return {std::move(json), rules_};
}

EventId PeerRoom::add(const Pdu& pdu) {
    EventId id = pdu.id();
    const std::lock_guard lock(mutex_);
    if (states_after_.contains(id)) return id;
    State state = state_at(pdu.prev_events());
    if (const auto key = pdu.state_key()) state[{pdu.type(), *key}] = id;
    for (const EventId& event : pdu.prev_events())
        extremities_.erase(event);
    extremities_.insert(id);
    states_after_.emplace(id, std::move(state));
    order_.push_back(id);
    events_.insert_or_assign(id, pdu);
    return id;
}

void PeerRoom::add_outlier(const Pdu& pdu) {
    EventId id = pdu.id();
    const std::lock_guard lock(mutex_);
    events_.emplace(std::move(id), pdu);
}

void PeerRoom::set_state_after(const EventId& event, State state) {
    const std::lock_guard lock(mutex_);
    states_after_.insert_or_assign(event, std::move(state));
}

void PeerRoom::set_extremities(std::set<EventId> events) {
    const std::lock_guard lock(mutex_);
    extremities_ = std::move(events);
}

PeerRoom::State PeerRoom::state_at(const std::vector<EventId>& prev_events) const {
    State state;
    for (const EventId& event : prev_events) {
        const auto after = states_after_.find(event);
        if (after != states_after_.end()) state.insert(after->second.begin(), after->second.end());
    }
    return state;
}

std::optional<Pdu> PeerRoom::find(const EventId& event) const {
    const std::lock_guard lock(mutex_);
    const auto known = events_.find(event);
    if (known == events_.end()) return std::nullopt;
    return known->second;
}

std::optional<Pdu> PeerRoom::find_state(std::string_view type, std::string_view state_key) const {
    const std::lock_guard lock(mutex_);
    const State state = state_at({extremities_.begin(), extremities_.end()});
    const auto entry = state.find({std::string(type), std::string(state_key)});
    if (entry == state.end()) return std::nullopt;
    return events_.at(entry->second);
}

std::string PeerRoom::membership(const UserId& user) const {
    const std::optional<Pdu> member = find_state("m.room.member", user.view());
    return member ? string_at(member->json, {"content", "membership"}) : std::string();
}

std::vector<Pdu> PeerRoom::current_state() const {
    const std::lock_guard lock(mutex_);
    return events_of(state_at({extremities_.begin(), extremities_.end()}));
}

std::vector<Pdu> PeerRoom::state_before(const EventId& event) const {
    const std::lock_guard lock(mutex_);
    const auto known = events_.find(event);
    if (known == events_.end()) return {};
    return events_of(state_at(known->second.prev_events()));
}

std::vector<Pdu> PeerRoom::state_after(const EventId& event) const {
    const std::lock_guard lock(mutex_);
    return events_of(state_at({event}));
}

std::vector<Pdu> PeerRoom::events_of(const State& state) const {
    std::vector<Pdu> events;
    for (const auto& [key, id] : state) {
        const auto known = events_.find(id);
        if (known != events_.end()) events.push_back(known->second);
    }
    return events;
}

std::vector<Pdu> PeerRoom::auth_chain_of(const std::vector<Pdu>& events) const {
    const std::lock_guard lock(mutex_);
    std::set<EventId> seen;
    std::vector<Pdu> chain;
    std::deque<EventId> open;
    for (const Pdu& event : events) {
        for (EventId& id : event.auth_events())
            open.push_back(std::move(id));
    }
    while (!open.empty()) {
        const EventId id = std::move(open.front());
        open.pop_front();
        const auto known = events_.find(id);
        if (known == events_.end() || !seen.insert(id).second) continue;
        chain.push_back(known->second);
        for (EventId& next : known->second.auth_events())
            open.push_back(std::move(next));
    }
    return chain;
}

std::vector<Pdu> PeerRoom::timeline() const {
    const std::lock_guard lock(mutex_);
    std::vector<Pdu> events;
    for (const EventId& id : order_)
        events.push_back(events_.at(id));
    return events;
}

std::vector<EventId> PeerRoom::extremities() const {
    const std::lock_guard lock(mutex_);
    return {extremities_.begin(), extremities_.end()};
}

std::vector<Pdu> PeerRoom::backfill(const std::vector<EventId>& from, std::size_t limit) const {
    const std::lock_guard lock(mutex_);
    std::set<EventId> seen;
    std::vector<Pdu> events;
    std::deque<EventId> open(from.begin(), from.end());
    while (!open.empty() && events.size() < limit) {
        const EventId id = std::move(open.front());
        open.pop_front();
        const auto known = events_.find(id);
        if (known == events_.end() || !seen.insert(id).second) continue;
        events.push_back(known->second);
        for (EventId& next : known->second.prev_events())
            open.push_back(std::move(next));
    }
    return events;
}

std::vector<Pdu> PeerRoom::missing_between(const std::vector<EventId>& earliest,
                                           const std::vector<EventId>& latest,
                                           std::size_t limit) const {
    const std::lock_guard lock(mutex_);
    std::set<EventId> seen(earliest.begin(), earliest.end());
    seen.insert(latest.begin(), latest.end());
    std::deque<EventId> open;
    const auto open_prev_events_of = [&](const EventId& id) {
        const auto known = events_.find(id);
        if (known == events_.end()) return;
        for (EventId& next : known->second.prev_events()) {
            if (seen.insert(next).second) open.push_back(std::move(next));
        }
    };
    for (const EventId& id : latest)
        open_prev_events_of(id);
    std::vector<Pdu> events;
    while (!open.empty() && events.size() < limit) {
        const EventId id = std::move(open.front());
        open.pop_front();
        const auto known = events_.find(id);
        if (known == events_.end()) continue;
        events.push_back(known->second);
        open_prev_events_of(id);
    }
    std::ranges::reverse(events);  // The oldest first.
    return events;
}

std::vector<EventId> select_auth_events(const PeerRoom::State& state,
                                        const UserId& sender,
                                        std::string_view type,
                                        const std::optional<std::string>& state_key,
                                        const Json& content,
                                        const RoomRules& rules) {
    std::vector<EventId> selected;
    const auto select = [&](std::string_view type_, std::string_view key) {
        const auto entry = state.find({std::string(type_), std::string(key)});
        if (entry == state.end() || std::ranges::count(selected, entry->second) > 0) return;
        selected.push_back(entry->second);
    };
    if (type == "m.room.create") return selected;
    // In room version 12 the create event is known from the room id, and is not among them.
    if (rules.event_format != EventFormat::HashedRoomId) select("m.room.create", "");
    select("m.room.power_levels", "");
    select("m.room.member", sender.view());
    if (type != "m.room.member" || !state_key) return selected;

    select("m.room.member", *state_key);
    const std::string membership = string_at(content, {"membership"});
    if (membership == "join" || membership == "invite" || membership == "knock") {
        select("m.room.join_rules", "");
    }
    const std::string token = string_at(content, {"third_party_invite", "signed", "token"});
    if (membership == "invite" && !token.empty()) select("m.room.third_party_invite", token);
    const std::string authoriser = string_at(content, {"join_authorised_via_users_server"});
    if (membership == "join" && rules.has_restricted && !authoriser.empty()) {
        select("m.room.member", authoriser);
    }
    return selected;
}

}  // namespace matrix::conformance
