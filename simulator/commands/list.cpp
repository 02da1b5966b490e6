// `simulator list`: what scenarios are made of, who looks at them, what can be planted.

#include <cstdio>
#include <string>

#include "simulator/checkers/checkers.h"
#include "simulator/commands/commands.h"
#include "simulator/planted/planted_bug.h"
#include "simulator/scenario/disturbance.h"
#include "simulator/scenario/verbs.h"
#include "simulator/workloads/workload.h"

namespace matrix::simulator {
namespace {

void print_entry(std::string_view name, std::string_view meaning) {
    std::printf("  %-22s %s\n", std::string(name).c_str(), std::string(meaning).c_str());
}

}  // namespace

ExitCode execute(const ListCommand&) {
    std::printf("workloads\n");
    for (const Workload& workload : all_workloads())
        print_entry(workload.name, workload.meaning);
    std::printf("disturbances\n");
    for (const Disturbance& disturbance : all_disturbances())
        print_entry(disturbance.name, disturbance.meaning);
    std::printf("checkers\n");
    for (const Checker& checker : all_checkers())
        print_entry(checker.name, checker.meaning);
    std::printf("planted bugs, who catches them, and in which scenario\n");
    for (const PlantedBug& bug : all_planted_bugs()) {
        const std::string flag =
            bug.workload.empty() ? "" : " --workload " + std::string(bug.workload);
        print_entry(bug.name,
                    std::string(bug.caught_by) + ", --seed " + std::to_string(bug.seed) + flag +
                        ": " + std::string(bug.meaning));
    }
    std::printf("verbs of a timeline\n");
    for (const Verb& verb : all_verbs()) {
        print_entry(verb.name, verb.meaning);
        for (const Parameter& parameter : verb.parameters)
            print_entry("", describe(parameter));
    }
    return ExitCode::Passed;
}

}  // namespace matrix::simulator
