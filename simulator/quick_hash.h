// QuickHash: 128 bits over bytes, the same on every platform; MurmurHash3, x64, 128 bits.
//
// Not cryptographic: two runs that differ by chance differ in it, but who wants to can make two
// texts with the same hash. Bytes are hashed here several times for each message of a run.
// Reference: https://github.com/aappleby/smhasher/wiki/MurmurHash3
#pragma once

#include <cstdint>
#include <string_view>

namespace matrix::simulator {

struct QuickHash {
    std::uint64_t low = 0;
    std::uint64_t high = 0;
    friend bool operator==(const QuickHash&, const QuickHash&) = default;
};

/// `seed` is where the hash starts: that of what came before, or a key.
QuickHash quick_hash(std::string_view bytes, QuickHash seed = {});

}  // namespace matrix::simulator
