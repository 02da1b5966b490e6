// `conformance doctor`: what reaches what, before anybody wonders about failures.

#include <iostream>
#include <map>

#include <sodium.h>

#include "conformance/harness/run.h"
#include "conformance/harness/session.h"
#include "refserver/base/assert.h"

namespace matrix::conformance {
namespace {

constexpr std::chrono::milliseconds kDoctorDeadline{4'800};

// Why a test cannot run against this target; empty if it can.
std::string obstacle_to(const Case& one, Target& target) {
    const std::string since(one.requirement().since);
    if (!target.claims_version(since)) return "the server claims nothing from " + since + " on";
    const Row* row = one.row();
    if (row != nullptr && !row->room_version.empty() &&
        !target.has_room_version(row->room_version)) {
        return "the server does not support room version " + row->room_version;
    }
    for (const Capability capability : one.needs()) {
        if (!target.obstacle_to(capability).empty()) {
            return "needs " + std::string(name_of(capability));
        }
    }
    return {};
}

void print_ruled_out(Target& target, const std::vector<Case>& cases) {
    std::map<std::string, std::vector<std::string>> ruled_out;
    for (const Case& one : cases) {
        const std::string obstacle = obstacle_to(one, target);
        if (!obstacle.empty()) ruled_out[obstacle].push_back(one.id());
    }
    std::size_t count = 0;
    for (const auto& [obstacle, ids] : ruled_out)
        count += ids.size();
    std::cout << "\n" << cases.size() - count << " of " << cases.size() << " tests can run\n";
    for (const auto& [obstacle, ids] : ruled_out) {
        std::cout << "  " << ids.size() << " cannot: " << obstacle << " (" << ids.front()
                  << (ids.size() > 1 ? ", ..." : "") << ")\n";
    }
}

}  // namespace

ExitCode examine_target(const TargetOptions& options) {
    MATRIX_ASSERT(sodium_init() >= 0);
    const auto cases = select_cases({});
    auto description = read_target(options);
    if (!cases || !description) {
        std::cerr << "conformance: " << (cases ? description.error() : cases.error()) << "\n";
        return ExitCode::Usage;
    }
    description->give_up_at = std::chrono::steady_clock::now() + kDoctorDeadline;
    description->ready_within = std::min(description->ready_within, kDoctorDeadline);
    auto session = Session::open({.description = *description,
                                  .bin_dir = options.bin_dir,
                                  .log_file = "/dev/null",
                                  .peer_bind = options.peer_bind,
                                  .peer_name = options.peer_name,
                                  .probe_deadline = std::chrono::milliseconds(2'000)});
    if (!session) {
        std::cout << "problem  client API: " << session.error() << "\n";
        return ExitCode::Usage;
    }
    bool is_well = true;
    for (const Probe& probe : (*session)->probes()) {
        is_well = is_well && probe.problem.empty();
        std::cout << (probe.problem.empty() ? "ok       " : "problem  ") << probe.name << " ("
                  << probe.duration.count()
                  << " ms): " << (probe.problem.empty() ? probe.detail : probe.problem) << "\n";
    }
    print_ruled_out((*session)->target(), *cases);
    return is_well ? ExitCode::Success : ExitCode::Untested;
}

}  // namespace matrix::conformance
