// Requests and replies as handlers see them: routed, authenticated, decoded.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "refserver/engine/error.h"
#include "refserver/protocol/identifiers.h"
#include "refserver/protocol/json.h"
#include "refserver/runtime/http.h"
#include "refserver/runtime/task.h"

namespace matrix::engine {

using runtime::Task;

/// Parameters in the order of names, those of one name in the order of the request.
using Query = std::multimap<std::string, std::string, std::less<>>;

/// Who asks: the owner of the access token.
struct Requester {
    UserId user;
    DeviceId device;
    std::string access_token;
    bool is_admin = false;
};

struct Request {
    std::string method;
    std::string target;  ///< Raw.
    /// The values of the template's `{...}` segments, decoded, in order.
    std::vector<std::string> path;
    Query query;       ///< Decoded.
    json::Value body;  ///< Null when there is none.
    std::string raw_body;
    runtime::Headers headers;
    std::string peer_address;
    Requester requester;  ///< Of routes with client authentication.
    ServerName origin;    ///< Of routes with federation authentication.

    /// The first value of a query parameter; null if it is absent.
    const std::string* find_query(std::string_view name) const;
    /// A query parameter as a number of at least `least`; `otherwise` if it is absent.
    Result<std::int64_t> integer_query(std::string_view name,
                                       std::int64_t otherwise,
                                       std::int64_t least = 0) const;
    Result<bool> boolean_query(std::string_view name, bool otherwise) const;
    /// The body, which must be a JSON object.
    Result<json::Object> object_body() const;
    /// The same, and leaves nothing: for large ones.
    Result<json::Object> take_object_body();
    /// The same, of an endpoint whose real clients leave the body out when they have nothing to
    /// say.
    Result<json::Object> object_body_or_empty() const;
};

struct Reply {
    int status = 200;
    json::Value body = json::Object{};
    runtime::Headers headers;
    /// Instead of `body`: what has been written already, to be sent as it is.
    std::string written_body;
    std::string content_type = "application/json";
};

/// A segment of a path: a plus is a plus. Nothing if it is not percent-encoded UTF-8.
std::optional<std::string> decode_path_segment(std::string_view raw);
/// What follows the question mark: a plus is a space. Nothing as above.
std::optional<Query> decode_query(std::string_view raw);
/// One segment of a path or one value of a query.
std::string percent_encode(std::string_view text);

/// What a body says; null if there is none, 400 M_NOT_JSON if it is not JSON.
Result<json::Value> parse_body(std::string_view raw);

// Members of a body, with errors that name the field: M_MISSING_PARAM if a required one is absent,
// M_BAD_JSON (or `invalid`) if it has another type.
Result<std::string> require_string(const json::Object& object, std::string_view field);
Result<json::Object> require_object(const json::Object& object, std::string_view field);
Result<std::optional<std::string>> optional_string(const json::Object& object,
                                                   std::string_view field);
Result<std::optional<std::int64_t>> optional_integer(const json::Object& object,
                                                     std::string_view field);
Result<std::optional<bool>> optional_boolean(const json::Object& object, std::string_view field);
Result<std::optional<json::Array>> optional_array(const json::Object& object,
                                                  std::string_view field);
Result<std::optional<json::Object>> optional_object(const json::Object& object,
                                                    std::string_view field);

/// Identifiers from a path or a body: M_INVALID_PARAM, naming `what`.
Result<UserId> require_user_id(std::string_view text, std::string_view what);
Result<RoomId> require_room_id(std::string_view text, std::string_view what);
Result<EventId> require_event_id(std::string_view text, std::string_view what);

}  // namespace matrix::engine
