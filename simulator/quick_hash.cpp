#include "simulator/quick_hash.h"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstring>

namespace matrix::simulator {
namespace {

constexpr std::size_t kBlockBytes = 16;
constexpr std::uint64_t kFactor1 = 0x87c37b91114253d5;
constexpr std::uint64_t kFactor2 = 0x4cf5ad432745937f;

// What lies behind the end counts as zeros.
std::uint64_t read_word(std::string_view bytes) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), std::min(bytes.size(), sizeof word));
    if constexpr (std::endian::native == std::endian::big) word = std::byteswap(word);
    return word;
}

std::uint64_t mix_low(std::uint64_t word) {
    return std::rotl(word * kFactor1, 31) * kFactor2;
}
std::uint64_t mix_high(std::uint64_t word) {
    return std::rotl(word * kFactor2, 33) * kFactor1;
}

std::uint64_t finish(std::uint64_t word) {
    word = (word ^ word >> 33) * 0xff51afd7ed558ccd;
    word = (word ^ word >> 33) * 0xc4ceb9fe1a85ec53;
    return word ^ word >> 33;
}

}  // namespace

QuickHash quick_hash(std::string_view bytes, QuickHash seed) {
    const std::uint64_t size = bytes.size();
    std::uint64_t low = seed.low;
    std::uint64_t high = seed.high;
    for (; bytes.size() >= kBlockBytes; bytes.remove_prefix(kBlockBytes)) {
        low = (std::rotl(low ^ mix_low(read_word(bytes)), 27) + high) * 5 + 0x52dce729;
        high = (std::rotl(high ^ mix_high(read_word(bytes.substr(8))), 31) + low) * 5 + 0x38495ab5;
    }
    if (bytes.size() > 8) high ^= mix_high(read_word(bytes.substr(8)));
    if (!bytes.empty()) low ^= mix_low(read_word(bytes));

    low ^= size;
    high ^= size;
    low += high;
    high += low;
    low = finish(low);
    high = finish(high);
    low += high;
    high += low;
    return {low, high};
}

}  // namespace matrix::simulator
