#include "refserver/engine/peers/freshness.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <chrono>

#include "refserver/engine/field_text.h"

namespace matrix::engine {
namespace {

/// Longer than anything that is believed; keeps the arithmetic far from overflow.
constexpr std::int64_t kSecondsMax = std::int64_t{10} * 365 * 24 * 60 * 60;

// Digits and nothing else, at most `most`; a longer number is `most`.
std::optional<std::int64_t> parse_digits(std::string_view text, std::int64_t most) {
    const bool is_number =
        !text.empty() && std::ranges::all_of(text, [](char c) { return c >= '0' && c <= '9'; });
    if (!is_number) return std::nullopt;
    std::int64_t value = most;
    const auto outcome = std::from_chars(text.data(), text.data() + text.size(), value);
    return outcome.ec == std::errc() ? std::min(value, most) : most;
}

/// What the directives of all Cache-Control fields say together.
struct CacheControl {
    bool is_forbidden = false;
    std::optional<std::int64_t> age_max;
};

CacheControl read_cache_control(const runtime::Headers& headers) {
    CacheControl control;
    for (const std::string& field : headers.find_all("Cache-Control")) {
        std::string_view rest = field;
        while (!rest.empty()) {
            const std::size_t comma = std::min(rest.find(','), rest.size());
            const std::string_view directive = trim_blanks(rest.substr(0, comma));
            rest.remove_prefix(std::min(comma + 1, rest.size()));
            const std::size_t equals = std::min(directive.find('='), directive.size());
            const std::string_view name = trim_blanks(directive.substr(0, equals));
            if (runtime::equal_ignoring_case(name, "no-store") ||
                runtime::equal_ignoring_case(name, "no-cache")) {
                control.is_forbidden = true;
            }
            if (!runtime::equal_ignoring_case(name, "max-age") || control.age_max) continue;
            std::string_view value =
                trim_blanks(directive.substr(std::min(equals + 1, directive.size())));
            if (value.size() >= 2 && value.starts_with('"') && value.ends_with('"')) {
                value = value.substr(1, value.size() - 2);
            }
            // An age that cannot be read is none: RFC 9111 says to take the response as stale.
            control.age_max = parse_digits(value, kSecondsMax).value_or(0);
        }
    }
    return control;
}

}  // namespace

std::optional<runtime::Duration> find_lifetime(const runtime::Headers& headers,
                                               runtime::Timestamp now) {
    const CacheControl control = read_cache_control(headers);
    if (control.is_forbidden) return runtime::Duration{0};
    if (control.age_max) {
        const std::string* age = headers.find("Age");
        const std::int64_t spent = age ? parse_digits(*age, kSecondsMax).value_or(0) : 0;
        return runtime::seconds(std::max<std::int64_t>(*control.age_max - spent, 0));
    }
    const std::string* expires = headers.find("Expires");
    if (!expires) return std::nullopt;
    const auto end = parse_http_date(*expires);
    if (!end) return runtime::Duration{0};  // RFC 9111, 5.3: like "0", it lies in the past.
    const std::string* date = headers.find("Date");
    const runtime::Timestamp start = (date ? parse_http_date(*date) : std::nullopt).value_or(now);
    return runtime::Duration{std::max<std::int64_t>((*end - start).value, 0)};
}

std::optional<runtime::Timestamp> parse_http_date(std::string_view text) {
    constexpr std::array<std::string_view, 12> kMonths{
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
    // The name of the day says nothing new.
    constexpr std::string_view kForm = "Ddd, 00 Mmm 0000 00:00:00 GMT";
    if (text.size() != kForm.size()) return std::nullopt;
    for (std::size_t i = 0; i < kForm.size(); ++i) {
        const bool is_free = (kForm[i] >= 'a' && kForm[i] <= 'z') || kForm[i] == 'D' ||
                             kForm[i] == 'M' || kForm[i] == '0';
        const bool is_zone = i + 3 >= kForm.size();
        if ((!is_free || is_zone) && text[i] != kForm[i]) return std::nullopt;
    }
    const auto number = [text](std::size_t at, std::size_t length) {
        return parse_digits(text.substr(at, length), kSecondsMax);
    };
    const auto day = number(5, 2);
    const auto month = std::ranges::find(kMonths, text.substr(8, 3));
    const auto year = number(12, 4);
    const auto hour = number(17, 2);
    const auto minute = number(20, 2);
    const auto second = number(23, 2);
    if (!day || month == kMonths.end() || !year || !hour || !minute || !second) return std::nullopt;
    const std::chrono::year_month_day date{
        std::chrono::year(static_cast<int>(*year)),
        std::chrono::month(static_cast<unsigned>(month - kMonths.begin()) + 1),
        std::chrono::day(static_cast<unsigned>(*day))};
    // A leap second is the one before it.
    if (!date.ok() || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
    const std::int64_t days = std::chrono::sys_days(date).time_since_epoch().count();
    const std::int64_t seconds =
        ((days * 24 + *hour) * 60 + *minute) * 60 + std::min(*second, std::int64_t{59});
    return runtime::Timestamp{seconds * 1000};
}

}  // namespace matrix::engine
