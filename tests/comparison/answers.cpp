// Asks both implementations, and compares.

#include "tests/comparison/answers.h"

#include <sstream>

#include "tests/generators/state_sets.h"

namespace matrix::comparison {
namespace {

void print(std::ostream& out, const std::vector<EventId>& ids) {
    for (const EventId& id : ids)
        out << ' ' << id;
}

void print(std::ostream& out, const std::vector<JudgedEvent>& steps) {
    for (const auto& [id, rule] : steps)
        out << ' ' << id << '(' << rule << ')';
}

void print(std::ostream& out, const oracle::StateMap& state) {
    for (const auto& [key, id] : state)
        out << ' ' << key.first << '|' << key.second << '=' << id;
}

template <class Part>
std::string describe_pair(std::string_view what, const Part& fast, const Part& literal) {
    std::ostringstream out;
    out << "they differ in " << what << "\n  fast:  ";
    print(out, fast);
    out << "\n  oracle:";
    print(out, literal);
    out << '\n';
    return out.str();
}

}  // namespace

namespace {

std::optional<std::string> find_difference_of_orders(const Answer& fast, const Answer& literal) {
    if (fast.full_conflicted_set != literal.full_conflicted_set) {
        return describe_pair(
            "the full conflicted set", fast.full_conflicted_set, literal.full_conflicted_set);
    }
    if (fast.power_order != literal.power_order) {
        return describe_pair(
            "the order of the power events", fast.power_order, literal.power_order);
    }
    if (fast.mainline != literal.mainline) {
        return describe_pair("the mainline", fast.mainline, literal.mainline);
    }
    if (fast.remaining_order != literal.remaining_order) {
        return describe_pair(
            "the order of the rest", fast.remaining_order, literal.remaining_order);
    }
    return std::nullopt;
}

}  // namespace

std::optional<std::string> find_difference(const Answer& fast, const Answer& literal) {
    if (literal.has_conflict && literal.has_orders) {
        if (auto difference = find_difference_of_orders(fast, literal)) return difference;
    }
    if (literal.has_conflict && fast.steps != literal.steps) {
        return describe_pair("the verdicts", fast.steps, literal.steps);
    }
    if (fast.state != literal.state) return describe_pair("the state", fast.state, literal.state);
    return std::nullopt;
}

namespace {

oracle::StateMap state_map_of(const State& state) {
    oracle::StateMap map;
    state.for_each([&](const StateKey& key, const EventId& id) {
        map.emplace_hint(map.end(), oracle::Key(key.type, key.state_key), id);
    });
    return map;
}

}  // namespace

std::vector<oracle::StateMap> state_maps_of(std::span<const State> states) {
    std::vector<oracle::StateMap> maps;
    for (const State& state : states)
        maps.push_back(state_map_of(state));
    return maps;
}

oracle::Room oracle_room_of(const generators::Room& room, const std::set<EventId>& missing) {
    oracle::Room literal(room.rules());
    for (const generators::RoomEvent& made : room.events()) {
        if (missing.contains(made.event->id)) continue;
        literal.add(made.event,
                    made.is_rejected ? oracle::Standing::Rejected : oracle::Standing::Accepted);
    }
    return literal;
}

Answer ask_fast(const generators::Room& room, const Dispute& dispute) {
    Resolver resolver(
        room.rules(), generators::finder_without(room, dispute.missing), ed25519_verifier());
    return ask_resolver(resolver, dispute.states);
}

Answer ask_resolver(Resolver& resolver, std::span<const State> states) {
    ResolutionTrace trace;
    const State resolved = resolver.resolve(states, &trace);
    Answer answer = {.state = state_map_of(resolved),
                     .has_conflict = true,
                     .full_conflicted_set = std::move(trace.full_conflicted_set),
                     .power_order = std::move(trace.power_events),
                     .mainline = std::move(trace.mainline),
                     .remaining_order = std::move(trace.remaining_events)};
    for (const ResolutionTrace::Step& step : trace.steps) {
        answer.steps.emplace_back(
            step.event_id, step.verdict ? "allowed" : std::string(step.verdict.error().rule));
    }
    return answer;
}

Answer ask_oracle(const oracle::Room& literal,
                  std::span<const State> states,
                  const oracle::Options& options) {
    oracle::Resolution resolution = oracle::resolve(literal, state_maps_of(states), options);
    const oracle::Trace& trace = resolution.trace;
    Answer answer = {.state = std::move(resolution.state),
                     .has_conflict = !trace.conflicted_keys.empty(),
                     .has_orders = literal.rules().state_resolution != StateResolution::V1,
                     .full_conflicted_set = list_event_ids(trace.full_conflicted_set),
                     .power_order = list_event_ids(trace.power_order),
                     .mainline = list_event_ids(trace.mainline),
                     .remaining_order = list_event_ids(trace.remaining_order)};
    for (const oracle::Step& step : trace.steps)
        answer.steps.emplace_back(step.event->id(), rule_of(step.verdict));
    return answer;
}

namespace {

std::string_view standing_of(const generators::RoomEvent& made, const Dispute& dispute) {
    if (dispute.missing.contains(made.event->id)) return "missing";
    if (made.is_rejected) return "rejected";
    return made.is_soft_failed ? "soft-failed" : "accepted";
}

}  // namespace

std::string describe(const generators::Room& room, const Dispute& dispute) {
    std::ostringstream out;
    out << "room version " << room.rules().version << '\n';
    for (const generators::RoomEvent& made : room.events()) {
        out << standing_of(made, dispute) << ' ' << made.event->id << ' ' << made.event->text
            << '\n';
    }
    for (const oracle::StateMap& state : state_maps_of(dispute.states)) {
        out << "state:";
        print(out, state);
        out << '\n';
    }
    return out.str();
}

}  // namespace matrix::comparison
