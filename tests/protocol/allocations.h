// How often a program asked for memory: linking allocations.cpp replaces operator new.
#pragma once

#include <cstdint>

namespace matrix::testing {

/// Of this program, since it started.
std::uint64_t count_allocations();

}  // namespace matrix::testing
