// Events that a user of a room may want to send, without what they cite.
//
// Private to tests/generators.
#pragma once

#include <span>
#include <string_view>

#include "refserver/protocol/event.h"
#include "tests/generators/command.h"

namespace matrix::generators {

EventTemplate draft_state(const UserId& sender,
                          std::string_view type,
                          std::string_view state_key,
                          json::Object content);
EventTemplate draft_member(const UserId& sender, const UserId& target, std::string_view membership);
EventTemplate draft_join_rules(const UserId& sender, std::string_view join_rule);
EventTemplate draft_topic(const UserId& sender, std::uint64_t number);

/// Sets or, with nothing as `level`, removes an entry of a map of power levels.
void set_level(json::Object& levels,
               std::string_view map,
               std::string_view key,
               const json::Value* level);

/// Changes one thing in `levels`, the content of m.room.power_levels: an entry of `users` in 70 of
/// 100 cases. With `has_odd_levels` sometimes to what few rooms have.
void edit_power_levels(json::Object& levels,
                       std::span<const UserId> users,
                       const RoomRules& rules,
                       Selector params,
                       bool has_odd_levels);

/// The state key and the content of an m.room.third_party_invite event, one of a few.
EventTemplate draft_token(const UserId& sender, Selector params);
/// An invite that redeems a token; what proves it is right in half of all cases.
EventTemplate draft_token_invite(const UserId& sender, const UserId& target, Selector params);

}  // namespace matrix::generators
