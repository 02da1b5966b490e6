// Faults of the network, of disks, clocks and processes: the table.

#include <array>

#include "simulator/scenario/verbs.h"
#include "simulator/world.h"

namespace matrix::simulator {
namespace {

constexpr Parameter kDuration{
    .name = kDurationParameter, .kind = ParameterKind::Integer, .meaning = "How long.", .least = 1};

constexpr std::array kPartitionParameters = {
    Parameter{"groups", ParameterKind::Groups, "Who still reaches whom; others are in the first."},
    kDuration,
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

constexpr std::array kFaultPointParameters = {
    Parameter{"point", ParameterKind::FaultPoint, "Which one."},
    Parameter{.name = "one_in",
              .kind = ParameterKind::Integer,
              .meaning = "It fires once in so many times that a server passes it.",
              .least = 1,
              .most = 1'000'000},
    kDuration,
};

Task<void> use_fault_point(World* world, Step step) {
    world->fault_points().use(step.text("point"),
                              static_cast<std::uint64_t>(step.integer("one_in")));
    co_return;
}

void end_fault_point(World& world, const Step& step) {
    world.fault_points().stop(step.text("point"));
}

constexpr std::array kFaultVerbs = {
    Verb{"fault_point",
         VerbKind::Fault,
         "The servers do at times what they may do, and hardly ever do.",
         kFaultPointParameters,
         use_fault_point,
         end_fault_point},
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
