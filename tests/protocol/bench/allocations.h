// How often a program asked for memory: linking allocations.cpp replaces operator new.
#pragma once

#include <cstdint>

#include <benchmark/benchmark.h>

namespace matrix::testing {

/// Of this program, since it started.
std::uint64_t count_allocations();

/// Reports the allocations of the iterations during its life, for each iteration.
class AllocationColumn {
public:
    explicit AllocationColumn(benchmark::State& run) : run_(run), before_(count_allocations()) {}
    AllocationColumn(const AllocationColumn&) = delete;
    AllocationColumn& operator=(const AllocationColumn&) = delete;
    ~AllocationColumn() {
        run_.counters["allocations"] = benchmark::Counter(
            static_cast<double>(count_allocations() - before_), benchmark::Counter::kAvgIterations);
    }

private:
    benchmark::State& run_;
    std::uint64_t before_;
};

}  // namespace matrix::testing
