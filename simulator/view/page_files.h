// The files of page/, as the build puts them into the program (embed.cmake).
#pragma once

#include <string_view>

namespace matrix::simulator::page_files {

extern const std::string_view kHtml;
extern const std::string_view kStyle;
extern const std::string_view kScript;  ///< All scripts, one after the other.

}  // namespace matrix::simulator::page_files
