// A part of a run that several processes divide among themselves.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace matrix::comparison {

struct Shard {
    std::uint64_t index = 0;  ///< Less than `count`.
    std::uint64_t count = 1;

    bool has(std::uint64_t number) const { return number % count == index; }
};

/// "2/4" is the second of four; nothing if it is no such text, or if there are more than
/// `count_max`.
std::optional<Shard> parse_shard(std::string_view text, std::uint64_t count_max = UINT64_MAX);

}  // namespace matrix::comparison
