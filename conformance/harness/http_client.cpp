#include "conformance/harness/http_client.h"

#include <algorithm>
#include <mutex>
#include <vector>

#include <curl/curl.h>

namespace matrix::conformance {
namespace {

constexpr std::size_t kResponseBytesMax = 64 * 1024 * 1024;

struct ListDeleter {
    void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using List = std::unique_ptr<curl_slist, ListDeleter>;

void append(List& list, const std::string& line) {
    curl_slist* longer = curl_slist_append(list.get(), line.c_str());
    static_cast<void>(list.release());
    list.reset(longer);
}

std::size_t take_body(char* bytes, std::size_t, std::size_t size, void* response) {
    std::string& text = static_cast<Response*>(response)->text;
    if (text.size() + size > kResponseBytesMax) return 0;
    text.append(bytes, size);
    return size;
}

std::size_t take_header(char* bytes, std::size_t, std::size_t size, void* response) {
    Headers& headers = static_cast<Response*>(response)->headers;
    std::string_view line(bytes, size);
    while (line.ends_with('\r') || line.ends_with('\n'))
        line.remove_suffix(1);
    if (line.starts_with("HTTP/")) {
        headers.clear();  // Those of a 100 Continue.
        return size;
    }
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return size;
    const std::size_t begin = std::min(line.find_first_not_of(" \t", colon + 1), line.size());
    headers.push_back({std::string(line.substr(0, colon)), std::string(line.substr(begin))});
    return size;
}

void read_json(Response& response) {
    Json body = Json::parse(response.text, nullptr, false);
    response.is_json = !body.is_discarded();
    if (!response.is_json) return;
    response.body = std::move(body);
    response.errcode = string_at(response.body, {"errcode"});
}

std::chrono::milliseconds timeout_of(const HttpRequest& request, const HttpOptions& options) {
    if (!options.give_up_at) return request.timeout;
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(
        *options.give_up_at - std::chrono::steady_clock::now());
    // To libcurl, 0 would mean for ever.
    return std::clamp(left, std::chrono::milliseconds(1), request.timeout);
}

std::vector<std::pair<std::string, std::string>> to_pairs(const Headers& headers) {
    std::vector<std::pair<std::string, std::string>> pairs;
    for (const Header& header : headers)
        pairs.emplace_back(header.name, header.value);
    return pairs;
}

records::Exchange to_exchange(const HttpRequest& request,
                              const HttpOptions& options,
                              const Response& response) {
    records::Exchange exchange;
    exchange.who = request.who.empty() ? options.who : request.who;
    exchange.method = request.method;
    exchange.url = options.base_url + request.target;
    exchange.request_headers = to_pairs(request.headers);
    exchange.request_body = request.body.value_or("");
    exchange.status = response.status;
    exchange.response_headers = to_pairs(response.headers);
    exchange.response_body = response.text;
    exchange.failure = response.failure;
    exchange.duration_ms = response.duration.count();
    return exchange;
}

// libcurl's global state, made before the first handle.
void start_libcurl() {
    static const CURLcode kStarted = curl_global_init(CURL_GLOBAL_DEFAULT);
    static_cast<void>(kStarted);
}

}  // namespace

class HttpClient::Handle {
public:
    Handle() : curl_(curl_easy_init()) {}
    ~Handle() { curl_easy_cleanup(curl_); }
    Handle(const Handle&) = delete;
    Handle& operator=(const Handle&) = delete;

    Response perform(const HttpRequest& request, const HttpOptions& options) {
        Response response;
        curl_easy_reset(curl_);  // Keeps connections and TLS sessions.
        set_connection(options);
        const List headers = set_request(request, options);
        List connect_to;
        if (!options.connect_to.empty()) append(connect_to, "::" + options.connect_to);
        curl_easy_setopt(curl_, CURLOPT_CONNECT_TO, connect_to.get());
        curl_easy_setopt(curl_, CURLOPT_WRITEFUNCTION, take_body);
        curl_easy_setopt(curl_, CURLOPT_WRITEDATA, &response);
        curl_easy_setopt(curl_, CURLOPT_HEADERFUNCTION, take_header);
        curl_easy_setopt(curl_, CURLOPT_HEADERDATA, &response);
        std::string detail(CURL_ERROR_SIZE, '\0');
        curl_easy_setopt(curl_, CURLOPT_ERRORBUFFER, detail.data());

        const CURLcode result = curl_easy_perform(curl_);
        read_outcome(result, detail.c_str(), response);
        return response;
    }

private:
    void set_connection(const HttpOptions& options) {
        curl_easy_setopt(curl_, CURLOPT_NOSIGNAL, 1L);
        curl_easy_setopt(curl_, CURLOPT_PROXY, "");
        curl_easy_setopt(curl_, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1);
        curl_easy_setopt(curl_, CURLOPT_PROTOCOLS_STR, "http,https");
        if (!options.ca_file.empty()) {
            curl_easy_setopt(curl_, CURLOPT_CAINFO, options.ca_file.c_str());
        }
        curl_easy_setopt(curl_, CURLOPT_SSL_VERIFYPEER, options.verifies_tls ? 1L : 0L);
        curl_easy_setopt(curl_, CURLOPT_SSL_VERIFYHOST, options.verifies_tls ? 2L : 0L);
    }

    List set_request(const HttpRequest& request, const HttpOptions& options) {
        // The target goes out as it stands: no dot segments are removed, nothing is encoded.
        curl_easy_setopt(curl_, CURLOPT_URL, (options.base_url + "/").c_str());
        curl_easy_setopt(curl_, CURLOPT_REQUEST_TARGET, request.target.c_str());
        curl_easy_setopt(curl_, CURLOPT_PATH_AS_IS, 1L);
        const std::chrono::milliseconds timeout = timeout_of(request, options);
        curl_easy_setopt(curl_, CURLOPT_TIMEOUT_MS, static_cast<long>(timeout.count()));
        List headers;
        append(headers, "Expect:");
        if (request.body) {
            curl_easy_setopt(
                curl_, CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request.body->size()));
            curl_easy_setopt(curl_, CURLOPT_COPYPOSTFIELDS, request.body->data());
            append(headers,
                   request.content_type.empty() ? "Content-Type:"
                                                : "Content-Type: " + request.content_type);
        }
        if (request.method == "HEAD") curl_easy_setopt(curl_, CURLOPT_NOBODY, 1L);
        curl_easy_setopt(curl_, CURLOPT_CUSTOMREQUEST, request.method.c_str());
        for (const Header& header : request.headers) {
            append(headers,
                   header.value.empty() ? header.name + ";" : header.name + ": " + header.value);
        }
        curl_easy_setopt(curl_, CURLOPT_HTTPHEADER, headers.get());
        return headers;
    }

    void read_outcome(CURLcode result, const char* detail, Response& response) {
        curl_off_t duration_us = 0;
        curl_easy_getinfo(curl_, CURLINFO_TOTAL_TIME_T, &duration_us);
        response.duration = std::chrono::milliseconds(duration_us / 1000);
        if (result != CURLE_OK) {
            response.failure = *detail == '\0' ? curl_easy_strerror(result) : detail;
            response.status = 0;
            return;
        }
        long status = 0;
        curl_easy_getinfo(curl_, CURLINFO_RESPONSE_CODE, &status);
        response.status = static_cast<int>(status);
        read_json(response);
    }

    CURL* curl_;
};

// Handles with their connections, between requests.
struct HttpClient::Idle {
    std::mutex mutex;
    std::vector<std::unique_ptr<Handle>> handles;
};

HttpClient::HttpClient(HttpOptions options, ExchangeLog& log)
    : options_(std::move(options)), log_(log), idle_(std::make_unique<Idle>()) {
    start_libcurl();
}
HttpClient::~HttpClient() = default;

Response HttpClient::send(const HttpRequest& request) {
    std::unique_ptr<Handle> handle = take_handle();
    Response response = handle->perform(request, options_);
    give_back(std::move(handle));
    log_.add(to_exchange(request, options_, response));
    return response;
}

std::unique_ptr<HttpClient::Handle> HttpClient::take_handle() {
    const std::lock_guard lock(idle_->mutex);
    if (idle_->handles.empty()) return std::make_unique<Handle>();
    std::unique_ptr<Handle> handle = std::move(idle_->handles.back());
    idle_->handles.pop_back();
    return handle;
}

void HttpClient::give_back(std::unique_ptr<Handle> handle) {
    const std::lock_guard lock(idle_->mutex);
    idle_->handles.push_back(std::move(handle));
}

}  // namespace matrix::conformance
