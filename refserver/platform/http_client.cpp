#include "refserver/platform/http_client.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <charconv>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>
#include <vector>

#include <curl/curl.h>
#include <sys/socket.h>

#include "refserver/base/assert.h"
#include "refserver/platform/callback_table.h"
#include "refserver/platform/http_framing.h"
#include "refserver/platform/socket_address.h"

namespace matrix::platform {
namespace {

constexpr std::size_t kHeadBytesMax = 64 * 1024;
constexpr std::size_t kIdleHandlesMax = 64;
constexpr int kPollMs = 60'000;

using Result = runtime::Network::Result;

struct StringListFree {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using StringList = std::unique_ptr<curl_slist, StringListFree>;

void append(StringList& list, const std::string& text) {
    list.reset(curl_slist_append(list.release(), text.c_str()));
}

/// One request from its start to its result; on the client's thread.
struct Transfer {
    std::uint64_t id = 0;
    runtime::OutgoingRequest request;
    const HttpClientOptions* options = nullptr;

    CURL* easy = nullptr;
    StringList fields;
    StringList connect_to;
    std::array<char, CURL_ERROR_SIZE> error{};

    runtime::HttpResponse response;
    std::size_t head_bytes = 0;
    bool is_head_done = false;
    bool is_too_large = false;
    bool was_address_refused = false;
};

// --- What libcurl calls --------------------------------------------------------------------------

// Nothing was sent yet. libcurl itself connects to nothing but the address that it was given.
curl_socket_t open_socket(void* user, curlsocktype, curl_sockaddr* address) {
    auto& transfer = *static_cast<Transfer*>(user);
    const bool is_appointed =
        transfer.request.destination.trust == runtime::AddressTrust::Appointed;
    if (!is_appointed && !transfer.options->policy.permits(address->addr)) {
        transfer.was_address_refused = true;
        return CURL_SOCKET_BAD;
    }
    return ::socket(address->family, address->socktype | SOCK_CLOEXEC, address->protocol);
}

void take_status(Transfer& transfer, std::string_view line) {
    transfer.response.headers = {};
    transfer.response.status = 0;
    const std::size_t space = std::min(line.find(' '), line.size() - 1);
    std::from_chars(line.data() + space + 1, line.data() + line.size(), transfer.response.status);
}

// One line of a head, or of the trailers, which nobody asked for.
std::size_t take_field(char* bytes, std::size_t, std::size_t size, void* user) {
    auto& transfer = *static_cast<Transfer*>(user);
    transfer.head_bytes += size;
    if (transfer.head_bytes > kHeadBytesMax) {
        transfer.is_too_large = true;
        return 0;
    }
    if (transfer.is_head_done) return size;
    std::string_view line(bytes, size);
    while (line.ends_with('\n') || line.ends_with('\r'))
        line.remove_suffix(1);
    if (line.empty()) {
        transfer.is_head_done = transfer.response.status >= 200;  // Else 100 Continue.
    } else if (line.starts_with("HTTP/")) {
        take_status(transfer, line);
    } else if (const std::size_t colon = line.find(':'); colon != std::string_view::npos) {
        std::string_view value = line.substr(colon + 1);
        while (value.starts_with(' ') || value.starts_with('\t'))
            value.remove_prefix(1);
        while (value.ends_with(' ') || value.ends_with('\t'))
            value.remove_suffix(1);
        transfer.response.headers.add(std::string(line.substr(0, colon)), std::string(value));
    }
    return size;
}

std::size_t take_body(char* bytes, std::size_t, std::size_t size, void* user) {
    auto& transfer = *static_cast<Transfer*>(user);
    std::string& body = transfer.response.body;
    if (transfer.request.body_bytes_max - body.size() < size) {
        transfer.is_too_large = true;
        return 0;
    }
    body.append(bytes, size);
    return size;
}

// --- Setting up ----------------------------------------------------------------------------------

template <class Value>
void set(Transfer& transfer, CURLoption option, Value value) {
    MATRIX_ASSERT(curl_easy_setopt(transfer.easy, option, value) == CURLE_OK);
}

void set_destination(Transfer& transfer) {
    const runtime::Destination& to = transfer.request.destination;
    const std::string authority = to_string(SocketAddress{to.host, to.port});
    const std::string url = (to.is_encrypted ? "https://" : "http://") + authority + "/";
    set(transfer, CURLOPT_URL, url.c_str());
    set(transfer, CURLOPT_REQUEST_TARGET, transfer.request.message.target.c_str());
    append(transfer.connect_to, "::" + to_string(SocketAddress{to.connect_to(), to.port}));
    set(transfer, CURLOPT_CONNECT_TO, transfer.connect_to.get());
    set(transfer, CURLOPT_OPENSOCKETFUNCTION, open_socket);
    set(transfer, CURLOPT_OPENSOCKETDATA, &transfer);
    set(transfer, CURLOPT_PROXY, "");
    set(transfer, CURLOPT_PROTOCOLS_STR, to.is_encrypted ? "https" : "http");
    set(transfer, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    set(transfer, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    if (const std::string& pem = transfer.options->authorities_pem; !pem.empty()) {
        curl_blob blob{const_cast<char*>(pem.data()), pem.size(), CURL_BLOB_NOCOPY};
        set(transfer, CURLOPT_CAINFO_BLOB, &blob);
    }
}

void set_message(Transfer& transfer) {
    const runtime::HttpRequest& message = transfer.request.message;
    const std::string& host = transfer.request.destination.host_header;
    if (!host.empty()) append(transfer.fields, "Host: " + host);
    for (const auto& [name, value] : message.headers) {
        // "Name;" is how libcurl writes a field without a value.
        append(transfer.fields, value.empty() ? name + ";" : name + ": " + value);
    }
    // What libcurl would add by itself.
    for (const char* name : {"Accept", "Content-Type", "Expect"}) {
        if (message.headers.find(name) == nullptr) append(transfer.fields, std::string(name) + ":");
    }
    if (message.method == "HEAD") {
        set(transfer, CURLOPT_NOBODY, 1L);
    } else if (message.method != "GET" || !message.body.empty()) {
        set(transfer, CURLOPT_POSTFIELDS, message.body.data());
        set(transfer, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(message.body.size()));
        set(transfer, CURLOPT_CUSTOMREQUEST, message.method.c_str());
    }
    set(transfer, CURLOPT_USERAGENT, transfer.options->user_agent.c_str());
    set(transfer, CURLOPT_HTTPHEADER, transfer.fields.get());
}

void set_limits(Transfer& transfer) {
    const auto total = std::max<std::int64_t>(transfer.request.timeout.value, 1);
    const auto connect = std::min<std::int64_t>(total, transfer.options->connect_timeout.count());
    set(transfer, CURLOPT_TIMEOUT_MS, static_cast<long>(total));
    set(transfer, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(connect));
    set(transfer,
        CURLOPT_MAXFILESIZE_LARGE,
        static_cast<curl_off_t>(transfer.request.body_bytes_max));
    set(transfer, CURLOPT_NOSIGNAL, 1L);
    set(transfer, CURLOPT_QUICK_EXIT, 1L);  // Does not wait for a resolver that hangs.
    set(transfer, CURLOPT_FOLLOWLOCATION, 0L);
    set(transfer, CURLOPT_ERRORBUFFER, transfer.error.data());
    set(transfer, CURLOPT_HEADERFUNCTION, take_field);
    set(transfer, CURLOPT_HEADERDATA, &transfer);
    set(transfer, CURLOPT_WRITEFUNCTION, take_body);
    set(transfer, CURLOPT_WRITEDATA, &transfer);
    set(transfer, CURLOPT_PRIVATE, &transfer);
}

// Had the connection and its handshake come to their end?
bool was_sending(const Transfer& transfer) {
    curl_off_t before_sending_us = 0;
    curl_easy_getinfo(transfer.easy, CURLINFO_PRETRANSFER_TIME_T, &before_sending_us);
    return before_sending_us > 0;
}

runtime::NetworkErrorKind kind_of(CURLcode code, const Transfer& transfer) {
    using runtime::NetworkErrorKind;
    if (transfer.is_too_large || code == CURLE_FILESIZE_EXCEEDED) return NetworkErrorKind::TooLarge;
    switch (code) {
        case CURLE_OPERATION_TIMEDOUT:
            return was_sending(transfer) ? NetworkErrorKind::Timeout
                                         : NetworkErrorKind::Unreachable;
        case CURLE_SSL_CONNECT_ERROR:
        case CURLE_PEER_FAILED_VERIFICATION:
        case CURLE_SSL_CERTPROBLEM:
        case CURLE_SSL_CIPHER:
        case CURLE_SSL_CACERT_BADFILE:
        case CURLE_SSL_ISSUER_ERROR:
        case CURLE_SSL_INVALIDCERTSTATUS:
            return NetworkErrorKind::Tls;
        default:
            if (transfer.was_address_refused) return NetworkErrorKind::Forbidden;
            return was_sending(transfer) ? NetworkErrorKind::Interrupted
                                         : NetworkErrorKind::Unreachable;
    }
}

Result take_result(CURLcode code, Transfer& transfer) {
    if (code == CURLE_OK) return std::move(transfer.response);
    runtime::NetworkError error{kind_of(code, transfer), transfer.error.data()};
    if (error.kind == runtime::NetworkErrorKind::Forbidden) {
        error.what = "connections to " + transfer.request.destination.connect_to() +
                     " are not permitted (--allow-network, --deny-network)";
    } else if (error.what.empty()) {
        error.what = curl_easy_strerror(code);
    }
    return std::unexpected(std::move(error));
}

// --- Before it goes to the client's thread
// ---------------------------------------------------------

bool is_host_name(std::string_view host) {
    return !host.empty() && host.size() <= 253 && std::ranges::all_of(host, [](char c) {
        return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
               c == '.' || c == '-' || c == '_';
    });
}

// A request that cannot be written to the wire as it is.
std::optional<std::string> find_flaw(const runtime::OutgoingRequest& request) {
    const runtime::Destination& to = request.destination;
    if (!is_ip_literal(to.host) && !is_host_name(to.host))
        return "\"" + to.host + "\" is not a host";
    if (!is_ip_literal(to.connect_to())) {
        return "\"" + to.connect_to() + "\" is not an IP address to connect to";
    }
    if (!is_field_value(to.host_header)) return "the Host field holds a control character";
    if (!is_field_name(request.message.method)) return "the method is not a token";
    const bool is_target =
        request.message.target.starts_with('/') &&
        std::ranges::all_of(request.message.target, [](char c) { return c > 0x20 && c < 0x7f; });
    if (!is_target) return "the request target is not a path";
    for (const auto& [name, value] : request.message.headers) {
        if (!is_field_name(name) || !is_field_value(value)) return "a header field is malformed";
    }
    return std::nullopt;
}

}  // namespace

struct HttpClient::Implementation {
    Implementation(runtime::Executor& engine, HttpClientOptions settings)
        : executor(engine), options(std::move(settings)) {}

    ~Implementation() {
        {
            const std::lock_guard lock(mutex);
            is_stopping = true;
            if (multi != nullptr) curl_multi_wakeup(multi);
        }
        if (thread.joinable()) thread.join();
    }

    void submit(std::unique_ptr<Transfer> transfer) {
        const std::lock_guard lock(mutex);
        // Loading certificates and resolvers takes time that the start of the program does not
        // have.
        if (!thread.joinable()) thread = std::thread([this] { run(); });
        submitted.push_back(std::move(transfer));
        if (multi != nullptr) curl_multi_wakeup(multi);
    }

    void cancel(std::uint64_t id) {
        const std::lock_guard lock(mutex);
        cancelled.push_back(id);
        if (multi != nullptr) curl_multi_wakeup(multi);
    }

    void run() {
        MATRIX_ASSERT(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK);
        CURLM* const handle = curl_multi_init();
        MATRIX_ASSERT(handle != nullptr);
        curl_multi_setopt(
            handle, CURLMOPT_MAXCONNECTS, static_cast<long>(options.idle_connections_max));
        {
            const std::lock_guard lock(mutex);
            multi = handle;
        }
        while (take_orders()) {
            int running_count = 0;
            curl_multi_perform(multi, &running_count);
            collect_results();
            curl_multi_poll(multi, nullptr, 0, kPollMs, nullptr);
        }
        for (auto& [id, transfer] : running)
            end_transfer(*transfer);
        running.clear();
        for (CURL* easy : idle_handles)
            curl_easy_cleanup(easy);
        {
            const std::lock_guard lock(mutex);
            multi = nullptr;
        }
        curl_multi_cleanup(handle);
    }

    // False when the client ends.
    bool take_orders() {
        std::vector<std::unique_ptr<Transfer>> begin;
        std::vector<std::uint64_t> end;
        {
            const std::lock_guard lock(mutex);
            if (is_stopping) return false;
            begin.swap(submitted);
            end.swap(cancelled);
        }
        for (auto& transfer : begin)
            begin_transfer(std::move(transfer));
        for (const std::uint64_t id : end) {
            const auto entry = running.find(id);
            if (entry == running.end()) continue;
            end_transfer(*entry->second);
            running.erase(entry);
        }
        return true;
    }

    void begin_transfer(std::unique_ptr<Transfer> transfer) {
        if (idle_handles.empty()) {
            transfer->easy = curl_easy_init();
            MATRIX_ASSERT(transfer->easy != nullptr);
        } else {
            transfer->easy = idle_handles.back();
            idle_handles.pop_back();
        }
        set_destination(*transfer);
        set_message(*transfer);
        set_limits(*transfer);
        MATRIX_ASSERT(curl_multi_add_handle(multi, transfer->easy) == CURLM_OK);
        const std::uint64_t id = transfer->id;
        running.emplace(id, std::move(transfer));
    }

    // The handle is kept: it remembers TLS sessions.
    void end_transfer(Transfer& transfer) {
        curl_multi_remove_handle(multi, transfer.easy);
        curl_easy_reset(transfer.easy);
        if (idle_handles.size() < kIdleHandlesMax) {
            idle_handles.push_back(transfer.easy);
        } else {
            curl_easy_cleanup(transfer.easy);
        }
        transfer.easy = nullptr;
    }

    void collect_results() {
        int left = 0;
        while (CURLMsg* message = curl_multi_info_read(multi, &left)) {
            if (message->msg != CURLMSG_DONE) continue;
            const CURLcode code = message->data.result;
            Transfer* finished = nullptr;
            long connects = 0;
            curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, &finished);
            curl_easy_getinfo(message->easy_handle, CURLINFO_NUM_CONNECTS, &connects);
            connections_opened += static_cast<std::uint64_t>(connects);
            executor.post(
                [this, id = finished->id, result = take_result(code, *finished)]() mutable {
                    callbacks.call(id, std::move(result));
                });
            end_transfer(*finished);
            running.erase(finished->id);
        }
    }

    runtime::Executor& executor;
    const HttpClientOptions options;

    // The executor's.
    CallbackTable<Result> callbacks;
    std::size_t in_flight = 0;

    std::mutex mutex;  // Guards the four that follow.
    std::vector<std::unique_ptr<Transfer>> submitted;
    std::vector<std::uint64_t> cancelled;
    bool is_stopping = false;
    CURLM* multi = nullptr;  // Written under the mutex by its own thread, which reads it without.

    // The thread's.
    std::map<std::uint64_t, std::unique_ptr<Transfer>> running;
    std::vector<CURL*> idle_handles;

    std::atomic<std::uint64_t> connections_opened = 0;
    std::thread thread;
};

HttpClient::HttpClient(runtime::Executor& executor, HttpClientOptions options)
    : implementation_(std::make_unique<Implementation>(executor, std::move(options))) {}

HttpClient::~HttpClient() = default;

runtime::Pending HttpClient::send(runtime::OutgoingRequest request,
                                  std::move_only_function<void(Result)> done) {
    Implementation& client = *implementation_;
    ++client.in_flight;
    const std::uint64_t id =
        client.callbacks.add([&client, done = std::move(done)](Result result) mutable {
            --client.in_flight;
            done(std::move(result));
        });
    auto flaw = find_flaw(request);
    if (!flaw && client.in_flight > client.options.requests_max) flaw = "too many requests at once";
    if (flaw) {
        client.executor.post([&client, id, what = *std::move(flaw)] {
            client.callbacks.call(id,
                                  std::unexpected(runtime::NetworkError{
                                      runtime::NetworkErrorKind::Unreachable, what}));
        });
        return client.callbacks.pending(id, [&client] { --client.in_flight; });
    }
    auto transfer = std::make_unique<Transfer>();
    transfer->id = id;
    transfer->options = &client.options;
    transfer->request = std::move(request);
    client.submit(std::move(transfer));
    return client.callbacks.pending(id, [&client, id] {
        --client.in_flight;
        client.cancel(id);
    });
}

std::uint64_t HttpClient::connections_opened() const {
    return implementation_->connections_opened;
}

}  // namespace matrix::platform
