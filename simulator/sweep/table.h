// The table at the end of a sweep: outcomes, and failures by what they have in common.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "simulator/sweep/seed_record.h"

namespace matrix::simulator {

/// Seeds that failed in one way.
struct FailureGroup {
    std::string
        cause;  ///< "checker convergence", "crash: file:line: ...", "stuck: in phase heal", ...
    std::uint64_t count = 0;
    std::vector<std::uint64_t> first_seeds;
    std::string repeat;  ///< Of the first.
    std::string example;
};

struct SweepTable {
    std::map<std::string, std::uint64_t> outcomes;
    std::vector<FailureGroup> failures;            ///< The most frequent first.
    std::map<std::string, std::uint64_t> metrics;  ///< Sums.
    std::set<std::string> reached;                 ///< Marks that some run reached.
    std::uint64_t seeds = 0;
    std::int64_t duration_ms = 0;  ///< The sum of all runs' real time.
};

SweepTable tabulate(const std::vector<SeedRecord>& records);
/// For people.
std::string to_text(const SweepTable& table);
/// As one JSON object on one line.
std::string to_json(const SweepTable& table);

}  // namespace matrix::simulator
