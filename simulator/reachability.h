// Which of the marks of a program a run has reached, and which a whole campaign has not.
#pragma once

#include <string>
#include <vector>

#include "refserver/base/sometimes.h"
#include "refserver/protocol/json.h"

namespace matrix::simulator {

/// The names of the marks that were reached since they were forgotten last, in order. This is what
/// the record of a run holds; the union of several is what all of them have reached.
std::vector<std::string> list_reached_names();

/// The places whose names are not among those: what a campaign has never seen.
std::vector<SometimesPlace> list_unreached_places(const std::vector<std::string>& reached);

/// For a record: `[{"file": ..., "line": ..., "name": ..., "reached": ...}, ...]`.
json::Array write_places(const std::vector<SometimesPlace>& places);

}  // namespace matrix::simulator
