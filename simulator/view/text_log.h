// A run as text: one line for each event of a server, in columns, for `diff` and `grep`.
#pragma once

#include <string>

#include "simulator/recording/recording.h"

namespace matrix::simulator {

/// The columns stand at the same places in every line: virtual time in seconds, server, kind, room,
/// event, verdict, detail. README.md lists the kinds. The ids behind the short names follow at the
/// end, each line with `#` in front.
std::string write_text_log(const Recording& recording);

}  // namespace matrix::simulator
