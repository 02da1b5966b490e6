// The loop of one simulated server: executor, clock and workers over virtual time.
//
// Every dispatch of virtual time that concerns a server is one turn of its loop: the job, then what
// it posted, then the end of the turn, where the storage commits.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>

#include "refserver/runtime/clock.h"
#include "refserver/runtime/executor.h"
#include "refserver/runtime/log.h"
#include "refserver/runtime/random.h"
#include "refserver/runtime/workers.h"
#include "simulator/recording/recorder.h"
#include "simulator/virtual_time.h"

namespace matrix::simulator {

/// Where virtual time starts: 2026-01-01T00:00:00Z in milliseconds.
inline constexpr std::int64_t kEpochMs = 1'767'225'600'000;

class SimulatedExecutor : public runtime::Executor {
public:
    SimulatedExecutor(VirtualTime& time, int server) : time_(time), server_(server) {}

    void post(std::move_only_function<void()> job) override;
    void on_turn_end(std::move_only_function<void()> callback) override;

    /// Runs `job` as a turn, or as a part of the turn that is running.
    void run_turn(std::move_only_function<void()> job);
    /// Called after each turn, when all of it is over.
    void watch_turns(std::move_only_function<void()> watch) { watch_ = std::move(watch); }

private:
    VirtualTime& time_;
    int server_;
    std::deque<std::move_only_function<void()>> jobs_;
    std::move_only_function<void()> turn_end_;
    std::move_only_function<void()> watch_;
    bool is_in_turn_ = false;
    runtime::Pending next_turn_;
    bool is_turn_scheduled_ = false;
};

/// How a clock goes wrong: by so much, and by so much more for each million seconds that pass. The
/// monotonic clock has no such faults.
struct ClockError {
    std::int64_t offset_ms = 0;
    std::int64_t drift_ppm = 0;
    std::int64_t drifts_since_us = 0;

    std::int64_t at_ms(std::int64_t now_us) const {
        return offset_ms + (now_us - drifts_since_us) / 1000 * drift_ppm / 1'000'000;
    }
};

class SimulatedClock : public runtime::Clock {
public:
    /// Right, without an error; else the error may change between two turns.
    SimulatedClock(VirtualTime& time,
                   SimulatedExecutor& executor,
                   int server,
                   const ClockError* error = nullptr)
        : time_(time), executor_(executor), server_(server), error_(error) {}

    runtime::Timestamp now() const override {
        const std::int64_t error_ms = error_ == nullptr ? 0 : error_->at_ms(time_.now_us());
        if (error_ms != 0) ++wrong_answers_;
        return {kEpochMs + time_.now_us() / 1000 + error_ms};
    }
    /// How often it was asked for the time and gave a wrong one.
    std::uint64_t wrong_answers() const { return wrong_answers_; }
    runtime::Timestamp monotonic_now() const override { return {time_.now_us() / 1000}; }
    runtime::Pending call_after(runtime::Duration delay,
                                std::move_only_function<void()> callback) override;

private:
    VirtualTime& time_;
    SimulatedExecutor& executor_;
    int server_;
    const ClockError* error_;
    mutable std::uint64_t wrong_answers_ = 0;
};

/// Runs a job at once; its result arrives after a drawn time.
class SimulatedWorkers : public runtime::Workers {
public:
    SimulatedWorkers(VirtualTime& time,
                     SimulatedExecutor& executor,
                     runtime::Random& random,
                     int server)
        : time_(time), executor_(executor), random_(random), server_(server) {}

    runtime::Pending start(runtime::Lane lane,
                           std::move_only_function<void()> job,
                           std::move_only_function<void()> done) override;

private:
    VirtualTime& time_;
    SimulatedExecutor& executor_;
    runtime::Random& random_;
    int server_;
};

/// Writes to standard error with virtual time and server, from a level on. A recorder is told
/// everything but what is for debugging; null: there is none.
class SimulatedLog : public runtime::Log {
public:
    SimulatedLog(VirtualTime& time,
                 int server,
                 runtime::LogLevel least,
                 Recorder* recorder = nullptr)
        : time_(time), server_(server), least_(least), recorder_(recorder) {}

protected:
    bool is_enabled(runtime::LogLevel level) const override {
        return level >= least_ || (recorder_ != nullptr && level >= runtime::LogLevel::Info);
    }
    void take(const runtime::LogLine& line) override;

private:
    VirtualTime& time_;
    int server_;
    runtime::LogLevel least_;
    Recorder* recorder_;
};

}  // namespace matrix::simulator
