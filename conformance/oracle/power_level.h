// Power levels as the room versions write them.
//
// Private to the oracle. Spec: https://spec.matrix.org/v1.19/rooms/v1/#event-format, "m.room.power_levels
// events accept values as strings" (v1 to v9) and "as floats" (v1 to v5).
#pragma once

#include <compare>
#include <cstdint>
#include <optional>

#include "refserver/protocol/json.h"

namespace matrix::oracle {

/// A power level; that of a creator in v12 is infinitely high.
struct Level {
    bool is_infinite = false;
    std::int64_t value = 0;
    friend auto operator<=>(const Level&, const Level&) = default;
};
inline constexpr Level kInfiniteLevel = {.is_infinite = true};

/// What a value of m.room.power_levels says; nothing if it is no level in this room version.
///
/// Levels beyond an int64 are its largest or smallest value: no room tells them apart.
std::optional<Level> read_level(const json::Value& value, int version);

/// Is this number outside the range of IEEE 754 binary64? Only v1 to v5 let such numbers through.
bool is_beyond_double(const json::Value& value);

}  // namespace matrix::oracle
