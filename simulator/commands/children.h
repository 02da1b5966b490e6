// Children: functions that run in forked processes of their own, since an assertion ends a process.
//
// What a function returns comes back through a pipe; one that takes too long is killed. This and
// the other files of commands/ are the simulator's program: they read the real clock.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include <sys/types.h>

namespace matrix::simulator {

/// How a child ended.
struct ChildEnd {
    enum class How {
        Answered,  ///< `answer` is what its function returned.
        Crashed,   ///< By a signal, an assertion's for example, or with an exit code.
        TimedOut,  ///< It was killed.
    };
    How how = How::Crashed;
    std::string answer;
    std::string reason;         ///< Of a crash: "signal 6", "exit code 1".
    std::string last_words;     ///< The end of what it wrote to standard error, if that is kept.
    std::uint64_t counter = 0;  ///< What its function counted, however it ended.
    std::chrono::duration<double> took{};
};

/// A command that has something to do beside waiting waits so long at a time.
inline constexpr std::chrono::seconds kWaitStep{1};

/// What becomes of a child's standard error.
enum class ChildErrors { Shown, Kept };

/// From now on SIGINT and SIGTERM end no process at once, but are remembered.
void watch_for_stop();
/// Has one of them come?
bool is_stop_requested();

class Children {
public:
    using Clock = std::chrono::steady_clock;
    /// What a child does. The counter is shared with the parent.
    using Run = std::function<std::string(std::uint64_t& counter)>;

    explicit Children(ChildErrors errors) : errors_(errors) {}
    Children(const Children&) = delete;
    Children& operator=(const Children&) = delete;
    /// Kills those that run.
    ~Children();

    /// Starts a child; `job` is yours to recognise it. False if the system has no room for one.
    bool start(std::size_t job, const Run& run, Clock::time_point deadline);
    std::size_t running() const { return children_.size(); }

    struct Ended {
        std::size_t job = 0;
        ChildEnd end;
    };
    /// Waits for the next one to end, at most until `until`; nothing also when a stop is requested.
    std::optional<Ended> wait(Clock::time_point until);
    /// Kills all.
    void kill_all();

private:
    struct Child {
        std::size_t job = 0;
        pid_t process = 0;
        int answer_pipe = -1;
        std::FILE* errors = nullptr;
        std::uint64_t* counter = nullptr;  ///< Of memory that both processes have.
        std::string answer;
        Clock::time_point begin;
        Clock::time_point deadline;
        bool is_late = false;
    };

    static bool fork_into(Child& child, const Run& run);
    static void release(Child& child);
    Ended bury(std::size_t index);

    ChildErrors errors_;
    std::vector<Child> children_;
};

}  // namespace matrix::simulator
