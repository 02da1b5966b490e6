#include "simulator/lab/resets.h"

#include <algorithm>
#include <ostream>
#include <set>
#include <utility>

#include "refserver/base/assert.h"

namespace matrix::lab {

KeyClass class_of(const StateKey& key) {
    if (key.type == "m.room.member") return KeyClass::Membership;
    if (key.type == "m.room.power_levels") return KeyClass::PowerLevels;
    if (key.type == "m.room.join_rules") return KeyClass::JoinRules;
    return KeyClass::Other;
}

std::string_view name_of(KeyClass key_class) {
    switch (key_class) {
        case KeyClass::Membership:
            return "membership";
        case KeyClass::PowerLevels:
            return "power levels";
        case KeyClass::JoinRules:
            return "join rules";
        case KeyClass::Other:
            return "other";
    }
    unreachable();
}

std::ostream& operator<<(std::ostream& out, const TakenBack& taken) {
    return out << taken.key << " from " << taken.newest << " to "
               << (taken.value ? taken.value->text() : "nothing")
               << (taken.is_reset ? "" : ", with reason");
}

void History::add(EventPtr event, State before) {
    MATRIX_ASSERT(!indices_.contains(event->id));
    Node added = {.event = event, .before = std::move(before), .ancestors = {}};
    added.ancestors.resize(nodes_.size());
    for (const EventId& id : event->prev_events) {
        const auto parent = indices_.find(id);
        if (parent == indices_.end()) continue;
        added.ancestors[parent->second] = true;
        const std::vector<bool>& more = nodes_[parent->second].ancestors;
        for (std::size_t index = 0; index < more.size(); ++index)
            added.ancestors[index] = added.ancestors[index] || more[index];
    }
    indices_.emplace(event->id, nodes_.size());
    nodes_.push_back(std::move(added));
}

EventPtr History::create() const {
    const auto found = std::ranges::find_if(
        nodes_, [](const Node& node) { return node.event->is("m.room.create", ""); });
    return found == nodes_.end() ? nullptr : found->event;
}

bool History::is_before(const EventId& first, const EventId& second) const {
    const std::vector<bool>& ancestors = node(second).ancestors;
    const std::size_t index = indices_.at(first);
    return index < ancestors.size() && ancestors[index];
}

namespace {

bool knows_all(const History& history,
               const StateKey& key,
               std::span<const State> inputs,
               const State& result) {
    const auto is_known = [&](const State& state) {
        const EventId* id = state.find(key);
        return !id || history.has(*id);
    };
    return is_known(result) && std::ranges::all_of(inputs, is_known);
}

// Nothing if the inputs argue about the key, or none has it.
std::optional<EventId> find_newest(const History& history,
                                   const StateKey& key,
                                   std::span<const State> inputs) {
    const EventId* newest = nullptr;
    for (const State& input : inputs) {
        const EventId* value = input.find(key);
        if (value && (!newest || history.is_before(*newest, *value))) newest = value;
    }
    const bool is_undisputed =
        newest && std::ranges::all_of(inputs, [&](const State& input) {
            const EventId* value = input.find(key);
            return !value || *value == *newest || history.is_before(*value, *newest);
        });
    return is_undisputed ? std::optional(*newest) : std::nullopt;
}

// Does something that the result holds, and that the event did not know, forbid the event?
bool is_forbidden(const History& history, const EventId& id, const State& result) {
    const Event& judged = *history.event(id);
    const EventPtr create = history.create();
    auth::AuthState state;
    state.set(auth::Role::Create, create.get());
    for (const auth::RequiredKey& key : auth::required_state(judged)) {
        const EventId* value = history.before(id).find(key.type, key.state_key);
        const EventId* now = result.find(key.type, key.state_key);
        if (now && history.has(*now) && history.are_concurrent(*now, id)) value = now;
        if (value && history.has(*value)) state.set(key.role, history.event(*value).get());
    }
    return !auth::check_against(state, judged, ed25519_verifier());
}

}  // namespace

std::vector<TakenBack> find_taken_back(const History& history,
                                       std::span<const State> inputs,
                                       const State& result) {
    // A key that all inputs have alike is in the result as it was.
    std::set<StateKey> keys;
    for (const State& input : inputs) {
        for (const StateDifference& difference : diff(inputs.front(), input))
            keys.insert(difference.key);
    }
    std::vector<TakenBack> taken;
    for (const StateKey& key : keys) {
        if (!knows_all(history, key, inputs, result)) continue;
        const auto newest = find_newest(history, key, inputs);
        const EventId* value = result.find(key);
        if (!newest || (value && !history.is_before(*value, *newest))) continue;
        taken.push_back({.key = key,
                         .newest = *newest,
                         .value = value ? std::optional(*value) : std::nullopt,
                         .is_reset = !is_forbidden(history, *newest, result)});
    }
    return taken;
}

}  // namespace matrix::lab
