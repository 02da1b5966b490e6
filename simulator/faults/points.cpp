// What the servers may do themselves: the fault points in their code.

#include <array>

#include "simulator/faults/faults.h"

namespace matrix::simulator {
namespace {

constexpr std::array kFaultPointParameters = {
    Parameter{"point", ParameterKind::FaultPoint, "Which one."},
    Parameter{.name = "one_in",
              .kind = ParameterKind::Integer,
              .meaning = "It fires once in so many times that a server passes it.",
              .least = 1,
              .most = 1'000'000},
    kForMs,
};

Task<void> use_fault_point(World* world, Step step) {
    world->fault_points().use(step.text("point"),
                              static_cast<std::uint64_t>(step.integer("one_in")));
    co_return;
}

void end_fault_point(World& world, const Step& step) {
    world.fault_points().stop(step.text("point"));
}

constexpr std::array kFaultPoints = {
    Verb{"fault_point",
         VerbKind::Fault,
         "The servers do at times what they may do, and hardly ever do.",
         kFaultPointParameters,
         use_fault_point,
         end_fault_point},
};

}  // namespace

std::span<const Verb> fault_points() {
    return kFaultPoints;
}

}  // namespace matrix::simulator
