#include "simulator/drawn_faults.h"

#include <set>

#include "refserver/base/sometimes.h"

namespace matrix::simulator {

std::vector<std::string_view> list_fault_points() {
    std::set<std::string_view> names;
    for (const SometimesMark& mark : all_sometimes_marks()) {
        std::string_view name = mark.name();
        if (!name.starts_with(runtime::kFaultPointPrefix)) continue;
        name.remove_prefix(runtime::kFaultPointPrefix.size());
        names.insert(name);
    }
    return {names.begin(), names.end()};
}

void DrawnFaults::use(std::string_view name, std::uint64_t one_in) {
    used_.insert_or_assign(std::string(name), Used{.one_in = one_in});
}

void DrawnFaults::stop(std::string_view name) {
    const auto used = used_.find(name);
    if (used != used_.end()) used_.erase(used);
}

bool DrawnFaults::fires(std::string_view name) {
    const auto used = used_.find(name);
    if (used == used_.end() || used->second.firings == kFiringsMax) return false;
    // One stream each: a shrunk scenario lacks some of them, and the others fire as before.
    runtime::Random& random =
        choices_.stream(std::string(runtime::kFaultPointPrefix) + std::string(name));
    const std::uint64_t one_in = used->second.one_in;
    if (random.below(one_in) != one_in - 1) return false;
    ++used->second.firings;
    ++firings_;
    return true;
}

}  // namespace matrix::simulator
