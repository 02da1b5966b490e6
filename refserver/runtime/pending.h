// Pending: an operation of the outside world that will call back, unless this is destroyed first.
#pragma once

#include <functional>
#include <utility>

namespace matrix::runtime {

/// Runs its action once, when destroyed or replaced. A callback that already ran makes it harmless.
class [[nodiscard]] Pending {
public:
    Pending() = default;
    explicit Pending(std::move_only_function<void()> cancel) : cancel_(std::move(cancel)) {}
    Pending(Pending&& other) noexcept : cancel_(std::exchange(other.cancel_, nullptr)) {}
    Pending& operator=(Pending&& other) noexcept {
        if (this != &other) {
            reset();
            cancel_ = std::exchange(other.cancel_, nullptr);
        }
        return *this;
    }
    ~Pending() { reset(); }

    /// Gives up the means to cancel: the callback will run.
    void release() { cancel_ = nullptr; }

    void reset() {
        if (auto cancel = std::exchange(cancel_, nullptr)) cancel();
    }

private:
    std::move_only_function<void()> cancel_;
};

}  // namespace matrix::runtime
