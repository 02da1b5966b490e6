// One run of the simulator: a seed and a scenario in, a report out.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "refserver/engine/counters.h"
#include "simulator/checkers/convergence.h"
#include "simulator/checkers/soundness.h"
#include "simulator/cluster.h"
#include "simulator/workloads/power_struggle.h"

namespace matrix::simulator {

struct RunOptions {
    ClusterOptions cluster;
    PowerStruggleOptions workload;
    bool has_intruder = true;
    std::optional<std::string> trace_file;
};

/// What must have happened at least, for a passed run to mean something.
struct Minimum {
    std::string_view what;
    std::uint64_t least;
    std::uint64_t counted;
    bool is_met() const { return counted >= least; }
};

enum class Outcome {
    Passed,
    Disagreement,  ///< A checker found servers that differ or are unsound, or one failed a request.
    Vacuous,       ///< Nothing was found, but too little happened to say so.
    Stuck,         ///< The workload did not come to its end within its virtual time.
};

struct RunReport {
    Outcome outcome = Outcome::Stuck;
    std::string trace_hash;
    std::int64_t virtual_us = 0;
    std::uint64_t dispatches = 0;
    std::uint64_t draws = 0;
    std::uint64_t messages = 0;
    std::uint64_t deliveries = 0;  ///< Events accepted by a server that another one sent.
    engine::Counters counters;     ///< Summed over the servers.
    PowerStruggle::Counts operations;
    std::uint64_t intrusions = 0;
    ConvergenceReport convergence;
    SoundnessReport soundness;
    std::vector<Minimum> minima;
};

/// Nothing: the trace file cannot be written.
std::optional<RunReport> run(const RunOptions& options);

}  // namespace matrix::simulator
