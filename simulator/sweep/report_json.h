// What reports and records have in common, as JSON: counts, findings, names.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "refserver/protocol/json.h"
#include "simulator/findings.h"

namespace matrix::simulator {

json::Object write_counts(const std::map<std::string, std::uint64_t>& counts);
json::Array write_findings(const std::vector<Finding>& findings);
json::Array write_names(const std::vector<std::string>& names);

}  // namespace matrix::simulator
