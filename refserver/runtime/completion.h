// From callbacks to coroutines: `co_await completion<T>(start)`, and a signal that many can await.
#pragma once

#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <optional>
#include <utility>

#include "refserver/runtime/pending.h"

namespace matrix::runtime {

/// Awaits one callback. `start` receives the function to be called with the result, on the engine's
/// loop, at once or later, and returns the means to cancel; destroying the waiting coroutine
/// cancels.
template <class T>
class [[nodiscard]] Completion {
public:
    using Done = std::move_only_function<void(T)>;
    using Start = std::move_only_function<Pending(Done)>;

    explicit Completion(Start start) : start_(std::move(start)) {}
    Completion(const Completion&) = delete;
    Completion& operator=(const Completion&) = delete;

    bool await_ready() const noexcept { return false; }
    bool await_suspend(std::coroutine_handle<> waiter) {
        is_starting_ = true;
        pending_ = start_([this, waiter](T result) {
            result_.emplace(std::move(result));
            if (!is_starting_) waiter.resume();
        });
        is_starting_ = false;
        return !result_.has_value();
    }
    T await_resume() { return std::move(*result_); }

private:
    Start start_;
    std::optional<T> result_;
    bool is_starting_ = false;
    Pending pending_;  // Last: cancelled before the rest goes away.
};

/// Wakes all coroutines that wait for it, in the order in which they came.
///
/// A woken coroutine may wait again, or destroy others that wait: each is looked up anew.
class Signal {
public:
    class [[nodiscard]] Waiter {
    public:
        explicit Waiter(Signal& signal) : signal_(signal) {}
        Waiter(const Waiter&) = delete;
        Waiter& operator=(const Waiter&) = delete;
        ~Waiter() { leave(); }

        bool await_ready() const noexcept { return false; }
        void await_suspend(std::coroutine_handle<> handle) {
            handle_ = handle;
            ticket_ = signal_.next_ticket_++;
            place_ = signal_.waiters_.insert(signal_.waiters_.end(), this);
            is_waiting_ = true;
        }
        void await_resume() const noexcept {}

    private:
        friend class Signal;
        void leave() {
            if (std::exchange(is_waiting_, false)) signal_.waiters_.erase(place_);
        }
        Signal& signal_;
        std::coroutine_handle<> handle_;
        std::uint64_t ticket_ = 0;
        std::list<Waiter*>::iterator place_;
        bool is_waiting_ = false;
    };

    Signal() = default;
    Signal(const Signal&) = delete;
    Signal& operator=(const Signal&) = delete;

    /// `co_await signal.wait();`
    Waiter wait() { return Waiter(*this); }

    /// Wakes those that wait now, not those that begin to wait meanwhile.
    void notify_all() {
        const std::uint64_t end = next_ticket_;
        while (!waiters_.empty() && waiters_.front()->ticket_ < end) {
            Waiter* waiter = waiters_.front();
            waiter->leave();
            waiter->handle_.resume();
        }
    }

    std::size_t size() const { return waiters_.size(); }

private:
    std::list<Waiter*> waiters_;  ///< In the order of tickets.
    std::uint64_t next_ticket_ = 0;
};

}  // namespace matrix::runtime
