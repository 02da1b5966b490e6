#include "conformance/harness/http_listener.h"

#include <memory>
#include <thread>

#include <httplib.h>
#include <openssl/pem.h>

namespace matrix::conformance {
namespace {

// Each connection carries one request: a peer is gone when its test is over, and an idle connection
// would hold up its end.
constexpr std::size_t kRequestsPerConnection = 1;
constexpr std::time_t kIdleSeconds = 1;
constexpr std::time_t kIoSeconds = 30;
constexpr std::size_t kThreads = 8;
constexpr std::size_t kReceivedBytesMax = 64 * 1024 * 1024;

std::string unescape(std::string_view text) {
    const auto digit = [](char c) -> int {
        if (c >= '0' && c <= '9') return c - '0';
        if (c >= 'a' && c <= 'f') return c - 'a' + 10;
        if (c >= 'A' && c <= 'F') return c - 'A' + 10;
        return -1;
    };
    std::string plain;
    for (std::size_t i = 0; i < text.size(); ++i) {
        const bool is_escape = text[i] == '%' && i + 2 < text.size() && digit(text[i + 1]) >= 0 &&
                               digit(text[i + 2]) >= 0;
        if (!is_escape) {
            plain += text[i];
            continue;
        }
        plain += static_cast<char>(digit(text[i + 1]) * 16 + digit(text[i + 2]));
        i += 2;
    }
    return plain;
}

std::vector<std::string_view> split_at(std::string_view text, char separator) {
    std::vector<std::string_view> parts;
    while (true) {
        const std::size_t end = text.find(separator);
        parts.push_back(text.substr(0, end));
        if (end == std::string_view::npos) return parts;
        text.remove_prefix(end + 1);
    }
}

bool set_identity(SSL_CTX& context, const TlsIdentity& identity) {
    const auto bio_of = [](const std::string& text) {
        return std::unique_ptr<BIO, decltype(&BIO_free)>(
            BIO_new_mem_buf(text.data(), static_cast<int>(text.size())), &BIO_free);
    };
    const auto certificate_bio = bio_of(identity.certificate);
    const auto key_bio = bio_of(identity.private_key);
    const std::unique_ptr<X509, decltype(&X509_free)> certificate(
        PEM_read_bio_X509(certificate_bio.get(), nullptr, nullptr, nullptr), &X509_free);
    const std::unique_ptr<EVP_PKEY, decltype(&EVP_PKEY_free)> key(
        PEM_read_bio_PrivateKey(key_bio.get(), nullptr, nullptr, nullptr), &EVP_PKEY_free);
    return certificate != nullptr && key != nullptr &&
           SSL_CTX_use_certificate(&context, certificate.get()) == 1 &&
           SSL_CTX_use_PrivateKey(&context, key.get()) == 1;
}

IncomingRequest read_request(const httplib::Request& request) {
    IncomingRequest incoming{
        .method = request.method, .target = request.target, .headers = {}, .body = request.body};
    for (const auto& [name, value] : request.headers)
        incoming.headers.push_back({name, value});
    return incoming;
}

void write_response(const OutgoingResponse& outgoing, httplib::Response& response) {
    response.status = outgoing.status;
    for (const Header& header : outgoing.headers)
        response.set_header(header.name, header.value);
    response.set_content(outgoing.body, outgoing.content_type);
}

}  // namespace

std::string_view IncomingRequest::path() const {
    return std::string_view(target).substr(0, target.find('?'));
}

std::vector<std::string> IncomingRequest::segments() const {
    std::vector<std::string> decoded;
    for (const std::string_view part : split_at(path(), '/'))
        decoded.push_back(unescape(part));
    decoded.erase(decoded.begin());  // What stands before the first slash.
    return decoded;
}

std::vector<std::string> IncomingRequest::query(std::string_view name) const {
    std::vector<std::string> values;
    const std::size_t begin = target.find('?');
    if (begin == std::string::npos) return values;
    for (const std::string_view pair : split_at(std::string_view(target).substr(begin + 1), '&')) {
        const std::size_t equals = std::min(pair.find('='), pair.size());
        if (unescape(pair.substr(0, equals)) != name) continue;
        values.push_back(unescape(pair.substr(std::min(equals + 1, pair.size()))));
    }
    return values;
}

Json IncomingRequest::json() const {
    Json parsed = Json::parse(body, nullptr, false);
    return parsed.is_discarded() ? Json() : parsed;
}

OutgoingResponse respond(int status, const Json& body) {
    return {.status = status, .body = body.dump()};
}
OutgoingResponse respond_error(int status, std::string_view errcode, std::string_view error) {
    return respond(status, {{"errcode", errcode}, {"error", error}});
}

struct HttpListener::State {
    std::unique_ptr<httplib::Server> server;
    int port = 0;
    std::string failure;
    std::thread thread;
};

HttpListener::HttpListener(const std::string& bind_address,
                           const TlsIdentity* identity,
                           Handler handler)
    : state_(std::make_unique<State>()) {
    if (identity == nullptr) {
        state_->server = std::make_unique<httplib::Server>();
    } else {
        state_->server = std::make_unique<httplib::SSLServer>(
            [&](SSL_CTX& context) { return set_identity(context, *identity); });
    }
    httplib::Server& server = *state_->server;
    if (!server.is_valid()) {
        state_->failure = "the certificate cannot be used";
        return;
    }
    const auto serve = [handler = std::move(handler)](const httplib::Request& request,
                                                      httplib::Response& response) {
        write_response(handler(read_request(request)), response);
    };
    const char* everything = R"([\s\S]*)";
    server.Get(everything, serve).Post(everything, serve).Put(everything, serve);
    server.Delete(everything, serve).Options(everything, serve).Patch(everything, serve);
    server.set_keep_alive_max_count(kRequestsPerConnection).set_keep_alive_timeout(kIdleSeconds);
    server.set_read_timeout(kIoSeconds).set_write_timeout(kIoSeconds);
    server.set_payload_max_length(kReceivedBytesMax).set_tcp_nodelay(true);
    server.new_task_queue = [] { return new httplib::ThreadPool(kThreads); };

    const std::size_t colon = bind_address.rfind(':');
    const std::string host = bind_address.substr(0, colon);
    const int port = colon == std::string::npos ? 0 : std::atoi(bind_address.c_str() + colon + 1);
    const bool is_bound = port == 0 ? (state_->port = server.bind_to_any_port(host)) > 0
                                    : server.bind_to_port(host, state_->port = port);
    if (!is_bound) {
        state_->failure = "cannot listen on " + bind_address;
        return;
    }
    state_->thread = std::thread([&server] { server.listen_after_bind(); });
    // `stop` has no effect before the loop runs.
    while (!server.is_running())
        std::this_thread::yield();
}

HttpListener::~HttpListener() {
    if (!state_->thread.joinable()) return;
    state_->server->stop();
    state_->thread.join();
}

int HttpListener::port() const {
    return state_->port;
}
const std::string& HttpListener::failure() const {
    return state_->failure;
}

}  // namespace matrix::conformance
