// Files that commands write.
#pragma once

#include <string>
#include <string_view>

namespace matrix::simulator {

/// Writes a file as a whole, or standard output if `path` is empty: another file takes its place at
/// the end, so that what stood there is never half overwritten. False: standard error says why.
bool write_output(const std::string& path, std::string_view text);

}  // namespace matrix::simulator
