#include "conformance/harness/process.h"

#include <array>
#include <cerrno>
#include <cstring>
#include <thread>
#include <utility>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace matrix::conformance {
namespace {

using std::chrono::steady_clock;

constexpr std::chrono::milliseconds kEndPollInterval{5};

std::string describe_end(int status) {
    if (WIFEXITED(status)) return "exited with " + std::to_string(WEXITSTATUS(status));
    const int signal = WTERMSIG(status);
    return "was killed by signal " + std::to_string(signal) + " (" + strsignal(signal) + ")";
}

int open_output(const std::string& path) {
    return open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
}

std::vector<char*> pointers_to(std::vector<std::string>& texts) {
    std::vector<char*> pointers;
    for (std::string& text : texts)
        pointers.push_back(text.data());
    pointers.push_back(nullptr);
    return pointers;
}

// In the child: only what is safe after a fork of a process with threads. Never returns.
[[noreturn]] void become(char* const* command,
                         char* const* environment,
                         const char* directory,
                         int output,
                         int errors,
                         int failure_pipe) {
    setpgid(0, 0);
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (output >= 0) dup2(output, STDOUT_FILENO);
    if (errors >= 0) dup2(errors, STDERR_FILENO);
    const bool is_there = *directory == '\0' || chdir(directory) == 0;
    if (is_there) execvpe(command[0], command, environment);
    const int reason = errno;
    [[maybe_unused]] const auto written = write(failure_pipe, &reason, sizeof reason);
    _exit(127);
}

std::vector<std::string> merged_environment(const std::map<std::string, std::string>& added) {
    std::vector<std::string> merged;
    for (char** entry = environ; *entry != nullptr; ++entry) {
        const std::string text = *entry;
        if (!added.contains(text.substr(0, text.find('=')))) merged.push_back(text);
    }
    for (const auto& [name, value] : added)
        merged.push_back(name + "=" + value);
    return merged;
}

struct Pipe {
    Pipe() {
        if (pipe2(ends.data(), O_CLOEXEC) != 0) ends = {-1, -1};
    }
    ~Pipe() {
        for (const int end : ends) {
            if (end >= 0) close(end);
        }
    }
    Pipe(const Pipe&) = delete;
    Pipe& operator=(const Pipe&) = delete;
    int release_reader() { return std::exchange(ends[0], -1); }
    void close_writer() { close(std::exchange(ends[1], -1)); }
    std::array<int, 2> ends{-1, -1};
};

}  // namespace

std::expected<std::unique_ptr<Process>, std::string> Process::start(ProcessOptions options) {
    if (options.command.empty()) return std::unexpected("an empty command");
    Pipe output;
    Pipe failure;
    const int output_file =
        options.stdout_file.empty() ? output.ends[1] : open_output(options.stdout_file);
    const int error_file = options.stderr_file.empty() ? -1 : open_output(options.stderr_file);
    std::vector<std::string> environment = merged_environment(options.environment);
    const std::vector<char*> command_pointers = pointers_to(options.command);
    const std::vector<char*> environment_pointers = pointers_to(environment);

    const pid_t pid = fork();
    if (pid == 0) {
        become(command_pointers.data(),
               environment_pointers.data(),
               options.working_directory.c_str(),
               output_file,
               error_file,
               failure.ends[1]);
    }
    if (error_file >= 0) close(error_file);
    if (!options.stdout_file.empty() && output_file >= 0) close(output_file);
    if (pid < 0) return std::unexpected(std::string("cannot fork: ") + std::strerror(errno));

    output.close_writer();
    failure.close_writer();
    int reason = 0;
    // Closed without a byte when the program has been started.
    if (read(failure.ends[0], &reason, sizeof reason) == sizeof reason) {
        waitpid(pid, nullptr, 0);
        return std::unexpected("cannot start " + options.command.front() + ": " +
                               std::strerror(reason));
    }
    const int reader = options.stdout_file.empty() ? output.release_reader() : -1;
    return std::unique_ptr<Process>(new Process(pid, reader));
}

Process::~Process() {
    stop();
    if (output_ >= 0) close(output_);
}

std::optional<std::string> Process::read_line(std::chrono::milliseconds deadline) {
    const auto end = steady_clock::now() + deadline;
    while (output_ >= 0) {
        const std::size_t line_end = unread_.find('\n');
        if (line_end != std::string::npos) {
            std::string line = unread_.substr(0, line_end);
            unread_.erase(0, line_end + 1);
            return line;
        }
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(end - steady_clock::now());
        if (left.count() <= 0) return std::nullopt;
        pollfd waiting{.fd = output_, .events = POLLIN, .revents = 0};
        if (poll(&waiting, 1, static_cast<int>(left.count())) <= 0) continue;
        std::array<char, 4096> bytes;
        const ssize_t size = read(output_, bytes.data(), bytes.size());
        if (size <= 0) return std::nullopt;
        unread_.append(bytes.data(), static_cast<std::size_t>(size));
    }
    return std::nullopt;
}

std::optional<std::string> Process::find_end() {
    if (end_) return end_;
    int status = 0;
    if (waitpid(pid_, &status, WNOHANG) == pid_) end_ = describe_end(status);
    return end_;
}

void Process::stop(std::chrono::milliseconds grace) {
    const auto end = steady_clock::now() + grace;
    if (!find_end()) kill(-pid_, SIGTERM);
    while (!find_end() && steady_clock::now() < end)
        std::this_thread::sleep_for(kEndPollInterval);
    kill_at_once();
}

void Process::kill_at_once() {
    // Also what it left behind in its process group.
    kill(-pid_, SIGKILL);
    if (end_) return;
    int status = 0;
    waitpid(pid_, &status, 0);
    end_ = describe_end(status);
}

std::expected<std::string, std::string> run_command(const std::vector<std::string>& command,
                                                    std::chrono::milliseconds deadline) {
    auto process = Process::start({.command = command});
    if (!process) return std::unexpected(process.error());
    const auto end = steady_clock::now() + deadline;
    std::string output;
    while (steady_clock::now() < end) {
        const auto left =
            std::chrono::duration_cast<std::chrono::milliseconds>(end - steady_clock::now());
        const std::optional<std::string> line = (*process)->read_line(left);
        if (!line) break;
        output += *line + "\n";
    }
    while (!(*process)->find_end() && steady_clock::now() < end) {
        std::this_thread::sleep_for(kEndPollInterval);
    }
    const std::optional<std::string> how = (*process)->find_end();
    if (!how) return std::unexpected(command.front() + " did not end in time");
    if (*how != "exited with 0")
        return std::unexpected(command.front() + " " + *how + ": " + output);
    return output;
}

}  // namespace matrix::conformance
