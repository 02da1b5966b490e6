#include "simulator/quick_hash.h"

#include <string>

#include <gtest/gtest.h>

namespace matrix::simulator {
namespace {

// The verification value of SMHasher: the hash of the hashes of {0}, {0, 1}, {0, 1, 2} ... with the
// seeds 256, 255, 254 ..., its first four bytes.
TEST(QuickHash, IsMurmurHash3) {
    std::string key;
    std::string hashes;
    const auto append = [&](std::uint64_t word) {
        for (int shift = 0; shift < 64; shift += 8)
            hashes += static_cast<char>(word >> shift);
    };
    for (std::uint64_t length = 0; length < 256; ++length) {
        const std::uint64_t seed = 256 - length;
        const QuickHash hash = quick_hash(key, {seed, seed});
        append(hash.low);
        append(hash.high);
        key += static_cast<char>(length);
    }
    EXPECT_EQ(static_cast<std::uint32_t>(quick_hash(hashes).low), 0x6384BA69U);
}

TEST(QuickHash, DependsOnEveryByteAndOnTheSeed) {
    const std::string text(50, 'x');
    const QuickHash hash = quick_hash(text);
    for (std::size_t place = 0; place < text.size(); ++place) {
        std::string other = text;
        other[place] = 'y';
        EXPECT_FALSE(quick_hash(other) == hash) << place;
    }
    EXPECT_FALSE(quick_hash(text + '\0') == hash);
    EXPECT_FALSE(quick_hash(text, {1, 0}) == hash);
    EXPECT_FALSE(quick_hash(text, {0, 1}) == hash);
}

}  // namespace
}  // namespace matrix::simulator
