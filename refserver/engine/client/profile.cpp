// /profile/{userId} and /profile/{userId}/{keyName}.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#profiles

#include <algorithm>

#include "refserver/base/result_macros.h"
#include "refserver/engine/client/room_access.h"
#include "refserver/engine/client_server.h"
#include "refserver/engine/peers/federation_client.h"

namespace matrix::engine {
namespace {

constexpr std::size_t kProfileBytesMax = 65536;
constexpr std::size_t kProfileKeyBytesMax = 255;

bool is_member_field(std::string_view field) {
    return field == "displayname" || field == "avatar_url";
}

// Two or more parts between dots, each of a-z, 0-9 and _, with a letter first.
bool is_namespaced(std::string_view name) {
    std::size_t parts = 0;
    while (true) {
        const std::string_view part = name.substr(0, name.find('.'));
        const bool is_valid = std::ranges::all_of(part, [](char c) {
            return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
        });
        if (part.empty() || !is_valid) return false;
        if (parts == 0 && !(part[0] >= 'a' && part[0] <= 'z')) return false;
        ++parts;
        if (part.size() == name.size()) return parts > 1;
        name.remove_prefix(part.size() + 1);
    }
}

Result<void> check_profile_key(std::string_view field) {
    if (field.size() > kProfileKeyBytesMax) {
        return bad_request("M_KEY_TOO_LARGE", "keyName: expected at most 255 bytes");
    }
    if (is_member_field(field) || is_namespaced(field)) return {};
    return invalid_param(
        "keyName: expected displayname, avatar_url, m.tz or a namespaced identifier");
}

Result<void> check_profile_value(std::string_view field, const json::Value& value) {
    const bool needs_string = is_member_field(field) || field == "m.tz";
    if (!needs_string || value.if_string()) return {};
    return bad_json(std::string(field) + ": expected a string, not " +
                    std::string(value.type_name()));
}

Result<void> check_own_profile(const UserId& user, const Request& request) {
    if (user == request.requester.user) return {};
    return forbidden("userId: not you");
}

}  // namespace

Task<Result<json::Object>> ClientServer::load_profile(UserId user, std::string field) {
    if (user.server() != services_.options.server_name) {
        co_return co_await services_.federation.get_profile(user.server(), user, std::move(field));
    }
    if (!services_.accounts.exists(user)) co_return not_found("there is no such user");
    co_return services_.accounts.profile(user);
}

Task<Result<Reply>> ClientServer::get_profile(Request request) {
    ASSIGN_OR_CO_RETURN(const UserId user, require_user_id(request.path[0], "userId"));
    ASSIGN_OR_CO_RETURN(json::Object profile, co_await load_profile(user, ""));
    co_return Reply{.body = std::move(profile)};
}

Task<Result<Reply>> ClientServer::get_profile_field(Request request) {
    ASSIGN_OR_CO_RETURN(const UserId user, require_user_id(request.path[0], "userId"));
    const std::string& field = request.path[1];
    ASSIGN_OR_CO_RETURN(const json::Object profile, co_await load_profile(user, field));
    const json::Value* value = profile.find(field);
    if (!value) co_return not_found("the profile has no such field");
    json::Object reply;
    reply.set(field, *value);
    co_return Reply{.body = std::move(reply)};
}

Task<void> ClientServer::spread_profile(UserId user) {
    // Each room has a copy in the membership. A room that refuses it keeps the old one.
    const json::Object profile = services_.accounts.profile(user);
    for (const RoomId& id : services_.rooms.list_rooms_of(user, Membership::Join)) {
        const auto room = services_.rooms.find(id);
        const EventPtr member = room ? (*room)->find_state("m.room.member", user.view()) : nullptr;
        if (!member) continue;
        json::Object content = member->parse_content();
        // Who vouched for the first join need not vouch for a new name.
        for (const std::string_view old :
             {"displayname", "avatar_url", "reason", "join_authorised_via_users_server"}) {
            content.erase(old);
        }
        for (const json::Member& field : member_content(Membership::Join, profile, {}))
            content.set(field.key, field.value);
        const auto sent = co_await (*room)->submit(member_event(user, user, std::move(content)));
        if (sent) continue;
        services_.log.write(
            "profile_not_shown",
            {{"user", user.view()}, {"room", id.view()}, {"why", sent.error().message}});
    }
}

Task<Result<Reply>> ClientServer::put_profile_field(Request request) {
    ASSIGN_OR_CO_RETURN(const UserId user, require_user_id(request.path[0], "userId"));
    const std::string& field = request.path[1];
    CO_RETURN_IF_ERROR(check_own_profile(user, request));
    CO_RETURN_IF_ERROR(check_profile_key(field));
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body());
    const json::Value* value = body.find(field);
    if (!value) co_return missing_param(field + ": expected in the body");
    CO_RETURN_IF_ERROR(check_profile_value(field, *value));

    json::Object profile = services_.accounts.profile(user);
    if (const json::Value* old = profile.find(field); old && *old == *value) co_return Reply{};
    profile.set(field, *value);
    if (json::write(profile).size() > kProfileBytesMax) {
        co_return bad_request("M_PROFILE_TOO_LARGE", "a profile may have at most 64 KiB");
    }
    services_.accounts.set_profile_field(user, field, *value);
    if (is_member_field(field)) co_await spread_profile(user);
    co_return Reply{};
}

Task<Result<Reply>> ClientServer::delete_profile_field(Request request) {
    ASSIGN_OR_CO_RETURN(const UserId user, require_user_id(request.path[0], "userId"));
    const std::string& field = request.path[1];
    CO_RETURN_IF_ERROR(check_own_profile(user, request));
    CO_RETURN_IF_ERROR(check_profile_key(field));
    services_.accounts.remove_profile_field(user, field);
    if (is_member_field(field)) co_await spread_profile(user);
    co_return Reply{};
}

}  // namespace matrix::engine
