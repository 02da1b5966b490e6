// The fast state resolution and the literal one agree: on the result, on both orders, and on each
// verdict and the rule behind it.

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "conformance/oracle/state_resolution.h"
#include "refserver/protocol/state_resolution.h"
#include "tests/generators/room.h"

namespace matrix {
namespace {

using generators::Choices;

oracle::StateMap state_map_of(const State& state) {
    oracle::StateMap map;
    state.for_each(
        [&](const StateKey& key, const EventId& id) { map[{key.type, key.state_key}] = id; });
    return map;
}

oracle::Room oracle_room_of(const generators::Room& room) {
    oracle::Room copy(room.rules());
    for (const generators::RoomEvent& event : room.events()) {
        copy.add(event.event,
                 event.is_rejected ? oracle::Standing::Rejected : oracle::Standing::Accepted);
    }
    return copy;
}

std::vector<std::string> describe(const ResolutionTrace& trace) {
    std::vector<std::string> lines;
    const auto add = [&](const char* what, const std::vector<EventId>& ids) {
        for (const EventId& id : ids)
            lines.push_back(what + id.text());
    };
    add("conflicted ", trace.full_conflicted_set);
    add("power ", trace.power_events);
    add("mainline ", trace.mainline);
    add("remaining ", trace.remaining_events);
    for (const ResolutionTrace::Step& step : trace.steps) {
        const auto& verdict = step.verdict;
        lines.push_back("step " + step.event_id.text() + ' ' +
                        (verdict ? "allowed" : std::string(verdict.error().rule)));
    }
    return lines;
}

std::vector<std::string> describe(const oracle::Trace& trace) {
    std::vector<std::string> lines;
    const auto add = [&](const char* what, const std::vector<EventId>& ids) {
        for (const EventId& id : ids)
            lines.push_back(what + id.text());
    };
    add("conflicted ", list_event_ids(trace.full_conflicted_set));
    add("power ", list_event_ids(trace.power_order));
    add("mainline ", list_event_ids(trace.mainline));
    add("remaining ", list_event_ids(trace.remaining_order));
    for (const oracle::Step& step : trace.steps)
        lines.push_back("step " + step.event->id().text() + ' ' + rule_of(step.verdict));
    return lines;
}

const RoomRules* any_rules() {
    std::vector<const RoomRules*> all;
    for (const RoomRules& rules : all_room_rules())
        all.push_back(&rules);
    return *rc::gen::elementOf(all);
}

RC_GTEST_PROP(ResolutionAgreement, ReachesTheSameStateByTheSameSteps, ()) {
    constexpr int kChoicesPerSize = 6;
    const RoomRules& rules = *any_rules();
    Choices choices = Choices::from_numbers(*rc::gen::scale(
        kChoicesPerSize, rc::gen::container<std::vector<std::uint32_t>>(rc::gen::inRange(0, 600))));
    const generators::Room room = generators::make_room(choices, rules);
    const oracle::Room oracle_room = oracle_room_of(room);

    Choices state_choices = Choices::from_seed(*rc::gen::inRange(0, 1'000'000));
    for (int count = 0; count < 10; ++count) {
        const std::vector<State> states = generators::choose_states(state_choices, room);
        ResolutionTrace trace;
        const State resolved = resolve(states, room.finder(), rules, ed25519_verifier(), &trace);

        std::vector<oracle::StateMap> maps;
        for (const State& state : states)
            maps.push_back(state_map_of(state));
        const oracle::Resolution literal = oracle::resolve(oracle_room, maps);
        // Where nothing is in conflict the fast one ends before it looks for a mainline.
        if (!literal.trace.conflicted_keys.empty()) {
            RC_ASSERT(describe(literal.trace) == describe(trace));
        }
        RC_ASSERT(literal.state == state_map_of(resolved));
    }
}

}  // namespace
}  // namespace matrix
