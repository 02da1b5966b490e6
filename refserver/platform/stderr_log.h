// StderrLog: one line per message on standard error, from any thread.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "refserver/runtime/log.h"

namespace matrix::platform {

class StderrLog final : public runtime::Log {
public:
    /// Messages below `lowest` are dropped.
    explicit StderrLog(runtime::LogLevel lowest);
    StderrLog(const StderrLog&) = delete;
    StderrLog& operator=(const StderrLog&) = delete;
    ~StderrLog() override;

    bool is_enabled(runtime::LogLevel level) const override { return level >= lowest_; }
    /// Control characters are escaped: a peer's text cannot look like a line of ours.
    void write(runtime::LogLevel level, std::string_view part, std::string message) override;

private:
    struct Sink;
    const runtime::LogLevel lowest_;
    std::unique_ptr<Sink> sink_;
};

}  // namespace matrix::platform
