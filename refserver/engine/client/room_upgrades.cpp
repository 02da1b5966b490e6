// POST /rooms/{roomId}/upgrade: a new room of another version in the place of an old one.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#room-upgrades
//
// UNIMPLEMENTED: client-server-api, "Room Upgrades": that those who join the new room take their
// tags and push rules along; this server has neither.

#include <algorithm>
#include <charconv>
#include <optional>

#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/engine/client/room_access.h"
#include "refserver/engine/client_server.h"
#include "refserver/engine/rooms/room_description.h"
#include "refserver/protocol/room_rules.h"

namespace matrix::engine {
namespace {

/// What is said again in the new room as it stands, besides power levels and join rules.
constexpr std::string_view kCarriedTypes[] = {
    "m.room.server_acl",
    "m.room.encryption",
    "m.room.name",
    "m.room.avatar",
    "m.room.topic",
    "m.room.guest_access",
    "m.room.history_visibility",
};
/// UNSPECIFIED: bans are carried over, up to so many, because else an upgrade lets everybody in
/// again; the children of a space, because without them it is none.
constexpr std::size_t kBansCarriedMax = 1000;
constexpr std::size_t kChildrenCarriedMax = 1000;
constexpr std::int64_t kCreatorLevel = 100;
constexpr std::int64_t kStateLevelDefault = 50;
constexpr std::int64_t kBanLevelDefault = 50;
/// What createRoom gives the tombstone where creators are above all levels.
constexpr std::int64_t kTombstoneLevelOfCreators = 150;
constexpr std::int64_t kClosedLevelMin = 50;

struct UpgradeWish {
    const RoomRules* rules = nullptr;
    std::vector<UserId> additional_creators;
};

Result<UpgradeWish> parse_upgrade_wish(const json::Object& body) {
    UpgradeWish wish;
    ASSIGN_OR_RETURN(const std::string version, require_string(body, "new_version"));
    wish.rules = find_room_rules(version);
    if (!wish.rules) {
        return unsupported_room_version("new_version: this server has no such version");
    }
    if (!wish.rules->has_privileged_creators) return wish;
    ASSIGN_OR_RETURN(const auto creators, optional_array(body, "additional_creators"));
    for (const json::Value& value : creators.value_or(json::Array{})) {
        const std::string* text = value.if_string();
        if (!text) return bad_json("additional_creators: expected an array of user ids");
        ASSIGN_OR_RETURN(UserId user, require_user_id(*text, "additional_creators"));
        wish.additional_creators.push_back(std::move(user));
    }
    return wish;
}

std::optional<json::Object> content_of(const Room& room, std::string_view type) {
    const EventPtr event = room.find_state(type, "");
    if (!event) return std::nullopt;
    return event->parse_content();
}

// Who made the old room, in the sense of its version.
std::vector<UserId> creators_of(const Room& room) {
    const EventPtr create = room.find_state("m.room.create", "");
    if (!create) return {};
    std::vector<UserId> creators{create->sender};
    const auto* content = create->find_content<CreateContent>();
    if (content && room.rules().has_privileged_creators) {
        creators.insert(creators.end(),
                        content->additional_creators.begin(),
                        content->additional_creators.end());
    }
    return creators;
}

// --- Power levels --------------------------------------------------------------------------------

// Levels of old room versions may be texts; what is no number at all counts as absent.
std::optional<std::int64_t> level_from(const json::Value& value) {
    if (const std::int64_t* integer = value.if_integer()) return *integer;
    const std::string* text = value.if_string();
    if (!text) return std::nullopt;
    std::int64_t level = 0;
    const char* end = text->data() + text->size();
    const auto [rest, error] = std::from_chars(text->data(), end, level);
    const bool is_level = error == std::errc() && rest == end && level <= json::kIntegerMax &&
                          level >= json::kIntegerMin;
    return is_level ? std::optional(level) : std::nullopt;
}

json::Object levels_from(const json::Object& levels) {
    json::Object kept;
    for (const json::Member& member : levels) {
        if (const auto level = level_from(member.value)) kept.set(member.key, *level);
    }
    return kept;
}

/// Power levels as all room versions take them.
json::Object with_plain_levels(const json::Object& content) {
    json::Object plain;
    for (const json::Member& member : content) {
        if (const json::Object* levels = member.value.if_object()) {
            plain.set(member.key, levels_from(*levels));
        } else if (const auto level = level_from(member.value)) {
            plain.set(member.key, *level);
        }
    }
    json::Object users;
    if (const json::Value* known = plain.find("users"); known && known->if_object()) {
        for (const json::Member& member : *known->if_object()) {
            if (parse_user_id(member.key)) users.set(member.key, member.value);
        }
    }
    plain.set("users", std::move(users));
    return plain;
}

std::int64_t level_at(const json::Object& content, std::string_view key, std::int64_t otherwise) {
    const json::Value* value = content.find(key);
    const std::int64_t* level = value ? value->if_integer() : nullptr;
    return level ? *level : otherwise;
}

std::int64_t level_for_state(const json::Object& content, std::string_view type) {
    const std::int64_t otherwise = level_at(content, "state_default", kStateLevelDefault);
    const json::Value* events = content.find("events");
    return events && events->if_object() ? level_at(*events->if_object(), type, otherwise)
                                         : otherwise;
}

/// The power levels of the new room, and those with which it begins where its creator needs more
/// than he is to keep.
struct NewLevels {
    json::Object content;
    std::optional<json::Object> at_first;
};

json::Object& users_of(json::Object& content) {
    return *content.find("users")->if_object();
}

// Creators have no level of their own, and only they may upgrade again.
void raise_creators(json::Object& content, const UserId& creator, const UpgradeWish& wish) {
    users_of(content).erase(creator.view());
    for (const UserId& other : wish.additional_creators)
        users_of(content).erase(other.view());
    if (level_for_state(content, "m.room.tombstone") >= kTombstoneLevelOfCreators) return;
    json::Object events;
    if (const json::Value* known = content.find("events")) events = *known->if_object();
    events.set("m.room.tombstone", kTombstoneLevelOfCreators);
    content.set("events", std::move(events));
}

NewLevels make_new_levels(const Room& old, const UserId& creator, const UpgradeWish& wish) {
    NewLevels levels;
    levels.content =
        with_plain_levels(content_of(old, "m.room.power_levels").value_or(json::Object{}));
    json::Object& users = users_of(levels.content);
    if (wish.rules->has_privileged_creators) {
        raise_creators(levels.content, creator, wish);
        return levels;
    }
    // UNSPECIFIED: creators who were above all levels get that of a creator, because else the new
    // room has nobody who can do anything.
    if (old.rules().has_privileged_creators || !old.find_state("m.room.power_levels", "")) {
        for (const UserId& user : creators_of(old))
            users.set(user.view(), kCreatorLevel);
    }
    std::int64_t needed = level_at(levels.content, "ban", kBanLevelDefault);
    for (const std::string_view type : kCarriedTypes)
        needed = std::max(needed, level_for_state(levels.content, type));
    for (const std::string_view type :
         {"m.room.power_levels", "m.room.join_rules", "m.room.canonical_alias", "m.space.child"})
        needed = std::max(needed, level_for_state(levels.content, type));
    const std::int64_t own =
        level_at(users, creator.view(), level_at(levels.content, "users_default", 0));
    if (own >= needed) return levels;
    levels.at_first = levels.content;
    users_of(*levels.at_first).set(creator.view(), needed);
    return levels;
}

// --- The new room --------------------------------------------------------------------------------

// UNSPECIFIED: a join rule that the new version has not becomes the nearest that admits nobody
// more.
json::Object join_rule_for(json::Object content, const RoomRules& rules) {
    const json::Value* value = content.find("join_rule");
    std::string rule = value && value->if_string() ? *value->if_string() : "invite";
    if (rule == "knock_restricted" && !rules.has_knock_restricted) rule = "restricted";
    if (rule == "restricted" && !rules.has_restricted) rule = "invite";
    if (rule == "knock" && !rules.has_knock) rule = "invite";
    content.set("join_rule", rule);
    return content;
}

/// The old room in the words of its successor.
class Successor {
public:
    Successor(const Room& old, UserId creator, UpgradeWish wish)
        : old_(old), creator_(std::move(creator)), wish_(std::move(wish)) {}

    json::Object make_create_content() const {
        json::Object content;
        json::Object predecessor{{"room_id", old_.id().text()}};
        // "MAY be omitted" from version 12 on.
        const auto& extremities = old_.extremities();
        if (wish_.rules->event_format != EventFormat::HashedRoomId && !extremities.empty())
            predecessor.set("event_id", extremities.front().text());
        content.set("predecessor", std::move(predecessor));
        if (std::string type = room_type(old_); !type.empty()) content.set("type", std::move(type));
        // UNSPECIFIED: a room that is of one server stays so, because somebody wanted that.
        const auto create = content_of(old_, "m.room.create");
        const json::Value* federate = create ? create->find("m.federate") : nullptr;
        if (federate && federate->if_boolean()) content.set("m.federate", *federate);
        json::Array creators;
        for (const UserId& user : wish_.additional_creators)
            creators.emplace_back(user.text());
        if (!creators.empty()) content.set("additional_creators", std::move(creators));
        return content;
    }

    /// `aliases`: those that come with the room.
    std::vector<NewEvent> make_events(const json::Object& profile,
                                      const std::vector<RoomAlias>& aliases) {
        add("m.room.member", creator_.text(), member_content(Membership::Join, profile, {}));
        NewLevels levels = make_new_levels(old_, creator_, wish_);
        add("m.room.power_levels", "", levels.at_first.value_or(levels.content));
        if (const auto rules = content_of(old_, "m.room.join_rules"))
            add("m.room.join_rules", "", join_rule_for(*rules, *wish_.rules));
        for (const std::string_view type : kCarriedTypes) {
            if (auto content = content_of(old_, type)) add(type, "", *std::move(content));
        }
        add_canonical_alias(aliases);
        if (room_type(old_) == "m.space") add_children();
        add_bans();
        if (levels.at_first) {
            SIM_SOMETIMES("who upgrades a room has more power for a moment");
            add("m.room.power_levels", "", std::move(levels.content));
        }
        return std::move(events_);
    }

private:
    void add(std::string_view type, std::string state_key, json::Object content) {
        events_.push_back({.sender = creator_,
                           .type = std::string(type),
                           .state_key = std::move(state_key),
                           .content = std::move(content),
                           .redacts = std::nullopt});
    }

    // As far as its aliases lead to the new room.
    void add_canonical_alias(const std::vector<RoomAlias>& aliases) {
        const auto known = content_of(old_, "m.room.canonical_alias");
        if (!known) return;
        const auto is_moved = [&](const json::Value& value) {
            return value.if_string() &&
                   std::ranges::find(aliases, *value.if_string(), &RoomAlias::text) !=
                       aliases.end();
        };
        json::Object content;
        if (const json::Value* alias = known->find("alias"); alias && is_moved(*alias))
            content.set("alias", *alias);
        json::Array others;
        if (const json::Value* known_others = known->find("alt_aliases");
            known_others && known_others->if_array()) {
            std::ranges::copy_if(*known_others->if_array(), std::back_inserter(others), is_moved);
        }
        if (!others.empty()) content.set("alt_aliases", std::move(others));
        if (!content.empty()) add("m.room.canonical_alias", "", std::move(content));
    }

    void add_children() {
        std::size_t count = 0;
        old_.current_state().for_each_of_type(
            "m.space.child", [&](const StateKey& key, const EventId& id) {
                const auto stored = old_.find_event(id);
                if (!stored || count == kChildrenCarriedMax) return;
                json::Object content = stored->event->parse_content();
                if (!content.contains("via")) return;
                ++count;
                add("m.space.child", key.state_key, std::move(content));
            });
    }

    void add_bans() {
        std::size_t count = 0;
        for (const UserId& user : old_.list_members(Membership::Ban)) {
            if (user == creator_ || count++ == kBansCarriedMax) break;
            const EventPtr ban = old_.find_state("m.room.member", user.view());
            std::optional<std::string> reason;
            if (ban) {
                const json::Object content = ban->parse_content();
                const json::Value* value = content.find("reason");
                if (value && value->if_string()) reason = *value->if_string();
            }
            add("m.room.member", user.text(), member_content(Membership::Ban, {}, reason));
        }
    }

    const Room& old_;
    UserId creator_;
    UpgradeWish wish_;
    std::vector<NewEvent> events_;
};

NewEvent tombstone_event(const UserId& sender, const std::string& replacement) {
    return {.sender = sender,
            .type = "m.room.tombstone",
            .state_key = "",
            .content = {{"body", "This room has been replaced"}, {"replacement_room", replacement}},
            .redacts = std::nullopt};
}

// "the greater of `50` and `users_default + 1`", and never less than it is.
NewEvent closing_event(const Room& old, const UserId& sender) {
    json::Object content = content_of(old, "m.room.power_levels").value_or(json::Object{});
    const json::Object plain = with_plain_levels(content);
    const std::int64_t closed = std::max(kClosedLevelMin, level_at(plain, "users_default", 0) + 1);
    for (const std::string_view key : {"events_default", "invite"})
        content.set(key, std::max(closed, level_at(plain, key, 0)));
    return {.sender = sender,
            .type = "m.room.power_levels",
            .state_key = "",
            .content = std::move(content),
            .redacts = std::nullopt};
}

}  // namespace

void ClientServer::move_names(const RoomId& from, const RoomId& to) {
    for (const RoomAlias& alias : aliases_.list(from)) {
        const auto known = aliases_.find(alias);
        aliases_.remove(alias);
        aliases_.insert(alias, to, known->creator);
    }
    // UNSPECIFIED: the directory shows the new room in the place of the old one, because that is
    // where people are to go.
    if (!published_rooms_.contains(from)) return;
    published_rooms_.remove(from);
    published_rooms_.insert(to);
}

Task<Result<Reply>> ClientServer::upgrade_room(Request request) {
    const UserId& user = request.requester.user;
    ASSIGN_OR_CO_RETURN(const RoomId id, require_room_id(request.path[0], "roomId"));
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body());
    ASSIGN_OR_CO_RETURN(const UpgradeWish wish, parse_upgrade_wish(body));
    ASSIGN_OR_CO_RETURN(const RoomPtr old, find_joined_room(services_.rooms, id, user));
    ASSIGN_OR_CO_RETURN(const EventTemplate permitted,
                        old->make_template(tombstone_event(user, id.text())));
    CO_RETURN_IF_ERROR(old->check_template(permitted));

    Successor successor(*old, user, wish);
    const NewRoom room{
        .version = std::string(wish.rules->version),
        .creator = user,
        .create_content = successor.make_create_content(),
        .events = successor.make_events(services_.accounts.profile(user), aliases_.list(id))};
    ASSIGN_OR_CO_RETURN(const RoomPtr made, services_.rooms.create(room));
    // UNSPECIFIED: if a policy server refuses the tombstone, a room is left to which nothing leads,
    // because there is no way back.
    CO_RETURN_IF_ERROR(co_await old->submit(tombstone_event(user, made->id().text())));
    move_names(id, made->id());
    // "If possible".
    const auto closed = co_await old->submit(closing_event(*old, user));
    SIM_SOMETIMES(!closed, "who upgrades a room may not change its power levels");
    co_return Reply{.body = json::Object{{"replacement_room", made->id().text()}}};
}

}  // namespace matrix::engine
