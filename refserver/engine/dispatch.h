// Dispatcher: one HTTP request in, one response out: routing, authentication, decoding, CORS.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#api-standards
#pragma once

#include "refserver/engine/counters.h"
#include "refserver/engine/http_api.h"
#include "refserver/engine/router.h"
#include "refserver/runtime/clock.h"
#include "refserver/storage/turns.h"

namespace matrix::engine {

class Accounts;
class KeyRing;
class PeerHealth;

/// The largest body of a request. UNSPECIFIED: of clients we take what four PDUs of the largest
/// size need many times over, of servers what a transaction of 50 PDUs and 100 EDUs needs.
inline constexpr std::size_t kClientBodyBytesMax = 1024 * 1024;
inline constexpr std::size_t kFederationBodyBytesMax = 16 * 1024 * 1024;

class Dispatcher {
public:
    struct Services {
        const Router& router;
        ClientServer& client_server;
        FederationServer& federation_server;
        InspectionServer& inspection_server;
        Accounts& accounts;
        KeyRing& keys;
        PeerHealth& peer_health;
        storage::Turns& turns;
        Counters& counters;
        /// Opens the inspection endpoints, besides the tokens of administrators.
        std::string admin_token;
    };
    explicit Dispatcher(Services services) : services_(std::move(services)) {}
    Dispatcher(const Dispatcher&) = delete;
    Dispatcher& operator=(const Dispatcher&) = delete;

    /// Never fails: whatever is wrong with the request is in the response. The response is given
    /// when everything that it tells of is durable.
    Task<runtime::HttpResponse> serve(runtime::HttpRequest request);

private:
    Task<Result<Reply>> answer(runtime::HttpRequest request);
    Task<Result<void>> authenticate(const Route* route,
                                    const runtime::HttpRequest* http,
                                    Request* request);
    Result<void> authenticate_client(const Route& route, Request& request) const;
    Services services_;
};

/// The path and the query of a raw target, which may be in absolute form.
struct Target {
    std::string_view path;
    std::string_view query;
};
Target split_target(std::string_view raw);

/// The token of an `Authorization: Bearer` field or of the query; nothing if there is none.
std::optional<std::string> find_access_token(const Request& request);

/// An answer as bytes. CORS headers are for browsers, so for all but the server-server API.
enum class Cors { Yes, No };
runtime::HttpResponse make_response(Result<Reply> result, Cors cors);

}  // namespace matrix::engine
