// A run as one HTML page: timeline of all servers, event graph, states, resolutions, findings.
//
// The page holds everything that it shows, and asks no network. Its code is in page/.
#pragma once

#include <string>

#include "simulator/recording/recording.h"
#include "simulator/view/story.h"

namespace matrix::simulator {

/// So many resolutions are shown step by step; the page says how many were left out.
inline constexpr Index kMeetingsShownMax = 2'000;

std::string write_page(const Recording& recording, const RunFacts& facts, const std::string& title);

}  // namespace matrix::simulator
