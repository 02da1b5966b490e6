#include "tests/platform/real_world.h"

#include <array>
#include <cstdlib>
#include <cstring>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

namespace matrix::platform {

EchoServer::EchoServer(HttpServerOptions options, std::optional<ServerCertificate> certificate)
    : http_(std::make_unique<HttpServer>(loop_.loop, log_, std::move(options))) {
    port_ = http_->listen({"127.0.0.1", 0}, certificate).value();
    http_->serve([this](runtime::HttpRequest request, runtime::Responder respond) {
        handle(std::move(request), std::move(respond));
    });
}

EchoServer::~EchoServer() {
    loop_.end();
    http_.reset();
}

void EchoServer::handle(runtime::HttpRequest request, runtime::Responder respond) {
    if (request.target == "/ping") return respond({200, {}, "pong"});
    if (request.target == "/big") return respond({200, {}, std::string(4'000'000, 'x')});
    if (request.target == "/inject") {
        return respond({200, {{"X", "1\r\nSet-Cookie: evil=1"}}, "injected"});
    }
    if (request.target == "/nobody") return respond({204, {}, "never sent"});
    if (request.target == "/wait") {
        waiting_.push_back(std::move(respond));
    } else if (request.target == "/wake") {
        for (auto& waiting : waiting_)
            waiting({200, {}, "woken"});
        waiting_.clear();
        respond({200, {}, "awake"});
    } else {
        std::string echo = request.method + " " + request.target + " body=" + request.body;
        if (request.body.size() > 1000) {
            echo = request.method + " " + std::to_string(request.body.size()) + " bytes";
        }
        for (const auto& [name, value] : request.headers)
            echo += " [" + name + "=" + value + "]";
        respond({200, {{"Content-Type", "text/plain"}}, echo});
    }
    const std::lock_guard lock(mutex_);
    waiting_count_ = waiting_.size();
    changed_.notify_all();
}

void EchoServer::expect_waiting(std::size_t count) {
    std::unique_lock lock(mutex_);
    const bool is_reached =
        changed_.wait_for(lock, std::chrono::seconds(20), [&] { return waiting_count_ == count; });
    EXPECT_TRUE(is_reached) << waiting_count_ << " requests wait instead of " << count;
}

void EchoServer::expect_open(std::uint64_t count) {
    EXPECT_TRUE(eventually([&] { return http_->statistics().connections_open == count; }))
        << http_->statistics().connections_open << " connections are open instead of " << count;
}

RawClient::RawClient(std::uint16_t port)
    : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval limit{10, 0};
    ::setsockopt(socket_.number(), SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
    ::setsockopt(socket_.number(), SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(::connect(socket_.number(), reinterpret_cast<sockaddr*>(&address), sizeof(address)),
              0)
        << std::strerror(errno);
}

void RawClient::send(std::string_view bytes) {
    while (!bytes.empty()) {
        const ssize_t sent = ::send(socket_.number(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
        if (sent <= 0) return;  // What the test receives tells.
        bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
}

void RawClient::end_output() {
    ::shutdown(socket_.number(), SHUT_WR);
}

void RawClient::reset() {
    const linger at_once{1, 0};
    ::setsockopt(socket_.number(), SOL_SOCKET, SO_LINGER, &at_once, sizeof(at_once));
    socket_ = FileDescriptor();
}

bool RawClient::receive_some() {
    std::array<char, 65536> bytes;
    const ssize_t count = ::recv(socket_.number(), bytes.data(), bytes.size(), 0);
    if (count > 0) input_.append(bytes.data(), static_cast<std::size_t>(count));
    return count > 0;
}

std::string RawClient::receive(bool has_body) {
    std::size_t head_end = std::string::npos;
    while ((head_end = input_.find("\r\n\r\n")) == std::string::npos) {
        if (!receive_some()) return std::exchange(input_, {});
    }
    std::size_t size = head_end + 4;
    const std::size_t length = input_.find("Content-Length: ");
    if (has_body && length < head_end)
        size += std::strtoul(input_.c_str() + length + 16, nullptr, 10);
    while (input_.size() < size) {
        if (!receive_some()) break;
    }
    std::string answer = input_.substr(0, size);
    input_.erase(0, size);
    return answer;
}

std::optional<std::string> RawClient::receive_all() {
    errno = 0;
    while (receive_some()) {
    }
    if (errno != 0) return std::nullopt;
    return std::exchange(input_, {});
}

std::string get(std::string_view target) {
    return "GET " + std::string(target) + " HTTP/1.1\r\nHost: example.org\r\n\r\n";
}

TemporaryFolder::TemporaryFolder() {
    std::string name = std::filesystem::temp_directory_path() / "touchstone-XXXXXX";
    path_ = ::mkdtemp(name.data());
}

bool eventually(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
    while (!condition()) {
        if (std::chrono::steady_clock::now() > deadline) return false;
        std::this_thread::yield();
    }
    return true;
}

}  // namespace matrix::platform
