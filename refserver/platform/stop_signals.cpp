#include "refserver/platform/stop_signals.h"

#include <utility>

#include <pthread.h>
#include <unistd.h>

namespace matrix::platform {

StopSignals::StopSignals(runtime::Executor& executor, std::function<void()> stop)
    : executor_(executor), stop_(std::move(stop)) {
    sigemptyset(&signals_);
    sigaddset(&signals_, SIGTERM);
    sigaddset(&signals_, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals_, nullptr);
    thread_ = std::thread([this] { run(); });
}

StopSignals::~StopSignals() {
    is_ending_ = true;
    pthread_kill(thread_.native_handle(), SIGTERM);
    thread_.join();
}

void StopSignals::run() {
    bool was_asked = false;
    while (true) {
        int signal = 0;
        sigwait(&signals_, &signal);
        if (is_ending_) return;
        if (was_asked) ::_exit(128 + signal);
        was_asked = true;
        executor_.post([this] { stop_(); });
    }
}

}  // namespace matrix::platform
