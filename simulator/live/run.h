// A live run, from an idle target to a report.
#pragma once

#include <functional>
#include <string>

#include "simulator/live/arena.h"
#include "simulator/live/report.h"

namespace matrix::live {

/// Says how far the run is, in one line. Called on the thread that runs it.
using Progress = std::function<void(const std::string& line)>;

/// Fills the report. The error: why the target cannot be used at all.
std::expected<void, std::string> run_live(const LiveOptions& options,
                                          Report& report,
                                          const Progress& progress);

}  // namespace matrix::live
