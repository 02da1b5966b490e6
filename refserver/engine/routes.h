// The routes: ONE table of everything that this server answers.
//
// Routing, authentication, rate limits, metrics and coverage read it. A template matches the raw,
// percent-encoded path segment by segment; values are decoded afterwards, for ids contain "%2F".
#pragma once

#include <span>
#include <string_view>
#include <variant>

#include "refserver/engine/http_api.h"

namespace matrix::engine {

class ClientServer;
class FederationServer;
class InspectionServer;

enum class Authentication {
    None,
    AccessToken,  ///< Client-server: `Authorization: Bearer`, or the deprecated query.
    AccessTokenOptional,
    XMatrix,     ///< Server-server: a signed request.
    AdminToken,  ///< Inspection.
};

enum class RateLimit { None, Login, Registration, Messages, Joins, Invites };

using ClientHandler = Task<Result<Reply>> (ClientServer::*)(Request);
using FederationHandler = Task<Result<Reply>> (FederationServer::*)(Request);
using InspectionHandler = Task<Result<Reply>> (InspectionServer::*)(Request);

struct Route {
    std::string_view method;
    std::string_view path;  ///< For example "/_matrix/client/v3/rooms/{roomId}/join".
    Authentication authentication;
    RateLimit rate_limit;
    std::variant<ClientHandler, FederationHandler, InspectionHandler> handler;
};

std::span<const Route> all_routes();

}  // namespace matrix::engine
