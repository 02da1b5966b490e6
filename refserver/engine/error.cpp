#include "refserver/engine/error.h"

namespace matrix::engine {
namespace {

std::unexpected<Error> make_error(int status, std::string_view errcode, std::string message) {
    return std::unexpected(Error{status, std::string(errcode), std::move(message), {}});
}

}  // namespace

std::unexpected<Error> bad_json(std::string message) {
    return make_error(400, "M_BAD_JSON", std::move(message));
}
std::unexpected<Error> not_json(std::string message) {
    return make_error(400, "M_NOT_JSON", std::move(message));
}
std::unexpected<Error> invalid_param(std::string message) {
    return make_error(400, "M_INVALID_PARAM", std::move(message));
}
std::unexpected<Error> missing_param(std::string message) {
    return make_error(400, "M_MISSING_PARAM", std::move(message));
}
std::unexpected<Error> bad_request(std::string_view errcode, std::string message) {
    return make_error(400, errcode, std::move(message));
}
std::unexpected<Error> forbidden(std::string message) {
    return make_error(403, "M_FORBIDDEN", std::move(message));
}
std::unexpected<Error> not_found(std::string message) {
    return make_error(404, "M_NOT_FOUND", std::move(message));
}
std::unexpected<Error> too_large(std::string message) {
    return make_error(413, "M_TOO_LARGE", std::move(message));
}
std::unexpected<Error> unsupported_room_version(std::string message) {
    return make_error(400, "M_UNSUPPORTED_ROOM_VERSION", std::move(message));
}
std::unexpected<Error> incompatible_room_version(std::string_view version) {
    auto error = make_error(400,
                            "M_INCOMPATIBLE_ROOM_VERSION",
                            "the room's version is not one of those that the request allows");
    error.error().extra.set("room_version", version);
    return error;
}
std::unexpected<Error> unauthorized(std::string message) {
    return make_error(401, "M_UNAUTHORIZED", std::move(message));
}
std::unexpected<Error> bad_gateway(std::string message) {
    return make_error(502, "M_UNKNOWN", std::move(message));
}
std::unexpected<Error> internal_error(std::string message) {
    return make_error(500, "M_UNKNOWN", std::move(message));
}
// UNSPECIFIED: what a server says whose disk is full. 507, because clients and servers try again
// after any 5xx; M_RESOURCE_LIMIT_EXCEEDED is for limits that somebody has set on the server, and
// clients show it to their user as his to solve.
std::unexpected<Error> storage_failed(const storage::Turns& turns) {
    if (!turns.was_disk_full()) return internal_error("the storage failed: try again");
    return make_error(507, "M_UNKNOWN", "the server's disk is full: try again later");
}

Error error_of(const auth::Failure& failure) {
    return Error{403,
                 "M_FORBIDDEN",
                 auth::describe(failure) + " (rule " + std::string(failure.rule) + ")",
                 {}};
}

Error error_of(const EventError& error) {
    const std::string field = error.field.empty() ? "the event" : error.field;
    return Error{400, "M_BAD_JSON", field + ": " + error.what, {}};
}

}  // namespace matrix::engine
