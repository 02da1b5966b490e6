// Drafts of memberships, join rules and power levels.

#include "tests/generators/drafts.h"

#include <array>
#include <span>

namespace matrix::generators {

EventTemplate draft_state(const UserId& sender,
                          std::string_view type,
                          std::string_view state_key,
                          json::Object content) {
    EventTemplate event;
    event.sender = sender;
    event.type = type;
    event.state_key = std::string(state_key);
    event.content = std::move(content);
    return event;
}

EventTemplate draft_member(const UserId& sender,
                           const UserId& target,
                           std::string_view membership) {
    return draft_state(sender, "m.room.member", target.view(), {{"membership", membership}});
}

EventTemplate draft_join_rules(const UserId& sender, std::string_view join_rule) {
    json::Object content = {{"join_rule", join_rule}};
    if (join_rule.ends_with("restricted")) {
        content.set(
            "allow",
            json::Array{json::Object{{"type", "m.room_membership"}, {"room_id", "!other:a.test"}}});
    }
    return draft_state(sender, "m.room.join_rules", "", std::move(content));
}

EventTemplate draft_topic(const UserId& sender, std::uint64_t number) {
    return draft_state(sender, "m.room.topic", "", {{"topic", std::to_string(number)}});
}

void set_level(json::Object& levels,
               std::string_view map,
               std::string_view key,
               const json::Value* level) {
    json::Value& entries = levels[map];
    if (!entries.is_object()) entries = json::Object();
    if (level) {
        entries.if_object()->set(key, *level);
    } else {
        entries.if_object()->erase(key);
    }
}

namespace {

constexpr std::array<std::string_view, 7> kNamedLevels = {
    "ban", "kick", "invite", "redact", "state_default", "events_default", "users_default"};
constexpr std::array<std::string_view, 4> kLeveledTypes = {
    "m.room.topic", "m.room.power_levels", "m.room.join_rules", "m.room.member"};

// What is no ordinary level, as far as the format of the room version lets it through.
json::Value odd_level(const RoomRules& rules, Selector& params) {
    const std::array<json::Value, 10> everywhere = {
        json::kIntegerMax,
        json::kIntegerMin,
        "50",
        " +7 ",
        "00100",
        "",
        "1_000",
        true,
        nullptr,
        json::Array{},
    };
    const std::array<json::Value, 8> before_v6 = {
        std::int64_t{INT64_MAX},
        std::int64_t{INT64_MIN},
        json::OtherNumber{"1000000000000000000000000000000"},
        json::OtherNumber{"50.9"},
        json::OtherNumber{"-0.5"},
        json::OtherNumber{"5.114698E4"},
        json::OtherNumber{"1e400"},
        json::OtherNumber{"9007199254740993.0"},
    };
    if (!rules.is_canonical_json_enforced && params.below(2) == 1) return params.among(before_v6);
    return params.among(everywhere);
}

// Nothing: the entry is taken away.
std::optional<json::Value> choose_level(std::span<const std::int64_t> usual,
                                        const RoomRules& rules,
                                        Selector& params,
                                        bool has_odd_levels) {
    const std::uint64_t number = params.below(100);
    constexpr std::uint64_t kOdd = 95;
    constexpr std::uint64_t kAbsent = 80;
    if (number >= kOdd && has_odd_levels) return odd_level(rules, params);
    if (number >= kAbsent) return std::nullopt;
    return params.among(usual);
}

}  // namespace

void edit_power_levels(json::Object& levels,
                       std::span<const UserId> users,
                       const RoomRules& rules,
                       Selector params,
                       bool has_odd_levels) {
    static constexpr std::array<std::int64_t, 7> kUserLevels = {50, 0, 50, 99, 100, -1, 25};
    static constexpr std::array<std::int64_t, 5> kNamed = {50, 0, 25, 75, 100};
    static constexpr std::array<std::int64_t, 3> kTypes = {50, 0, 100};
    constexpr std::uint64_t kUserEdits = 70;
    constexpr std::uint64_t kNamedEdits = 85;
    constexpr std::uint64_t kTypeEdits = 97;

    const std::uint64_t kind = params.below(100);
    const auto choose = [&](std::span<const std::int64_t> usual) {
        return choose_level(usual, rules, params, has_odd_levels);
    };
    if (kind >= kUserEdits && kind < kNamedEdits) {
        const std::string_view name = params.among(kNamedLevels);
        if (const auto level = choose(kNamed)) {
            levels.set(name, *level);
        } else {
            levels.erase(name);
        }
        return;
    }
    const bool is_user = kind < kUserEdits;
    const std::string_view map = is_user ? "users" : kind < kTypeEdits ? "events" : "notifications";
    const std::string_view key = is_user             ? params.among(users).view()
                                 : kind < kTypeEdits ? params.among(kLeveledTypes)
                                                     : "room";
    const auto level = is_user ? choose(kUserLevels) : choose(kTypes);
    set_level(levels, map, key, level ? &*level : nullptr);
}

}  // namespace matrix::generators
