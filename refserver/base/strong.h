// Strong integer types: two numbers side by side in a signature are not mixed up.
#pragma once

#include <compare>
#include <cstdint>
#include <ostream>

namespace matrix {

/// `using StreamPosition = Strong<struct StreamPositionTag>;`
template <class Tag, class Number = std::int64_t>
struct Strong {
    Number value = 0;

    friend auto operator<=>(const Strong&, const Strong&) = default;
    friend std::ostream& operator<<(std::ostream& out, Strong number) {
        return out << number.value;
    }
};

}  // namespace matrix
