// Task<T>: a coroutine that is lazy, and is either awaited at once or given to a `TaskGroup`.
//
// Destroying a task that waits destroys everything that it awaits; only destructors run then. The
// awaited task starts inside `await_suspend` and, when it finishes at once, the caller goes on
// without suspending: loops need constant stack in every build mode, without relying on tail calls.
#pragma once

#include <coroutine>
#include <exception>
#include <optional>
#include <utility>

#include "refserver/base/assert.h"

namespace matrix::runtime {

template <class T>
class Task;

namespace detail {

struct PromiseBase {
    struct FinalAwaiter {
        bool await_ready() noexcept { return false; }
        template <class Promise>
        void await_suspend(std::coroutine_handle<Promise> handle) noexcept {
            PromiseBase& promise = handle.promise();
            promise.is_done = true;
            if (!promise.is_starting && promise.continuation) promise.continuation.resume();
        }
        void await_resume() noexcept {}
    };

    std::suspend_always initial_suspend() noexcept { return {}; }
    FinalAwaiter final_suspend() noexcept { return {}; }
    // Nothing of ours throws: what arrives here (memory is exhausted) cannot be mended.
    void unhandled_exception() noexcept { std::terminate(); }

    std::coroutine_handle<> continuation;
    bool is_starting = false;
    bool is_done = false;
};

template <class T>
struct Promise : PromiseBase {
    Task<T> get_return_object() noexcept;
    template <class U>
    void return_value(U&& result) {
        value.emplace(std::forward<U>(result));
    }
    T take() { return std::move(*value); }
    std::optional<T> value;
};

template <>
struct Promise<void> : PromiseBase {
    Task<void> get_return_object() noexcept;
    void return_void() noexcept {}
    void take() {}
};

}  // namespace detail

template <class T = void>
class [[nodiscard]] Task {
public:
    using promise_type = detail::Promise<T>;
    using Handle = std::coroutine_handle<promise_type>;

    explicit Task(Handle handle) noexcept : handle_(handle) {}
    Task(Task&& other) noexcept : handle_(std::exchange(other.handle_, {})) {}
    Task& operator=(Task&& other) noexcept {
        std::swap(handle_, other.handle_);
        return *this;
    }
    ~Task() {
        if (handle_) handle_.destroy();
    }

    auto operator co_await() && noexcept {
        struct Awaiter {
            Handle handle;
            bool await_ready() noexcept { return false; }
            bool await_suspend(std::coroutine_handle<> caller) noexcept {
                detail::PromiseBase& promise = handle.promise();
                promise.continuation = caller;
                promise.is_starting = true;
                handle.resume();
                if (promise.is_done) return false;
                promise.is_starting = false;
                return true;
            }
            T await_resume() { return handle.promise().take(); }
        };
        MATRIX_ASSERT(handle_);
        return Awaiter{handle_};
    }

private:
    Handle handle_;
};

template <class T>
Task<T> detail::Promise<T>::get_return_object() noexcept {
    return Task<T>(std::coroutine_handle<Promise<T>>::from_promise(*this));
}
inline Task<void> detail::Promise<void>::get_return_object() noexcept {
    return Task<void>(std::coroutine_handle<Promise<void>>::from_promise(*this));
}

}  // namespace matrix::runtime
