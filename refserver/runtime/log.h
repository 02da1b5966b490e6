// Log: what the server tells the person who runs it. It draws no random numbers and allocates no
// ids.
#pragma once

#include <string>
#include <string_view>

namespace matrix::runtime {

enum class LogLevel { Debug, Info, Warning, Error };

class Log {
public:
    virtual ~Log() = default;
    virtual bool is_enabled(LogLevel level) const = 0;
    /// `part` names the speaker, for example "outbox".
    virtual void write(LogLevel level, std::string_view part, std::string message) = 0;

    void debug(std::string_view part, std::string message) {
        if (is_enabled(LogLevel::Debug)) write(LogLevel::Debug, part, std::move(message));
    }
    void info(std::string_view part, std::string message) {
        write(LogLevel::Info, part, std::move(message));
    }
    void warning(std::string_view part, std::string message) {
        write(LogLevel::Warning, part, std::move(message));
    }
    void error(std::string_view part, std::string message) {
        write(LogLevel::Error, part, std::move(message));
    }
};

}  // namespace matrix::runtime
