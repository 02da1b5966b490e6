// POST and GET /user/{userId}/filter.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#filtering

#include <charconv>

#include "refserver/base/assert.h"
#include "refserver/base/result_macros.h"
#include "refserver/engine/client/event_filter.h"
#include "refserver/engine/client_server.h"

namespace matrix::engine {

Task<Result<Reply>> ClientServer::create_filter(Request request) {
    ASSIGN_OR_CO_RETURN(const UserId user, require_user_id(request.path[0], "userId"));
    if (user != request.requester.user) co_return forbidden("userId: not you");
    ASSIGN_OR_CO_RETURN(const json::Object filter, request.object_body());
    CO_RETURN_IF_ERROR(parse_sync_filter(filter));
    const std::int64_t filter_id = filters_.put(user, json::write(filter));
    co_return Reply{.body = json::Object{{"filter_id", std::to_string(filter_id)}}};
}

Result<json::Object> ClientServer::load_filter(const UserId& user, std::string_view text) const {
    std::int64_t filter_id = 0;
    const char* end = text.data() + text.size();
    const auto number = std::from_chars(text.data(), end, filter_id);
    const bool is_number = number.ec == std::errc{} && number.ptr == end;
    const auto stored = is_number ? filters_.find(user, filter_id) : std::nullopt;
    if (!stored) return not_found("you have no such filter");
    auto filter = json::parse(*stored, json::Numbers::Any);
    MATRIX_ASSERT(filter && filter->is_object());
    return *filter->if_object();
}

Task<Result<Reply>> ClientServer::get_filter(Request request) {
    ASSIGN_OR_CO_RETURN(const UserId user, require_user_id(request.path[0], "userId"));
    if (user != request.requester.user) co_return forbidden("userId: not you");
    ASSIGN_OR_CO_RETURN(json::Object filter, load_filter(user, request.path[1]));
    co_return Reply{.body = std::move(filter)};
}

}  // namespace matrix::engine
