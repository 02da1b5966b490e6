#include "refserver/platform/dns_resolver.h"

#include <algorithm>
#include <array>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <span>
#include <thread>
#include <utility>
#include <vector>

#include <ares.h>
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "refserver/base/assert.h"
#include "refserver/platform/callback_table.h"
#include "refserver/platform/file_descriptor.h"

namespace matrix::platform {
namespace {

using Addresses = runtime::Resolver::Addresses;
using Services = runtime::Resolver::Services;

constexpr std::size_t kAnswerEntriesMax = 64;
constexpr int kClassInternet = 1;
constexpr int kTypeService = 33;
constexpr int kDnsPollMs = 60'000;

enum class Kind { Host, Service };

/// One question; on the resolver's thread.
struct Question {
    std::uint64_t id = 0;
    Kind kind = Kind::Host;
    std::string name;
};

runtime::ResolveError make_error(int status) {
    const bool is_absent = status == ARES_ENOTFOUND || status == ARES_ENODATA;
    return {is_absent ? runtime::ResolveErrorKind::NotFound : runtime::ResolveErrorKind::Failed,
            ares_strerror(status)};
}

runtime::Duration lifetime_of(std::int64_t ttl_seconds) {
    return runtime::seconds(std::max<std::int64_t>(ttl_seconds, 0));
}

// --- Addresses -----------------------------------------------------------------------------------

struct AddressesFree {
    void operator()(ares_addrinfo* info) const { ares_freeaddrinfo(info); }
};

std::string text_of(const sockaddr& address) {
    std::array<char, INET6_ADDRSTRLEN> text{};
    if (address.sa_family == AF_INET) {
        const auto& v4 = reinterpret_cast<const sockaddr_in&>(address);
        ::inet_ntop(AF_INET, &v4.sin_addr, text.data(), text.size());
    } else if (address.sa_family == AF_INET6) {
        const auto& v6 = reinterpret_cast<const sockaddr_in6&>(address);
        ::inet_ntop(AF_INET6, &v6.sin6_addr, text.data(), text.size());
    }
    return text.data();
}

Addresses take_addresses(int status, ares_addrinfo* raw) {
    const std::unique_ptr<ares_addrinfo, AddressesFree> info(raw);
    if (status != ARES_SUCCESS) return std::unexpected(make_error(status));
    runtime::HostAddresses found;
    std::int64_t ttl = INT32_MAX;
    for (const auto* node = info->nodes; node != nullptr; node = node->ai_next) {
        std::string address = text_of(*node->ai_addr);
        if (address.empty() || found.addresses.size() == kAnswerEntriesMax) continue;
        ttl = std::min<std::int64_t>(ttl, node->ai_ttl);
        found.addresses.push_back(std::move(address));
    }
    if (found.addresses.empty()) return std::unexpected(make_error(ARES_ENODATA));
    found.lifetime = lifetime_of(ttl);
    return found;
}

// --- Services ------------------------------------------------------------------------------------

struct DataFree {
    void operator()(ares_srv_reply* reply) const { ares_free_data(reply); }
};

// c-ares 1.18 does not tell the TTL of SRV records. The least of all records in the answer; nothing
// if it is cut short.
std::optional<std::int64_t> least_ttl(std::span<const unsigned char> message) {
    constexpr std::size_t kHeaderBytes = 12;
    constexpr std::size_t kQuestionBytes = 4;
    constexpr std::size_t kRecordBytes = 10;
    if (message.size() < kHeaderBytes) return std::nullopt;
    const auto number = [&](std::size_t at) { return message[at] * 256U + message[at + 1]; };
    const std::size_t questions = number(4);
    const std::size_t records = questions + number(6);
    std::size_t at = kHeaderBytes;
    std::int64_t ttl = INT32_MAX;
    for (std::size_t i = 0; i < records; ++i) {
        char* name = nullptr;
        long name_bytes = 0;
        const int status = ares_expand_name(message.data() + at,
                                            message.data(),
                                            static_cast<int>(message.size()),
                                            &name,
                                            &name_bytes);
        if (status != ARES_SUCCESS) return std::nullopt;
        ares_free_string(name);
        at += static_cast<std::size_t>(name_bytes);
        if (i < questions) {
            at += kQuestionBytes;
        } else {
            if (at + kRecordBytes > message.size()) return std::nullopt;
            ttl = std::min<std::int64_t>(ttl, number(at + 4) * 65536LL + number(at + 6));
            at += kRecordBytes + number(at + 8);
        }
        if (at > message.size()) return std::nullopt;
    }
    return ttl;
}

Services take_services(int status, std::span<const unsigned char> message) {
    ares_srv_reply* raw = nullptr;
    if (status == ARES_SUCCESS) {
        status = ares_parse_srv_reply(message.data(), static_cast<int>(message.size()), &raw);
    }
    const std::unique_ptr<ares_srv_reply, DataFree> reply(raw);
    if (status != ARES_SUCCESS) return std::unexpected(make_error(status));
    runtime::ServiceRecords found;
    for (const auto* record = reply.get(); record != nullptr; record = record->next) {
        if (found.records.size() == kAnswerEntriesMax) break;
        std::string target = record->host;
        if (target.ends_with('.')) target.pop_back();
        found.records.push_back(
            {std::move(target), record->port, record->priority, record->weight});
    }
    if (found.records.empty()) return std::unexpected(make_error(ARES_ENODATA));
    found.lifetime = lifetime_of(least_ttl(message).value_or(0));
    return found;
}

}  // namespace

struct DnsResolver::Implementation {
    Implementation(runtime::Executor& engine, DnsResolverOptions settings)
        : executor(engine),
          options(std::move(settings)),
          wake(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
        MATRIX_ASSERT(wake.is_open());
    }

    ~Implementation() {
        {
            const std::lock_guard lock(mutex);
            is_stopping = true;
        }
        wake_up();
        if (thread.joinable()) thread.join();
    }

    void submit(Question question) {
        {
            const std::lock_guard lock(mutex);
            submitted.push_back(std::move(question));
        }
        // Reading the configuration takes time that the start of the program does not have.
        if (!thread.joinable()) thread = std::thread([this] { run(); });
        wake_up();
    }

    void wake_up() const {
        const std::uint64_t one = 1;
        // It can only fail when the number is so high that the thread is awake anyhow.
        [[maybe_unused]] const ssize_t written = ::write(wake.number(), &one, sizeof(one));
    }

    // --- The thread ---

    void run() {
        MATRIX_ASSERT(ares_library_init(ARES_LIB_INIT_ALL) == ARES_SUCCESS);
        const int status = open_channel();
        while (auto questions = take_orders()) {
            for (Question& question : *questions)
                ask(std::move(question), status);
            wait();
        }
        if (status == ARES_SUCCESS) ares_destroy(channel);
        ares_library_cleanup();
    }

    int open_channel() {
        ares_options settings{};
        settings.timeout = static_cast<int>(options.timeout.count());
        settings.tries = options.tries;
        settings.sock_state_cb = [](void* user, ares_socket_t socket, int reads, int writes) {
            auto& sockets = static_cast<Implementation*>(user)->sockets;
            sockets[socket] =
                static_cast<short>((reads != 0 ? POLLIN : 0) | (writes != 0 ? POLLOUT : 0));
            if (sockets[socket] == 0) sockets.erase(socket);
        };
        settings.sock_state_cb_data = this;
        // No domains: no search list.
        const int mask =
            ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_SOCK_STATE_CB | ARES_OPT_DOMAINS;
        int status = ares_init_options(&channel, &settings, mask);
        if (status != ARES_SUCCESS || options.servers.empty()) return status;
        status = ares_set_servers_ports_csv(channel, options.servers.c_str());
        if (status != ARES_SUCCESS) ares_destroy(channel);
        return status;
    }

    // Nothing when the resolver ends.
    std::optional<std::vector<Question>> take_orders() {
        const std::lock_guard lock(mutex);
        if (is_stopping) return std::nullopt;
        return std::exchange(submitted, {});
    }

    // What an answer of c-ares belongs to.
    struct Asked {
        Implementation* resolver;
        std::uint64_t id;
    };

    void ask(Question question, int channel_status) {
        if (channel_status != ARES_SUCCESS) {
            if (question.kind == Kind::Host) {
                tell(hosts, question.id, Addresses(std::unexpected(make_error(channel_status))));
            } else {
                tell(services, question.id, Services(std::unexpected(make_error(channel_status))));
            }
            return;
        }
        auto* asked = new Asked{this, question.id};  // Freed by the callback, which always comes.
        if (question.kind == Kind::Host) {
            ares_addrinfo_hints hints{};
            hints.ai_family = AF_UNSPEC;
            hints.ai_socktype = SOCK_STREAM;
            ares_getaddrinfo(
                channel, question.name.c_str(), nullptr, &hints, take_host_answer, asked);
        } else {
            ares_query(channel,
                       question.name.c_str(),
                       kClassInternet,
                       kTypeService,
                       take_service_answer,
                       asked);
        }
    }

    static void take_host_answer(void* user, int status, int, ares_addrinfo* info) {
        const std::unique_ptr<Asked> asked(static_cast<Asked*>(user));
        Addresses found = take_addresses(status, info);
        if (status == ARES_EDESTRUCTION) return;
        asked->resolver->tell(asked->resolver->hosts, asked->id, std::move(found));
    }

    static void take_service_answer(
        void* user, int status, int, unsigned char* bytes, int byte_count) {
        const std::unique_ptr<Asked> asked(static_cast<Asked*>(user));
        if (status == ARES_EDESTRUCTION) return;
        const std::span message(bytes, bytes != nullptr ? static_cast<std::size_t>(byte_count) : 0);
        asked->resolver->tell(asked->resolver->services, asked->id, take_services(status, message));
    }

    template <class Answer>
    void tell(CallbackTable<Answer>& table, std::uint64_t id, Answer answer) {
        executor.post([&table, id, answer = std::move(answer)]() mutable {
            table.call(id, std::move(answer));
        });
    }

    void wait() {
        std::vector<pollfd> polled{{wake.number(), POLLIN, 0}};
        for (const auto& [socket, events] : sockets)
            polled.push_back({socket, events, 0});
        int timeout_ms = kDnsPollMs;
        timeval longest{kDnsPollMs / 1000, 0};
        timeval least{};
        if (!sockets.empty()) {
            const timeval* next = ares_timeout(channel, &longest, &least);
            timeout_ms = static_cast<int>(next->tv_sec * 1000 + (next->tv_usec + 999) / 1000);
        }
        ::poll(polled.data(), polled.size(), timeout_ms);
        if (polled.front().revents != 0) {
            std::uint64_t count = 0;
            [[maybe_unused]] const ssize_t read = ::read(wake.number(), &count, sizeof(count));
        }
        for (const pollfd& one : std::span(polled).subspan(1)) {
            if (one.revents == 0) continue;
            const bool may_read = (one.revents & (POLLIN | POLLERR | POLLHUP)) != 0;
            const bool may_write = (one.revents & POLLOUT) != 0;
            ares_process_fd(
                channel, may_read ? one.fd : ARES_SOCKET_BAD, may_write ? one.fd : ARES_SOCKET_BAD);
        }
        // What took too long is asked again or given up.
        if (!sockets.empty()) ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
    }

    runtime::Executor& executor;
    const DnsResolverOptions options;
    const FileDescriptor wake;

    // The executor's.
    CallbackTable<Addresses> hosts;
    CallbackTable<Services> services;
    std::size_t in_flight = 0;

    std::mutex mutex;  // Guards the two that follow.
    std::vector<Question> submitted;
    bool is_stopping = false;

    // The thread's.
    ares_channel channel = nullptr;
    std::map<int, short> sockets;  // With the events that c-ares waits for.

    std::thread thread;
};

DnsResolver::DnsResolver(runtime::Executor& executor, DnsResolverOptions options)
    : implementation_(std::make_unique<Implementation>(executor, std::move(options))) {}

DnsResolver::~DnsResolver() = default;

namespace {

template <class Resolving, class Answer>
runtime::Pending resolve(Resolving& resolver,
                         CallbackTable<Answer>& table,
                         Question question,
                         std::move_only_function<void(Answer)> done) {
    ++resolver.in_flight;
    const std::uint64_t id = table.add([&resolver, done = std::move(done)](Answer answer) mutable {
        --resolver.in_flight;
        done(std::move(answer));
    });
    if (resolver.in_flight > resolver.options.questions_max) {
        resolver.executor.post([&table, id] {
            table.call(id,
                       std::unexpected(runtime::ResolveError{runtime::ResolveErrorKind::Failed,
                                                             "too many questions at once"}));
        });
    } else {
        question.id = id;
        resolver.submit(std::move(question));
    }
    return table.pending(id, [&resolver] { --resolver.in_flight; });
}

}  // namespace

runtime::Pending DnsResolver::resolve_host(std::string host,
                                           std::move_only_function<void(Addresses)> done) {
    return resolve(*implementation_,
                   implementation_->hosts,
                   {0, Kind::Host, std::move(host)},
                   std::move(done));
}

runtime::Pending DnsResolver::resolve_service(std::string name,
                                              std::move_only_function<void(Services)> done) {
    return resolve(*implementation_,
                   implementation_->services,
                   {0, Kind::Service, std::move(name)},
                   std::move(done));
}

}  // namespace matrix::platform
