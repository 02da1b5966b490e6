#include "refserver/platform/stderr_log.h"

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "refserver/base/assert.h"

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

std::string escape_control_characters(std::string_view text) {
    constexpr std::string_view kHex = "0123456789abcdef";
    std::string escaped;
    escaped.reserve(text.size());
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (byte >= 0x20 && byte != 0x7f) {
            escaped += c;
        } else {
            escaped += "\\x";
            escaped += kHex[byte >> 4];
            escaped += kHex[byte & 15];
        }
    }
    return escaped;
}

}  // namespace

struct StderrLog::Sink {
    spdlog::logger logger{"touchstone", std::make_shared<spdlog::sinks::stderr_sink_mt>()};
};

StderrLog::StderrLog(runtime::LogLevel lowest) : lowest_(lowest), sink_(std::make_unique<Sink>()) {
    sink_->logger.set_level(spdlog_level(lowest));
    sink_->logger.set_pattern("%Y-%m-%dT%H:%M:%S.%e%z %-5!l %v");
    sink_->logger.flush_on(spdlog::level::debug);
}

StderrLog::~StderrLog() = default;

void StderrLog::write(runtime::LogLevel level, std::string_view part, std::string message) {
    if (!is_enabled(level)) return;
    std::string line(part);
    line += ": ";
    line += escape_control_characters(message);
    sink_->logger.log(spdlog_level(level), spdlog::string_view_t(line.data(), line.size()));
}

}  // namespace matrix::platform
