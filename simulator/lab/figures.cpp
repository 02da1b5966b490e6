#include "simulator/lab/figures.h"

namespace matrix::lab {

std::uint64_t WorldFigures::reset_count() const {
    std::uint64_t count = 0;
    for (const std::uint64_t of_class : resets)
        count += of_class;
    return count;
}

void WorldFigures::add(const TakenBack& taken) {
    const auto place = static_cast<std::size_t>(class_of(taken.key));
    ++(taken.is_reset ? resets : taken_with_reason)[place];
}

bool Losses::count(std::span<const TakenBack> taken, WorldFigures& figures) {
    bool is_new_reset = false;
    for (const TakenBack& one : taken) {
        if (!counted_.insert({one.key, one.newest}).second) continue;
        figures.add(one);
        is_new_reset |= one.is_reset;
    }
    return is_new_reset;
}

State resolve_counted(Resolver& resolver,
                      std::span<const State> states,
                      const Stopwatch& stopwatch,
                      WorldFigures& figures) {
    const std::int64_t start = stopwatch ? stopwatch() : 0;
    State result = resolver.resolve(states);
    if (stopwatch) figures.resolving_ns += stopwatch() - start;
    ++figures.resolutions;
    figures.conflicted_events += resolver.summary().conflicted_events;
    return result;
}

}  // namespace matrix::lab
