// One connection to a server on this machine, as cheap as a client can be: it shares the cores with
// what it measures. No TLS; it understands answers with a Content-Length.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include <benchmark/benchmark.h>

namespace matrix::bench {

using Clock = std::chrono::steady_clock;

struct Answer {
    int status = 0;  ///< 0: the connection ended, or what came is no answer; `body` says which.
    std::string body;
    bool is_ok() const { return status == 200; }
};
/// "GET /x was answered with 404: {...}", for SkipWithError.
std::string describe(std::string_view what, const Answer& answer);

class HttpConnection {
public:
    explicit HttpConnection(std::uint16_t port);
    HttpConnection(HttpConnection&& other) noexcept;
    HttpConnection& operator=(HttpConnection&&) = delete;
    ~HttpConnection();

    void send(std::string_view request);
    /// Waits for the next answer.
    Answer receive();
    Answer ask(std::string_view request) {
        send(request);
        return receive();
    }
    /// Has anything come that was not received?
    bool has_input() const;
    int descriptor() const { return descriptor_; }

private:
    bool receive_some();

    int descriptor_;
    std::string input_;
};

/// The bytes of a request; the target is percent-encoded already.
std::string make_request(std::string_view method,
                         std::string_view target,
                         std::string_view access_token = {},
                         std::string_view body = {});

/// How long single requests took.
class Latencies {
public:
    void add(Clock::duration latency) {
        us_.push_back(std::chrono::duration<double, std::micro>(latency).count());
    }
    /// Sets the counters p50_us and p99_us, followed by `suffix`.
    void report(benchmark::State& state, const std::string& suffix = {});
    /// 0 of none.
    double mean_us() const;

private:
    std::vector<double> us_;
};

/// Clients that each ask again as soon as they are answered.
class ClosedLoop {
public:
    /// Gives the next request of a client.
    using NextRequest = std::function<std::string(std::size_t client)>;
    struct Turn {
        std::size_t client = 0;
        Answer answer;
        Clock::duration latency{};
    };

    /// All clients ask at once.
    ClosedLoop(std::vector<HttpConnection*> clients, NextRequest next_request);

    /// Waits for an answer; its client does not ask again before `ask_again`.
    Turn receive();
    void ask_again(std::size_t client);
    bool is_waiting() const { return waiting_ > 0; }

private:
    void wait_for_input();

    std::vector<HttpConnection*> clients_;
    NextRequest next_request_;
    std::vector<Clock::time_point> asked_at_;
    std::deque<std::size_t> ready_;
    std::size_t waiting_ = 0;
};

}  // namespace matrix::bench
