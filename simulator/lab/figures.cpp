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

}  // namespace matrix::lab
