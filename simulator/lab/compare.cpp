#include "simulator/lab/compare.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "refserver/base/assert.h"
#include "simulator/lab/server_world.h"

namespace matrix::lab {
namespace {

WorldFigures run_one(std::uint64_t seed,
                     const RoomRules& own,
                     const RoomRules& other,
                     const CompareOptions& options) {
    const bool has_steps = own.state_resolution != StateResolution::V1 &&
                           other.state_resolution != StateResolution::V1;
    const WorldOptions world = {.stopwatch = options.stopwatch,
                                .other = has_steps ? &other : nullptr};
    switch (options.worlds) {
        case Worlds::Model:
            return run_world(plan_world(seed, options.wrong_answers), own, world).figures;
        case Worlds::Servers:
            return run_servers(seed, own, world);
    }
    unreachable();
}

// --- Cases ---------------------------------------------------------------------------------------

std::vector<Case> choose_cases(const Comparison& comparison) {
    std::vector<Case> cases;
    for (const bool is_lost_by_a : {true, false}) {
        const Side& loser = is_lost_by_a ? comparison.a : comparison.b;
        const Side& keeper = is_lost_by_a ? comparison.b : comparison.a;
        for (std::size_t place = 0; place < kKeyClasses; ++place) {
            std::optional<std::size_t> worst;
            for (std::size_t world = 0; world < loser.worlds.size(); ++world) {
                const std::uint64_t lost = loser.worlds[world].resets[place];
                if (lost == 0 || keeper.worlds[world].resets[place] > 0) continue;
                if (!worst || lost > loser.worlds[*worst].resets[place]) worst = world;
            }
            if (!worst) continue;
            const std::uint64_t seed = comparison.options.first_seed + *worst;
            cases.push_back({.seed = seed,
                             .is_lost_by_a = is_lost_by_a,
                             .key_class = static_cast<KeyClass>(place),
                             .plan = plan_world(seed, comparison.options.wrong_answers)});
        }
    }
    return cases;
}

}  // namespace

Comparison compare_versions(const CompareOptions& options) {
    MATRIX_ASSERT(options.first_seed <= options.last_seed);
    Comparison comparison = {.options = options};
    for (std::uint64_t seed = options.first_seed; seed <= options.last_seed; ++seed) {
        comparison.a.worlds.push_back(run_one(seed, *options.a, *options.b, options));
        comparison.b.worlds.push_back(run_one(seed, *options.b, *options.a, options));
        if (options.on_progress) options.on_progress(seed - options.first_seed + 1);
    }
    if (!options.wants_cases || options.worlds == Worlds::Servers) return comparison;
    comparison.cases = choose_cases(comparison);
    for (Case& found : comparison.cases)
        found.plan = shrink(found, *options.a, *options.b);
    return comparison;
}

}  // namespace matrix::lab
