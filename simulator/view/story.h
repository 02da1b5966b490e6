// The story of a run, as text for an expert: its outcome, and for each finding where servers parted
// and why.
#pragma once

#include <string>

#include "simulator/recording/recording.h"

namespace matrix::simulator {

/// What is known of the run besides its recording.
struct RunFacts {
    std::string banner;      ///< What was drawn, in lines.
    std::string outcome;     ///< "failed-check", "crash", ...
    std::string reason;      ///< Of a crash, or of what makes a run inconclusive; lines.
    std::string stuck_in;    ///< The phase that did not end.
    std::string trace_hash;  ///< Empty if the run did not come to its end.
    std::string repeat;      ///< The one line that repeats it.
};

std::string tell_story(const Recording& recording, const RunFacts& facts);

}  // namespace matrix::simulator
