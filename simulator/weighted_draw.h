// Draws from a table whose rows have weights.
#pragma once

#include <cstdint>

#include "refserver/base/assert.h"
#include "refserver/runtime/random.h"

namespace matrix::simulator {

/// One row of the table, as often as its member `weight` says. One draw.
template <class Table>
const auto& draw_weighted(runtime::Random& random, const Table& table) {
    std::uint64_t total = 0;
    for (const auto& row : table)
        total += row.weight;
    std::uint64_t left = random.below(total);
    for (const auto& row : table) {
        if (left < row.weight) return row;
        left -= row.weight;
    }
    unreachable();
}

}  // namespace matrix::simulator
