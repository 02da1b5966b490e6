// The HTML view of records.
#pragma once

#include <string>
#include <vector>

#include "conformance/records/record.h"

namespace matrix::conformance {

/// One self-contained page of the last attempts.
std::string to_html(const std::vector<records::Record>& records);

}  // namespace matrix::conformance
