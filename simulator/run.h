// One run of the simulator: a scenario in, a report out.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "simulator/choices.h"
#include "simulator/cluster.h"
#include "simulator/findings.h"
#include "simulator/scenario/scenario.h"

namespace matrix::simulator {

class Check;
class Recorder;

/// How to run, which changes nothing of what happens.
struct RunOptions {
    Crypto crypto = Crypto::Simulated;
    runtime::LogLevel log_level = runtime::LogLevel::Error;
    bool has_pointer_draw = false;          ///< Plants a draw that no seed decides.
    bool is_recording = false;              ///< Keeps the choices for the report.
    std::optional<std::string> trace_file;  ///< JSON lines of everything.
    std::string plant;                      ///< A planted bug's name; empty: none.
    std::uint64_t* dispatches = nullptr;    ///< Counted there as they happen; null: nowhere.
    Recorder* recorder = nullptr;           ///< Writes down what happens; null: nobody does.
    Check* onlooker = nullptr;              ///< Looks on beside the checkers; may be null.
};

enum class Outcome {
    Passed,
    FailedCheck,   ///< A checker found something wrong.
    Inconclusive,  ///< Nothing was found, but too little happened to say so, or faults excuse it.
    Stuck,         ///< Servers did not come to rest within their virtual time.
};

/// What must have happened at least, for a passed run to mean something.
struct Minimum {
    std::string what;  ///< A metric.
    std::uint64_t least = 0;
    std::uint64_t counted = 0;
    bool is_met() const { return counted >= least; }
};

struct RunReport {
    Outcome outcome = Outcome::Stuck;
    std::string stuck_in;  ///< Which phase did not end.
    std::string trace_hash;
    std::int64_t virtual_us = 0;
    /// Everything that was counted, by name: what servers did, what users asked for, what checkers
    /// looked at.
    std::map<std::string, std::uint64_t> metrics;
    std::vector<Finding> findings;  ///< The first of each checker.
    std::uint64_t finding_count = 0;
    std::vector<Minimum> minima;
    /// Why something that looks wrong cannot be held against the servers.
    std::vector<std::string> excuses;
    ChoiceRecord choices;              ///< If they were recorded.
    std::vector<std::string> reached;  ///< Marks, by name (reachability.h).

    std::uint64_t metric(std::string_view name) const;
};

/// Nothing: the trace file cannot be written. The scenario is sound (`find_fault_of`).
std::optional<RunReport> run(const Scenario& scenario, const RunOptions& options = {});

}  // namespace matrix::simulator
