// Faults of processes and machines: crashes, pauses, disks that are lost or put back.
//
// A machine is held down as long as any fault holds it: it begins again when the last one ends.

#include <algorithm>
#include <array>

#include "simulator/faults/faults.h"
#include "simulator/older_release.h"

namespace matrix::simulator {
namespace {

constexpr std::int64_t kTurnsMost = 100'000;
constexpr std::int64_t kOperationsMost = 100'000;
constexpr std::array<std::string_view, 5> kDownVerbs = {
    "crash", "power_cut", "wipe", "restore_backup", "upgrade"};

SimulatedServer& server_of(World& world, const Step& step) {
    return world.cluster().server(world.server_number(step.text("server")));
}

void refresh_machine(World& world, const Step& step) {
    const bool is_held = std::ranges::any_of(kDownVerbs, [&](std::string_view verb) {
        return is_active_at(world, verb, step.text("server"));
    });
    SimulatedServer& server = server_of(world, step);
    server.hold_down(is_held);
    if (!is_held) server.start();
}

void end_crash(World& world, const Step& step) {
    server_of(world, step).forget_crash_plans();
    refresh_machine(world, step);
}

Task<void> crash(World* world, Step step) {
    refresh_machine(*world, step);
    const std::int64_t turns = step.has("after_turns") ? step.integer("after_turns") : 0;
    server_of(*world, step).crash_after(static_cast<std::uint64_t>(turns), Death::OfProcess);
    co_return;
}

Task<void> cut_power(World* world, Step step) {
    refresh_machine(*world, step);
    SimulatedServer& server = server_of(*world, step);
    const std::int64_t operation =
        step.has("after_operations") ? step.integer("after_operations") : 0;
    if (operation == 0) {
        server.crash(Death::OfPower);
    } else {
        server.cut_power_at_operation(static_cast<std::uint64_t>(operation - 1));
    }
    co_return;
}

Task<void> wipe(World* world, Step step) {
    refresh_machine(*world, step);
    SimulatedServer& server = server_of(*world, step);
    server.crash(Death::OfPower);
    server.wipe();
    co_return;
}

Task<void> back_up(World* world, Step step) {
    server_of(*world, step).back_up();
    co_return;
}

Task<void> restore_backup(World* world, Step step) {
    SimulatedServer& server = server_of(*world, step);
    if (!server.has_backup()) co_return world->skip(step, "there is no backup");
    refresh_machine(*world, step);
    server.crash(Death::OfPower);
    server.restore();
    co_return;
}

// The program of that release is not at hand: its database is, and this release migrates it.
Task<void> upgrade(World* world, Step step) {
    refresh_machine(*world, step);
    SimulatedServer& server = server_of(*world, step);
    if (server.is_disk_suspect() || server.lost_data()) {
        co_return world->skip(step, "the disk may be broken");
    }
    server.crash(Death::OfProcess);
    server.change_disk([&](SimulatedDisk& disk) {
        const std::uint64_t rows =
            rewrite_for_older_release(disk, engine::ServerOptions().database_name);
        world->measure("rows_of_older_releases", rows);
    });
}

void refresh_pause(World& world, const Step& step) {
    const int server = world.server_number(step.text("server"));
    if (is_active_at(world, "pause", step.text("server"))) {
        world.cluster().time().pause(server);
    } else {
        world.cluster().time().resume(server);
    }
}

Task<void> pause(World* world, Step step) {
    refresh_pause(*world, step);
    co_return;
}

constexpr std::array kCrashParameters = {
    kAtServer,
    Parameter{.name = "after_turns",
              .kind = ParameterKind::Integer,
              .meaning = "Not before so many more turns of its loop; default: at once.",
              .is_optional = true,
              .most = kTurnsMost},
    kForMs,
};
constexpr std::array kPowerCutParameters = {
    kAtServer,
    Parameter{.name = "after_operations",
              .kind = ParameterKind::Integer,
              .meaning = "In the middle of this operation of its disk; default: between two.",
              .is_optional = true,
              .most = kOperationsMost},
    kForMs,
};

constexpr VerbKind kFault = VerbKind::Fault;
constexpr std::array kProcessFaults = {
    Verb{"crash",
         kFault,
         "The process dies; what it wrote stays. Another begins at the end.",
         kCrashParameters,
         crash,
         end_crash},
    Verb{"power_cut",
         kFault,
         "The machine loses power; what was not synced is kept, torn or lost.",
         kPowerCutParameters,
         cut_power,
         end_crash},
    Verb{"pause",
         kFault,
         "The server runs no turn, and then everything that was due.",
         kServerForAWhile,
         pause,
         refresh_pause},
    Verb{"wipe",
         kFault,
         "The machine is down, and begins anew with an empty disk and another key.",
         kServerForAWhile,
         wipe,
         refresh_machine},
    Verb{
        "backup", kFault, "A copy of the disk is made, for restore_backup.", kServerAlone, back_up},
    Verb{"restore_backup",
         kFault,
         "The machine is down, and begins again with the disk of the last backup.",
         kServerForAWhile,
         restore_backup,
         refresh_machine},
    Verb{"upgrade",
         kFault,
         "The server was of the release before, whose database the next process migrates.",
         kServerForAWhile,
         upgrade,
         refresh_machine},
};

}  // namespace

std::span<const Verb> process_faults() {
    return kProcessFaults;
}

}  // namespace matrix::simulator
