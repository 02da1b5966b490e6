// State resolution of drawn rooms: the fast implementation against the oracle, step by step.
//
// The bytes are choices of the room generator.

#include "refserver/protocol/state_resolution.h"

#include <algorithm>

#include "conformance/oracle/state_resolution.h"
#include "fuzz/judged_room.h"

namespace matrix::fuzz {
namespace {

constexpr int kResolutionsPerRoom = 8;

void add_lines(json::Array& lines, std::string_view what, const std::vector<EventId>& ids) {
    for (const EventId& id : ids)
        lines.emplace_back(std::string(what) + ' ' + id.text());
}

json::Array describe_trace(const ResolutionTrace& trace) {
    json::Array lines;
    add_lines(lines, "conflicted", trace.full_conflicted_set);
    add_lines(lines, "power", trace.power_events);
    add_lines(lines, "mainline", trace.mainline);
    add_lines(lines, "remaining", trace.remaining_events);
    for (const ResolutionTrace::Step& step : trace.steps) {
        const auto& verdict = step.verdict;
        lines.emplace_back("step " + step.event_id.text() + ' ' +
                           (verdict ? "allowed" : std::string(verdict.error().rule)));
    }
    return lines;
}

json::Array describe_trace(const oracle::Trace& trace) {
    json::Array lines;
    add_lines(lines, "conflicted", list_event_ids(trace.full_conflicted_set));
    add_lines(lines, "power", list_event_ids(trace.power_order));
    add_lines(lines, "mainline", list_event_ids(trace.mainline));
    add_lines(lines, "remaining", list_event_ids(trace.remaining_order));
    for (const oracle::Step& step : trace.steps)
        lines.emplace_back("step " + step.event->id().text() + ' ' + rule_of(step.verdict));
    return lines;
}

oracle::StateMap state_map_of(const State& state) {
    oracle::StateMap map;
    state.for_each(
        [&](const StateKey& key, const EventId& id) { map[{key.type, key.state_key}] = id; });
    return map;
}

oracle::Resolution resolve_literally(const JudgedRoom& room, const std::vector<State>& states) {
    std::vector<oracle::StateMap> maps;
    for (const State& state : states)
        maps.push_back(state_map_of(state));
    return oracle::resolve(room.literal, maps);
}

Outcome check_resolution(const JudgedRoom& judged, const std::vector<State>& states) {
    const auto resolve_fast = [&](const std::vector<State>& sets, ResolutionTrace* trace) {
        return resolve(sets, judged.room.finder(), judged.rules(), ed25519_verifier(), trace);
    };
    ResolutionTrace trace;
    const State fast = resolve_fast(states, &trace);
    const oracle::Resolution literal = resolve_literally(judged, states);
    // The literal version 1 names no orders; without a conflict the fast one ends before it looks
    // for a mainline.
    const bool has_trace = judged.rules().state_resolution != StateResolution::V1 &&
                           !literal.trace.conflicted_keys.empty();

    std::vector<State> others(states.rbegin(), states.rend());
    others.push_back(states.front());
    const char* law = nullptr;
    if (state_map_of(fast) != literal.state) {
        law = "the fast resolution and the oracle reach the same state";
    } else if (has_trace && describe_trace(trace) != describe_trace(literal.trace)) {
        law = "the fast resolution and the oracle take the same steps";
    } else if (resolve_fast(others, nullptr) != fast) {
        law = "neither the order of states nor a state that is given twice matters";
    }
    if (!law) return std::nullopt;
    json::Array sets;
    for (const State& state : states)
        sets.emplace_back(describe_state(state));
    json::Array oracle_result;
    for (const EventId& id : oracle::list_event_ids(literal.state))
        oracle_result.emplace_back(id.text());
    return Finding{law,
                   {{"room_version", judged.rules().version},
                    {"events", judged.describe_events()},
                    {"state_sets", std::move(sets)},
                    {"fast", describe_state(fast)},
                    {"fast_trace", describe_trace(trace)},
                    {"oracle", std::move(oracle_result)},
                    {"oracle_trace", describe_trace(literal.trace)}}};
}

}  // namespace

Outcome run_state_resolution(std::string_view bytes) {
    auto choices = generators::Choices::from_bytes(bytes);
    const JudgedRoom judged(choices);
    for (int number = 0; number < kResolutionsPerRoom; ++number) {
        const std::vector<State> states = generators::choose_states(choices, judged.room);
        if (Outcome outcome = check_resolution(judged, states)) return outcome;
    }
    return std::nullopt;
}

}  // namespace matrix::fuzz
