#include "simulator/live/relay.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <list>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "refserver/base/assert.h"
#include "refserver/platform/file_descriptor.h"

namespace matrix::live {
namespace {

using platform::FileDescriptor;
using platform::SocketAddress;
using SteadyTime = std::chrono::steady_clock::time_point;

constexpr std::size_t kBufferBytesMax = 64 * 1024;
constexpr std::size_t kSlowChunkBytes = 512;
constexpr std::size_t kConnectionsMax = 1024;  ///< More are reset.
constexpr int kBacklog = 128;

struct RawAddress {
    sockaddr_storage storage{};
    socklen_t size = 0;
    const sockaddr* generic() const { return reinterpret_cast<const sockaddr*>(&storage); }
};

RawAddress raw(const SocketAddress& address) {
    RawAddress result;
    auto* v4 = reinterpret_cast<sockaddr_in*>(&result.storage);
    if (::inet_pton(AF_INET, address.ip.c_str(), &v4->sin_addr) == 1) {
        v4->sin_family = AF_INET;
        v4->sin_port = htons(address.port);
        result.size = sizeof *v4;
        return result;
    }
    auto* v6 = reinterpret_cast<sockaddr_in6*>(&result.storage);
    MATRIX_ASSERT(::inet_pton(AF_INET6, address.ip.c_str(), &v6->sin6_addr) == 1);
    v6->sin6_family = AF_INET6;
    v6->sin6_port = htons(address.port);
    result.size = sizeof *v6;
    return result;
}

std::uint16_t port_of(int socket) {
    RawAddress address;
    address.size = sizeof address.storage;
    auto* generic = reinterpret_cast<sockaddr*>(&address.storage);
    MATRIX_ASSERT(::getsockname(socket, generic, &address.size) == 0);
    return ntohs(address.storage.ss_family == AF_INET
                     ? reinterpret_cast<sockaddr_in*>(generic)->sin_port
                     : reinterpret_cast<sockaddr_in6*>(generic)->sin6_port);
}

// What the other end sees is a reset, not an orderly end.
void reset(FileDescriptor& socket) {
    const linger at_once{.l_onoff = 1, .l_linger = 0};
    if (socket.is_open()) {
        ::setsockopt(socket.number(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    }
    socket = FileDescriptor();
}

// One direction of a connection: what was read and not yet written.
struct Flow {
    std::string buffer;
    bool has_ended = false;  // The source has said that there is no more.
    bool is_end_passed_on = false;
    SteadyTime write_again_at{};  // For bytes that trickle.
};

struct Connection {
    Link link;
    ConnectionFate fate;
    std::uint64_t bytes = 0;
    std::array<FileDescriptor, 2> ends;  // Who came, and to whom he goes.
    std::array<Flow, 2> flows;           // flows[i] is what ends[i] sent.
    bool is_over = false;

    void reset_both() {
        reset(ends[0]);
        reset(ends[1]);
        is_over = true;
    }
};

struct Listener {
    FileDescriptor socket;
    SocketAddress to;
    Link link;
};

// Reads what there is and fits.
void read_from(Connection& connection, std::size_t from) {
    Flow& flow = connection.flows[from];
    std::array<char, 16 * 1024> bytes;
    const std::size_t room = std::min(bytes.size(), kBufferBytesMax - flow.buffer.size());
    const ssize_t count = ::recv(connection.ends[from].number(), bytes.data(), room, 0);
    if (count > 0) {
        flow.buffer.append(bytes.data(), static_cast<std::size_t>(count));
        connection.bytes += static_cast<std::uint64_t>(count);
    } else if (count == 0) {
        flow.has_ended = true;
    } else if (errno != EAGAIN && errno != EINTR) {
        connection.reset_both();
    }
    const auto& limit = connection.fate.reset_after_bytes;
    if (!connection.is_over && limit && connection.bytes >= *limit) connection.reset_both();
}

void write_to(Connection& connection, std::size_t to, SteadyTime now) {
    Flow& flow = connection.flows[1 - to];
    std::size_t room = flow.buffer.size();
    if (connection.fate.bytes_per_second) room = std::min(room, kSlowChunkBytes);
    const ssize_t count =
        ::send(connection.ends[to].number(), flow.buffer.data(), room, MSG_NOSIGNAL);
    if (count < 0) {
        if (errno != EAGAIN && errno != EINTR) connection.reset_both();
        return;
    }
    flow.buffer.erase(0, static_cast<std::size_t>(count));
    if (connection.fate.bytes_per_second) {
        const auto pause_us =
            static_cast<std::uint64_t>(count) * 1'000'000 / *connection.fate.bytes_per_second;
        flow.write_again_at = now + std::chrono::microseconds(pause_us);
    }
}

// An orderly end goes on when everything before it has.
void pass_on_ends(Connection& connection) {
    for (std::size_t from = 0; from < 2 && !connection.is_over; ++from) {
        Flow& flow = connection.flows[from];
        if (!flow.has_ended || flow.is_end_passed_on || !flow.buffer.empty()) continue;
        ::shutdown(connection.ends[1 - from].number(), SHUT_WR);
        flow.is_end_passed_on = true;
    }
    const auto& [there, back] = connection.flows;
    if (there.is_end_passed_on && back.is_end_passed_on) connection.is_over = true;
}

}  // namespace

struct Relay::Implementation {
    explicit Implementation(Faults& faults_)
        : faults(faults_),
          wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)),
          thread([this] { run(); }) {}
    ~Implementation() {
        is_stopping = true;
        wake_up();
        thread.join();
    }

    void wake_up() {
        const std::uint64_t one = 1;
        // A full counter wakes as well.
        static_cast<void>(!::write(wake.number(), &one, sizeof one));
    }

    void run() {
        while (!is_stopping) {
            take_orders();
            std::vector<pollfd> polled = list_polled();
            ::poll(polled.data(), polled.size(), milliseconds_to_wait());
            serve(polled);
            connections.remove_if([](const Connection& one) { return one.is_over; });
        }
        for (Connection& connection : connections)
            connection.reset_both();
    }

    void take_orders() {
        std::uint64_t ignored = 0;
        static_cast<void>(!::read(wake.number(), &ignored, sizeof ignored));
        {
            const std::lock_guard lock(mutex);
            std::ranges::move(new_listeners, std::back_inserter(listeners));
            new_listeners.clear();
        }
        if (!must_reconsider.exchange(false)) return;
        for (Connection& connection : connections) {
            if (faults.is_cut(connection.link)) {
                connection.reset_both();
                continue;
            }
            connection.fate = faults.draw_connection(connection.link);
            connection.bytes = 0;
        }
        connections.remove_if([](const Connection& one) { return one.is_over; });
    }

    // First the wake, then the listeners, then two for each connection, in their orders.
    std::vector<pollfd> list_polled() const {
        std::vector<pollfd> polled{{.fd = wake.number(), .events = POLLIN, .revents = 0}};
        for (const Listener& listener : listeners)
            polled.push_back({.fd = listener.socket.number(), .events = POLLIN, .revents = 0});
        const SteadyTime now = std::chrono::steady_clock::now();
        for (const Connection& connection : connections) {
            for (std::size_t end = 0; end < 2; ++end) {
                const Flow& from_here = connection.flows[end];
                const Flow& to_here = connection.flows[1 - end];
                short events = 0;
                if (!from_here.has_ended && from_here.buffer.size() < kBufferBytesMax)
                    events |= POLLIN;
                if (!to_here.buffer.empty() && to_here.write_again_at <= now) events |= POLLOUT;
                // Nothing to wait for: a socket that has ended would be reported for ever.
                const int descriptor = events == 0 ? -1 : connection.ends[end].number();
                polled.push_back({.fd = descriptor, .events = events, .revents = 0});
            }
        }
        return polled;
    }

    int milliseconds_to_wait() const {
        const SteadyTime now = std::chrono::steady_clock::now();
        std::optional<SteadyTime> next;
        for (const Connection& connection : connections) {
            for (const Flow& flow : connection.flows) {
                if (flow.buffer.empty() || flow.write_again_at <= now) continue;
                next = next ? std::min(*next, flow.write_again_at) : flow.write_again_at;
            }
        }
        if (!next) return -1;
        return static_cast<int>(std::chrono::ceil<std::chrono::milliseconds>(*next - now).count());
    }

    void serve(const std::vector<pollfd>& polled) {
        const SteadyTime now = std::chrono::steady_clock::now();
        const std::size_t first_connection = 1 + listeners.size();
        std::size_t place = first_connection;
        for (Connection& connection : connections) {
            for (std::size_t end = 0; end < 2; ++end, ++place) {
                const short events = polled[place].revents;
                if (connection.is_over || polled[place].fd < 0) continue;
                if ((events & (POLLIN | POLLHUP | POLLERR)) != 0) read_from(connection, end);
                if (!connection.is_over && (events & POLLOUT) != 0) write_to(connection, end, now);
            }
            if (!connection.is_over) pass_on_ends(connection);
        }
        for (std::size_t number = 0; number < listeners.size(); ++number) {
            if ((polled[1 + number].revents & POLLIN) != 0) accept_on(listeners[number]);
        }
    }

    void accept_on(const Listener& listener) {
        FileDescriptor came(
            ::accept4(listener.socket.number(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (!came.is_open()) return;
        const RawAddress to = raw(listener.to);
        FileDescriptor goes(
            ::socket(to.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
        const bool is_refused =
            faults.is_cut(listener.link) || connections.size() >= kConnectionsMax ||
            !goes.is_open() ||
            (::connect(goes.number(), to.generic(), to.size) != 0 && errno != EINPROGRESS);
        if (is_refused) return reset(came);
        Connection connection;
        connection.link = listener.link;
        connection.fate = faults.draw_connection(listener.link);
        connection.ends = {std::move(came), std::move(goes)};
        connections.push_back(std::move(connection));
    }

    Faults& faults;
    FileDescriptor wake;
    std::atomic<bool> is_stopping = false;
    std::atomic<bool> must_reconsider = false;

    std::mutex mutex;  // Guards the one that follows.
    std::vector<Listener> new_listeners;

    // The thread's alone.
    std::vector<Listener> listeners;
    std::list<Connection> connections;

    std::thread thread;  // Last: it uses all of the above.
};

Relay::Relay(Faults& faults) : implementation_(std::make_unique<Implementation>(faults)) {}
Relay::~Relay() = default;

std::expected<std::uint16_t, std::string> Relay::open(const SocketAddress& at,
                                                      const SocketAddress& to,
                                                      const Link& link) {
    const RawAddress address = raw(at);
    FileDescriptor socket(
        ::socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
    const int yes = 1;
    ::setsockopt(socket.number(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
    if (!socket.is_open() || ::bind(socket.number(), address.generic(), address.size) != 0 ||
        ::listen(socket.number(), kBacklog) != 0) {
        return std::unexpected("cannot listen on " + platform::to_string(at) + ": " +
                               std::strerror(errno));
    }
    const std::uint16_t port = port_of(socket.number());
    {
        const std::lock_guard lock(implementation_->mutex);
        implementation_->new_listeners.push_back({std::move(socket), to, link});
    }
    implementation_->wake_up();
    return port;
}

void Relay::reconsider() {
    implementation_->must_reconsider = true;
    implementation_->wake_up();
}

}  // namespace matrix::live
