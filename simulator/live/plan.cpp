#include "simulator/live/plan.h"

#include <array>

#include "refserver/base/assert.h"
#include "simulator/simulated_random.h"
#include "simulator/weighted_draw.h"

namespace matrix::live {
namespace {

struct WeightedAction {
    Action action;
    std::uint64_t weight;
};
constexpr std::array kWeights = {
    WeightedAction{Action::Message, 40},
    WeightedAction{Action::Topic, 10},
    WeightedAction{Action::PowerLevels, 10},
    WeightedAction{Action::Ban, 7},
    WeightedAction{Action::Unban, 6},
    WeightedAction{Action::Kick, 5},
    WeightedAction{Action::Invite, 5},
    WeightedAction{Action::Join, 10},
    WeightedAction{Action::Leave, 3},
    WeightedAction{Action::Redact, 4},
};
constexpr std::array kLevels = {0, 25, 50};

int below(runtime::Random& random, int n) {
    return static_cast<int>(random.below(static_cast<std::uint64_t>(n)));
}

int draw_other(runtime::Random& random, const PlanOptions& options) {
    return below(random, options.sides()) * kUsersPerSide + 1;
}

// What only an anchor may do for certain is asked of anchors more often than of others.
Operation draw_operation(runtime::Random& random, const PlanOptions& options) {
    Operation operation;
    operation.action = simulator::draw_weighted(random, kWeights).action;
    operation.actor = below(random, options.actors());
    operation.room = below(random, options.rooms);
    operation.subject = draw_other(random, options);
    operation.level = kLevels[random.below(kLevels.size())];
    operation.pause_ms = below(random, options.pause_ms_max + 1);
    switch (operation.action) {
        case Action::PowerLevels:
            operation.actor -= operation.actor % kUsersPerSide;  // The anchor of that side.
            break;
        case Action::Join:
        case Action::Leave:
            operation.actor = operation.subject;  // Never an anchor.
            break;
        default:
            break;
    }
    return operation;
}

std::string name_of_side(const PlanOptions& options, int side) {
    return side == options.target_side() ? kTargetEnd : std::to_string(side);
}

LinkFault draw_noise(runtime::Random& random) {
    LinkFault fault;
    fault.delay_ms_max = below(random, 400);
    fault.refused_percent = below(random, 25);
    fault.lost_percent = below(random, 25);
    fault.reset_percent = below(random, 30);
    fault.slow_percent = below(random, 20);
    return fault;
}

// A seed decides on which side of a split each server is; the target is on the second.
void cut_halves(runtime::Random& random, const PlanOptions& options, LinkFaults& faults) {
    std::vector<int> halves;
    for (int side = 0; side < options.sides(); ++side)
        halves.push_back(below(random, 2));
    halves.front() = 0;
    halves.back() = 1;
    for (int from = 0; from < options.sides(); ++from) {
        for (int to = 0; to < options.sides(); ++to) {
            const auto at = [&](int side) { return halves[static_cast<std::size_t>(side)]; };
            if (at(from) == at(to)) continue;
            faults[{name_of_side(options, from), name_of_side(options, to)}].is_cut = true;
        }
    }
}

// One way: who cannot ask can still be asked.
void cut_one_way(runtime::Random& random, const PlanOptions& options, LinkFaults& faults) {
    const std::string end = name_of_side(options, below(random, options.servers));
    const bool is_inwards = random.one_in(2);
    const Link link = is_inwards ? Link{kTargetEnd, end} : Link{end, kTargetEnd};
    faults[link].is_cut = true;
}

void draw_faults(runtime::Random& random, const PlanOptions& options, Round& round) {
    enum Shape : std::uint64_t { Noise, Halves, TargetAlone, OneWay, HalvesAndNoise, kShapes };
    const auto shape = static_cast<Shape>(random.below(kShapes));
    constexpr std::array kNames = {
        "noise", "two halves", "the target alone", "one way", "two halves and noise"};
    round.shape = kNames[shape];
    for (int side = 0; side < options.servers; ++side) {
        const std::string end = std::to_string(side);
        const LinkFault to_target = draw_noise(random);
        const LinkFault from_target = draw_noise(random);
        if (shape == Noise || shape == HalvesAndNoise) {
            round.faults[{end, kTargetEnd}] = to_target;
            round.faults[{kTargetEnd, end}] = from_target;
        }
        if (shape == TargetAlone) {
            round.faults[{end, kTargetEnd}].is_cut = true;
            round.faults[{kTargetEnd, end}].is_cut = true;
        }
    }
    if (shape == Halves || shape == HalvesAndNoise) cut_halves(random, options, round.faults);
    if (shape == OneWay) cut_one_way(random, options, round.faults);
}

}  // namespace

std::string_view name_of(Action action) {
    switch (action) {
        case Action::Message:
            return "message";
        case Action::Topic:
            return "topic";
        case Action::PowerLevels:
            return "power levels";
        case Action::Ban:
            return "ban";
        case Action::Unban:
            return "unban";
        case Action::Kick:
            return "kick";
        case Action::Invite:
            return "invite";
        case Action::Join:
            return "join";
        case Action::Leave:
            return "leave";
        case Action::Redact:
            return "redaction";
    }
    unreachable();
}

std::vector<Round> draw_plan(const PlanOptions& options) {
    simulator::SimulatedRandomSource source(options.seed);
    runtime::Random& of_faults = source.stream("plan of faults");
    runtime::Random& of_operations = source.stream("plan of operations");
    std::vector<Round> rounds(static_cast<std::size_t>(options.rounds));
    for (Round& round : rounds) {
        round.shape = "no faults";
        if (options.has_faults) draw_faults(of_faults, options, round);
        for (int number = 0; number < options.operations; ++number)
            round.operations.push_back(draw_operation(of_operations, options));
    }
    return rounds;
}

}  // namespace matrix::live
