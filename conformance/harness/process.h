// A child process: a server under test that the suite starts, watches and ends.
#pragma once

#include <chrono>
#include <expected>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace matrix::conformance {

struct ProcessOptions {
    std::vector<std::string> command;  ///< The program (looked up in PATH) and its arguments.
    std::map<std::string, std::string> environment;  ///< Added to ours.
    std::string working_directory;                   ///< Empty: ours.
    std::string stdout_file;  ///< Where its output goes; empty: a pipe for `read_line`.
    std::string stderr_file;
};

/// Ends the process, and all that it started, when it is destroyed.
class Process {
public:
    /// Nothing but the reason if it cannot be started.
    static std::expected<std::unique_ptr<Process>, std::string> start(ProcessOptions options);
    ~Process();
    Process(const Process&) = delete;
    Process& operator=(const Process&) = delete;

    /// The next line of its output; nothing at the deadline or when it has ended.
    std::optional<std::string> read_line(std::chrono::milliseconds deadline);
    /// How it ended: "exited with 1", "was killed by signal 11 (Segmentation fault)"; nothing while
    /// it runs.
    std::optional<std::string> find_end();
    /// Asks it to end (SIGTERM), and kills it after `grace`.
    void stop(std::chrono::milliseconds grace = std::chrono::milliseconds(3000));
    /// Ends it as a crash would (SIGKILL): it has no time for anything.
    void kill_at_once();

private:
    Process(pid_t pid, int output) : pid_(pid), output_(output) {}

    pid_t pid_;
    int output_;  ///< -1 if there is no pipe.
    std::string unread_;
    std::optional<std::string> end_;
};

/// Runs a command to its end; its output, or why it failed.
std::expected<std::string, std::string> run_command(const std::vector<std::string>& command,
                                                    std::chrono::milliseconds deadline);

}  // namespace matrix::conformance
