// POST /createRoom: a room with its first events.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#creation

#include <algorithm>

#include "refserver/base/result_macros.h"
#include "refserver/engine/client/room_access.h"
#include "refserver/engine/client_server.h"
#include "refserver/protocol/room_rules.h"

namespace matrix::engine {
namespace {

/// What a preset stands for.
struct Preset {
    std::string_view name;
    std::string_view join_rule;
    std::string_view guest_access;
    bool trusts_invitees;
};
constexpr Preset kPresets[] = {
    {"private_chat", "invite", "can_join", false},
    {"trusted_private_chat", "invite", "can_join", true},
    {"public_chat", "public", "forbidden", false},
};

struct Wish {
    const RoomRules* rules = nullptr;
    const Preset* preset = nullptr;
    json::Object creation_content;
    json::Object power_levels;  ///< The override.
    std::vector<NewEvent> initial_state;
    std::optional<std::string> name;
    std::optional<std::string> topic;
    std::optional<RoomAlias> alias;
    std::vector<UserId> invitees;
    bool is_direct = false;
    bool is_published = false;
};

Result<const Preset*> parse_preset(const json::Object& body) {
    ASSIGN_OR_RETURN(const auto visibility, optional_string(body, "visibility"));
    if (visibility && *visibility != "public" && *visibility != "private") {
        return invalid_param("visibility: expected \"public\" or \"private\"");
    }
    ASSIGN_OR_RETURN(const auto name, optional_string(body, "preset"));
    const std::string_view wanted = name                     ? std::string_view(*name)
                                    : visibility == "public" ? "public_chat"
                                                             : "private_chat";
    const auto* preset = std::ranges::find(kPresets, wanted, &Preset::name);
    if (preset == std::end(kPresets)) return invalid_param("preset: not a known one");
    return preset;
}

Result<std::vector<UserId>> parse_invitees(const json::Object& body) {
    std::vector<UserId> invitees;
    ASSIGN_OR_RETURN(const auto invite, optional_array(body, "invite"));
    for (const json::Value& value : invite.value_or(json::Array{})) {
        const std::string* text = value.if_string();
        if (!text) return bad_json("invite: expected an array of user ids");
        ASSIGN_OR_RETURN(UserId user, require_user_id(*text, "invite"));
        if (std::ranges::find(invitees, user) == invitees.end()) invitees.push_back(user);
    }
    return invitees;
}

Result<std::vector<NewEvent>> parse_initial_state(const json::Object& body, const UserId& sender) {
    std::vector<NewEvent> events;
    ASSIGN_OR_RETURN(const auto initial_state, optional_array(body, "initial_state"));
    for (const json::Value& value : initial_state.value_or(json::Array{})) {
        const json::Object* entry = value.if_object();
        if (!entry) return bad_json("initial_state: expected an array of objects");
        NewEvent event{
            .sender = sender, .type = {}, .state_key = {}, .content = {}, .redacts = std::nullopt};
        ASSIGN_OR_RETURN(event.type, require_string(*entry, "type"));
        ASSIGN_OR_RETURN(const auto state_key, optional_string(*entry, "state_key"));
        event.state_key = state_key.value_or("");
        ASSIGN_OR_RETURN(event.content, require_object(*entry, "content"));
        events.push_back(std::move(event));
    }
    return events;
}

Result<Wish> parse_wish(const json::Object& body,
                        const UserId& creator,
                        const ServerOptions& options) {
    Wish wish;
    ASSIGN_OR_RETURN(const auto version, optional_string(body, "room_version"));
    wish.rules = find_room_rules(version.value_or(options.default_room_version));
    if (!wish.rules) {
        return unsupported_room_version("room_version: this server has no such version");
    }
    ASSIGN_OR_RETURN(wish.preset, parse_preset(body));
    const json::Value* visibility = body.find("visibility");
    wish.is_published = visibility && *visibility == json::Value("public");
    ASSIGN_OR_RETURN(auto creation_content, optional_object(body, "creation_content"));
    wish.creation_content = std::move(creation_content).value_or(json::Object{});
    ASSIGN_OR_RETURN(auto levels, optional_object(body, "power_level_content_override"));
    wish.power_levels = std::move(levels).value_or(json::Object{});
    ASSIGN_OR_RETURN(wish.initial_state, parse_initial_state(body, creator));
    ASSIGN_OR_RETURN(wish.name, optional_string(body, "name"));
    ASSIGN_OR_RETURN(wish.topic, optional_string(body, "topic"));
    ASSIGN_OR_RETURN(wish.invitees, parse_invitees(body));
    ASSIGN_OR_RETURN(const auto third_party, optional_array(body, "invite_3pid"));
    if (third_party && !third_party->empty()) {
        return std::unexpected(
            Error{403, "M_THREEPID_DENIED", "this server knows no identity servers", {}});
    }
    ASSIGN_OR_RETURN(const auto is_direct, optional_boolean(body, "is_direct"));
    wish.is_direct = is_direct.value_or(false);
    ASSIGN_OR_RETURN(const auto alias, optional_string(body, "room_alias_name"));
    if (alias) {
        ASSIGN_OR_RETURN(
            wish.alias,
            require_alias("#" + *alias + ":" + options.server_name.text(), "room_alias_name"));
        if (wish.alias->server() != options.server_name) {
            return invalid_param("room_alias_name: expected a localpart");
        }
    }
    return wish;
}

// In room versions with privileged creators those whom a preset trusts become creators.
Result<json::Object> make_create_content(const Wish& wish) {
    json::Object content = wish.creation_content;
    content.erase("creator");
    content.erase("room_version");
    if (!wish.rules->has_privileged_creators || !wish.preset->trusts_invitees) return content;
    ASSIGN_OR_RETURN(auto given, optional_array(content, "additional_creators"));
    json::Array creators = std::move(given).value_or(json::Array{});
    for (const UserId& invitee : wish.invitees) {
        if (std::ranges::find(creators, json::Value(invitee.text())) == creators.end()) {
            creators.push_back(invitee.text());
        }
    }
    if (!creators.empty()) content.set("additional_creators", std::move(creators));
    return content;
}

json::Object make_power_levels(const Wish& wish, const UserId& creator) {
    const bool has_privileged_creators = wish.rules->has_privileged_creators;
    json::Object users;
    if (!has_privileged_creators) {
        users.set(creator.view(), 100);
        for (const UserId& invitee : wish.invitees) {
            if (wish.preset->trusts_invitees) users.set(invitee.view(), 100);
        }
    }
    json::Object events{{"m.room.avatar", 50},
                        {"m.room.canonical_alias", 50},
                        {"m.room.encryption", 100},
                        {"m.room.history_visibility", 100},
                        {"m.room.name", 50},
                        {"m.room.power_levels", 100},
                        {"m.room.server_acl", 100},
                        {"m.room.tombstone", has_privileged_creators ? 150 : 100}};
    json::Object content{{"ban", 50},
                         {"events", std::move(events)},
                         {"events_default", 0},
                         {"invite", 0},
                         {"kick", 50},
                         {"redact", 50},
                         {"state_default", 50},
                         {"users", std::move(users)},
                         {"users_default", 0}};
    for (const json::Member& member : wish.power_levels)
        content.set(member.key, member.value);
    return content;
}

/// The first events after the create event, in the order that the specification gives.
class FirstEvents {
public:
    explicit FirstEvents(UserId creator) : creator_(std::move(creator)) {}

    void add(std::string_view type, json::Object content, std::string state_key = "") {
        events_.push_back({.sender = creator_,
                           .type = std::string(type),
                           .state_key = std::move(state_key),
                           .content = std::move(content),
                           .redacts = std::nullopt});
    }
    void add(const std::vector<NewEvent>& events) {
        events_.insert(events_.end(), events.begin(), events.end());
    }
    std::vector<NewEvent> take() { return std::move(events_); }

private:
    UserId creator_;
    std::vector<NewEvent> events_;
};

std::vector<NewEvent> make_first_events(const Wish& wish,
                                        const UserId& creator,
                                        const json::Object& profile) {
    FirstEvents events(creator);
    events.add("m.room.member", member_content(Membership::Join, profile, {}), creator.text());
    events.add("m.room.power_levels", make_power_levels(wish, creator));
    if (wish.alias) events.add("m.room.canonical_alias", {{"alias", wish.alias->text()}});
    events.add("m.room.join_rules", {{"join_rule", wish.preset->join_rule}});
    events.add("m.room.history_visibility", {{"history_visibility", "shared"}});
    events.add("m.room.guest_access", {{"guest_access", wish.preset->guest_access}});
    events.add(wish.initial_state);
    if (wish.name) events.add("m.room.name", {{"name", *wish.name}});
    if (wish.topic) {
        json::Object plain{{"body", *wish.topic}, {"mimetype", "text/plain"}};
        json::Object texts{{"m.text", json::Array{std::move(plain)}}};
        events.add("m.room.topic", {{"topic", *wish.topic}, {"m.topic", std::move(texts)}});
    }
    return events.take();
}

// What the rules refuse is the caller's wish for an impossible state.
Error invalid_state(Error error) {
    if (error.errcode != "M_FORBIDDEN") return error;
    return {400, "M_INVALID_ROOM_STATE", std::move(error.message), {}};
}

}  // namespace

Task<Result<Reply>> ClientServer::create_room(Request request) {
    const UserId& creator = request.requester.user;
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body());
    ASSIGN_OR_CO_RETURN(const Wish wish, parse_wish(body, creator, services_.options));
    if (wish.alias && aliases_.find(*wish.alias)) {
        co_return bad_request("M_ROOM_IN_USE", "room_alias_name: another room has it");
    }
    NewRoom room{.version = std::string(wish.rules->version),
                 .creator = creator,
                 .create_content = {},
                 .events = make_first_events(wish, creator, services_.accounts.profile(creator))};
    ASSIGN_OR_CO_RETURN(room.create_content, make_create_content(wish));

    // Invites of our own users belong to what exists as a whole or not at all.
    std::vector<NewEvent> remote_invites;
    for (const UserId& invitee : wish.invitees) {
        json::Object content =
            member_content(Membership::Invite, services_.accounts.profile(invitee), {});
        if (wish.is_direct) content.set("is_direct", true);
        const bool is_ours = invitee.server() == services_.options.server_name;
        (is_ours ? room.events : remote_invites)
            .push_back(member_event(creator, invitee, std::move(content)));
    }
    Result<RoomPtr> created = services_.rooms.create(room);
    if (!created) co_return std::unexpected(invalid_state(std::move(created).error()));
    const RoomPtr made = *created;
    if (wish.alias) aliases_.insert(*wish.alias, made->id(), creator);
    if (wish.is_published) published_rooms_.insert(made->id());
    for (const NewEvent& invite : remote_invites)
        services_.remote_rooms.plan_invite(made->id(), invite);

    // UNSPECIFIED: the room stays although another server refuses its invite, because there is no
    // way back, and the creator sees who is invited.
    for (NewEvent& invite : remote_invites) {
        const std::string user = invite.state_key.value_or("");
        const Result<StoredEvent> sent = co_await send_invite(made, std::move(invite));
        if (sent) continue;
        services_.log.write(
            "invite_failed",
            {{"room", made->id().view()}, {"user", user}, {"why", sent.error().message}});
    }
    co_return Reply{.body = json::Object{{"room_id", made->id().text()}}};
}

}  // namespace matrix::engine
