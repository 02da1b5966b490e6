// Progress on standard error: one line that is overwritten on a terminal, else a line now and then.
#pragma once

#include <chrono>
#include <string>

namespace matrix::simulator {

class Progress {
public:
    Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;
    ~Progress();

    /// Is it time for another line?
    bool is_due() const;
    void show(const std::string& line);
    /// Real time since the start.
    std::chrono::duration<double> elapsed() const;

private:
    using Clock = std::chrono::steady_clock;
    bool is_terminal_;
    Clock::time_point start_;
    Clock::time_point shown_;
    bool has_line_ = false;
};

/// "75 s", "12 min", "3.2 h".
std::string describe_duration(std::chrono::duration<double> duration);

}  // namespace matrix::simulator
