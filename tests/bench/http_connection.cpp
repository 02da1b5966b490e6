#include "tests/bench/http_connection.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <numeric>
#include <utility>

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "refserver/base/assert.h"

namespace matrix::bench {
namespace {

constexpr std::string_view kHeadEnd = "\r\n\r\n";

// Nothing if the head has no such header or it is no number.
std::size_t content_length_of(std::string_view head) {
    constexpr std::string_view kName = "\r\nContent-Length: ";
    std::size_t length = std::string_view::npos;
    const std::size_t at = head.find(kName);
    if (at == std::string_view::npos) return length;
    const char* begin = head.data() + at + kName.size();
    std::from_chars(begin, head.data() + head.size(), length);
    return length;
}

// 0 if the head is not that of an answer.
int status_of(std::string_view head) {
    constexpr std::string_view kVersion = "HTTP/1.1 ";
    int status = 0;
    if (!head.starts_with(kVersion)) return 0;
    std::from_chars(head.data() + kVersion.size(), head.data() + head.size(), status);
    return status;
}

}  // namespace

std::string describe(std::string_view what, const Answer& answer) {
    return std::string(what) + " was answered with " + std::to_string(answer.status) + ": " +
           answer.body.substr(0, 300);
}

HttpConnection::HttpConnection(std::uint16_t port)
    : descriptor_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    MATRIX_ASSERT(descriptor_ >= 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    address.sin_port = htons(port);
    const int on = 1;
    ::setsockopt(descriptor_, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    // A failure shows in the first answer.
    ::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), sizeof address);
}

HttpConnection::HttpConnection(HttpConnection&& other) noexcept
    : descriptor_(std::exchange(other.descriptor_, -1)), input_(std::move(other.input_)) {}

HttpConnection::~HttpConnection() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

void HttpConnection::send(std::string_view request) {
    while (!request.empty()) {
        const ssize_t sent = ::send(descriptor_, request.data(), request.size(), MSG_NOSIGNAL);
        if (sent <= 0) return;  // The answer is then missing.
        request.remove_prefix(static_cast<std::size_t>(sent));
    }
}

bool HttpConnection::receive_some() {
    std::array<char, 64 * 1024> bytes;
    const ssize_t size = ::recv(descriptor_, bytes.data(), bytes.size(), 0);
    if (size <= 0) return false;
    input_.append(bytes.data(), static_cast<std::size_t>(size));
    return true;
}

Answer HttpConnection::receive() {
    std::size_t head_end = input_.find(kHeadEnd);
    while (head_end == std::string::npos) {
        if (!receive_some()) return {.status = 0, .body = "the connection ended"};
        head_end = input_.find(kHeadEnd);
    }
    const std::string_view head = std::string_view(input_).substr(0, head_end);
    const int status = status_of(head);
    const std::size_t length = content_length_of(head);
    if (status == 0 || length == std::string_view::npos) {
        return {.status = 0, .body = "not understood: " + std::string(head)};
    }
    const std::size_t body_at = head_end + kHeadEnd.size();
    while (input_.size() - body_at < length) {
        if (!receive_some()) return {.status = 0, .body = "the connection ended in a body"};
    }
    Answer answer{.status = status, .body = input_.substr(body_at, length)};
    input_.erase(0, body_at + length);
    return answer;
}

bool HttpConnection::has_input() const {
    pollfd reading{.fd = descriptor_, .events = POLLIN, .revents = 0};
    return !input_.empty() || ::poll(&reading, 1, 0) != 0;
}

std::string make_request(std::string_view method,
                         std::string_view target,
                         std::string_view access_token,
                         std::string_view body) {
    std::string request;
    request.append(method).append(" ").append(target).append(" HTTP/1.1\r\nHost: localhost\r\n");
    if (!access_token.empty()) {
        request.append("Authorization: Bearer ").append(access_token).append("\r\n");
    }
    if (!body.empty()) {
        request.append("Content-Type: application/json\r\nContent-Length: ");
        request.append(std::to_string(body.size())).append("\r\n");
    }
    return request.append("\r\n").append(body);
}

void Latencies::report(benchmark::State& state, const std::string& suffix) {
    if (us_.empty()) return;
    std::ranges::sort(us_);
    state.counters["p50_us" + suffix] = us_[us_.size() / 2];
    state.counters["p99_us" + suffix] = us_[us_.size() * 99 / 100];
}

double Latencies::mean_us() const {
    if (us_.empty()) return 0;
    return std::accumulate(us_.begin(), us_.end(), 0.0) / static_cast<double>(us_.size());
}

ClosedLoop::ClosedLoop(std::vector<HttpConnection*> clients, NextRequest next_request)
    : clients_(std::move(clients)),
      next_request_(std::move(next_request)),
      asked_at_(clients_.size()) {
    for (std::size_t client = 0; client < clients_.size(); ++client)
        ask_again(client);
}

void ClosedLoop::ask_again(std::size_t client) {
    const std::string request = next_request_(client);
    asked_at_[client] = Clock::now();
    clients_[client]->send(request);
    ++waiting_;
}

ClosedLoop::Turn ClosedLoop::receive() {
    MATRIX_ASSERT(is_waiting());
    while (ready_.empty())
        wait_for_input();
    Turn turn{.client = ready_.front()};
    ready_.pop_front();
    turn.answer = clients_[turn.client]->receive();
    turn.latency = Clock::now() - asked_at_[turn.client];
    --waiting_;
    return turn;
}

// All that have input: none of them is in `ready_` already, because that is empty.
void ClosedLoop::wait_for_input() {
    std::vector<pollfd> reading;
    for (const HttpConnection* client : clients_)
        reading.push_back({.fd = client->descriptor(), .events = POLLIN, .revents = 0});
    ::poll(reading.data(), reading.size(), -1);
    for (std::size_t client = 0; client < clients_.size(); ++client) {
        if (reading[client].revents != 0) ready_.push_back(client);
    }
}

}  // namespace matrix::bench
