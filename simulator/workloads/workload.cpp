#include "simulator/workloads/workload.h"

#include <algorithm>
#include <array>

#include "simulator/workloads/power_struggle.h"

namespace matrix::simulator {
namespace {

constexpr std::array kWorkloads = {
    Workload{"power_struggle",
             "People talk, edit power levels, ban, kick and invite each other.",
             draw_power_struggle},
};

}  // namespace

std::span<const Workload> all_workloads() {
    return kWorkloads;
}

const Workload* find_workload(std::string_view name) {
    const auto place = std::ranges::find(kWorkloads, name, &Workload::name);
    return place == kWorkloads.end() ? nullptr : &*place;
}

}  // namespace matrix::simulator
