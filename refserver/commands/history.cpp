#include "refserver/commands/history.h"

#include <algorithm>
#include <utility>

#include "refserver/protocol/policy_server.h"

namespace matrix::commands {

using Outcome = Judgement::Outcome;

History::History(EventMap& events, const RoomRules& rules) : events_(events), rules_(rules) {}

namespace {

// Every event that `event` names, in `prev_events` or `auth_events`.
std::set<EventId> named_by(const Event& event) {
    std::set<EventId> ids(event.prev_events.begin(), event.prev_events.end());
    ids.insert(event.auth_events.begin(), event.auth_events.end());
    return ids;
}

}  // namespace

// Each event behind those that it names. What names itself, over whatever detour, is left out.
std::vector<EventPtr> History::order_events() const {
    std::map<EventId, std::vector<EventId>> followers;
    std::map<EventId, std::size_t> missing;
    std::vector<EventId> ready;
    for (const auto& [id, event] : events_.events()) {
        std::size_t count = 0;
        for (const EventId& named : named_by(*event)) {
            if (!events_.find(named).event) continue;
            followers[named].push_back(id);
            ++count;
        }
        missing[id] = count;
        if (count == 0) ready.push_back(id);
    }
    std::vector<EventPtr> order;
    while (!ready.empty()) {
        const EventId id = std::move(ready.back());
        ready.pop_back();
        order.push_back(events_.find(id).event);
        for (const EventId& follower : followers[id]) {
            if (--missing[follower] == 0) ready.push_back(follower);
        }
    }
    return order;
}

// Is it an accepted event in the graph, whose state is known?
bool History::is_placed(const EventId& id) const {
    const auto entry = judgements_.find(id);
    return entry != judgements_.end() && entry->second.has_state &&
           (entry->second.outcome == Outcome::Accepted ||
            entry->second.outcome == Outcome::SoftFailed);
}

std::optional<State> History::state_after(const EventId& id) const {
    const auto entry = states_after_.find(id);
    if (entry == states_after_.end()) return std::nullopt;
    return entry->second;
}

std::optional<State> History::resolve_after(const std::set<EventId>& ids) {
    if (const auto known = resolved_.find(ids); known != resolved_.end()) return known->second;
    std::vector<State> states;
    for (const EventId& id : ids) {
        auto state = state_after(id);
        if (!state) return std::nullopt;
        states.push_back(*std::move(state));
    }
    if (ids.size() == 1) return states.front();
    State state = resolve(states, events_.finder(), rules_, ed25519_verifier());
    resolved_.emplace(ids, state);
    return state;
}

std::optional<State> History::state_before(const Event& event) {
    if (event.type == "m.room.create" && event.prev_events.empty()) return State();
    if (event.prev_events.empty()) return std::nullopt;
    return resolve_after({event.prev_events.begin(), event.prev_events.end()});
}

Judgement History::judge_event(const Event& event) {
    const auto refuse_by = [](int check, auth::Failure failure) {
        return Judgement{
            .outcome = Outcome::Rejected, .check = check, .failure = std::move(failure)};
    };
    for (const EventId& id : event.auth_events) {
        const auto judged = judgements_.find(id);
        const bool is_known = judged != judgements_.end();
        if (is_known && judged->second.outcome != Outcome::Unjudged) continue;
        return {.outcome = Outcome::Unjudged,
                .check = 4,
                .missing = "auth_events: " + id.text() +
                           (is_known ? " could not be judged" : " is not in the file")};
    }
    const EventPtr create = find_create(event, events_);
    const bool needs_create =
        event.rules->event_format == EventFormat::HashedRoomId && event.type != "m.room.create";
    const EventId create_id("$" + event.room_id.text().substr(1));
    if (needs_create && !create && !events_.find(create_id).event) {
        return {.outcome = Outcome::Unjudged,
                .check = 4,
                .missing = "room_id: the create event " + create_id.text() + " is not in the file"};
    }
    if (const auto verdict = check_by_auth_events(event, events_, create); !verdict) {
        return refuse_by(4, verdict.error());
    }
    const auto before = state_before(event);
    if (!before) return {};
    if (const auto verdict = check_by_state(event, *before, events_, create); !verdict) {
        Judgement judgement = refuse_by(5, verdict.error());
        judgement.has_state = true;
        return judgement;
    }
    return {.has_state = true};
}

void History::judge() {
    const std::vector<EventPtr> order = order_events();
    for (const EventPtr& event : order) {
        const Judgement& judgement = judgements_[event->id] = judge_event(*event);
        if (judgement.outcome == Outcome::Rejected) events_.reject(event->id);
        if (judgement.outcome == Outcome::Unjudged) continue;
        auto state = state_before(*event);
        if (!state) continue;
        const bool changes_state = judgement.outcome == Outcome::Accepted && event->is_state();
        states_after_[event->id] =
            changes_state ? state->with({event->type, *event->state_key}, event->id) : *state;
    }
    for (const auto& [id, event] : events_.events()) {
        if (judgements_.contains(id)) continue;
        judgements_[id] = {.outcome = Outcome::Unjudged,
                           .check = 4,
                           .missing = "prev_events and auth_events: it leads back to itself"};
    }
    for (const EventPtr& event : order) {
        std::set<EventId>& parents = parents_[event->id];
        for (const EventId& id : event->prev_events) {
            if (is_placed(id)) {
                parents.insert(id);
            } else if (const auto above = parents_.find(id); above != parents_.end()) {
                parents.insert(above->second.begin(), above->second.end());
            }
        }
        if (!is_placed(event->id)) continue;
        for (const EventId& parent : parents)
            children_[parent].push_back(event->id);
    }
    find_concurrent(order);
}

// An event stands beside none when everything before it in the order leads to it, and everything
// behind it leads back to it: when it is the only one without followers among those up to it, and
// the only one without predecessors among those from it on.
void History::find_concurrent(const std::vector<EventPtr>& order) {
    std::vector<EventPtr> placed;
    std::ranges::copy_if(order, std::back_inserter(placed), [&](const EventPtr& event) {
        return is_placed(event->id);
    });
    std::set<EventId> ends;
    for (const EventPtr& event : placed) {
        for (const EventId& parent : parents_.at(event->id))
            ends.erase(parent);
        ends.insert(event->id);
        if (ends.size() > 1) concurrent_.insert(event->id);
    }
    std::set<EventId> starts;
    for (auto entry = placed.rbegin(); entry != placed.rend(); ++entry) {
        const EventId& id = (*entry)->id;
        if (const auto children = children_.find(id); children != children_.end()) {
            for (const EventId& child : children->second)
                starts.erase(child);
        }
        starts.insert(id);
        if (starts.size() > 1) concurrent_.insert(id);
    }
}

std::vector<EventId> History::forward_extremities() const {
    std::vector<EventId> ids;
    for (const auto& [id, judgement] : judgements_) {
        if (is_placed(id) && !children_.contains(id)) ids.push_back(id);
    }
    return ids;
}

// The forward extremities of the room without an event and what follows on it.
std::set<EventId> History::list_extremities_without(const Event& event) const {
    std::set<EventId> followers{event.id};
    std::vector<EventId> pending{event.id};
    while (!pending.empty()) {
        const EventId id = std::move(pending.back());
        pending.pop_back();
        const auto children = children_.find(id);
        if (children == children_.end()) continue;
        for (const EventId& child : children->second) {
            if (followers.insert(child).second) pending.push_back(child);
        }
    }
    const auto has_other_child = [&](const EventId& id) {
        return std::ranges::any_of(
            children_.at(id), [&](const EventId& child) { return !followers.contains(child); });
    };
    std::set<EventId> ends;
    for (const EventId& id : forward_extremities()) {
        if (!followers.contains(id)) ends.insert(id);
    }
    for (const EventId& follower : followers) {
        for (const EventId& parent : parents_.at(follower)) {
            if (!followers.contains(parent) && !has_other_child(parent)) {
                ends.insert(parent);
            }
        }
    }
    return ends;
}

void History::judge_by_current_state() {
    for (auto& [id, judgement] : judgements_) {
        // Where nothing stands beside it, the current state is the state before it.
        const bool can_fail = judgement.outcome == Outcome::Accepted && judgement.has_state &&
                              concurrent_.contains(id);
        if (!can_fail) continue;
        const Event& event = *events_.find(id).event;
        const auto current = resolve_after(list_extremities_without(event));
        if (!current) continue;
        const auto verdict = check_by_state(event, *current, events_, find_create(event, events_));
        if (verdict) continue;
        judgement.outcome = Outcome::SoftFailed;
        judgement.check = 6;
        judgement.failure = verdict.error();
    }
}

namespace {

// The policy server that a room of this state uses.
std::optional<PolicyServer> policy_server_of(const State& state, const EventMap& events) {
    const EventId* id = state.find("m.room.policy", "");
    const EventPtr event = id ? events.find(*id).event : nullptr;
    const auto policy = event ? parse_policy_server(*event) : std::nullopt;
    bool is_joined = false;
    state.for_each([&](const StateKey& key, const EventId& member_id) {
        if (!policy || is_joined || key.type != "m.room.member") return;
        const EventPtr member = events.find(member_id).event;
        is_joined = member && member->membership() == Membership::Join &&
                    UserId(key.state_key).server() == policy->via;
    });
    return is_joined ? policy : std::nullopt;
}

}  // namespace

void History::judge_by_policy(const Verifier& verifier) {
    std::map<State::Hash, std::optional<PolicyServer>> by_state;
    for (auto& [id, judgement] : judgements_) {
        if (judgement.outcome != Outcome::Accepted || !judgement.has_state) continue;
        const Event& event = *events_.find(id).event;
        const json::Object pdu = event.parse_text();
        if (!needs_policy_signature(event) || list_signatures(pdu).empty()) continue;
        const auto current = concurrent_.contains(id)
                                 ? resolve_after(list_extremities_without(event))
                                 : state_before(event);
        if (!current) continue;
        const auto [known, is_new] = by_state.try_emplace(current->root());
        if (is_new) known->second = policy_server_of(*current, events_);
        const std::optional<PolicyServer>& policy = known->second;
        if (!policy || has_policy_signature(pdu, rules_, *policy, verifier)) continue;
        judgement.outcome = Outcome::SoftFailed;
        judgement.check = 7;
        judgement.failure = {"",
                             "no valid signature of the room's policy server",
                             auth::Excerpt(policy->via.view())};
    }
}

}  // namespace matrix::commands
