// The same worlds under two room versions: what each did to their rooms, and which change did it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "simulator/lab/world.h"

namespace matrix::lab {

/// Which worlds: rooms and their states alone (world.h), or whole servers (server_world.h).
enum class Worlds { Model, Servers };

struct CompareOptions {
    const RoomRules* a = nullptr;
    const RoomRules* b = nullptr;
    std::uint64_t first_seed = 0;
    std::uint64_t last_seed = 999;
    Worlds worlds = Worlds::Model;
    std::size_t wrong_answers = 0;  ///< In each model world.
    bool wants_cases = false;       ///< Cutting them down takes longer than all the rest.
    Stopwatch stopwatch = {};
    std::function<void(std::uint64_t done)> on_progress = {};
};

/// What one version did, world by world, in the order of seeds.
struct Side {
    std::vector<WorldFigures> worlds;
};

/// A seed whose world loses values of a class under one version, and none under the other.
struct Case {
    std::uint64_t seed = 0;
    bool is_lost_by_a = true;  ///< Else by b.
    KeyClass key_class = KeyClass::Other;
    WorldPlan plan;  ///< The smallest that was found to do so.
};

struct Comparison {
    CompareOptions options;
    Side a;
    Side b;
    /// The worst seed of each class and version, cut down; if they were asked for.
    ///
    /// UNIMPLEMENTED: worlds of whole servers have no cases: cutting a scenario down is for its
    /// shrinker, which looks for findings of checkers.
    std::vector<Case> cases;
};

Comparison compare_versions(const CompareOptions& options);

/// Cuts commands and wrong answers out of a plan, and lowers what is left, while the world still
/// loses such a value under one version and not under the other. Tries at most `kShrinkRunsMax`
/// worlds.
WorldPlan shrink(const Case& found, const RoomRules& a, const RoomRules& b);
inline constexpr std::size_t kShrinkRunsMax = 2'000;

/// Does the world of the plan show what the case is about?
bool shows(const Case& found, const WorldPlan& plan, const RoomRules& a, const RoomRules& b);

/// Tables in Markdown. `command` is what made them.
std::string write_report(const Comparison& comparison, const std::string& command);

/// A self-contained page: the cases, each resolution explained under both versions, side by side.
std::string write_compare_page(const Comparison& comparison);

}  // namespace matrix::lab
