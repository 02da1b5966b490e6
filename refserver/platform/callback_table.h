// CallbackTable: callbacks of the engine's thread, waiting for a result from another thread.
//
// Only the engine's thread touches the table. The other thread carries the number of a callback and
// posts it back with the result; a number that is gone by then was cancelled.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <utility>

#include "refserver/runtime/pending.h"

namespace matrix::platform {

template <class... Results>
class CallbackTable {
public:
    using Callback = std::move_only_function<void(Results...)>;

    std::uint64_t add(Callback callback) {
        waiting_.emplace(next_id_, std::move(callback));
        return next_id_++;
    }

    /// Forgets the callback when destroyed. `on_cancel` runs only if it had not been called yet.
    runtime::Pending pending(std::uint64_t id,
                             std::move_only_function<void()> on_cancel = nullptr) {
        return runtime::Pending([this, id, on_cancel = std::move(on_cancel)]() mutable {
            if (waiting_.erase(id) > 0 && on_cancel) on_cancel();
        });
    }

    void call(std::uint64_t id, Results... results) {
        auto entry = waiting_.extract(id);
        if (!entry.empty()) entry.mapped()(std::move(results)...);
    }

    /// Calls all that were added before number `end`, the oldest first.
    void call_all_before(std::uint64_t end) {
        while (!waiting_.empty() && waiting_.begin()->first < end) {
            call(waiting_.begin()->first);
        }
    }

    std::uint64_t next_id() const { return next_id_; }

private:
    std::map<std::uint64_t, Callback> waiting_;
    std::uint64_t next_id_ = 0;
};

}  // namespace matrix::platform
