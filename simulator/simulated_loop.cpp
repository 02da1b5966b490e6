#include "simulator/simulated_loop.h"

#include <cstdio>
#include <string>
#include <utility>

#include "refserver/runtime/log_line.h"

namespace matrix::simulator {

void SimulatedExecutor::post(std::move_only_function<void()> job) {
    jobs_.push_back(std::move(job));
    if (is_in_turn_ || is_turn_scheduled_) return;
    is_turn_scheduled_ = true;
    next_turn_ = time_.schedule(0, server_, [this] {
        is_turn_scheduled_ = false;
        run_turn([] {});
    });
}

void SimulatedExecutor::on_turn_end(std::move_only_function<void()> callback) {
    turn_end_ = std::move(callback);
}

void SimulatedExecutor::run_turn(std::move_only_function<void()> job) {
    if (is_in_turn_) {
        job();
        return;
    }
    is_in_turn_ = true;
    job();
    while (!jobs_.empty()) {
        auto next = std::move(jobs_.front());
        jobs_.pop_front();
        next();
    }
    is_in_turn_ = false;
    if (turn_end_) turn_end_();
    if (watch_) watch_();
}

runtime::Pending SimulatedClock::call_after(runtime::Duration delay,
                                            std::move_only_function<void()> callback) {
    return time_.schedule(
        delay.value * 1000, server_, [this, callback = std::move(callback)]() mutable {
            executor_.run_turn(std::move(callback));
        });
}

runtime::Pending SimulatedWorkers::start(runtime::Lane lane,
                                         std::move_only_function<void()> job,
                                         std::move_only_function<void()> done) {
    job();
    const std::uint64_t cost_us_max = lane == runtime::Lane::Passwords ? 200'000 : 20'000;
    const auto cost_us = static_cast<std::int64_t>(random_.below(cost_us_max));
    return time_.schedule(cost_us, server_, [this, done = std::move(done)]() mutable {
        executor_.run_turn(std::move(done));
    });
}

void SimulatedLog::take(const runtime::LogLine& line) {
    if (recorder_ != nullptr && line.kind.level >= runtime::LogLevel::Info)
        recorder_->log(server_, line);
    if (line.kind.level < least_) return;
    const std::string text = runtime::log_text(line);
    const double now_s = static_cast<double>(time_.now_us()) / 1e6;
    std::fprintf(stderr, "%10.3f s%d %s\n", now_s, server_, text.c_str());
}

}  // namespace matrix::simulator
