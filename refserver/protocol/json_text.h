// What the parser and the writer of JSON share: finding the next byte of a string that matters.
#pragma once

#include <bit>
#include <cstdint>
#include <cstring>

namespace matrix::json {

/// Which bytes the scan stops at, besides `"`, `\` and control characters.
enum class ScanStop { AtNonAscii, AtEscapesOnly };

/// The first byte from `begin` on that is `"`, `\`, below 0x20 or, if asked for, above 0x7F.
template <ScanStop kStop>
inline const char* scan_plain(const char* begin, const char* end) {
    static_assert(std::endian::native == std::endian::little);
    constexpr std::uint64_t kOnes = 0x0101010101010101;
    constexpr std::uint64_t kHighs = 0x8080808080808080;
    // High bit of each byte that is zero; false positives only behind a true one.
    const auto zeros = [](std::uint64_t word) { return (word - kOnes) & ~word; };
    for (; end - begin >= 8; begin += 8) {
        std::uint64_t word;
        std::memcpy(&word, begin, 8);
        std::uint64_t stops = zeros(word ^ (kOnes * '"')) | zeros(word ^ (kOnes * '\\')) |
                              ((word - kOnes * 0x20) & ~word);
        if constexpr (kStop == ScanStop::AtNonAscii) stops |= word;
        stops &= kHighs;
        if (stops != 0) return begin + std::countr_zero(stops) / 8;
    }
    for (; begin != end; ++begin) {
        const auto byte = static_cast<unsigned char>(*begin);
        if (byte < 0x20 || byte == '"' || byte == '\\') break;
        if (kStop == ScanStop::AtNonAscii && byte >= 0x80) break;
    }
    return begin;
}

}  // namespace matrix::json
