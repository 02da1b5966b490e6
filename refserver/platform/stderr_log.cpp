#include "refserver/platform/stderr_log.h"

#include <string>

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "refserver/base/assert.h"
#include "refserver/runtime/log_line.h"

namespace matrix::platform {
namespace {

spdlog::level::level_enum spdlog_level(runtime::LogLevel level) {
    switch (level) {
        case runtime::LogLevel::Debug:
            return spdlog::level::debug;
        case runtime::LogLevel::Info:
            return spdlog::level::info;
        case runtime::LogLevel::Warning:
            return spdlog::level::warn;
        case runtime::LogLevel::Error:
            return spdlog::level::err;
    }
    unreachable();
}

// Around what runtime/log_line.h makes of the line.
constexpr const char* kTextPattern = "%Y-%m-%dT%H:%M:%S.%e%z %-7!l %v";
constexpr const char* kJsonPattern = R"({"ts":"%Y-%m-%dT%H:%M:%S.%e%z","level":"%l",%v})";

}  // namespace

struct StderrLog::Sink {
    spdlog::logger logger{"touchstone", std::make_shared<spdlog::sinks::stderr_sink_mt>()};
};

StderrLog::StderrLog(runtime::LogLevel lowest, LogFormat format)
    : lowest_(lowest), format_(format), sink_(std::make_unique<Sink>()) {
    sink_->logger.set_level(spdlog_level(lowest));
    sink_->logger.set_pattern(format == LogFormat::Text ? kTextPattern : kJsonPattern);
    sink_->logger.flush_on(spdlog::level::debug);
}

StderrLog::~StderrLog() = default;

void StderrLog::take(const runtime::LogLine& line) {
    const std::string text =
        format_ == LogFormat::Text ? runtime::log_text(line) : runtime::log_json_members(line);
    sink_->logger.log(spdlog_level(line.kind.level),
                      spdlog::string_view_t(text.data(), text.size()));
}

}  // namespace matrix::platform
