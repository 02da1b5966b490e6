// A loop and a clock for tests of storage: turns run when the test says so, time moves by itself.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "refserver/runtime/clock.h"
#include "refserver/runtime/executor.h"
#include "refserver/runtime/log.h"
#include "refserver/runtime/log_line.h"

namespace matrix::storage {

class FakeExecutor final : public runtime::Executor {
public:
    void post(std::move_only_function<void()> job) override { jobs_.push_back(std::move(job)); }
    void on_turn_end(std::move_only_function<void()> callback) override {
        turn_end_ = std::move(callback);
    }

    bool has_jobs() const { return !jobs_.empty(); }
    /// The jobs that wait now, and then the end of the turn.
    void run_turn() {
        for (std::size_t left = jobs_.size(); left > 0; --left) {
            auto job = std::move(jobs_.front());
            jobs_.pop_front();
            job();
        }
        if (turn_end_) turn_end_();
    }

private:
    std::deque<std::move_only_function<void()>> jobs_;
    std::move_only_function<void()> turn_end_;
};

class FakeClock final : public runtime::Clock {
public:
    explicit FakeClock(FakeExecutor& executor) : executor_(executor) {}

    runtime::Timestamp now() const override { return now_; }
    runtime::Timestamp monotonic_now() const override { return now_; }
    runtime::Pending call_after(runtime::Duration delay,
                                std::move_only_function<void()> callback) override {
        const Key key{(now_ + delay).value, next_id_++};
        timers_.emplace(key, std::move(callback));
        return runtime::Pending([this, key] { timers_.erase(key); });
    }

    /// Runs the next timer in a turn of its own; false if there is none.
    bool advance() {
        if (timers_.empty()) return false;
        auto timer = timers_.extract(timers_.begin());
        now_ = {timer.key().first};
        executor_.post(std::move(timer.mapped()));
        executor_.run_turn();
        return true;
    }

private:
    using Key = std::pair<std::int64_t, std::uint64_t>;
    FakeExecutor& executor_;
    runtime::Timestamp now_{1'000'000};
    std::uint64_t next_id_ = 0;
    std::map<Key, std::move_only_function<void()>> timers_;
};

/// Keeps what was said.
class FakeLog final : public runtime::Log {
public:
    std::vector<std::string> messages;

private:
    bool is_enabled(runtime::LogLevel) const override { return true; }
    void take(const runtime::LogLine& line) override {
        messages.push_back(runtime::log_text(line));
    }
};

}  // namespace matrix::storage
