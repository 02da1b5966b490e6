#include "refserver/engine/dispatch.h"

#include <algorithm>
#include <utility>

#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/engine/accounts.h"
#include "refserver/engine/client_server.h"
#include "refserver/engine/federation_server.h"
#include "refserver/engine/inspection_server.h"
#include "refserver/engine/peers/key_ring.h"
#include "refserver/engine/peers/peer_health.h"

namespace matrix::engine {

using runtime::HttpRequest;
using runtime::HttpResponse;

Target split_target(std::string_view raw) {
    if (const std::size_t scheme = raw.find("://"); scheme < raw.find('/')) {
        const std::size_t path = raw.find('/', scheme + 3);
        raw = path == std::string_view::npos ? "/" : raw.substr(path);
    }
    raw = raw.substr(0, raw.find('#'));
    const std::size_t question = raw.find('?');
    if (question == std::string_view::npos) return {raw, {}};
    return {raw.substr(0, question), raw.substr(question + 1)};
}

namespace {

// UNSPECIFIED: r0 is served as v3, because clients in use (matrix-nio 0.20) still ask for it; the
// two differ in nothing that they rely on.
std::string current_path(std::string_view path) {
    constexpr std::string_view kOld = "/_matrix/client/r0/";
    if (!path.starts_with(kOld)) return std::string(path);
    return "/_matrix/client/v3/" + std::string(path.substr(kOld.size()));
}

Cors cors_of(std::string_view path) {
    const bool is_federation =
        path.starts_with("/_matrix/federation/") || path.starts_with("/_matrix/key/");
    return is_federation ? Cors::No : Cors::Yes;
}

void add_cors_fields(runtime::Headers& headers) {
    headers.add("Access-Control-Allow-Origin", "*");
    headers.add("Access-Control-Allow-Methods", "GET, POST, PUT, DELETE, OPTIONS");
    headers.add("Access-Control-Allow-Headers", "X-Requested-With, Content-Type, Authorization");
}

Reply reply_of(const Error& error) {
    json::Object body = error.extra;
    if (!error.errcode.empty()) {
        body.set("errcode", error.errcode);
        body.set("error", error.message);
    }
    return Reply{.status = error.status, .body = std::move(body)};
}

}  // namespace

HttpResponse make_response(Result<Reply> result, Cors cors) {
    Reply reply = result ? *std::move(result) : reply_of(result.error());
    HttpResponse response;
    response.status = reply.status;
    response.headers = std::move(reply.headers);
    response.headers.add("Content-Type", reply.content_type);
    if (cors == Cors::Yes) add_cors_fields(response.headers);
    response.body =
        reply.written_body.empty() ? json::write(reply.body) : std::move(reply.written_body);
    return response;
}

std::optional<std::string> find_access_token(const Request& request) {
    if (const std::string* field = request.headers.find("Authorization")) {
        constexpr std::string_view kScheme = "Bearer ";
        const std::string_view value = *field;
        if (runtime::equal_ignoring_case(value.substr(0, kScheme.size()), kScheme)) {
            const std::size_t start = value.find_first_not_of(' ', kScheme.size());
            return std::string(value.substr(std::min(start, value.size())));
        }
    }
    if (const std::string* token = request.find_query("access_token")) return *token;
    return std::nullopt;
}

Result<void> Dispatcher::authenticate_client(const Route& route, Request& request) const {
    const auto token = find_access_token(request);
    if (!token) {
        if (route.authentication == Authentication::AccessTokenOptional) return {};
        return std::unexpected(Error{401, "M_MISSING_TOKEN", "an access token is required", {}});
    }
    const bool is_inspection = route.authentication == Authentication::AdminToken;
    if (is_inspection && !services_.admin_token.empty() && *token == services_.admin_token) {
        request.requester.is_admin = true;
        return {};
    }
    auto requester = services_.accounts.find_requester(*token);
    if (!requester) {
        return std::unexpected(Error{
            401, "M_UNKNOWN_TOKEN", "the access token is not known", {{"soft_logout", false}}});
    }
    if (is_inspection && !requester->is_admin) return forbidden("only for administrators");
    request.requester = *std::move(requester);
    return {};
}

// The pointers are to the caller's frame, which waits for this one.
Task<Result<void>> Dispatcher::authenticate(const Route* route,
                                            const HttpRequest* http,
                                            Request* request) {
    switch (route->authentication) {
        case Authentication::None:
            co_return Result<void>{};
        case Authentication::AccessToken:
        case Authentication::AccessTokenOptional:
        case Authentication::AdminToken:
            co_return authenticate_client(*route, *request);
        case Authentication::XMatrix: {
            Result<ServerName> origin = co_await services_.keys.authenticate(*http);
            if (!origin) co_return std::unexpected(std::move(origin).error());
            request->origin = *std::move(origin);
            services_.peer_health.server_is_back(request->origin);
            co_return Result<void>{};
        }
    }
    unreachable();
}

namespace {

Error no_such_endpoint(const RouteMatch& match) {
    if (match.allow.empty()) return {404, "M_UNRECOGNIZED", "there is no such endpoint", {}};
    return {405, "M_UNRECOGNIZED", "this endpoint does not have this method", {}};
}

// The field `Allow` of a 405: "GET, OPTIONS, PUT".
std::string list_methods(std::vector<std::string> methods) {
    methods.push_back("OPTIONS");
    std::ranges::sort(methods);
    std::string list;
    for (const std::string& method : methods) {
        if (!list.empty()) list += ", ";
        list += method;
    }
    return list;
}

Result<json::Value> parse_body(std::string_view raw) {
    if (raw.empty()) return json::Value();
    // UNSPECIFIED: what the strict parser refuses although RFC 8259 would let it pass (duplicate
    // keys, a depth above 100) is M_NOT_JSON, because no two readers agree on what it says.
    auto body = json::parse(raw, json::Numbers::Any);
    if (!body) {
        return not_json("the body is not JSON: " + body.error().what + " at byte " +
                        std::to_string(body.error().offset));
    }
    return *std::move(body);
}

Result<void> check_body_size(const Route& route, const HttpRequest& http) {
    const bool is_federation = route.authentication == Authentication::XMatrix;
    const std::size_t bytes_max = is_federation ? kFederationBodyBytesMax : kClientBodyBytesMax;
    if (http.body.size() <= bytes_max) return {};
    SIM_SOMETIMES("a body is too large");
    return too_large("the body is larger than " + std::to_string(bytes_max) + " bytes");
}

struct Call {
    ClientServer& client_server;
    FederationServer& federation_server;
    InspectionServer& inspection_server;
    Request request;
    Task<Result<Reply>> operator()(ClientHandler handler) {
        return (client_server.*handler)(std::move(request));
    }
    Task<Result<Reply>> operator()(FederationHandler handler) {
        return (federation_server.*handler)(std::move(request));
    }
    Task<Result<Reply>> operator()(InspectionHandler handler) {
        return (inspection_server.*handler)(std::move(request));
    }
};

}  // namespace

Task<Result<Reply>> Dispatcher::answer(HttpRequest http) {
    const Target target = split_target(http.target);
    RouteMatch match = services_.router.match(http.method, current_path(target.path));
    if (!match.route) {
        Reply reply = reply_of(no_such_endpoint(match));
        if (!match.allow.empty()) reply.headers.add("Allow", list_methods(match.allow));
        co_return reply;
    }
    auto query = decode_query(target.query);
    if (!match.is_encoding_valid) co_return invalid_param("path: not percent-encoded UTF-8");
    if (!query) co_return invalid_param("query: not percent-encoded UTF-8");
    CO_RETURN_IF_ERROR(check_body_size(*match.route, http));

    Request request;
    request.method = http.method;
    request.target = http.target;
    request.path = std::move(match.values);
    request.query = *std::move(query);
    request.headers = http.headers;
    request.peer_address = http.peer_address;
    // Who asks comes first: a stranger learns nothing about his body.
    CO_RETURN_IF_ERROR(co_await authenticate(match.route, &http, &request));
    if (http.method != "GET") {
        ASSIGN_OR_CO_RETURN(request.body, parse_body(http.body));
        request.raw_body = std::move(http.body);
    }
    Call call{services_.client_server,
              services_.federation_server,
              services_.inspection_server,
              std::move(request)};
    co_return co_await std::visit(call, match.route->handler);
}

Task<HttpResponse> Dispatcher::serve(HttpRequest request) {
    ++services_.counters.requests;
    const Cors cors = cors_of(split_target(request.target).path);
    if (request.method == "OPTIONS") {
        // A browser asks before it sends what it wants to send: nothing is looked at.
        Reply reply;
        co_return make_response(std::move(reply), Cors::Yes);
    }
    // Who only reads says what is true at the end; who writes may have written in earlier turns.
    const bool is_reading = request.method == "GET";
    const std::uint64_t failed_before = services_.turns.failed_commits();
    Result<Reply> reply = co_await answer(std::move(request));
    const bool is_durable = co_await services_.turns.durable();
    const bool has_lost_turns = services_.turns.failed_commits() != failed_before;
    SIM_SOMETIMES(!is_durable || (has_lost_turns && !is_reading),
                  "an answer is taken back because a commit failed");
    if (!is_durable || (has_lost_turns && !is_reading)) reply = storage_failed(services_.turns);
    co_return make_response(std::move(reply), cors);
}

}  // namespace matrix::engine
