#include "refserver/platform/http_connection.h"

#include <array>
#include <utility>

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>
#include <boost/beast/http/error.hpp>

#include "refserver/base/assert.h"

namespace matrix::platform {
namespace {

constexpr std::size_t kReadBytes = 2 * 1024;
constexpr std::size_t kBodyReadBytes = 64 * 1024;
constexpr std::size_t kBodyProgressBytes = 16 * 1024;
constexpr std::size_t kChunkLineBytesMax = 16 * 1024;
constexpr std::size_t kPipelinedBytesMax = 64 * 1024;
constexpr std::size_t kWriteBytes = 64 * 1024;
constexpr std::size_t kOneBufferBytes = 16 * 1024;

}  // namespace

HttpConnection::HttpConnection(HttpConnectionOwner& owner,
                               HttpStream::Socket socket,
                               boost::asio::ssl::context* tls)
    : owner_(owner), stream_(std::move(socket), tls), timer_(stream_.socket().get_executor()) {}

void HttpConnection::start() {
    ErrorCode error;
    stream_.socket().set_option(boost::asio::ip::tcp::no_delay(true), error);
    const auto peer = stream_.socket().remote_endpoint(error);
    if (error) return close();
    peer_address_ = peer.address().to_string();
    wait_at_most(owner_.options().head_timeout);
    if (!stream_.is_encrypted()) {
        state_ = State::Head;
        return read();
    }
    stream_.handshake([self = shared_from_this()](ErrorCode failure) {
        if (self->state_ == State::Closed) return;
        if (failure) return self->close();
        self->state_ = State::Head;
        self->read();
    });
}

void HttpConnection::answer(std::uint64_t request_id, runtime::HttpResponse response) {
    if (state_ == State::Waiting && request_id == request_id_) send(std::move(response));
}

void HttpConnection::drain() {
    after_answer_ = AfterAnswer::Close;
    is_draining_ = true;
    if (state_ == State::Handshake || (state_ == State::Head && input_.empty())) close();
}

void HttpConnection::give_up() {
    is_draining_ = true;
    if (state_ == State::Waiting) {
        refuse({503, "the server is stopping"});
    } else if (state_ != State::Answering && state_ != State::Closing) {
        close();
    }
}

void HttpConnection::close() {
    if (state_ == State::Closed) return;
    state_ = State::Closed;
    ErrorCode ignored;
    stream_.socket().close(ignored);
    timer_.cancel();
    owner_.forget(*this);
}

void HttpConnection::read() {
    if (is_reading_ || has_input_ended_ || state_ == State::Closed) return;
    is_reading_ = true;
    const std::size_t wanted = state_ == State::Body ? kBodyReadBytes : kReadBytes;
    if (piece_.size() != wanted) piece_ = std::vector<char>(wanted);  // Gives the large one back.
    const auto into = boost::asio::buffer(piece_);
    auto on_read = [self = shared_from_this()](ErrorCode error, std::size_t count) {
        self->is_reading_ = false;
        self->take_input(error, count);
    };
    // After our side of TLS is closed, what still comes is not decrypted.
    if (state_ == State::Closing) {
        stream_.socket().async_read_some(into, std::move(on_read));
    } else {
        stream_.read_some(into, std::move(on_read));
    }
}

void HttpConnection::take_input(ErrorCode error, std::size_t count) {
    if (state_ == State::Closed) return;
    if (state_ == State::Closing) return continue_closing(error);
    if (error) return end_input(error);
    input_.append(piece_.data(), count);
    advance();
}

// A client may close its side and wait for the answer to what it has sent.
void HttpConnection::end_input(ErrorCode error) {
    const bool is_orderly =
        error == boost::asio::error::eof || error == boost::asio::ssl::error::stream_truncated;
    if (!is_orderly) return close();
    has_input_ended_ = true;
    advance();
}

void HttpConnection::advance() {
    switch (state_) {
        case State::Head:
            return read_head();
        case State::Body:
            return read_body();
        case State::Waiting:
        case State::Answering:
            if (input_.size() < kPipelinedBytesMax) read();
            return;
        case State::Handshake:
        case State::Closing:
        case State::Closed:
            return;
    }
}

void HttpConnection::read_head() {
    while (input_.starts_with("\r\n"))
        input_.erase(0, 2);  // RFC 9112, 2.2
    if (input_.empty() || input_ == "\r") return read_more();
    if (!std::exchange(has_head_begun_, true)) wait_at_most(owner_.options().head_timeout);
    const auto progress = scanner_.scan(input_);
    if (scanner_.head_size() > owner_.options().head_bytes_max) {
        return refuse({431, "the head is too large"});
    }
    switch (progress) {
        case HeadScanner::Progress::Incomplete:
            return read_more();
        case HeadScanner::Progress::Malformed:
            return refuse({400, "not an HTTP request"});
        case HeadScanner::Progress::Complete:
            if (auto refusal = begin_request()) return refuse(*refusal);
            return read_body();
    }
}

// Whoever has ended its side in the middle of a request does not wait for anything.
void HttpConnection::read_more() {
    has_input_ended_ ? close() : read();
}

// The head is complete: parses and checks it, and prepares for the body.
std::optional<Refusal> HttpConnection::begin_request() {
    const std::size_t size = scanner_.head_size();
    const std::string_view raw = std::string_view(input_).substr(0, size);
    if (auto refusal = check_lines(raw, owner_.options().fields_max)) return refusal;

    parser_.emplace();
    parser_->header_limit(static_cast<std::uint32_t>(size + 1));
    // Compared with Content-Length while the head is parsed, before a better answer is possible.
    parser_->body_limit(boost::none);
    ErrorCode error;
    const std::size_t parsed = parser_->put(boost::asio::buffer(raw), error);
    if (error || !parser_->is_header_done() || parsed != size) {
        return Refusal{400, "not an HTTP request"};
    }
    if (auto refusal = take_head()) return refusal;

    parser_->body_limit(owner_.options().body_bytes_max);
    parser_->eager(true);
    input_.erase(0, size);
    state_ = State::Body;
    body_bytes_ = 0;
    if (parser_->is_done()) return std::nullopt;
    wait_at_most(owner_.options().body_timeout);
    if (find_expectation(head_) == Expectation::Continue && input_.empty()) {
        write({"HTTP/1.1 100 Continue\r\n\r\n", "", false});
    }
    return std::nullopt;
}

// Copies the head now: trailers of the body are merged into the parser's fields later.
std::optional<Refusal> HttpConnection::take_head() {
    const auto& message = parser_->get();
    head_.version = message.version() == 11 ? HttpVersion::Http11 : HttpVersion::Http10;
    head_.method = message.method_string();
    head_.target = message.target();
    for (const auto& field : message) {
        head_.headers.add(std::string(field.name_string()), std::string(field.value()));
    }
    const bool keeps_open = message.version() == 11 && message.keep_alive() && !is_draining_;
    after_answer_ = keeps_open ? AfterAnswer::KeepOpen : AfterAnswer::Close;

    if (auto refusal = check_head(head_)) return refusal;
    resolve_absolute_target(head_);
    if (find_expectation(head_) == Expectation::Unknown) {
        return Refusal{417, "the only expectation is 100-continue"};
    }
    if (parser_->content_length().value_or(0) > owner_.options().body_bytes_max) {
        return Refusal{413, "the body is too large"};
    }
    return std::nullopt;
}

void HttpConnection::read_body() {
    namespace http = boost::beast::http;
    while (!parser_->is_done() && !input_.empty()) {
        ErrorCode error;
        const std::size_t parsed = parser_->put(boost::asio::buffer(input_), error);
        input_.erase(0, parsed);
        note_progress(parsed);
        if (error == http::error::need_more) {
            if (input_.size() > kChunkLineBytesMax) return refuse({400, "an endless chunk line"});
            break;
        }
        if (error == http::error::body_limit) return refuse({413, "the body is too large"});
        if (error) return refuse({400, "the body's chunks are malformed"});
    }
    if (!parser_->is_done()) return read_more();
    hand_over();
}

// A client that sends a byte now and then would hold its place for ever.
void HttpConnection::note_progress(std::size_t count) {
    const std::size_t before = body_bytes_;
    body_bytes_ += count;
    if (before / kBodyProgressBytes != body_bytes_ / kBodyProgressBytes) {
        wait_at_most(owner_.options().body_timeout);
    }
}

void HttpConnection::hand_over() {
    runtime::HttpRequest request;
    request.body = std::move(parser_->get().body());
    request.method = head_.method;
    request.target = std::move(head_.target);
    request.headers = std::move(head_.headers);
    request.peer_address = peer_address_;
    parser_.reset();
    if (input_.empty()) input_ = {};  // A request that waits holds no large buffers.

    state_ = State::Waiting;
    ++request_id_;
    wait_for_ever();
    advance();
    owner_.hand_over(shared_from_this(), request_id_, std::move(request));
}

void HttpConnection::refuse(const Refusal& refusal) {
    after_answer_ = AfterAnswer::Close;
    send(owner_.plain_error(refusal));
}

void HttpConnection::send(runtime::HttpResponse response) {
    if (is_draining_) after_answer_ = AfterAnswer::Close;
    auto head = format_response_head(response, after_answer_, owner_.date());
    if (!head) {
        response = owner_.plain_error({500, "the answer cannot be sent"});
        head = format_response_head(response, after_answer_, owner_.date());
        MATRIX_ASSERT(head.has_value());
    }
    if (head_.method == "HEAD" || !may_have_body(response.status)) response.body.clear();
    state_ = State::Answering;
    // One record of TLS and one packet for what is small.
    if (response.body.size() <= kOneBufferBytes) head->append(std::exchange(response.body, {}));
    write({std::move(*head), std::move(response.body), true});
}

void HttpConnection::write(Output output) {
    output_.push_back(std::move(output));
    if (output_.size() == 1) write_next();
}

void HttpConnection::write_next() {
    const std::array<boost::asio::const_buffer, 2> buffers{
        boost::asio::buffer(output_.front().head), boost::asio::buffer(output_.front().body)};
    const auto allow_more = [this](const ErrorCode& error, std::size_t) -> std::size_t {
        if (error) return 0;
        if (state_ == State::Answering) wait_at_most(owner_.options().write_timeout);
        return kWriteBytes;
    };
    stream_.write(buffers, allow_more, [self = shared_from_this()](ErrorCode error, std::size_t) {
        if (self->state_ == State::Closed) return;
        if (error) return self->close();
        const bool was_answer = self->output_.front().is_answer;
        self->output_.pop_front();
        if (!self->output_.empty()) self->write_next();
        if (was_answer) self->end_answer();
    });
}

void HttpConnection::end_answer() {
    if (after_answer_ == AfterAnswer::Close) return begin_closing();
    state_ = State::Head;
    scanner_ = {};
    has_head_begun_ = false;
    head_ = {};
    wait_at_most(owner_.options().idle_timeout);
    advance();
}

// Closing with unread input makes the kernel send RST, which can destroy the answer on its way (a
// 413!): closes our side, then reads until the client closes its own, or time is up.
void HttpConnection::begin_closing() {
    state_ = State::Closing;
    input_ = {};
    wait_at_most(owner_.options().linger_timeout);
    if (!stream_.is_encrypted()) return end_output();
    if (!is_reading_) return end_tls();
    ErrorCode ignored;
    stream_.socket().cancel(ignored);  // Goes on in `continue_closing`.
}

void HttpConnection::end_tls() {
    is_tls_ending_ = true;
    stream_.end_tls([self = shared_from_this()](ErrorCode) {
        if (self->state_ == State::Closing) self->end_output();
    });
}

void HttpConnection::end_output() {
    ErrorCode ignored;
    stream_.socket().shutdown(boost::asio::ip::tcp::socket::shutdown_send, ignored);
    if (has_input_ended_) return close();
    read();
}

void HttpConnection::continue_closing(ErrorCode error) {
    // The read that `begin_closing` cancelled.
    if (stream_.is_encrypted() && !is_tls_ending_) return end_tls();
    if (error) return close();
    read();
}

// The timer is not set again for each step: it wakes, sees that there is time left, and sleeps on.
void HttpConnection::wait_at_most(std::chrono::milliseconds limit) {
    deadline_ = std::chrono::steady_clock::now() + limit;
    if (!is_timer_set_ || timer_.expiry() > deadline_) set_timer();
}

void HttpConnection::wait_for_ever() {
    deadline_ = Time::max();
}

void HttpConnection::set_timer() {
    is_timer_set_ = true;
    timer_.expires_at(deadline_);
    timer_.async_wait([weak = weak_from_this()](ErrorCode error) {
        const auto self = weak.lock();
        if (error || !self || self->state_ == State::Closed) return;
        self->is_timer_set_ = false;
        if (self->deadline_ == Time::max()) return;
        if (self->deadline_ > std::chrono::steady_clock::now()) return self->set_timer();
        self->run_out_of_time();
    });
}

void HttpConnection::run_out_of_time() {
    const bool is_within_request =
        state_ == State::Body || (state_ == State::Head && has_head_begun_);
    if (is_within_request) {
        refuse({408, "the request did not arrive in time"});
    } else {
        close();
    }
}

}  // namespace matrix::platform
