// Reads "i/n".

#include "tests/comparison/shard.h"

#include <charconv>

namespace matrix::comparison {
namespace {

std::optional<std::uint64_t> parse_count(std::string_view text) {
    std::uint64_t count = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
    if (error != std::errc() || end != text.data() + text.size() || count == 0) return std::nullopt;
    return count;
}

}  // namespace

std::optional<Shard> parse_shard(std::string_view text, std::uint64_t count_max) {
    const std::size_t slash = text.find('/');
    if (slash == std::string_view::npos) return std::nullopt;
    const auto number = parse_count(text.substr(0, slash));
    const auto count = parse_count(text.substr(slash + 1));
    if (!number || !count || *number > *count || *count > count_max) return std::nullopt;
    return Shard{.index = *number - 1, .count = *count};
}

}  // namespace matrix::comparison
