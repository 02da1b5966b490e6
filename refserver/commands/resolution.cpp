#include "refserver/commands/resolution.h"

#include <algorithm>
#include <utility>

#include "refserver/base/result_macros.h"

namespace matrix::commands {

std::vector<EventId> list_ids(const State& state) {
    std::vector<EventId> ids;
    state.for_each([&](const StateKey&, const EventId& id) { ids.push_back(id); });
    std::ranges::sort(ids);
    return ids;
}

Resolution resolve_fast(std::span<const State> states,
                        const EventMap& events,
                        const RoomRules& rules) {
    ResolutionTrace trace;
    Resolution resolution;
    resolution.state = resolve(states, events.finder(), rules, ed25519_verifier(), &trace);
    resolution.full_conflicted_set = std::move(trace.full_conflicted_set);
    resolution.power_order = std::move(trace.power_events);
    resolution.mainline = std::move(trace.mainline);
    resolution.remaining_order = std::move(trace.remaining_events);
    for (const ResolutionTrace::Step& step : trace.steps) {
        Resolution::Step& told = resolution.steps.emplace_back();
        told.event_id = step.event_id;
        told.is_allowed = step.verdict.has_value();
        told.rule = told.is_allowed ? step.verdict->rule : step.verdict.error().rule;
        if (told.is_allowed) continue;
        told.detail = auth::describe(step.verdict.error());
    }
    return resolution;
}

OracleResolution resolve_by_oracle(std::span<const State> states,
                                   const EventMap& events,
                                   const RoomRules& rules,
                                   oracle::Quirks quirks) {
    oracle::Room room(rules);
    for (const auto& [id, event] : events.events()) {
        room.add(event,
                 events.rejected().contains(id) ? oracle::Standing::Rejected
                                                : oracle::Standing::Accepted);
    }
    std::vector<oracle::StateMap> maps;
    for (const State& state : states) {
        oracle::StateMap& map = maps.emplace_back();
        state.for_each([&](const StateKey& key, const EventId& id) {
            map.emplace(oracle::Key(key.type, key.state_key), id);
        });
    }
    OracleResolution resolved{std::move(room), {}};
    resolved.resolution = oracle::resolve(resolved.room, maps, {.quirks = quirks});
    return resolved;
}

namespace {

State state_of(const oracle::StateMap& map) {
    std::vector<std::pair<StateKey, EventId>> entries;
    for (const auto& [key, id] : map)
        entries.push_back({{key.first, key.second}, id});
    return State::make(entries);
}

}  // namespace

Resolution make_resolution(const OracleResolution& resolved) {
    const oracle::Trace& trace = resolved.resolution.trace;
    Resolution resolution;
    resolution.state = state_of(resolved.resolution.state);
    // Without a conflict the fast implementation takes no step; what the oracle noted decides
    // nothing.
    if (trace.conflicted_keys.empty()) return resolution;
    resolution.full_conflicted_set = oracle::list_event_ids(trace.full_conflicted_set);
    for (const oracle::ReadEvent* event : trace.power_order)
        resolution.power_order.push_back(event->id());
    for (const oracle::ReadEvent* event : trace.mainline)
        resolution.mainline.push_back(event->id());
    for (const oracle::ReadEvent* event : trace.remaining_order)
        resolution.remaining_order.push_back(event->id());
    for (const oracle::Step& step : trace.steps) {
        Resolution::Step& told = resolution.steps.emplace_back();
        told.event_id = step.event->id();
        told.is_allowed = step.verdict.has_value();
        told.rule = told.is_allowed ? step.verdict->rule : step.verdict.error().rule;
        if (told.is_allowed) continue;
        told.detail = step.verdict.error().why;
    }
    return resolution;
}

namespace {

std::optional<std::string> differ(std::string_view what,
                                  const std::vector<EventId>& fast,
                                  const std::vector<EventId>& oracle) {
    const auto [in_fast, in_oracle] = std::ranges::mismatch(fast, oracle);
    if (in_fast == fast.end() && in_oracle == oracle.end()) return std::nullopt;
    const auto name = [](auto entry, const std::vector<EventId>& list) {
        return entry == list.end() ? std::string("nothing more") : entry->text();
    };
    return std::string(what) + ", at place " + std::to_string(in_fast - fast.begin() + 1) +
           ": the fast implementation has " + name(in_fast, fast) + ", the oracle " +
           name(in_oracle, oracle);
}

std::string tell_verdict(const Resolution::Step& step) {
    return (step.is_allowed ? "allowed by " : "refused by ") + step.rule;
}

std::optional<std::string> differ_in_state(const State& fast, const State& oracle) {
    const std::vector<StateDifference> differences = diff(fast, oracle);
    if (differences.empty()) return std::nullopt;
    const StateDifference& first = differences.front();
    const auto name = [](const std::optional<EventId>& id) { return id ? id->text() : "nothing"; };
    return "the state of (" + first.key.type + ", \"" + first.key.state_key +
           "\"): the fast implementation has " + name(first.before) + ", the oracle " +
           name(first.after);
}

}  // namespace

std::optional<std::string> find_difference(const Resolution& fast, const Resolution& oracle) {
    for (const auto& [what, list] :
         {std::pair("the full conflicted set", &Resolution::full_conflicted_set),
          std::pair("the order of power events", &Resolution::power_order),
          std::pair("the mainline", &Resolution::mainline),
          std::pair("the order of the remaining events", &Resolution::remaining_order)}) {
        if (auto difference = differ(what, fast.*list, oracle.*list)) return difference;
    }
    for (std::size_t index = 0; index < std::min(fast.steps.size(), oracle.steps.size()); ++index) {
        const Resolution::Step& a = fast.steps[index];
        const Resolution::Step& b = oracle.steps[index];
        if (a.is_allowed == b.is_allowed && a.rule == b.rule) continue;
        return "the verdict on " + a.event_id.text() + ": the fast implementation says " +
               tell_verdict(a) + ", the oracle " + tell_verdict(b);
    }
    return differ_in_state(fast.state, oracle.state);
}

std::expected<oracle::Quirks, std::string> find_quirks(std::span<const std::string> names) {
    oracle::Quirks quirks;
    for (const std::string& name : names) {
        ASSIGN_OR_RETURN(const oracle::Quirk quirk, oracle::find_quirk(name));
        quirks.insert(quirk);
    }
    return quirks;
}

}  // namespace matrix::commands
