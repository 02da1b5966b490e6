// A queue of small numbers, each at most once, of which the greatest is next.
//
// A tree of bits, in which a bit says whether 64 below it have any: adding and taking cost a few
// operations, however many numbers there are.
//
// Private to state_resolution*.cpp.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "refserver/base/assert.h"

namespace matrix::resolution {

class IndexQueue {
public:
    /// Numbers must be below `limit` from here on. Must be empty.
    void start(std::size_t limit) {
        MATRIX_ASSERT(empty());
        if (limit <= limit_) return;
        limit_ = std::bit_ceil(limit);
        levels_.clear();
        for (std::size_t bits = limit_; levels_.empty() || bits > 1;) {
            bits = (bits + kBits - 1) / kBits;
            levels_.emplace_back(bits);
        }
    }
    bool empty() const { return levels_.empty() || levels_.back()[0] == 0; }

    void insert(std::uint32_t number) {
        std::size_t place = number;
        for (Level& level : levels_) {
            std::uint64_t& word = level[place / kBits];
            const bool had_any = word != 0;
            word |= std::uint64_t{1} << place % kBits;
            if (had_any) return;
            place /= kBits;
        }
    }
    std::uint32_t take_greatest() {
        std::size_t place = 0;
        for (auto level = levels_.rbegin(); level != levels_.rend(); ++level) {
            const auto leading = static_cast<std::size_t>(std::countl_zero((*level)[place]));
            place = place * kBits + (kBits - 1 - leading);
        }
        const auto number = static_cast<std::uint32_t>(place);
        for (Level& level : levels_) {
            std::uint64_t& word = level[place / kBits];
            word &= ~(std::uint64_t{1} << place % kBits);
            if (word != 0) break;
            place /= kBits;
        }
        return number;
    }
    void clear() {
        while (!empty())
            take_greatest();
    }

private:
    static constexpr std::size_t kBits = 64;
    using Level = std::vector<std::uint64_t>;
    std::vector<Level> levels_;  ///< The widest first; the last one is a single word.
    std::size_t limit_ = 0;
};

}  // namespace matrix::resolution
