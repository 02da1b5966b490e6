// Random: where every bit of chance comes from.
//
// Streams are named, so that one more draw in one part does not shift all the others.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "refserver/base/assert.h"

namespace matrix::runtime {

class Random {
public:
    virtual ~Random() = default;

    /// 64 uniformly distributed bits.
    virtual std::uint64_t bits() = 0;

    /// From 0 to `n` - 1, each equally likely. `n` is not 0.
    ///
    /// Virtual because the simulator records decisions, not the bits of which they are made.
    virtual std::uint64_t below(std::uint64_t n) {
        MATRIX_ASSERT(n > 0);
        // The first values of an uneven remainder are drawn again.
        const std::uint64_t uneven = (0 - n) % n;
        std::uint64_t draw = bits();
        while (draw < uneven)
            draw = bits();
        return draw % n;
    }
    /// True once in `n` times.
    bool one_in(std::uint64_t n) { return below(n) == 0; }
    /// `count` bytes.
    std::string bytes(std::size_t count);
    /// `length` characters of `alphabet`.
    std::string text(std::size_t length, std::string_view alphabet);
};

/// Letters that are safe in identifiers, tokens and URLs.
inline constexpr std::string_view kLetters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

class RandomSource {
public:
    virtual ~RandomSource() = default;
    /// The stream of this name: the same object for the same name, for as long as the source lives.
    virtual Random& stream(std::string_view name) = 0;
};

}  // namespace matrix::runtime
