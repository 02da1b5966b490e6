// Faults of the network, of disks, clocks and processes: the table.

#include <array>

#include "simulator/scenario/verbs.h"
#include "simulator/world.h"

namespace matrix::simulator {
namespace {

constexpr std::array kPartitionParameters = {
    Parameter{"groups", ParameterKind::Groups, "Who still reaches whom; others are in the first."},
    Parameter{.name = kDurationParameter,
              .kind = ParameterKind::Integer,
              .meaning = "How long.",
              .least = 1},
};

Task<void> partition(World* world, Step step) {
    std::vector<int> group_of_host(static_cast<std::size_t>(world->scenario().servers), 0);
    const json::Array& groups = *step.arguments.find("groups")->if_array();
    for (std::size_t group = 0; group < groups.size(); ++group) {
        for (const json::Value& server : *groups[group].if_array()) {
            const int number = world->server_number(*server.if_string());
            group_of_host[static_cast<std::size_t>(number)] = static_cast<int>(group);
        }
    }
    world->cluster().network().split(group_of_host);
    co_return;
}

void end_partition(World& world, const Step&) {
    world.cluster().network().heal();
}

constexpr std::array kFaultVerbs = {
    Verb{"partition",
         VerbKind::Fault,
         "Servers of different groups do not reach each other.",
         kPartitionParameters,
         partition,
         end_partition},
};

}  // namespace

std::span<const Verb> fault_verbs() {
    return kFaultVerbs;
}

}  // namespace matrix::simulator
