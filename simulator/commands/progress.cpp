#include "simulator/commands/progress.h"

#include <cstdio>

#include <unistd.h>

namespace matrix::simulator {
namespace {

constexpr std::chrono::milliseconds kTerminalPause{200};
constexpr std::chrono::seconds kLinePause{10};

}  // namespace

Progress::Progress()
    : is_terminal_(isatty(STDERR_FILENO) == 1), start_(Clock::now()), shown_(start_) {}

Progress::~Progress() {
    if (has_line_ && is_terminal_) std::fputs("\r\033[K", stderr);
}

bool Progress::is_due() const {
    return Clock::now() - shown_ >=
           (is_terminal_ ? Clock::duration(kTerminalPause) : Clock::duration(kLinePause));
}

void Progress::show(const std::string& line) {
    shown_ = Clock::now();
    has_line_ = true;
    std::fprintf(stderr, is_terminal_ ? "\r\033[K%s" : "%s\n", line.c_str());
    std::fflush(stderr);
}

std::chrono::duration<double> Progress::elapsed() const {
    return Clock::now() - start_;
}

std::string describe_duration(std::chrono::duration<double> duration) {
    char text[32];
    const double seconds = duration.count();
    if (seconds < 120) {
        std::snprintf(text, sizeof text, "%.0f s", seconds);
    } else if (seconds < 7200) {
        std::snprintf(text, sizeof text, "%.0f min", seconds / 60);
    } else {
        std::snprintf(text, sizeof text, "%.1f h", seconds / 3600);
    }
    return text;
}

}  // namespace matrix::simulator
