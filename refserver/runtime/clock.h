// Clock: the time of day, and waiting.
#pragma once

#include <cstdint>
#include <functional>

#include "refserver/base/strong.h"
#include "refserver/runtime/completion.h"
#include "refserver/runtime/pending.h"
#include "refserver/runtime/task.h"

namespace matrix::runtime {

/// Milliseconds since the Unix epoch, as in `origin_server_ts`. May jump.
using Timestamp = Strong<struct TimestampTag>;
/// Milliseconds between two moments.
using Duration = Strong<struct DurationTag>;

inline Timestamp operator+(Timestamp time, Duration duration) {
    return {time.value + duration.value};
}
inline Duration operator-(Timestamp later, Timestamp earlier) {
    return {later.value - earlier.value};
}
inline constexpr Duration milliseconds(std::int64_t count) {
    return {count};
}
inline constexpr Duration seconds(std::int64_t count) {
    return {count * 1000};
}

class Clock {
public:
    virtual ~Clock() = default;

    /// The wall clock; constant within one turn of the loop.
    virtual Timestamp now() const = 0;

    /// Milliseconds that never go backwards, from an arbitrary start; constant within one turn.
    virtual Timestamp monotonic_now() const = 0;

    /// Calls back on the loop, `delay` from now by the monotonic clock.
    virtual Pending call_after(Duration delay, std::move_only_function<void()> callback) = 0;

    /// `co_await clock.sleep(milliseconds(50));`
    Completion<bool> sleep(Duration delay) {
        return Completion<bool>([this, delay](Completion<bool>::Done done) {
            return call_after(delay, [done = std::move(done)]() mutable { done(true); });
        });
    }
};

}  // namespace matrix::runtime
