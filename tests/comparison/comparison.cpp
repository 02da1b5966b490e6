// Draws rooms and disputes, asks both resolvers, and counts.

#include "tests/comparison/comparison.h"

#include <algorithm>
#include <iomanip>
#include <ostream>

#include "refserver/base/assert.h"
#include "tests/generators/adversarial_rooms.h"
#include "tests/generators/state_sets.h"

namespace matrix::comparison {

using generators::Choices;
using generators::Room;
using generators::RoomLimits;

std::string_view name_of(StateResolution algorithm) {
    switch (algorithm) {
        case StateResolution::V1:
            return "v1";
        case StateResolution::V2:
            return "v2";
        case StateResolution::V2_1:
            return "v2.1";
    }
    unreachable();
}

std::optional<StateResolution> find_algorithm(std::string_view name) {
    for (const auto algorithm : {StateResolution::V1, StateResolution::V2, StateResolution::V2_1}) {
        if (name_of(algorithm) == name) return algorithm;
    }
    return std::nullopt;
}

namespace {

constexpr std::uint64_t kDisputesPerRoom = 10;
constexpr std::uint64_t kOneInFifty = 2;  // Percent.

const RoomRules& rules_of(const ComparisonOptions& options, std::uint64_t number) {
    if (options.rules) return *options.rules;
    std::vector<const RoomRules*> versions;
    for (const RoomRules& rules : all_room_rules()) {
        if (rules.state_resolution == options.algorithm) versions.push_back(&rules);
    }
    return *versions[number % versions.size()];
}

// How large a room is and how many quarrel in it: mostly few users and some sixty commands.
RoomLimits draw_limits(Choices& choices, generators::Realism realism) {
    static const std::vector<std::size_t> kUsers = {5, 4, 5, 4, 3, 5, 10};
    static const std::vector<std::size_t> kCommands = {60, 60, 60, 40, 25, 120, 120};
    RoomLimits limits = {.realism = realism};
    limits.user_count = choices.among(kUsers);
    limits.commands_max = choices.among(kCommands);
    return limits;
}

SeededRoom make_adversarial(Choices& choices, const RoomRules& rules) {
    std::vector<generators::AuthShape> shapes = generators::acyclic_shapes();
    // Only where ids are not hashes can events claim to cite each other.
    if (rules.event_format == EventFormat::IdsAndHashes) {
        shapes.push_back(generators::AuthShape::Cycle);
        shapes.push_back(generators::AuthShape::Cycle);
    }
    const generators::AuthShape shape = choices.among(shapes);
    auto made = make_adversarial_room(choices, rules, shape, 1 + choices.below(12));
    return {.room = std::move(made.room), .disputes = {{.states = std::move(made.states)}}};
}

SeededRoom make_room_of(Choices& choices, const RoomRules& rules, const RoomLimits& limits) {
    // The states have a stream of their own, so that a smaller room keeps its beginning.
    Choices states = Choices::from_seed(choices.below(UINT64_MAX));
    SeededRoom made = {.room = make_room(choices, rules, limits), .disputes = {}};
    for (std::uint64_t count = 0; count < kDisputesPerRoom; ++count) {
        Dispute dispute = {.states = choose_states(states, made.room)};
        if (states.happens(kOneInFifty)) dispute.missing = choose_missing(states, made.room);
        made.disputes.push_back(std::move(dispute));
    }
    return made;
}

Choices choices_of(const ComparisonOptions& options, std::uint64_t number) {
    constexpr std::uint64_t kFactor = 1'000'003;
    return Choices::from_seed(options.seed * kFactor + number);
}

}  // namespace

SeededRoom make_seeded_room(const ComparisonOptions& options, std::uint64_t number) {
    const RoomRules& rules = rules_of(options, number);
    Choices choices = choices_of(options, number);
    if (choices.happens(kOneInFifty)) return make_adversarial(choices, rules);
    const RoomLimits limits = draw_limits(choices, options.realism);
    return make_room_of(choices, rules, limits);
}

namespace {

// The same room cut off after fewer and fewer commands, as long as the resolvers still differ.
std::string describe_smallest(const ComparisonOptions& options, std::uint64_t number) {
    const RoomRules& rules = rules_of(options, number);
    for (std::size_t commands = 0; commands <= RoomLimits().commands_max * 2; ++commands) {
        Choices choices = choices_of(options, number);
        if (choices.happens(kOneInFifty)) break;
        RoomLimits limits = draw_limits(choices, options.realism);
        limits.commands_max = std::min(limits.commands_max, commands);
        const SeededRoom made = make_room_of(choices, rules, limits);
        for (const Dispute& dispute : made.disputes) {
            const auto difference = find_difference(
                ask_fast(made.room, dispute),
                ask_oracle(oracle_room_of(made.room, dispute.missing), dispute.states));
            if (difference) return *difference + describe(made.room, dispute);
        }
    }
    return {};
}

bool has_two_positions(const Answer& answer, const Room& room) {
    const auto levels_of = [&](const EventId& id) -> const EventId* {
        for (const EventId& cited : room.find(id).event->auth_events) {
            const auto found = room.find(cited);
            if (found.event && found.event->is("m.room.power_levels", "")) return &cited;
        }
        return nullptr;
    };
    if (answer.mainline.empty() || answer.remaining_order.size() < 2) return false;
    const EventId* first = levels_of(answer.remaining_order.front());
    return std::ranges::any_of(answer.remaining_order, [&](const EventId& id) {
        const EventId* other = levels_of(id);
        return (first == nullptr) != (other == nullptr) || (first && *first != *other);
    });
}

void count_state_changes(const Dispute& dispute, const Answer& answer, ComparisonCounts& counts) {
    const std::vector<oracle::StateMap> maps = state_maps_of(dispute.states);
    const bool loses = std::ranges::any_of(maps.front(), [&](const auto& entry) {
        return !answer.state.contains(entry.first) &&
               std::ranges::all_of(maps,
                                   [&](const auto& map) { return map.contains(entry.first); });
    });
    const bool gains = std::ranges::any_of(answer.state, [&](const auto& entry) {
        return std::ranges::none_of(maps, [&](const oracle::StateMap& map) {
            const auto found = map.find(entry.first);
            return found != map.end() && found->second == entry.second;
        });
    });
    counts.with_lost_keys += loses ? 1 : 0;
    counts.with_other_values += gains ? 1 : 0;
}

void count(const Room& room, const Dispute& dispute, const Answer& answer, ComparisonCounts& sum) {
    ++sum.resolutions;
    sum.with_missing_events += dispute.missing.empty() ? 0 : 1;
    if (!answer.has_conflict) return;
    ++sum.with_conflict;
    sum.with_power_events += answer.power_order.size() > 1 ? 1 : 0;
    const bool is_refused = std::ranges::any_of(
        answer.steps, [](const JudgedEvent& step) { return step.second != "allowed"; });
    sum.with_refusals += is_refused ? 1 : 0;
    sum.with_mainline += has_two_positions(answer, room) ? 1 : 0;
    count_state_changes(dispute, answer, sum);
}

// One resolution in sixteen is asked by the other algorithm too.
void count_other_algorithm(const oracle::Room& literal,
                           const Dispute& dispute,
                           const Answer& answer,
                           ComparisonCounts& sum) {
    constexpr std::uint64_t kSampled = 16;
    const RoomRules& rules = literal.rules();
    if (rules.state_resolution == StateResolution::V1 || rules.is_custom()) return;
    if (!answer.has_conflict || sum.resolutions % kSampled != 0) return;
    oracle::Options swapped;
    swapped.deviations.insert(oracle::Deviation::AlgorithmsSwapped);
    ++sum.compared_algorithms;
    if (ask_oracle(literal, dispute.states, swapped).state != answer.state) {
        ++sum.differing_algorithms;
    }
}

}  // namespace

ComparisonResult compare_resolutions(const ComparisonOptions& options) {
    ComparisonResult result;
    constexpr std::uint64_t kProgress = 1000;
    for (std::uint64_t number = options.shard.index; result.counts.resolutions < options.count;
         number += options.shard.count) {
        const SeededRoom made = make_seeded_room(options, number);
        ++result.counts.rooms;
        result.counts.acceptance.add(made.room.acceptance());
        const oracle::Room whole = oracle_room_of(made.room);
        for (const Dispute& dispute : made.disputes) {
            const bool is_whole = dispute.missing.empty();
            const oracle::Room partial = is_whole ? oracle::Room(made.room.rules())
                                                  : oracle_room_of(made.room, dispute.missing);
            const oracle::Room& literal = is_whole ? whole : partial;
            const Answer answer = ask_oracle(literal, dispute.states);
            count(made.room, dispute, answer, result.counts);
            count_other_algorithm(literal, dispute, answer, result.counts);
            const auto difference = find_difference(ask_fast(made.room, dispute), answer);
            if (difference) {
                const std::string smaller = describe_smallest(options, number);
                result.difference =
                    "room " + std::to_string(number) + " of seed " + std::to_string(options.seed) +
                    ": " + (smaller.empty() ? *difference + describe(made.room, dispute) : smaller);
                return result;
            }
            if (options.on_progress && result.counts.resolutions % kProgress == 0) {
                options.on_progress(result.counts.resolutions);
            }
        }
    }
    return result;
}

void add_counts(ComparisonCounts& sum, const ComparisonCounts& counts) {
    sum.resolutions += counts.resolutions;
    sum.rooms += counts.rooms;
    sum.with_conflict += counts.with_conflict;
    sum.with_power_events += counts.with_power_events;
    sum.with_mainline += counts.with_mainline;
    sum.with_refusals += counts.with_refusals;
    sum.with_missing_events += counts.with_missing_events;
    sum.with_lost_keys += counts.with_lost_keys;
    sum.with_other_values += counts.with_other_values;
    sum.differing_algorithms += counts.differing_algorithms;
    sum.compared_algorithms += counts.compared_algorithms;
    sum.acceptance.add(counts.acceptance);
}

std::ostream& operator<<(std::ostream& out, const ComparisonCounts& counts) {
    const auto row = [&](std::string_view what, std::uint64_t number, std::uint64_t of) {
        constexpr int kWidth = 9;
        out << std::setw(kWidth) << number << "  " << what;
        if (of > 0) {
            const std::uint64_t per_mille = number * 1000 / of;
            out << " (" << per_mille / 10 << '.' << per_mille % 10 << " %)";
        }
        out << '\n';
    };
    row("resolutions", counts.resolutions, 0);
    row("rooms", counts.rooms, 0);
    row("with a conflict", counts.with_conflict, counts.resolutions);
    row("with an order of power events", counts.with_power_events, counts.resolutions);
    row("with several mainline positions", counts.with_mainline, counts.resolutions);
    row("with refused events", counts.with_refusals, counts.resolutions);
    row("with missing events", counts.with_missing_events, counts.resolutions);
    row("that lose a key of all states", counts.with_lost_keys, counts.resolutions);
    row("with a value that no state had", counts.with_other_values, counts.resolutions);
    row("that v2 and v2.1 decide otherwise, of those that were asked both",
        counts.differing_algorithms,
        counts.compared_algorithms);
    return out;
}

}  // namespace matrix::comparison
