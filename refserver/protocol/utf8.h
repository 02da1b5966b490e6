// UTF-8: is it well-formed? (RFC 3629: no overlong forms, no surrogates, nothing above U+10FFFF.)
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace matrix {

/// The length of the well-formed character at the start of `text`; 0 if there is none.
inline std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t i) {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
    };
    const auto is_between = [](unsigned value, unsigned low, unsigned high) {
        return value >= low && value <= high;
    };
    const auto is_tail = [&](std::size_t i) { return is_between(byte(i), 0x80, 0xBF); };
    if (text.empty()) return 0;

    const unsigned first = byte(0);
    if (first < 0x80) return 1;
    if (is_between(first, 0xC2, 0xDF)) return is_tail(1) ? 2 : 0;
    if (is_between(first, 0xE0, 0xEF)) {
        const unsigned low = first == 0xE0 ? 0xA0 : 0x80;
        const unsigned high = first == 0xED ? 0x9F : 0xBF;
        return is_between(byte(1), low, high) && is_tail(2) ? 3 : 0;
    }
    if (is_between(first, 0xF0, 0xF4)) {
        const unsigned low = first == 0xF0 ? 0x90 : 0x80;
        const unsigned high = first == 0xF4 ? 0x8F : 0xBF;
        return is_between(byte(1), low, high) && is_tail(2) && is_tail(3) ? 4 : 0;
    }
    return 0;
}

/// The beginning of well-formed text, of at most so many bytes and of whole characters.
inline std::string_view utf8_prefix(std::string_view text, std::size_t bytes_max) {
    std::size_t end = std::min(text.size(), bytes_max);
    while (end < text.size() && end > 0 && (static_cast<unsigned char>(text[end]) >> 6) == 2)
        --end;
    return text.substr(0, end);
}

inline bool is_valid_utf8(std::string_view text) {
    while (!text.empty()) {
        const std::size_t length = utf8_length(text);
        if (length == 0) return false;
        text.remove_prefix(length);
    }
    return true;
}

}  // namespace matrix
