// SimulatedServer: one machine of the simulated world, and the reference server that runs on it.
//
// The machine has a name, a disk, a clock and a place in the network, which stay; the process on it
// can die at any dispatch of virtual time, and another can begin with what the disk kept.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "refserver/engine/server.h"
#include "simulator/choices.h"
#include "simulator/simulated_disk.h"
#include "simulator/simulated_dns.h"
#include "simulator/simulated_loop.h"
#include "simulator/simulated_network.h"
#include "simulator/trace.h"
#include "simulator/virtual_time.h"

namespace matrix::simulator {

struct ClusterOptions;

/// How a process dies: alone, or with the whole machine, so that what was not synced may be lost.
enum class Death { OfProcess, OfPower };

class SimulatedServer {
public:
    struct Surroundings {
        VirtualTime& time;
        Trace& trace;
        Choices& choices;
        SimulatedNetwork& network;
        SimulatedDns& dns;
        storage::EventPool& events;  ///< Of all servers.
        const ClusterOptions& options;
    };
    /// Starts the first process, on a copy of this disk.
    SimulatedServer(Surroundings surroundings, const SimulatedDisk& disk, int number);
    SimulatedServer(const SimulatedServer&) = delete;
    SimulatedServer& operator=(const SimulatedServer&) = delete;
    ~SimulatedServer();

    /// Many databases share this program's memory.
    static engine::ServerOptions frugal_options();

    const ServerName& name() const { return name_; }
    bool is_up() const;
    /// Only while it is up.
    engine::Server& engine();
    SimulatedExecutor& executor();

    /// Serves a client in a turn of the server's loop; nothing: the connection broke, or was never
    /// made.
    using Answered = std::move_only_function<void(std::optional<runtime::HttpResponse>)>;
    void handle(runtime::HttpRequest request, Answered done);

    /// What the accounts of the start were given by the process that made them, by user id.
    const std::map<std::string, std::string>& first_tokens() const { return first_tokens_; }
    /// What stands today for one of those: a machine that lost everything has other tokens.
    std::string token_of(const std::string& user, const std::string& token) const;

    // Faults. To be called between two dispatches.

    /// Ends the process. Connections break; what it wrote stays, or what of it the disk kept.
    void crash(Death death);
    /// The same after so many more turns of its loop, in place of an earlier plan; 0: now.
    void crash_after(std::uint64_t turns, Death death);
    /// The same at this operation of the disk, counted from now, which is left half done.
    void cut_power_at_operation(std::uint64_t operation);
    void forget_crash_plans();
    /// While it is held down, nothing starts it. Else a process that ended begins again after a
    /// second, as a supervisor would have it.
    void hold_down(bool is_held);
    /// Starts a process if none runs and nothing holds it down.
    void start();

    /// Changes the disk between two processes.
    void change_disk(const std::function<void(SimulatedDisk&)>& change);
    const SimulatedDisk& disk() const { return disk_; }
    /// Syncs succeed and do nothing from now on; a power cut meanwhile loses what was promised.
    void lose_syncs(bool are_lost);
    void fail_disk(SimulatedDisk::Failing failing);
    /// Failed lately, so that errors of the server are its fault.
    bool is_disk_suspect() const;

    /// The next process makes a new signing key, and publishes its present one as an old one.
    void rotate_key_at_start() { rotates_key_ = true; }
    /// `skew_ms` is the part of the offset that does not come from drifting.
    void set_clock_error(ClockError error, std::int64_t skew_ms) {
        clock_error_ = error;
        clock_skew_ms_ = skew_ms;
    }
    const ClockError& clock_error() const { return clock_error_; }
    std::int64_t clock_skew_ms() const { return clock_skew_ms_; }

    /// The disk as it is now, for `restore`.
    void back_up();
    bool has_backup() const { return backup_ != nullptr; }
    /// Put back what was backed up; only with a backup, and while no process runs.
    void restore();
    void wipe();

    /// Why acknowledged data may be gone; nothing: none is, or something is broken.
    const std::optional<std::string>& lost_data() const { return lost_data_; }
    void note_lost_data(std::string why);
    /// Keys that it signed with and has not any more: who did not fetch them in time can never
    /// check what they signed. Only while it is up.
    std::vector<KeyId> lost_keys();

    struct Counts {
        std::uint64_t crashes = 0;
        std::uint64_t starts = 0;
        std::uint64_t failed_starts = 0;
        std::uint64_t ends_by_sync = 0;
        std::uint64_t databases_given_up = 0;
        std::uint64_t wrong_times = 0;  ///< What its clock told.
    };
    Counts counts() const;
    /// Why a database could not be opened on a disk that neither failed nor lied.
    const std::vector<std::string>& unexplained_failures() const { return unexplained_failures_; }
    /// Of all its processes.
    engine::Counters counters() const;

private:
    struct Process;

    engine::ServerOptions options_of_process() const;
    void serve(runtime::HttpRequest request, runtime::Responder respond);
    bool open();
    void note_failed_start(const std::string& why);
    void end_process();
    void end_soon();
    void start_later();
    void after_turn();

    Surroundings world_;
    int number_;
    ServerName name_;
    SimulatedDisk disk_;
    ClockError clock_error_;
    std::int64_t clock_skew_ms_ = 0;
    SimulatedLog log_;
    int host_;
    std::unique_ptr<runtime::Resolver> resolver_;
    std::unique_ptr<Process> process_;
    std::unique_ptr<SimulatedDisk> backup_;
    std::map<std::string, std::string> first_tokens_;
    std::map<std::string, std::string> tokens_;
    std::map<std::string, std::string> backup_tokens_;

    bool is_held_down_ = false;
    bool is_disk_new_ = true;
    bool rotates_key_ = false;
    bool has_lied_ = false;
    std::set<KeyId> keys_used_;
    std::int64_t disk_suspect_until_us_ = 0;
    std::optional<std::string> lost_data_;
    struct CrashPlan {
        std::uint64_t turns_left;
        Death death;
    };
    std::optional<CrashPlan> plan_;
    std::uint64_t processes_ = 0;
    Counts counts_;
    engine::Counters past_counters_;
    std::vector<std::string> unexplained_failures_;
};

}  // namespace matrix::simulator
