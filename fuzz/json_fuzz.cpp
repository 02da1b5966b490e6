// Any bytes: the parser accepts or refuses, never crashes, and what it accepts it writes back the
// same.

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "refserver/base/assert.h"
#include "refserver/protocol/json.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace matrix;
    const std::string_view bytes(reinterpret_cast<const char*>(data), size);
    const auto strict = json::parse(bytes, json::Numbers::Canonical);
    const auto lenient = json::parse(bytes, json::Numbers::Any);
    // P-J8: what is strictly accepted has the same canonical form under both.
    if (strict) MATRIX_ASSERT(lenient && json::write(*strict) == json::write(*lenient));
    if (!lenient) return 0;
    // P-J1: writing is a fixed point. (The values may differ: `1e10` is written as an integer.)
    const std::string written = json::write(*lenient);
    const auto again = json::parse(written, json::Numbers::Any);
    MATRIX_ASSERT(again && json::write(*again) == written);
    return 0;
}
