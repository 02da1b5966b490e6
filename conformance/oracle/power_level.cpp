// Integers, strings and floats that are power levels.

#include "conformance/oracle/power_level.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <limits>
#include <string>
#include <string_view>

namespace matrix::oracle {
namespace {

using Int64 = std::numeric_limits<std::int64_t>;

// An int64 has at most 19 digits, so no exponent beyond this and the length of the text matters.
constexpr std::int64_t kShiftMax = 100'000;

bool is_digits(std::string_view text) {
    return !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
}

// `digits` may be empty, which is nothing.
Level level_of_digits(bool is_negative, std::string_view digits) {
    std::int64_t value = 0;
    const std::string text = (is_negative ? "-" : "") + std::string(digits);
    const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
    if (result.ec == std::errc::result_out_of_range)
        value = is_negative ? Int64::min() : Int64::max();
    return {.value = value};
}

std::string_view trim(std::string_view text) {
    constexpr std::string_view kBlank = " \t\n\v\f\r";
    while (!text.empty() && kBlank.contains(text.front()))
        text.remove_prefix(1);
    while (!text.empty() && kBlank.contains(text.back()))
        text.remove_suffix(1);
    return text;
}

// White space, a sign, leading zeros and digits; white space is that of ASCII.
std::optional<Level> read_string(std::string_view text) {
    text = trim(text);
    const bool is_negative = text.starts_with('-');
    if (is_negative || text.starts_with('+')) text.remove_prefix(1);
    if (!is_digits(text)) return std::nullopt;
    return level_of_digits(is_negative, text);
}

std::int64_t read_exponent(std::string_view text) {
    if (text.starts_with('+')) text.remove_prefix(1);
    std::int64_t exponent = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), exponent);
    if (result.ec == std::errc::result_out_of_range) {
        exponent = text.starts_with('-') ? -kShiftMax : kShiftMax;
    }
    return std::clamp(exponent, -kShiftMax, kShiftMax);
}

// "First, exponential notation is applied. Second, the value is truncated at the decimal point."
Level read_float(std::string_view text) {
    const bool is_negative = text.starts_with('-');
    if (is_negative) text.remove_prefix(1);
    const std::size_t e = text.find_first_of("eE");
    const std::int64_t exponent =
        e == std::string_view::npos ? 0 : read_exponent(text.substr(e + 1));
    text = text.substr(0, e);
    const std::size_t point = text.find('.');
    std::string whole(text.substr(0, point));
    std::string fraction(point == std::string_view::npos ? "" : text.substr(point + 1));

    if (exponent >= 0) {
        fraction.resize(std::max(fraction.size(), static_cast<std::size_t>(exponent)), '0');
        whole += fraction.substr(0, static_cast<std::size_t>(exponent));
    } else {
        whole.resize(whole.size() - std::min(whole.size(), static_cast<std::size_t>(-exponent)));
    }
    return level_of_digits(is_negative, whole);
}

}  // namespace

bool is_beyond_double(const json::Value& value) {
    const json::OtherNumber* number = value.if_other_number();
    return number && std::isinf(std::strtod(number->text.c_str(), nullptr));
}

std::optional<Level> read_level(const json::Value& value, int version) {
    if (const std::int64_t* integer = value.if_integer()) return Level{.value = *integer};
    if (const std::string* string = value.if_string(); string && version <= 9) {
        return read_string(*string);
    }
    if (const json::OtherNumber* number = value.if_other_number(); number && version <= 5) {
        if (is_beyond_double(value)) return std::nullopt;
        return read_float(number->text);
    }
    return std::nullopt;
}

}  // namespace matrix::oracle
