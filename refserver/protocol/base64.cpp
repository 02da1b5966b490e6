// Unpadded base64 by table.

#include "refserver/protocol/base64.h"

#include <array>
#include <cstdint>

#include "refserver/base/assert.h"

namespace matrix {
namespace {

constexpr std::string_view kStandardAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::string_view kUrlAlphabet =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

std::string encode_with(std::string_view alphabet, std::string_view bytes) {
    std::string text((bytes.size() * 4 + 2) / 3, '\0');
    char* out = text.data();
    const auto byte_at = [&](std::size_t place) -> std::uint32_t {
        return place < bytes.size() ? static_cast<unsigned char>(bytes[place]) : 0;
    };
    std::size_t at = 0;
    for (; at + 3 <= bytes.size(); at += 3) {
        const std::uint32_t bits = byte_at(at) << 16 | byte_at(at + 1) << 8 | byte_at(at + 2);
        *out++ = alphabet[bits >> 18];
        *out++ = alphabet[bits >> 12 & 0x3F];
        *out++ = alphabet[bits >> 6 & 0x3F];
        *out++ = alphabet[bits & 0x3F];
    }
    const std::size_t left = bytes.size() - at;
    const std::uint32_t bits = byte_at(at) << 16 | byte_at(at + 1) << 8;
    if (left >= 1) *out++ = alphabet[bits >> 18];
    if (left >= 1) *out++ = alphabet[bits >> 12 & 0x3F];
    if (left == 2) *out++ = alphabet[bits >> 6 & 0x3F];
    MATRIX_ASSERT(out == text.data() + text.size());
    return text;
}

using Digits = std::array<std::int8_t, 256>;  // The value of each character, -1 if it has none.

constexpr Digits make_digits(std::string_view alphabet) {
    Digits digits;
    digits.fill(-1);
    for (std::size_t i = 0; i < alphabet.size(); ++i) {
        digits[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
    }
    return digits;
}

constexpr Digits kStandardDigits = make_digits(kStandardAlphabet);
constexpr Digits kUrlDigits = make_digits(kUrlAlphabet);

std::optional<std::string> decode_with(const Digits& digits, std::string_view text) {
    if (text.size() % 4 == 0 && text.ends_with('=')) {
        text.remove_suffix(text.ends_with("==") ? 2 : 1);
    }
    if (text.size() % 4 == 1) return std::nullopt;

    std::string bytes(text.size() * 3 / 4, '\0');
    char* out = bytes.data();
    std::uint32_t bits = 0;
    int bit_count = 0;
    for (const char c : text) {
        const std::int8_t digit = digits[static_cast<unsigned char>(c)];
        if (digit < 0) return std::nullopt;
        bits = bits << 6 | static_cast<std::uint32_t>(digit);
        bit_count += 6;
        if (bit_count >= 8) {
            bit_count -= 8;
            *out++ = static_cast<char>(bits >> bit_count & 0xFF);
        }
    }
    MATRIX_ASSERT(out == bytes.data() + bytes.size());
    return bytes;
}

}  // namespace

std::string encode_base64(std::string_view bytes) {
    return encode_with(kStandardAlphabet, bytes);
}
std::string encode_base64_url(std::string_view bytes) {
    return encode_with(kUrlAlphabet, bytes);
}

std::optional<std::string> decode_base64(std::string_view text) {
    return decode_with(kStandardDigits, text);
}
std::optional<std::string> decode_base64_url(std::string_view text) {
    return decode_with(kUrlDigits, text);
}

}  // namespace matrix
