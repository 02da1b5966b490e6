// Assertions: what we promise ourselves. Active in every build; a failure ends the process.
//
// Bad input from outside never reaches one of these: it is an error value.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <source_location>

namespace matrix {

[[noreturn]] inline void fail_assertion(
    const char* condition, std::source_location where = std::source_location::current()) {
    std::fprintf(stderr,
                 "%s:%u: assertion failed: %s\n",
                 where.file_name(),
                 static_cast<unsigned>(where.line()),
                 condition);
    std::abort();
}

/// Ends a `switch` that handles every enumerator.
[[noreturn]] inline void unreachable(std::source_location where = std::source_location::current()) {
    fail_assertion("unreachable", where);
}

}  // namespace matrix

#define MATRIX_ASSERT(condition) \
    static_cast<void>((condition) || (::matrix::fail_assertion(#condition), false))
