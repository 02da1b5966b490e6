// Views of records for machines and for people. The HTML view is conformance/harness/html_report.h.
#pragma once

#include <string>
#include <vector>

#include "conformance/records/record.h"

namespace matrix::records {

/// JUnit XML of the last attempts: a suite for each `area/module`.
std::string to_junit(const std::vector<Record>& records);

/// Markdown of the last attempts: counts, then what did not pass.
std::string to_markdown(const std::vector<Record>& records);

enum class Colours { None, Ansi };

/// The one-screen summary at the end of a run.
std::string to_summary(const std::vector<Record>& records, Colours colours);
/// What a test that did not pass prints as it ends: requirement, exchange, the command to repeat
/// it.
std::string to_failure_text(const Record& test, Colours colours);

/// Text as XML: escaped, without the characters that XML cannot hold, invalid UTF-8 replaced.
std::string escape_xml(std::string_view text);

/// `cs/sync` of `cs/sync/slug#row`.
std::string module_of(std::string_view id);

/// The exchanges that a reader wants to see first: the last of them, up to `count`.
std::vector<Exchange> last_exchanges(const Record& test, std::size_t count);

/// The text, its end cut off behind `bytes_max` bytes with a note.
std::string shorten(const std::string& text, std::size_t bytes_max);

}  // namespace matrix::records
