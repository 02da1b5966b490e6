// HttpConnection: one client of the HTTP server.
//
// It reads one request at a time, hands it over, and waits for its answer; what the client sends
// meanwhile is kept up to a limit. A read is always pending until then, so that a client that
// resets the connection is noticed. All writes go through one queue. Lives on the server's thread.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <boost/asio/steady_timer.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "refserver/platform/http_framing.h"
#include "refserver/platform/http_server.h"
#include "refserver/platform/http_stream.h"

namespace matrix::platform {

class HttpConnection;

/// What a connection needs of its server.
class HttpConnectionOwner {
public:
    virtual const HttpServerOptions& options() const = 0;
    /// The `Date` of now.
    virtual const std::string& date() = 0;
    virtual runtime::HttpResponse plain_error(const Refusal& refusal) = 0;
    virtual void hand_over(const std::shared_ptr<HttpConnection>& connection,
                           std::uint64_t request_id,
                           runtime::HttpRequest request) = 0;
    virtual void forget(HttpConnection& connection) = 0;

protected:
    ~HttpConnectionOwner() = default;
};

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
public:
    HttpConnection(HttpConnectionOwner& owner,
                   HttpStream::Socket socket,
                   boost::asio::ssl::context* tls);
    HttpConnection(const HttpConnection&) = delete;
    HttpConnection& operator=(const HttpConnection&) = delete;

    void start();
    /// Answers request number `request_id`, if it still waits.
    void answer(std::uint64_t request_id, runtime::HttpResponse response);
    /// Closes after the request in progress, or at once if there is none.
    void drain();
    /// Answers a request that waits with 503, and closes.
    void give_up();
    void close();

private:
    using ErrorCode = boost::system::error_code;
    using Parser = boost::beast::http::request_parser<boost::beast::http::string_body>;
    using Time = std::chrono::steady_clock::time_point;

    enum class State {
        Handshake,
        Head,  ///< Between two requests, or within a head.
        Body,
        Waiting,  ///< For the answer of whoever handles requests.
        Answering,
        Closing,  ///< The last answer is written: input is read and thrown away.
        Closed,
    };
    struct Output {
        std::string head;
        std::string body;
        bool is_answer;
    };

    void read();
    void take_input(ErrorCode error, std::size_t count);
    void end_input(ErrorCode error);
    void advance();
    void read_head();
    void read_more();
    std::optional<Refusal> begin_request();
    std::optional<Refusal> take_head();
    void read_body();
    void note_progress(std::size_t count);
    void hand_over();

    void refuse(const Refusal& refusal);
    void send(runtime::HttpResponse response);
    void write(Output output);
    void write_next();
    void end_answer();

    void begin_closing();
    void end_tls();
    void end_output();
    void continue_closing(ErrorCode error);

    void wait_at_most(std::chrono::milliseconds limit);
    void wait_for_ever();
    void set_timer();
    void run_out_of_time();

    HttpConnectionOwner& owner_;
    HttpStream stream_;
    State state_ = State::Handshake;
    std::string peer_address_;

    // Bytes that no one has looked at yet. Reads go into `piece_`, so that `input_` may be consumed
    // while one is pending.
    std::string input_;
    std::vector<char> piece_;
    bool is_reading_ = false;
    bool has_input_ended_ = false;

    // The request that is being read, or was read last.
    HeadScanner scanner_;
    bool has_head_begun_ = false;
    RequestHead head_;
    std::optional<Parser> parser_;
    std::size_t body_bytes_ = 0;
    std::uint64_t request_id_ = 0;

    std::deque<Output> output_;
    AfterAnswer after_answer_ = AfterAnswer::KeepOpen;
    bool is_draining_ = false;
    bool is_tls_ending_ = false;

    boost::asio::steady_timer timer_;
    Time deadline_ = Time::max();
    bool is_timer_set_ = false;
};

}  // namespace matrix::platform
