// Seeds as people write them: numbers, ranges of numbers, hashes of commits.
#pragma once

#include <cstddef>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace matrix::simulator {

/// A seed, and how it was written.
struct SeedName {
    std::uint64_t seed = 0;
    std::string text;
    friend bool operator==(const SeedName&, const SeedName&) = default;
};

inline constexpr std::size_t kSeedsMax = 10'000'000;  ///< Of one sweep.

/// A decimal number of 64 bits is itself. Hexadecimal text of 7 to 64 digits that is no such
/// number, as the hash of a commit is, becomes `stable_hash` of its lower-case letters.
std::expected<SeedName, std::string> parse_seed(std::string_view text);

/// A decimal number of 64 bits without a sign, and nothing else.
std::optional<std::uint64_t> parse_number(std::string_view text);

/// A list with commas of seeds and of ranges `first..last`, both included: `0..99,1234,deadbeef`.
/// In their order, each once.
std::expected<std::vector<SeedName>, std::string> parse_seeds(std::string_view text);

}  // namespace matrix::simulator
