// Rooms of events that have labels instead of hashes.

#include "tests/protocol/abstract_room.h"

#include <memory>

#include <gtest/gtest.h>

#include "conformance/oracle/auth_rules.h"

namespace matrix::testing {

RoomId abstract_room_id(const RoomRules& rules) {
    return rules.event_format == EventFormat::HashedRoomId ? RoomId("!create:a")
                                                           : RoomId("!room:a");
}

EventPtr make_abstract_event(const AbstractEvent& event, const RoomRules& rules) {
    Event made;
    made.id = EventId(event.id);
    made.room_id = abstract_room_id(rules);
    made.sender = UserId(event.sender);
    made.type = event.type;
    made.state_key = event.state_key;
    made.origin_server_ts = event.origin_server_ts;
    made.depth = event.depth;
    for (const std::string& id : event.auth_events)
        made.auth_events.emplace_back(id);
    for (const std::string& id : event.prev_events)
        made.prev_events.emplace_back(id);
    made.content = parse_event_content(event.type, event.content, rules);
    made.rules = &rules;
    made.text = json::write(json::Object{{"content", event.content}});
    return std::make_shared<const Event>(std::move(made));
}

EventPtr EventStore::find(const std::string& id) const {
    const auto entry = events_.find(EventId(id));
    return entry == events_.end() ? nullptr : entry->second;
}

FindEvent EventStore::finder() const {
    return [this](const EventId& id) {
        return auth::CitedEvent{.event = find(id.text()), .is_rejected = rejected_.contains(id)};
    };
}

RuleRoom::RuleRoom(const RoomRules& rules) : rules_(&rules) {
    set_create(rules.has_creator_in_content ? json::Object{{"creator", kCreator}} : json::Object{});
    for (const char* user : {kCreator, kMod, kUser})
        set_member(user, "join");
    set_join_rule("invite");
    set_power_levels({});
}

Event RuleRoom::make(std::string_view sender,
                     std::string_view type,
                     std::optional<std::string> state_key,
                     json::Object content) const {
    return *make_abstract_event({.id = "$event:b",
                                 .type = std::string(type),
                                 .state_key = std::move(state_key),
                                 .sender = std::string(sender),
                                 .content = std::move(content),
                                 .prev_events = {"$something:a"}},
                                *rules_);
}

Event RuleRoom::member(std::string_view sender,
                       std::string_view target,
                       std::string_view membership,
                       json::Object more) const {
    more.set("membership", membership);
    return make(sender, "m.room.member", std::string(target), std::move(more));
}

void RuleRoom::set(const Event& event) {
    state_[{event.type, event.state_key.value()}] = std::make_shared<const Event>(event);
}

void RuleRoom::set_create(json::Object content) {
    set(*make_abstract_event({.id = "$create:a",
                              .type = "m.room.create",
                              .state_key = "",
                              .sender = kCreator,
                              .content = std::move(content)},
                             *rules_));
}

void RuleRoom::set_member(std::string_view user, std::string_view membership) {
    set(member(user, user, membership));
}

void RuleRoom::set_join_rule(std::string_view join_rule) {
    set(make(kCreator, "m.room.join_rules", "", {{"join_rule", join_rule}}));
}

json::Object RuleRoom::power_levels(json::Object more) const {
    json::Object users = {{kMod, 50}};
    if (!rules_->has_privileged_creators) users.set(kCreator, 100);
    if (!more.contains("users")) more.set("users", users);
    return more;
}

void RuleRoom::set_power_levels(json::Object more) {
    set(make(kCreator, "m.room.power_levels", "", power_levels(std::move(more))));
}

void RuleRoom::clear(std::string_view type) {
    std::erase_if(state_, [&](const auto& entry) { return entry.first.type == type; });
}

EventPtr RuleRoom::find(std::string_view type, std::string_view state_key) const {
    const auto entry = state_.find({std::string(type), std::string(state_key)});
    return entry == state_.end() ? nullptr : entry->second;
}

auth::AuthState RuleRoom::state_for(const Event& event) const {
    auth::AuthState state;
    state.set(auth::Role::Create, create());
    for (const auto& [role, type, state_key] : auth::required_state(event)) {
        state.set(role, find(type, state_key).get());
    }
    return state;
}

// What the literal transcription of the rules says.
std::string RuleRoom::ask_oracle(const Event& event) const {
    std::vector<std::unique_ptr<oracle::ReadEvent>> entries;
    oracle::RuleState state;
    for (const auto& [key, entry] : state_) {
        entries.push_back(std::make_unique<oracle::ReadEvent>(entry));
        state[{key.type, key.state_key}] = entries.back().get();
    }
    const oracle::ReadEvent read(std::make_shared<const Event>(event));
    const oracle::Verdict verdict = oracle::check_against(state, read, ed25519_verifier());
    return verdict ? "allowed by " + verdict->rule : "refused by " + verdict.error().rule;
}

std::string RuleRoom::check(const Event& event) const {
    const auth::Verdict verdict = auth::check_against(state_for(event), event, ed25519_verifier());
    const std::string rule(verdict ? verdict->rule : verdict.error().rule);
    EXPECT_EQ(ask_oracle(event), (verdict ? "allowed by " : "refused by ") + rule)
        << "the oracle disagrees, v" << rules_->version << ' ' << event;
    return verdict ? "allowed" : rule;
}

}  // namespace matrix::testing
