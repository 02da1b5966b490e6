// StopSignals: SIGTERM and SIGINT ask the program to end; a second one ends it at once.
#pragma once

#include <atomic>
#include <functional>
#include <thread>

#include <signal.h>

#include "refserver/runtime/executor.h"

namespace matrix::platform {

class StopSignals {
public:
    /// Calls `stop` on the executor, once. Construct before any other thread starts: threads
    /// inherit that these signals are blocked.
    StopSignals(runtime::Executor& executor, std::function<void()> stop);
    StopSignals(const StopSignals&) = delete;
    StopSignals& operator=(const StopSignals&) = delete;
    ~StopSignals();

private:
    void run();

    runtime::Executor& executor_;
    std::function<void()> stop_;
    sigset_t signals_;
    std::atomic<bool> is_ending_ = false;
    std::thread thread_;
};

}  // namespace matrix::platform
