// Faults of disks. Torn writes are what a power cut leaves of operations that were not synced.

#include <algorithm>
#include <array>

#include "simulator/faults/faults.h"

namespace matrix::simulator {
namespace {

using Failing = SimulatedDisk::Failing;

constexpr std::array<std::string_view, 2> kErrorKinds = {"changes", "everything"};
constexpr std::array kErrorParameters = {
    kAtServer,
    Parameter{.name = "what",
              .kind = ParameterKind::Option,
              .meaning = "What fails: changes of files, or reads too.",
              .options = kErrorKinds},
    kForMs,
};

// The worst of what is active.
void refresh_disk(World& world, const Step& step) {
    const std::string& name = step.text("server");
    Failing failing = Failing::Nothing;
    if (is_active_at(world, "disk_full", name)) failing = Failing::Space;
    for (const Step* error : world.active_faults("disk_error")) {
        if (error->text("server") != name) continue;
        const bool is_all = error->text("what") == "everything";
        failing = std::max(failing, is_all ? Failing::Everything : Failing::Changes);
    }
    SimulatedServer& server = world.cluster().server(world.server_number(name));
    server.fail_disk(failing);
    server.lose_syncs(is_active_at(world, "lost_fsync", name));
}

Task<void> begin_disk_fault(World* world, Step step) {
    refresh_disk(*world, step);
    co_return;
}

constexpr std::array kDiskFaults = {
    Verb{"disk_full",
         VerbKind::Fault,
         "Nothing more can be written to new places.",
         kServerForAWhile,
         begin_disk_fault,
         refresh_disk},
    Verb{"disk_error",
         VerbKind::Fault,
         "The disk answers with I/O errors.",
         kErrorParameters,
         begin_disk_fault,
         refresh_disk},
    Verb{"lost_fsync",
         VerbKind::Fault,
         "The disk says that it has synced, and has not: a power cut meanwhile loses it.",
         kServerForAWhile,
         begin_disk_fault,
         refresh_disk},
};

}  // namespace

std::span<const Verb> disk_faults() {
    return kDiskFaults;
}

}  // namespace matrix::simulator
