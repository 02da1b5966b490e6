// `refserver adapter`: this implementation as one that others are compared with.
//
// One request a line on standard input, one answer a line on standard output. The protocol is that
// of fixtures/schemas/adapter.json; a driver speaks it with adapters of other implementations too.
#pragma once

#include <string>
#include <string_view>

#include "refserver/commands/exit_code.h"

namespace matrix::commands {

inline constexpr int kAdapterProtocol = 1;

/// The answer to one line, without a line break. Never fails: what is wrong is in the answer.
std::string answer_request(std::string_view line);

/// Answers standard input until it ends; each answer is flushed.
ExitCode run_adapter();

}  // namespace matrix::commands
