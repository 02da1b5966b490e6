// Log: what the server tells the person who runs it. It draws no random numbers and allocates no
// ids.
#pragma once

#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <span>
#include <string_view>

#include "refserver/runtime/log_names.h"

namespace matrix::runtime {

/// What a line says beside its name. A text stays where it is until the line is written.
struct LogField {
    std::string_view key;
    std::string_view text = {};
    std::optional<std::int64_t> number = std::nullopt;  ///< Instead of the text.

    LogField(std::string_view key_, std::string_view text_) : key(key_), text(text_) {}
    template <std::integral Integer>
    LogField(std::string_view key_, Integer number_)
        : key(key_), number(static_cast<std::int64_t>(number_)) {}
};

struct LogLine {
    const LogKind& kind;
    std::span<const LogField> fields;
};

class Log {
public:
    virtual ~Log() = default;

    /// `log.write("peer_failed", {{"server", name.view()}, {"failures", 3}});`, with names and keys
    /// of `kLogKinds`. Values may be any bytes: see log_line.h.
    void write(LogName name, std::initializer_list<LogField> fields) {
        if (!is_enabled(name.kind().level)) return;
        take({name.kind(), std::span(fields.begin(), fields.size())});
    }

protected:
    virtual bool is_enabled(LogLevel level) const = 0;
    virtual void take(const LogLine& line) = 0;
};

}  // namespace matrix::runtime
