// StderrLog: one line per message on standard error, from any thread.
#pragma once

#include <memory>

#include "refserver/runtime/log.h"

namespace matrix::platform {

enum class LogFormat {
    Text,       ///< Time, level, and what `runtime::log_text` makes of the line.
    JsonLines,  ///< An object with `ts`, `level`, `name` and the line's fields.
};

class StderrLog final : public runtime::Log {
public:
    /// Lines below `lowest` are dropped.
    explicit StderrLog(runtime::LogLevel lowest, LogFormat format = LogFormat::Text);
    StderrLog(const StderrLog&) = delete;
    StderrLog& operator=(const StderrLog&) = delete;
    ~StderrLog() override;

protected:
    bool is_enabled(runtime::LogLevel level) const override { return level >= lowest_; }
    void take(const runtime::LogLine& line) override;

private:
    struct Sink;
    const runtime::LogLevel lowest_;
    const LogFormat format_;
    std::unique_ptr<Sink> sink_;
};

}  // namespace matrix::platform
