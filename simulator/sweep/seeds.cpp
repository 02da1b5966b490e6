#include "simulator/sweep/seeds.h"

#include <algorithm>
#include <charconv>
#include <set>

#include "refserver/base/index_map.h"

namespace matrix::simulator {
namespace {

constexpr std::size_t kHashDigitsMin = 7;
constexpr std::size_t kHashDigitsMax = 64;

std::string quoted(std::string_view text) {
    return "'" + std::string(text) + "'";
}

std::expected<std::vector<SeedName>, std::string> parse_range(std::string_view text,
                                                              std::size_t dots) {
    const auto first = parse_number(text.substr(0, dots));
    const auto last = parse_number(text.substr(dots + 2));
    if (!first || !last || *last < *first)
        return std::unexpected("expected a range FIRST..LAST of numbers, found " + quoted(text));
    if (*last - *first >= kSeedsMax) {
        return std::unexpected("expected at most " + std::to_string(kSeedsMax) + " seeds, found " +
                               quoted(text));
    }
    std::vector<SeedName> seeds;
    for (std::uint64_t offset = 0; offset <= *last - *first; ++offset)
        seeds.push_back({*first + offset, std::to_string(*first + offset)});
    return seeds;
}

}  // namespace

std::optional<std::uint64_t> parse_number(std::string_view text) {
    std::uint64_t number = 0;
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || rest != text.data() + text.size()) return std::nullopt;
    return number;
}

std::expected<SeedName, std::string> parse_seed(std::string_view text) {
    if (const auto number = parse_number(text)) return SeedName{*number, std::string(text)};
    std::string digits;
    for (const char c : text) {
        const char lower = c >= 'A' && c <= 'F' ? static_cast<char>(c - 'A' + 'a') : c;
        const bool is_digit = (lower >= '0' && lower <= '9') || (lower >= 'a' && lower <= 'f');
        if (is_digit) digits += lower;
    }
    if (digits.size() == text.size() && digits.size() >= kHashDigitsMin &&
        digits.size() <= kHashDigitsMax) {
        return SeedName{stable_hash(digits), std::string(text)};
    }
    return std::unexpected(
        "expected a seed: a number of 64 bits, or the hexadecimal hash of a commit, found " +
        quoted(text));
}

std::expected<std::vector<SeedName>, std::string> parse_seeds(std::string_view text) {
    std::vector<SeedName> seeds;
    std::set<std::uint64_t> known;
    while (true) {
        const std::size_t comma = std::min(text.find(','), text.size());
        const std::string_view part = text.substr(0, comma);
        std::vector<SeedName> found;
        if (const std::size_t dots = part.find(".."); dots != std::string_view::npos) {
            auto range = parse_range(part, dots);
            if (!range) return std::unexpected(range.error());
            found = std::move(*range);
        } else {
            auto seed = parse_seed(part);
            if (!seed) return std::unexpected(seed.error());
            found.push_back(std::move(*seed));
        }
        for (SeedName& seed : found) {
            if (known.insert(seed.seed).second) seeds.push_back(std::move(seed));
        }
        if (seeds.size() > kSeedsMax)
            return std::unexpected("expected at most " + std::to_string(kSeedsMax) + " seeds");
        if (comma == text.size()) return seeds;
        text.remove_prefix(comma + 1);
    }
}

}  // namespace matrix::simulator
