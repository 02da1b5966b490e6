#include "tests/crash/crashes.h"

#include <algorithm>
#include <limits>
#include <memory>
#include <utility>

#include "refserver/base/assert.h"

namespace matrix::crash {
namespace {

using simulator::SimulatedDisk;

constexpr std::uint64_t kFaultsPerWorld = 40;
/// Each life ends at an operation below this, one after the other.
constexpr std::uint64_t kOperationsMax = 400;
constexpr std::int64_t kLifeMs = 60'000;
/// Long enough for the peer's longest pause between two attempts.
constexpr std::int64_t kQuietMs = 2 * 3600 * 1000;
constexpr std::int64_t kQuietStepMs = 1000;
constexpr int kOpeningsMax = 1000;
constexpr std::uint64_t kNever = std::numeric_limits<std::uint64_t>::max();

/// One world: a server and its peer, until it has crashed so often.
class CrashRun {
public:
    CrashRun(const SimulatedDisk& image,
             const CrashPlan& plan,
             std::uint64_t number,
             CrashFigures& figures)
        : plan_(plan),
          figures_(figures),
          world_(image, number + 1),
          workload_(world_),
          random_(world_.random("faults")),
          next_operation_(number / plan.stride * kFaultsPerWorld) {
        storage::seed_sqlite_randomness(static_cast<std::uint32_t>(number + 1));
    }

    void run(std::uint64_t faults) {
        world_.home().disk().lose_syncs(plan_.disk_lies);
        MATRIX_ASSERT(world_.home().start().has_value());
        workload_.prepare();
        workload_.start();
        for (std::uint64_t fault = 0; fault < faults && figures_.findings.empty(); ++fault) {
            ++figures_.faults;
            next_fault();
        }
        finish();
    }

private:
    void next_fault() {
        const std::uint64_t operation = next_operation_++ % kOperationsMax;
        switch (plan_.fault) {
            case Fault::PowerCut:
            case Fault::Kill:
                return crash_at(operation);
            case Fault::FullDisk:
            case Fault::BrokenDisk:
                return fail_at(operation);
        }
        unreachable();
    }

    void crash_at(std::uint64_t operation) {
        const std::size_t sends_from = world_.ledger().sends.size();
        SimulatedDisk& disk = world_.home().disk();
        disk.cut_power_at(disk.operations() + operation);
        world_.run_for(kLifeMs);
        if (disk.has_power()) disk.cut_power();  // Nothing is to be written any more: all waits.
        restart(sends_from);
    }

    /// The next process; sometimes the power fails while it begins.
    void restart(std::size_t sends_from) {
        SimulatedDisk& disk = world_.home().disk();
        for (int opening = 0; opening < kOpeningsMax; ++opening) {
            world_.home().end();
            // Answers that left before arrive meanwhile.
            world_.run_for(3 + static_cast<std::int64_t>(random_.below(1500)));
            plan_.fault == Fault::Kill ? disk.restart_process() : disk.restore_power();
            const bool is_cut_early = plan_.fault == Fault::PowerCut && random_.one_in(8);
            if (is_cut_early) disk.cut_power_at(disk.operations() + random_.below(30));
            const auto started = world_.home().start();
            if (!started && disk.has_power()) {
                figures_.findings.push_back("does not start: " + started.error().what);
                return;
            }
            if (started && disk.has_power()) {
                check_acknowledged(world_, sends_from, figures_.findings);
            }
            if (disk.has_power() || !figures_.findings.empty()) {
                disk.cut_power_at(kNever);
                return;
            }
            ++figures_.while_opening;
            ++figures_.faults;
        }
    }

    /// The disk fails for a while, and the server goes on; only a sync that fails ends it.
    void fail_at(std::uint64_t operation) {
        const std::size_t sends_from = world_.ledger().sends.size();
        SimulatedDisk& disk = world_.home().disk();
        SimulatedDisk::Failing failing = SimulatedDisk::Failing::Space;
        if (plan_.fault == Fault::BrokenDisk) {
            failing = random_.one_in(2) ? SimulatedDisk::Failing::Changes
                                        : SimulatedDisk::Failing::Everything;
        }
        disk.fail_from(disk.operations() + operation, failing);
        for (int waited = 0; waited < kLifeMs && world_.home().is_alive() &&
                             disk.failing() == SimulatedDisk::Failing::Nothing;
             ++waited)
            world_.run_for(1);
        world_.run_for(static_cast<std::int64_t>(random_.below(400)));
        if (!world_.home().is_alive()) {
            ++figures_.ends_by_sync;
            return restart_after_failure(sends_from);
        }
        disk.fail(SimulatedDisk::Failing::Nothing);
        world_.run_for(100);
        check_acknowledged(world_, sends_from, figures_.findings);
    }

    void restart_after_failure(std::size_t sends_from) {
        world_.home().end();
        world_.run_for(10);
        world_.home().disk().restart_process();
        const auto started = world_.home().start();
        if (!started) {
            figures_.findings.push_back("does not start: " + started.error().what);
            return;
        }
        check_acknowledged(world_, sends_from, figures_.findings);
    }

    /// Without faults all comes to rest, and both servers agree.
    void finish() {
        if (figures_.findings.empty()) {
            workload_.stop();
            for (std::int64_t waited = 0; waited < kQuietMs && !is_quiet(); waited += kQuietStepMs)
                world_.run_for(kQuietStepMs);
            world_.run_for(kQuietMs);  // What waits for its next attempt ends, too.
            if (!is_quiet()) figures_.findings.push_back("the servers do not come to rest");
            check_acknowledged(world_, 0, figures_.findings);
            world_.run_for(kQuietStepMs);
            check_agreement(world_, workload_.rooms(), figures_.findings);
        }
        const auto& unsynced = world_.home().disk().cut_counts();
        figures_.unsynced.kept += unsynced.kept;
        figures_.unsynced.torn += unsynced.torn;
        figures_.unsynced.lost += unsynced.lost;
        figures_.acknowledged += world_.ledger().acknowledged;
        figures_.refused_full += workload_.refused_full();
        figures_.refused_failed += workload_.refused_failed();
    }
    bool is_quiet() {
        return workload_.is_over() && world_.home().engine().outbox().queued() == 0 &&
               world_.peer().outbox().queued() == 0;
    }

    const CrashPlan& plan_;
    CrashFigures& figures_;
    CrashWorld world_;
    Workload workload_;
    runtime::Random& random_;
    std::uint64_t next_operation_;
};

}  // namespace

CrashFigures run_crashes(const CrashPlan& plan) {
    SimulatedDisk image(0);
    make_empty_database(image);
    CrashFigures figures;
    for (std::uint64_t world = plan.first_world;
         figures.faults < plan.faults && figures.findings.empty();
         world += plan.stride) {
        const auto run = std::make_unique<CrashRun>(image, plan, world, figures);
        run->run(std::min(kFaultsPerWorld, plan.faults - figures.faults));
        if (!figures.findings.empty()) {
            figures.findings.push_back("in world " + std::to_string(world));
        }
    }
    figures.operations_covered = std::min(figures.faults, kOperationsMax);
    return figures;
}

}  // namespace matrix::crash
