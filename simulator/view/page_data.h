// What the page of a run is drawn from, as JSON; page/data.js reads it.
#pragma once

#include <string>

#include "refserver/protocol/json.h"
#include "simulator/recording/recording.h"
#include "simulator/view/story.h"

namespace matrix::simulator {

/// Times are microseconds; lists of a row's values stand for objects, to be short. -1 is nothing.
json::Object make_page_data(const Recording& recording, const RunFacts& facts);

}  // namespace matrix::simulator
