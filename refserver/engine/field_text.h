// The text of HTTP header fields, as far as several modules read it alike.
#pragma once

#include <string_view>

namespace matrix::engine {

/// Without the spaces and tabs at either end. Spec: RFC 9110, section 5.6.3.
constexpr std::string_view trim_blanks(std::string_view text) {
    constexpr std::string_view kBlanks = " \t";
    const std::size_t begin = text.find_first_not_of(kBlanks);
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(kBlanks) - begin + 1);
}

}  // namespace matrix::engine
