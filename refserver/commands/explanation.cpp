#include "refserver/commands/explanation.h"

#include <algorithm>
#include <map>
#include <utility>

#include "refserver/base/assert.h"
#include "refserver/commands/event_order.h"
#include "refserver/versions/room_version_file.h"

namespace matrix::commands {
namespace {

std::string name_of(StateResolution algorithm, const std::vector<std::string>& quirks) {
    const std::string_view everywhere = oracle::name_of(oracle::Quirk::V2_1Everywhere);
    switch (algorithm) {
        case StateResolution::V1:
            return "v1";
        case StateResolution::V2:
            return std::ranges::find(quirks, everywhere) == quirks.end() ? "v2" : "v2.1";
        case StateResolution::V2_1:
            return "v2.1";
    }
    unreachable();
}

// How the steps of a version that was given as data differ from those of its algorithm.
std::vector<versions::RuleChange> list_step_changes(const RoomRules& rules) {
    RoomRules usual = rules;
    const bool is_v2_1 = rules.state_resolution == StateResolution::V2_1;
    usual.resolution_steps = is_v2_1 ? kStepsV2_1 : kStepsV2;
    return versions::list_changes(usual, rules);
}

std::vector<ConflictedKey> list_conflicts(const Room& room,
                                          const std::set<oracle::Key>& keys,
                                          const State& state) {
    std::vector<ConflictedKey> conflicts;
    for (const auto& [type, state_key] : keys) {
        ConflictedKey& conflict = conflicts.emplace_back();
        conflict.key = {type, state_key};
        for (const State& set : room.state_sets) {
            const EventId* id = set.find(conflict.key);
            conflict.values.push_back(id ? std::optional(*id) : std::nullopt);
        }
        if (const EventId* id = state.find(conflict.key)) conflict.resolved = *id;
    }
    return conflicts;
}

// What the check of an event said, if it was checked.
AppliedEvent describe_step(const EventPtr& event, const oracle::Step* step) {
    AppliedEvent applied;
    applied.event = event;
    if (!step) {
        applied.detail = "not checked";
        return applied;
    }
    applied.is_allowed = step->verdict.has_value();
    applied.rule = applied.is_allowed ? step->verdict->rule : step->verdict.error().rule;
    if (!applied.is_allowed) applied.detail = step->verdict.error().why;
    for (const auto& [key, known] : step->auth_state) {
        if (known) applied.judged_by.push_back(known->id());
    }
    return applied;
}

std::vector<AppliedEvent> describe_order(const oracle::EventList& order,
                                         const std::map<EventId, const oracle::Step*>& steps,
                                         const std::vector<Placement>& placements) {
    std::vector<AppliedEvent> list;
    for (std::size_t index = 0; index < order.size(); ++index) {
        const auto step = steps.find(order[index]->id());
        list.push_back(
            describe_step(order[index]->event, step == steps.end() ? nullptr : step->second));
        list.back().sort_key = placements[index].sort_key;
        list.back().because = placements[index].because;
    }
    return list;
}

// Version 1 tries events by depth, and takes the first of each list without a check.
std::vector<AppliedEvent> describe_v1(const oracle::Trace& trace,
                                      const std::map<EventId, const oracle::Step*>& steps) {
    std::vector<AppliedEvent> list;
    for (const oracle::EventList* order : {&trace.power_order, &trace.remaining_order}) {
        for (const oracle::ReadEvent* event : *order) {
            const auto step = steps.find(event->id());
            const bool is_checked = step != steps.end();
            AppliedEvent& applied =
                list.emplace_back(describe_step(event->event, is_checked ? step->second : nullptr));
            applied.sort_key = "depth " + std::to_string(event->event->depth);
            applied.because = "the events of a key by depth, then by SHA-1 of the id";
            if (is_checked) continue;
            applied.is_allowed = true;
            applied.detail = "the first of its key, taken without a check";
        }
    }
    return list;
}

std::vector<EventPtr> events_of(const oracle::EventList& list) {
    std::vector<EventPtr> events;
    for (const oracle::ReadEvent* event : list)
        events.push_back(event->event);
    return events;
}

}  // namespace

Explanation explain(const Room& room,
                    const OracleResolution& resolved,
                    std::vector<std::string> quirks) {
    const oracle::Trace& trace = resolved.resolution.trace;
    Explanation told;
    told.quirks = std::move(quirks);
    told.room_version = std::string(room.rules->version);
    told.algorithm = name_of(room.rules->state_resolution, told.quirks);
    told.starts_empty = told.algorithm == "v2.1";
    if (room.rules->is_custom()) {
        told.starts_empty = room.rules->resolution_steps.initial_state == InitialState::Empty;
    }
    for (const auto& [key, before, after] : list_step_changes(*room.rules))
        told.algorithm += ", " + key + ' ' + after;
    for (const State& set : room.state_sets)
        told.set_sizes.push_back(set.size());
    told.unconflicted_count = trace.unconflicted.size();
    told.state = make_resolution(resolved).state;
    told.conflicted_keys = list_conflicts(room, trace.conflicted_keys, told.state);
    told.auth_difference = oracle::list_event_ids(trace.auth_difference);
    told.subgraph = oracle::list_event_ids(trace.conflicted_subgraph);
    told.full_conflicted_set = oracle::list_event_ids(trace.full_conflicted_set);
    for (const oracle::ReadEvent* event : trace.mainline)
        told.mainline.push_back(event->id());
    for (const auto& [type, state_key] : trace.restored_keys)
        told.restored.push_back({type, state_key});

    std::map<EventId, const oracle::Step*> steps;
    for (const oracle::Step& step : trace.steps)
        steps.try_emplace(step.event->id(), &step);
    if (room.rules->state_resolution == StateResolution::V1) {
        told.remaining_order = describe_v1(trace, steps);
        return told;
    }
    told.power_order = describe_order(
        trace.power_order, steps, explain_power_order(events_of(trace.power_order), room.events));
    told.remaining_order = describe_order(
        trace.remaining_order,
        steps,
        explain_mainline_order(events_of(trace.remaining_order), told.mainline, room.events));
    return told;
}

}  // namespace matrix::commands
