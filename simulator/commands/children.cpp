#include "simulator/commands/children.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdlib>
#include <utility>

#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "refserver/base/assert.h"

namespace matrix::simulator {
namespace {

constexpr std::size_t kAnswerBytesMax = std::size_t{512} * 1024 * 1024;
constexpr long kLastWordsBytes = 4096;

volatile std::sig_atomic_t stop_requested = 0;

void remember_stop(int) {
    stop_requested = 1;
}

sigset_t stop_signals() {
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    return signals;
}

// Between fork and the function: a child ends with its parent, and at once by a signal.
void become_child(pid_t parent, int answer_pipe, std::FILE* errors) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(1);
    std::signal(SIGINT, SIG_IGN);  // A terminal sends it to all; the parent decides.
    std::signal(SIGTERM, SIG_DFL);
    const sigset_t signals = stop_signals();
    sigprocmask(SIG_UNBLOCK, &signals, nullptr);
    if (errors != nullptr) dup2(fileno(errors), STDERR_FILENO);
    MATRIX_ASSERT(answer_pipe > STDERR_FILENO);
}

void write_all(int file, std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t written = write(file, bytes.data(), bytes.size());
        if (written <= 0) _exit(1);
        bytes.remove_prefix(static_cast<std::size_t>(written));
    }
}

std::string read_end_of(std::FILE* file) {
    std::fseek(file, 0, SEEK_END);
    const long size = std::ftell(file);
    std::fseek(file, std::max(0L, size - kLastWordsBytes), SEEK_SET);
    std::string text(static_cast<std::size_t>(std::min(size, kLastWordsBytes)), '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file));
    return text;
}

}  // namespace

void watch_for_stop() {
    // Blocked but while `wait` polls: a signal between a look and the poll is not lost.
    const sigset_t signals = stop_signals();
    sigprocmask(SIG_BLOCK, &signals, nullptr);
    struct sigaction action = {};
    action.sa_handler = remember_stop;
    sigaction(SIGINT, &action, nullptr);
    sigaction(SIGTERM, &action, nullptr);
}

bool is_stop_requested() {
    // Lets in what is pending.
    timespec now{};
    sigset_t none;
    sigemptyset(&none);
    ppoll(nullptr, 0, &now, &none);
    return stop_requested != 0;
}

Children::~Children() {
    kill_all();
}

bool Children::fork_into(Child& child, const Run& run) {
    std::array<int, 2> ends{};
    if (pipe(ends.data()) != 0) return false;
    // What is buffered would be written twice.
    std::fflush(nullptr);
    const pid_t parent = getpid();
    child.process = fork();
    if (child.process == 0) {
        close(ends[0]);
        become_child(parent, ends[1], child.errors);
        write_all(ends[1], run(*child.counter));
        std::fflush(nullptr);
        _exit(0);  // The parent's buffers and destructors are not the child's.
    }
    close(ends[1]);
    child.answer_pipe = ends[0];
    if (child.process > 0) return true;
    close(ends[0]);
    return false;
}

bool Children::start(std::size_t job, const Run& run, Clock::time_point deadline) {
    Child child{.job = job, .begin = Clock::now(), .deadline = deadline};
    void* shared = mmap(
        nullptr, sizeof(std::uint64_t), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return false;
    child.counter = static_cast<std::uint64_t*>(shared);
    if (errors_ == ChildErrors::Kept) child.errors = std::tmpfile();
    if (fork_into(child, run)) {
        children_.push_back(std::move(child));
        return true;
    }
    release(child);
    return false;
}

void Children::release(Child& child) {
    munmap(child.counter, sizeof(std::uint64_t));
    if (child.errors != nullptr) std::fclose(child.errors);
}

// The child has closed its pipe: it has answered, or it is dead.
Children::Ended Children::bury(std::size_t index) {
    Child child = std::move(children_[index]);
    children_.erase(children_.begin() + static_cast<std::ptrdiff_t>(index));
    close(child.answer_pipe);
    int status = 0;
    while (waitpid(child.process, &status, 0) < 0 && errno == EINTR) {
    }
    ChildEnd end;
    end.took = Clock::now() - child.begin;
    end.counter = *child.counter;
    if (child.errors != nullptr) end.last_words = read_end_of(child.errors);
    release(child);
    if (child.is_late) {
        end.how = ChildEnd::How::TimedOut;
    } else if (WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        end.how = ChildEnd::How::Answered;
        end.answer = std::move(child.answer);
    } else if (WIFSIGNALED(status)) {
        end.reason = "signal " + std::to_string(WTERMSIG(status));
    } else {
        end.reason = "exit code " + std::to_string(WEXITSTATUS(status));
    }
    return {child.job, std::move(end)};
}

std::optional<Children::Ended> Children::wait(Clock::time_point until) {
    while (!is_stop_requested()) {
        const Clock::time_point now = Clock::now();
        Clock::time_point wake = until;
        std::vector<pollfd> files;
        for (Child& child : children_) {
            if (child.deadline <= now && !std::exchange(child.is_late, true))
                kill(child.process, SIGKILL);
            if (!child.is_late) wake = std::min(wake, child.deadline);
            files.push_back({child.answer_pipe, POLLIN, 0});
        }
        const auto left = std::chrono::duration_cast<std::chrono::nanoseconds>(
            std::max(wake - now, Clock::duration::zero()));
        const timespec pause{left.count() / 1'000'000'000, left.count() % 1'000'000'000};
        sigset_t none;
        sigemptyset(&none);
        if (ppoll(files.data(), files.size(), &pause, &none) < 0) continue;
        for (std::size_t index = 0; index < files.size(); ++index) {
            if (files[index].revents == 0) continue;
            std::array<char, 65536> bytes;
            const ssize_t count = read(files[index].fd, bytes.data(), bytes.size());
            Child& child = children_[index];
            if (count <= 0 || child.answer.size() > kAnswerBytesMax) {
                if (count > 0) kill(child.process, SIGKILL);
                return bury(index);
            }
            child.answer.append(bytes.data(), static_cast<std::size_t>(count));
        }
        if (Clock::now() >= until) return std::nullopt;
    }
    return std::nullopt;
}

void Children::kill_all() {
    for (const Child& child : children_)
        kill(child.process, SIGKILL);
    while (!children_.empty())
        bury(children_.size() - 1);
}

}  // namespace matrix::simulator
