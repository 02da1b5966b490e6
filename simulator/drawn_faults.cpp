#include "simulator/drawn_faults.h"

namespace matrix::simulator {

bool DrawnFaults::fires(std::string_view name) {
    if (is_stopped_) return false;
    auto point = points_.find(name);
    if (point == points_.end()) {
        const bool is_used = random_.below(kUsedOneIn) == kUsedOneIn - 1;
        point = points_.emplace(name, Point{.is_used = is_used}).first;
    }
    if (!point->second.is_used || point->second.firings == kFiringsMax) return false;
    if (random_.below(kFiresOneIn) != kFiresOneIn - 1) return false;
    ++point->second.firings;
    return true;
}

std::map<std::string, std::uint64_t> DrawnFaults::list_firings() const {
    std::map<std::string, std::uint64_t> firings;
    for (const auto& [name, point] : points_) {
        if (point.firings > 0) firings.emplace(name, point.firings);
    }
    return firings;
}

}  // namespace matrix::simulator
