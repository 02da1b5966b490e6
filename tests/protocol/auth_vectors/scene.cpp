#include "tests/protocol/auth_vectors/scene.h"

#include <algorithm>

#include "refserver/base/assert.h"
#include "refserver/protocol/auth_rules.h"

namespace matrix::testing {
namespace {

// Ids of these versions say whose server made them.
bool has_domain_in_ids(const RoomRules& rules) {
    return rules.event_id_encoding == EventIdEncoding::Opaque;
}

std::string text_of(const json::Object& event, std::string_view field) {
    const json::Value* value = event.find(field);
    return value && value->if_string() ? *value->if_string() : "";
}

// What the event is, for its id: "mod-join", "rules-invite", "levels".
std::string label_of(const json::Object& event) {
    const std::string type = text_of(event, "type");
    const json::Value& content = *event.find("content");
    const auto content_text = [&](std::string_view field) {
        const std::string* text = content.find_string(field);
        return text ? "-" + *text : std::string();
    };
    if (type == "m.room.member") {
        const std::string user = text_of(event, "state_key");
        return user.substr(1, user.find(':') - 1) + content_text("membership");
    }
    if (type == "m.room.join_rules") return "rules" + content_text("join_rule");
    if (type == "m.room.power_levels") return "levels";
    if (type == "m.room.third_party_invite") return "token";
    return type.substr(type.rfind('.') + 1);
}

}  // namespace

std::string EventPool::add(const std::string& label, json::Object event) {
    const auto [entry, is_new] = ids_.emplace(json::write(event), "");
    if (!is_new) return entry->second;

    const std::string sender = text_of(event, "sender");
    const std::size_t colon = label.find(':');
    const std::string domain = colon == std::string::npos ? "" : label.substr(colon);
    const std::string stem = "$" + label.substr(0, colon);
    std::string id = stem + domain;
    for (int number = 2; !taken_.insert(id).second; ++number)
        id = stem + "-" + std::to_string(number) + domain;
    event.set("event_id", id);
    events_.push_back(std::move(event));
    return entry->second = id;
}

Scene::Scene(const RoomRules& rules) : rules_(&rules) {
    set_create({});
    for (const char* user : {kCreator, kMod, kUser})
        set_member(user, "join");
    set_join_rule("invite");
    set_levels({});
}

void Scene::set(std::string_view type,
                std::string_view state_key,
                std::string_view sender,
                json::Object content) {
    state_[{std::string(type), std::string(state_key)}] = {{"type", type},
                                                           {"state_key", state_key},
                                                           {"sender", sender},
                                                           {"content", std::move(content)}};
}

void Scene::set_member(std::string_view user, std::string_view membership) {
    const bool is_others_doing = membership == "ban" || membership == "invite";
    set("m.room.member", user, is_others_doing ? kCreator : user, {{"membership", membership}});
}

void Scene::set_join_rule(const json::Value& join_rule) {
    set("m.room.join_rules", "", kCreator, {{"join_rule", join_rule}});
}

json::Object Scene::levels(json::Object more) const {
    json::Object users = {{kMod, 50}};
    if (!rules_->has_privileged_creators) users.set(kCreator, 100);
    if (!more.contains("users")) more.set("users", users);
    return more;
}

void Scene::set_levels(json::Object more) {
    set("m.room.power_levels", "", kCreator, levels(std::move(more)));
}

json::Object Scene::make_create(json::Object more) const {
    if (rules_->has_creator_in_content && !more.contains("creator")) {
        more.set("creator", kCreator);
    }
    return more;
}

void Scene::set_create(json::Object more) {
    set("m.room.create", "", kCreator, make_create(std::move(more)));
}

void Scene::clear_but(std::string_view type, std::string_view kept) {
    std::erase_if(state_, [&](const auto& entry) {
        return (type.empty() || entry.first.type == type) && entry.first.type != kept;
    });
}

void Scene::reject(std::string_view type, std::string_view state_key) {
    rejected_.insert({std::string(type), std::string(state_key)});
}

void Scene::leave_out(std::string_view type, std::string_view state_key) {
    left_out_.insert({std::string(type), std::string(state_key)});
}

const json::Object& Scene::find(std::string_view type, std::string_view state_key) const {
    return state_.at({std::string(type), std::string(state_key)});
}

void Scene::send(std::string_view sender,
                 std::string_view type,
                 std::optional<std::string_view> state_key,
                 json::Object content) {
    event_ = {{"type", type}, {"sender", sender}, {"content", std::move(content)}};
    if (state_key) event_.set("state_key", *state_key);
}

void Scene::send_member(std::string_view sender,
                        std::string_view target,
                        std::string_view membership,
                        json::Object more) {
    more.set("membership", membership);
    send(sender, "m.room.member", target, std::move(more));
}

void Scene::send_create(json::Object more) {
    state_.clear();
    send(kCreator, "m.room.create", "", make_create(std::move(more)));
    event_.set("prev_events", json::Array());
}

// The entries that the event should cite, in the order of keys.
json::Array Scene::cite_selected(const std::map<StateKey, std::string>& ids) const {
    const json::Value* state_key = event_.find("state_key");
    const EventTemplate making = {
        .sender = UserId(text_of(event_, "sender")),
        .type = text_of(event_, "type"),
        .state_key = state_key ? std::optional(*state_key->if_string()) : std::nullopt,
        .content = *event_.find("content")->if_object()};
    json::Array cited;
    for (const StateKey& key : auth::required_state(making, *rules_)) {
        const auto id = ids.find(key);
        if (id != ids.end() && !left_out_.contains(key)) cited.emplace_back(id->second);
    }
    return cited;
}

SceneParts Scene::finish(EventPool& pool) const {
    const bool has_hashed_id = rules_->event_format == EventFormat::HashedRoomId;
    const auto labelled = [&](const json::Object& event) {
        const std::string sender = text_of(event, "sender");
        return label_of(event) +
               (has_domain_in_ids(*rules_) ? sender.substr(sender.find(':')) : "");
    };
    std::string room_id = "!room:a";
    std::map<StateKey, std::string> ids;
    const StateKey create_key = {"m.room.create", ""};
    if (const auto create = state_.find(create_key); has_hashed_id && create != state_.end()) {
        ids[create_key] = pool.add(labelled(create->second), create->second);
        room_id = "!" + ids[create_key].substr(1);
    }
    const auto add = [&](json::Object event) {
        if (!event.contains("room_id")) event.set("room_id", room_id);
        return pool.add(labelled(event), std::move(event));
    };
    SceneParts parts;
    for (const auto& [key, event] : state_) {
        if (!ids.contains(key)) ids[key] = add(event);
        parts.state.push_back(ids[key]);
        if (rejected_.contains(key)) parts.rejected.push_back(ids[key]);
    }

    parts.event = event_;
    const std::string sender = text_of(event_, "sender");
    const std::string domain = has_domain_in_ids(*rules_) ? sender.substr(sender.find(':')) : "";
    const bool makes_room = has_hashed_id && text_of(event_, "type") == "m.room.create";
    if (!makes_room && !event_.contains("room_id")) parts.event.set("room_id", room_id);
    if (!event_.contains("event_id")) parts.event.set("event_id", "$event" + domain);
    if (!event_.contains("prev_events")) {
        const std::string before = "$before" + domain;
        parts.event.set("prev_events", json::Array{follows_create_ ? ids.at(create_key) : before});
    }
    json::Array cited = cite_selected(ids);
    for (const json::Object& event : cited_)
        cited.emplace_back(add(event));
    parts.event.set("auth_events", std::move(cited));
    return parts;
}

}  // namespace matrix::testing
