// What the platform's tests run on: a loop on a thread of its own, a server that echoes or keeps
// requests waiting, and a client that writes raw bytes.
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "refserver/platform/event_loop.h"
#include "refserver/platform/file_descriptor.h"
#include "refserver/platform/http_server.h"

namespace matrix::platform {

class SilentLog final : public runtime::Log {
    bool is_enabled(runtime::LogLevel) const override { return false; }
    void take(const runtime::LogLine&) override {}
};

/// An event loop that runs until the end of the test.
class LoopThread {
public:
    LoopThread() : thread_([this] { loop.run(); }) {}
    ~LoopThread() { end(); }

    void end() {
        loop.stop();
        if (thread_.joinable()) thread_.join();
    }

    /// Runs `action` on the loop, and waits for it.
    template <class Action>
    auto run(Action action) {
        std::packaged_task<std::invoke_result_t<Action>()> task(std::move(action));
        auto result = task.get_future();
        loop.post([task = std::move(task)]() mutable { task(); });
        return result.get();
    }

    EventLoop loop;

private:
    std::thread thread_;
};

/// Answers `/ping` with "pong", keeps `/wait` waiting until `/wake`, sends `/big` as 4 MB, tries to
/// break out of a header with `/inject`, and says of any other request what it was.
class EchoServer {
public:
    explicit EchoServer(HttpServerOptions options = {},
                        std::optional<ServerCertificate> certificate = std::nullopt);
    ~EchoServer();

    std::uint16_t port() const { return port_; }
    HttpServer& http() { return *http_; }
    LoopThread& loop() { return loop_; }

    /// Returns when so many requests wait.
    void expect_waiting(std::size_t count);
    /// Returns when so many connections are open.
    void expect_open(std::uint64_t count);

private:
    void handle(runtime::HttpRequest request, runtime::Responder respond);

    SilentLog log_;
    LoopThread loop_;
    std::vector<runtime::Responder> waiting_;  // The loop's.
    std::mutex mutex_;
    std::condition_variable changed_;
    std::size_t waiting_count_ = 0;
    std::unique_ptr<HttpServer> http_;
    std::uint16_t port_ = 0;
};

/// A TCP connection to a port of this machine.
class RawClient {
public:
    explicit RawClient(std::uint16_t port);

    void send(std::string_view bytes);
    /// Nothing more will be sent.
    void end_output();
    /// With RST, as when a client crashes.
    void reset();
    /// The next answer, head and body; empty if the connection ended before.
    std::string receive(bool has_body = true);
    /// Everything until the server closes; nothing if it resets the connection.
    std::optional<std::string> receive_all();

    /// `send` and `receive`.
    std::string ask(std::string_view bytes) {
        send(bytes);
        return receive();
    }

private:
    bool receive_some();

    FileDescriptor socket_;
    std::string input_;
};

std::string get(std::string_view target);

/// A folder that is removed at the end of the test.
class TemporaryFolder {
public:
    TemporaryFolder();
    ~TemporaryFolder() { std::filesystem::remove_all(path_); }
    const std::string& path() const { return path_; }

private:
    std::string path_;
};

/// Waits until `condition` holds, for at most ten seconds; says whether it does.
bool eventually(const std::function<bool()>& condition);

}  // namespace matrix::platform
