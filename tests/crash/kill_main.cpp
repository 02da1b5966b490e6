// kill_refserver: kills a real reference server again and again, most often right after it has
// acknowledged something, and looks whether all of that is still there.

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <random>
#include <thread>

#include <CLI/CLI.hpp>

#include "tests/crash/live_checks.h"

namespace matrix::crash {
namespace {

using std::chrono::duration_cast;
using std::chrono::microseconds;
using std::chrono::milliseconds;

/// What the run is to do.
struct KillPlan {
    int kills = 1000;
    std::string program;
    bool removes_log = false;
};

/// A folder, a peer and their load serve for so many kills: memory and checks stay bounded.
constexpr int kKillsPerWorld = 100;
/// One kill in so many comes at any moment, also before the server serves.
constexpr unsigned kAnyMomentOneIn = 25;
/// After one kill in so many the whole database is verified.
constexpr int kVerifiedOneIn = 10;
constexpr unsigned kAcknowledgementsMax = 40;
constexpr microseconds kAfterAcknowledgement{10'000};
constexpr microseconds kAnyMoment{60'000};
constexpr milliseconds kLoadDeadline{20'000};

struct KillFigures {
    int kills = 0;
    int soon = 0;  ///< Within 10 ms after an acknowledgement.
    int before_ready = 0;
    int verified = 0;  ///< Databases by fsck.
    std::uint64_t acknowledged = 0;
    std::uint64_t checked = 0;
    std::vector<milliseconds> starts;
    std::vector<std::string> findings;
};

class KillWorld {
public:
    KillWorld(const KillPlan& plan, std::mt19937_64& random, KillFigures& figures)
        : plan_(plan),
          random_(random),
          figures_(figures),
          identity_(conformance::make_peer_identity("127.0.0.1:0", "")),
          server_(plan.program, identity_.authority) {}

    void run(int kills) {
        if (!start()) return;
        LiveLoad load(server_, identity_);
        LiveChecks checks(load);
        load.start();
        for (int kill = 0; kill < kills && is_well(checks); ++kill) {
            load.go_on();
            kill_soon_after_acknowledgement(load);
            if (random_() % kAnyMomentOneIn == 0) kill_at_any_moment(load);
            if (!start()) break;
            load.pause();
            load.put_tokens(server_.access_tokens());
            checks.check_new();
        }
        load.go_on();
        load.stop();
        if (is_well(checks)) checks.check_all();
        figures_.acknowledged += load.acknowledged();
        figures_.checked += checks.checked();
        figures_.findings.insert(
            figures_.findings.end(), checks.findings().begin(), checks.findings().end());
    }

private:
    bool is_well(const LiveChecks& checks) const {
        return checks.findings().empty() && figures_.findings.empty();
    }

    bool start() {
        Problem problem = server_.launch();
        if (problem.empty()) problem = server_.wait_until_ready();
        if (problem.empty()) {
            figures_.starts.push_back(server_.last_start());
            return true;
        }
        figures_.findings.push_back(std::move(problem));
        return false;
    }

    void kill_soon_after_acknowledgement(const LiveLoad& load) {
        const std::uint64_t enough = load.acknowledged() + 1 + random_() % kAcknowledgementsMax;
        const auto end = steady_clock::now() + kLoadDeadline;
        while (load.acknowledged() < enough && steady_clock::now() < end)
            std::this_thread::sleep_for(microseconds(100));
        if (load.acknowledged() < enough) figures_.findings.emplace_back("the load stands still");
        sleep_up_to(kAfterAcknowledgement);
        // On a busy machine that took longer: then it is the next one after which we kill.
        while (!is_soon(load) && steady_clock::now() < end)
            std::this_thread::sleep_for(microseconds(100));
        kill(load);
    }

    void kill_at_any_moment(const LiveLoad& load) {
        const Problem problem = server_.launch();
        if (!problem.empty()) figures_.findings.push_back(problem);
        sleep_up_to(kAnyMoment);
        ++figures_.before_ready;
        kill(load);
    }

    void kill(const LiveLoad& load) {
        const bool was_soon = is_soon(load);
        server_.kill();
        if (plan_.removes_log) std::filesystem::remove(server_.log_file());
        ++figures_.kills;
        if (was_soon) ++figures_.soon;
        if (figures_.kills % kVerifiedOneIn == 0) verify();
    }
    void verify() {
        ++figures_.verified;
        Problem problem = server_.verify();
        if (!problem.empty()) figures_.findings.push_back(std::move(problem));
    }
    static bool is_soon(const LiveLoad& load) {
        return steady_clock::now() - load.last_acknowledgement() <= kAfterAcknowledgement;
    }

    void sleep_up_to(microseconds most) {
        const auto drawn = random_() % static_cast<std::uint64_t>(most.count());
        std::this_thread::sleep_for(microseconds(drawn));
    }

    const KillPlan& plan_;
    std::mt19937_64& random_;
    KillFigures& figures_;
    conformance::PeerIdentity identity_;
    KilledServer server_;
};

void print(KillFigures& figures, steady_clock::duration took) {
    std::ranges::sort(figures.starts);
    const auto start_at = [&](std::size_t part) {
        return figures.starts.empty()
                   ? 0L
                   : static_cast<long>(
                         figures.starts[(figures.starts.size() - 1) * part / 100].count());
    };
    std::printf(
        "%d kills, %d within 10 ms after an acknowledgement, %d before the server served; "
        "%d databases verified; %llu acknowledged writes, %llu checks, %zu lost; start to ready: "
        "%ld ms in the middle, "
        "%ld ms the slowest; %lld s\n",
        figures.kills,
        figures.soon,
        figures.before_ready,
        figures.verified,
        static_cast<unsigned long long>(figures.acknowledged),
        static_cast<unsigned long long>(figures.checked),
        figures.findings.size(),
        start_at(50),
        start_at(100),
        static_cast<long long>(duration_cast<std::chrono::seconds>(took).count()));
    for (const std::string& finding : figures.findings)
        std::printf("  %s\n", finding.c_str());
}

}  // namespace
}  // namespace matrix::crash

int main(int count, char** arguments) {
    namespace crash = matrix::crash;
    CLI::App app("Kills the reference server under load, and looks for what it acknowledged.");
    crash::KillPlan plan;
    std::uint64_t seed = 1;
    plan.program =
        (std::filesystem::read_symlink("/proc/self/exe").parent_path() / "refserver").string();
    app.add_option("--kills", plan.kills, "How many")->capture_default_str();
    app.add_option("--seed", seed, "Of the moments")->capture_default_str();
    app.add_option("--refserver", plan.program, "The program")->capture_default_str();
    app.add_flag("--remove-log",
                 plan.removes_log,
                 "Removes the database's log after each kill: succeeds if that is noticed");
    CLI11_PARSE(app, count, arguments);

    const auto begin = crash::steady_clock::now();
    std::mt19937_64 random(seed);
    crash::KillFigures figures;
    while (figures.kills < plan.kills && figures.findings.empty()) {
        crash::KillWorld world(plan, random, figures);
        try {
            world.run(std::min(crash::kKillsPerWorld, plan.kills - figures.kills));
        } catch (const testing::AssertionException& failure) {  // How the harness ends a test.
            figures.findings.emplace_back(failure.what());
        }
    }
    crash::print(figures, crash::steady_clock::now() - begin);
    if (plan.removes_log) return figures.findings.empty() ? 1 : 0;
    const bool is_close_enough = figures.soon * 10 >= figures.kills * 9;
    if (!is_close_enough) std::puts("too few kills came soon after an acknowledgement");
    return figures.findings.empty() && is_close_enough ? 0 : 1;
}
