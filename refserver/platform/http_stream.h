// HttpStream: a TCP socket with or without TLS over it, for the HTTP server's connections.
#pragma once

#include <array>
#include <optional>
#include <utility>

#include <boost/asio/buffer.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/write.hpp>

namespace matrix::platform {

class HttpStream {
public:
    using Socket = boost::asio::ip::tcp::socket;

    /// TLS if there is a context.
    HttpStream(Socket socket, boost::asio::ssl::context* tls) : socket_(std::move(socket)) {
        if (tls != nullptr) tls_.emplace(socket_, *tls);
    }
    HttpStream(const HttpStream&) = delete;
    HttpStream& operator=(const HttpStream&) = delete;

    Socket& socket() { return socket_; }
    bool is_encrypted() const { return tls_.has_value(); }

    template <class Handler>
    void handshake(Handler handler) {
        tls_->async_handshake(boost::asio::ssl::stream_base::server, std::move(handler));
    }
    template <class Handler>
    void read_some(boost::asio::mutable_buffer into, Handler handler) {
        tls_ ? tls_->async_read_some(into, std::move(handler))
             : socket_.async_read_some(into, std::move(handler));
    }
    /// `condition(error, count)` says how much may be written next.
    template <class Condition, class Handler>
    void write(const std::array<boost::asio::const_buffer, 2>& bytes,
               Condition condition,
               Handler handler) {
        tls_ ? boost::asio::async_write(*tls_, bytes, condition, std::move(handler))
             : boost::asio::async_write(socket_, bytes, condition, std::move(handler));
    }
    /// Ends our side of TLS, and waits for the other.
    template <class Handler>
    void end_tls(Handler handler) {
        tls_->async_shutdown(std::move(handler));
    }

private:
    Socket socket_;
    std::optional<boost::asio::ssl::stream<Socket&>> tls_;
};

}  // namespace matrix::platform
