#include "refserver/platform/http_server.h"

#include <array>
#include <atomic>
#include <list>
#include <thread>
#include <unordered_map>
#include <utility>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/v6_only.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <openssl/ssl.h>

#include "refserver/base/assert.h"
#include "refserver/platform/http_connection.h"

namespace matrix::platform {
namespace {

namespace asio = boost::asio;
using tcp = asio::ip::tcp;
using ErrorCode = boost::system::error_code;

constexpr auto kAcceptPause = std::chrono::milliseconds(100);

runtime::HttpResponse text_error(int status, std::string_view detail) {
    return {status, {{"Content-Type", "text/plain"}}, std::string(detail) + "\n"};
}

std::expected<asio::ssl::context, std::string> make_tls_context(
    const ServerCertificate& certificate) {
    asio::ssl::context context(asio::ssl::context::tls_server);
    ErrorCode error;
    context.set_options(asio::ssl::context::no_tlsv1 | asio::ssl::context::no_tlsv1_1, error);
    if (!error) context.use_certificate_chain(asio::buffer(certificate.chain_pem), error);
    if (error) return std::unexpected("the certificate cannot be used: " + error.message());
    context.use_private_key(asio::buffer(certificate.key_pem), asio::ssl::context::pem, error);
    if (error) return std::unexpected("the private key cannot be used: " + error.message());
    // A request that waits keeps no buffers of OpenSSL.
    SSL_CTX_set_mode(context.native_handle(), SSL_MODE_RELEASE_BUFFERS);
    return context;
}

}  // namespace

struct HttpServer::Implementation final : HttpConnectionOwner,
                                          std::enable_shared_from_this<HttpServer::Implementation> {
    struct Listener {
        explicit Listener(asio::io_context& io) : acceptor(io), pause(io) {}
        tcp::acceptor acceptor;
        asio::steady_timer pause;
        std::optional<asio::ssl::context> tls;
        bool is_full = false;  // Waits for a connection to end.
    };

    Implementation(runtime::Executor& engine, runtime::Log& messages, HttpServerOptions settings)
        : executor(engine), log(messages), options_(std::move(settings)), drain_timer(io) {
        if (!options_.plain_error) options_.plain_error = text_error;
    }

    // --- Connections ---------------------------------------------------------------------------

    void accept(Listener& listener) {
        if (connections.size() >= options_.connections_max) {
            listener.is_full = true;
            return;
        }
        listener.acceptor.async_accept([this, &listener](ErrorCode error, tcp::socket socket) {
            if (is_draining || error == asio::error::operation_aborted) return;
            if (error) return pause_accepting(listener, error);
            start_connection(listener, std::move(socket));
            accept(listener);
        });
    }

    // Out of file descriptors, for example: the client still waits, so trying at once would spin.
    void pause_accepting(Listener& listener, const ErrorCode& error) {
        log.write("accept_failed", {{"why", error.message()}});
        listener.pause.expires_after(kAcceptPause);
        listener.pause.async_wait([this, &listener](ErrorCode aborted) {
            if (!aborted && !is_draining) accept(listener);
        });
    }

    void start_connection(Listener& listener, tcp::socket socket) {
        asio::ssl::context* tls = listener.tls ? &*listener.tls : nullptr;
        auto connection = std::make_shared<HttpConnection>(*this, std::move(socket), tls);
        connections.emplace(connection.get(), connection);
        ++connections_accepted;
        connections_open = connections.size();
        connection->start();
    }

    void forget(HttpConnection& connection) override {
        connections.erase(&connection);
        connections_open = connections.size();
        if (is_draining) {
            if (connections.empty()) end_drain();
            return;
        }
        for (Listener& listener : listeners) {
            if (std::exchange(listener.is_full, false)) accept(listener);
        }
    }

    // A copy: closing a connection removes it from the map.
    template <class Action>
    void for_each_connection(Action action) {
        std::vector<std::shared_ptr<HttpConnection>> all;
        for (const auto& [key, connection] : connections)
            all.push_back(connection);
        for (const auto& connection : all)
            action(*connection);
    }

    // --- For connections -----------------------------------------------------------------------

    const HttpServerOptions& options() const override { return options_; }

    const std::string& date() override {
        const std::time_t now = std::time(nullptr);
        if (now != date_time) {
            date_time = now;
            date_text = format_date(now);
        }
        return date_text;
    }

    runtime::HttpResponse plain_error(const Refusal& refusal) override {
        ++requests_refused;
        return options_.plain_error(refusal.status, refusal.detail);
    }

    // The responder holds its connection weakly: one that has gone is freed, and the answer
    // dropped.
    void hand_over(const std::shared_ptr<HttpConnection>& connection,
                   std::uint64_t request_id,
                   runtime::HttpRequest request) override {
        ++requests;
        executor.post([self = shared_from_this(),
                       weak = std::weak_ptr(connection),
                       request_id,
                       request = std::move(request)]() mutable {
            if (!self->handler) return;
            auto& handle = self->handler;
            handle(std::move(request),
                   make_responder(std::move(self), std::move(weak), request_id));
        });
    }

    static runtime::Responder make_responder(std::shared_ptr<Implementation> self,
                                             std::weak_ptr<HttpConnection> weak,
                                             std::uint64_t request_id) {
        return [self = std::move(self), weak = std::move(weak), request_id](
                   runtime::HttpResponse response) {
            asio::post(self->io, [weak, request_id, response = std::move(response)]() mutable {
                if (const auto connection = weak.lock()) {
                    connection->answer(request_id, std::move(response));
                }
            });
        };
    }

    // --- Ending --------------------------------------------------------------------------------

    void begin_drain(std::move_only_function<void()> done) {
        if (is_draining) return;
        is_draining = true;
        on_drained = std::move(done);
        for (Listener& listener : listeners) {
            ErrorCode ignored;
            listener.acceptor.close(ignored);
            listener.pause.cancel();
        }
        for_each_connection([](HttpConnection& connection) { connection.drain(); });
        if (connections.empty()) return end_drain();
        after(options_.drain_timeout, [this] {
            for_each_connection([](HttpConnection& connection) { connection.give_up(); });
            if (connections.empty()) return end_drain();
            after(options_.linger_timeout, [this] {
                for_each_connection([](HttpConnection& connection) { connection.close(); });
                end_drain();
            });
        });
    }

    void after(std::chrono::milliseconds delay, std::move_only_function<void()> action) {
        drain_timer.expires_after(delay);
        drain_timer.async_wait([this, action = std::move(action)](ErrorCode aborted) mutable {
            if (!aborted && on_drained) action();
        });
    }

    void end_drain() {
        if (!on_drained) return;
        executor.post(std::exchange(on_drained, nullptr));
        drain_timer.cancel();
    }

    runtime::Executor& executor;
    runtime::Log& log;
    runtime::RequestHandler handler;  // The executor's.

    // Another thread posts: one thread runs this, but it needs its lock.
    asio::io_context io{1};
    std::optional<asio::executor_work_guard<asio::io_context::executor_type>> keeps_running;
    std::thread thread;

    HttpServerOptions options_;
    std::list<Listener> listeners;
    std::unordered_map<HttpConnection*, std::shared_ptr<HttpConnection>> connections;
    std::time_t date_time = 0;
    std::string date_text;

    bool is_draining = false;
    std::move_only_function<void()> on_drained;
    asio::steady_timer drain_timer;

    std::atomic<std::uint64_t> connections_accepted = 0;
    std::atomic<std::uint64_t> connections_open = 0;
    std::atomic<std::uint64_t> requests = 0;
    std::atomic<std::uint64_t> requests_refused = 0;
};

HttpServer::HttpServer(runtime::Executor& executor, runtime::Log& log, HttpServerOptions options)
    : implementation_(std::make_shared<Implementation>(executor, log, std::move(options))) {}

HttpServer::~HttpServer() {
    Implementation& server = *implementation_;
    server.io.stop();
    if (server.thread.joinable()) server.thread.join();
    server.is_draining = true;
    server.on_drained = nullptr;
    server.handler = nullptr;
    server.for_each_connection([](HttpConnection& connection) { connection.close(); });
    server.listeners.clear();
}

std::expected<std::uint16_t, std::string> HttpServer::listen(
    const SocketAddress& address, const std::optional<ServerCertificate>& certificate) {
    Implementation& server = *implementation_;
    ErrorCode error;
    const auto ip = asio::ip::make_address(address.ip, error);
    if (error) return std::unexpected(address.ip + " is not an IP address");
    const tcp::endpoint endpoint(ip, address.port);

    Implementation::Listener& listener = server.listeners.emplace_back(server.io);
    tcp::acceptor& acceptor = listener.acceptor;
    acceptor.open(endpoint.protocol(), error);
    if (!error) acceptor.set_option(tcp::acceptor::reuse_address(true), error);
    if (!error && ip.is_v6()) acceptor.set_option(asio::ip::v6_only(true), error);
    if (!error) acceptor.bind(endpoint, error);
    if (!error) acceptor.listen(asio::socket_base::max_listen_connections, error);
    if (error) {
        server.listeners.pop_back();
        return std::unexpected("cannot listen on " + to_string(address) + ": " + error.message());
    }
    if (certificate) {
        auto context = make_tls_context(*certificate);
        if (!context) {
            server.listeners.pop_back();
            return std::unexpected(std::move(context).error());
        }
        listener.tls.emplace(*std::move(context));
    }
    return acceptor.local_endpoint().port();
}

void HttpServer::serve(runtime::RequestHandler handler) {
    Implementation& server = *implementation_;
    MATRIX_ASSERT(!server.thread.joinable());
    server.handler = std::move(handler);
    server.keeps_running.emplace(asio::make_work_guard(server.io));
    for (Implementation::Listener& listener : server.listeners)
        server.accept(listener);
    server.thread = std::thread([&server] { server.io.run(); });
}

void HttpServer::drain(std::move_only_function<void()> done) {
    Implementation& server = *implementation_;
    asio::post(server.io, [&server, done = std::move(done)]() mutable {
        server.begin_drain(std::move(done));
    });
}

HttpServerStatistics HttpServer::statistics() const {
    const Implementation& server = *implementation_;
    return {server.connections_accepted,
            server.connections_open,
            server.requests,
            server.requests_refused};
}

}  // namespace matrix::platform
