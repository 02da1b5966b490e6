// The simulator's commands: what each was asked for, and the function that does it.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "simulator/commands/exit_code.h"
#include "simulator/run.h"
#include "simulator/scenario/draw.h"
#include "simulator/scenario/scenario.h"
#include "simulator/sweep/seeds.h"
#include "simulator/sweep/shard.h"

namespace matrix::simulator {

/// What to print: text for people, or one JSON object.
enum class Output { Text, Json };
/// Does a run have a process of its own? Without one a debugger sees it, and a crash is a crash.
enum class Process { Child, Same };

/// Once, or a second time to compare?
enum class Runs { Once, Twice };

/// `run` and `replay`: one scenario, drawn from a seed or read from a file.
struct RunCommand {
    Scenario scenario;
    RunOptions run;
    Output output = Output::Text;
    Process process = Process::Child;
    Runs runs = Runs::Once;
    std::chrono::seconds time_limit{};
    std::string repeat;  ///< The one line that repeats it.
};
ExitCode execute(const RunCommand& command);

/// `draw`: the scenario of a seed, as a file.
struct DrawCommand {
    Scenario scenario;
};
ExitCode execute(const DrawCommand& command);

/// `list`: what scenarios are made of, who checks them, and what can be planted.
struct ListCommand {};
ExitCode execute(const ListCommand& command);

/// `sweep`: the scenarios of many seeds, each in a process of its own.
struct SweepCommand {
    DrawOptions draw;  ///< But for the seed.
    RunOptions run;
    std::vector<SeedName> seeds;  ///< All, of every shard.
    std::string seeds_text;       ///< As they were given.
    ShardChoice shard;
    int jobs = 1;
    std::optional<std::chrono::seconds> budget;  ///< No seed is begun after it.
    std::chrono::seconds time_limit{};           ///< Of one run.
    bool runs_twice = false;                     ///< Compares two hashes of each seed.
    std::string records_file;                    ///< Empty: none.
    std::string run_name;                        ///< Of the records; empty: made of what is swept.
    std::string flags;                           ///< Of `simulator run`, but for the seed.
    Output output = Output::Text;
};
ExitCode execute(const SweepCommand& command);

/// `shrink`: the smallest scenario that fails as this one does.
struct ShrinkCommand {
    Scenario scenario;
    RunOptions run;
    std::string checker;  ///< Which failure is meant; empty: the first one found.
    int jobs = 1;
    std::optional<std::chrono::seconds> budget;
    std::chrono::seconds time_limit{};  ///< Of one run.
    std::string output_file;            ///< Empty: standard output.
    std::string flags;                  ///< Of `simulator replay`, behind the file.
};
ExitCode execute(const ShrinkCommand& command);

/// `view`: a run as a page, as a text, or both.
struct ViewCommand {
    Scenario scenario;
    RunOptions run;
    std::chrono::seconds time_limit{};
    std::string page_file;  ///< Empty: no page.
    std::string log_file;   ///< Empty: no text; "-": standard output.
    std::string repeat;     ///< The one line that repeats the run.
};
ExitCode execute(const ViewCommand& command);

/// `explain`: what happened in a run, and why, as a text.
struct ExplainCommand {
    Scenario scenario;
    RunOptions run;
    std::chrono::seconds time_limit{};
    std::string output_file;  ///< Empty: standard output.
    std::string repeat;
};
ExitCode execute(const ExplainCommand& command);

/// `merge`: record files as one.
struct MergeCommand {
    std::vector<std::string> files;
    std::string output_file;  ///< Empty: standard output.
};
ExitCode execute(const MergeCommand& command);

/// Printed, never hashed: which build this is.
extern const char* const kBuildId;

}  // namespace matrix::simulator
