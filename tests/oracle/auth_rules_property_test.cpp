// The fast authorization rules and the literal ones agree on events and states of every shape, also
// such as no server would send: same verdict, same rule, same selection.

#include <algorithm>
#include <array>
#include <memory>
#include <set>
#include <span>

#include <gtest/gtest.h>

#include "conformance/oracle/auth_rules.h"
#include "tests/generators/choices.h"
#include "tests/protocol/abstract_room.h"

namespace matrix::testing {
namespace {

using generators::Choices;

constexpr std::array<std::string_view, 6> kUsers = {
    kCreator, kMod, kUser, kStranger, "@:a", "not a user"};
constexpr std::array<std::string_view, 11> kTypes = {"m.room.member",
                                                     "m.room.member",
                                                     "m.room.member",
                                                     "m.room.power_levels",
                                                     "m.room.power_levels",
                                                     "m.room.join_rules",
                                                     "m.room.create",
                                                     "m.room.third_party_invite",
                                                     "m.room.aliases",
                                                     "m.room.redaction",
                                                     "m.room.topic"};
constexpr std::array<std::string_view, 7> kMemberships = {
    "join", "invite", "leave", "ban", "knock", "Join", ""};
constexpr std::array<std::string_view, 8> kJoinRules = {
    "public", "invite", "knock", "restricted", "knock_restricted", "private", "other", ""};
constexpr std::array<std::string_view, 12> kLevelTexts = {"50",
                                                          " +7 ",
                                                          "-00100",
                                                          "\n50\t",
                                                          "",
                                                          "+",
                                                          "--1",
                                                          "1_000",
                                                          "0x10",
                                                          "9223372036854775808",
                                                          "-9999999999999999999999",
                                                          "\xc2\xa0"
                                                          "1"};
constexpr std::array<std::string_view, 14> kNumbers = {"50.9",
                                                       "-0.5",
                                                       "5e1",
                                                       "5.0114698E4",
                                                       "100e-1",
                                                       "0.0001e6",
                                                       "1e400",
                                                       "-1e309",
                                                       "1e-400",
                                                       "0e999999999999999999999",
                                                       "9007199254740993",
                                                       "1e15",
                                                       "-9223372036854775809",
                                                       "1.7976931348623158e308"};

// Makes states and events of one room version, few of them sensible.
class AnyEvents {
public:
    AnyEvents(const RoomRules& rules, std::uint64_t seed)
        : rules_(rules), choices_(Choices::from_seed(seed)) {}

    Event event(const RuleRoom& room) {
        const std::string_view type = pick(kTypes);
        std::optional<std::string> state_key;
        if (type == "m.room.member") {
            state_key = std::string(pick(kUsers));
        } else if (!one_in(3)) {
            state_key = one_in(6) ? std::string(pick(kUsers)) : std::string();
        }
        if (one_in(20)) state_key.reset();
        if (type == "m.room.aliases" && one_in(2)) state_key = "a";
        Event event = room.make(pick(kUsers), type, state_key, content(type));
        if (one_in(4)) event.prev_events = {EventId("$create:a")};
        if (one_in(8)) event.prev_events.clear();
        if (one_in(3)) event.redacts = EventId(one_in(2) ? "$x:b" : "$x:a");
        if (one_in(30)) event.room_id = RoomId("!other:b");
        return event;
    }

    RuleRoom room() {
        RuleRoom room(rules_);
        if (one_in(4)) room.set_create(content("m.room.create"));
        for (const char* user : {kCreator, kMod, kUser, kStranger}) {
            if (one_in(3)) room.set_member(user, pick(kMemberships));
        }
        if (one_in(3)) room.set_join_rule(pick(kJoinRules));
        if (one_in(2)) {
            room.set(room.make(kCreator, "m.room.power_levels", "", power_levels()));
        }
        if (one_in(3)) {
            room.set(room.make(kMod, "m.room.third_party_invite", "token", power_levels()));
        }
        for (const char* type : {"m.room.power_levels", "m.room.join_rules", "m.room.create"}) {
            if (one_in(12)) room.clear(type);
        }
        return room;
    }

    // What `event` might cite of a room: most of what it should, and other things.
    std::vector<auth::CitedEvent> cited(const RuleRoom& room, const Event& event) {
        std::vector<auth::CitedEvent> cited;
        for (const auth::RequiredKey& key : auth::required_state(event)) {
            const EventPtr entry = room.find(key.type, key.state_key);
            const bool is_there = std::ranges::any_of(
                cited, [&](const auth::CitedEvent& other) { return other.event == entry; });
            if (entry && !is_there && !one_in(20)) cited.push_back({.event = entry});
        }
        if (one_in(5)) {
            cited.push_back({.event = std::make_shared<const Event>(this->event(room))});
        }
        for (auth::CitedEvent& entry : cited) {
            if (one_in(30)) entry.is_rejected = true;
            if (one_in(40)) entry.event = nullptr;
        }
        return cited;
    }

private:
    bool one_in(std::uint64_t count) { return choices_.below(count) == 0; }

    std::string_view pick(std::span<const std::string_view> values) {
        return values[choices_.below(values.size())];
    }

    json::Value level() {
        constexpr std::array<std::int64_t, 8> kLevels = {0, 49, 50, 51, 99, 100, 101, -1};
        if (one_in(8)) return pick(kLevelTexts);
        // Room versions with canonical JSON know no other numbers.
        if (one_in(8) && !rules_.is_canonical_json_enforced) {
            return json::OtherNumber{std::string(pick(kNumbers))};
        }
        if (one_in(8)) return odd_value();
        return kLevels[choices_.below(kLevels.size())];
    }

    json::Value odd_value() {
        const std::array<json::Value, 5> values = {
            nullptr, true, json::Array{}, json::kIntegerMax, json::Object{{kUser, 50}}};
        return values[choices_.below(values.size())];
    }

    json::Value levels(std::span<const std::string_view> keys) {
        if (one_in(20)) return level();
        json::Object map;
        for (std::uint64_t count = choices_.below(4); count > 0; --count) {
            const std::string_view key = pick(keys);
            map.set(key, level());
        }
        return map;
    }

    json::Object power_levels() {
        constexpr std::array<std::string_view, 7> kNames = {
            "ban", "events_default", "invite", "kick", "redact", "state_default", "users_default"};
        json::Object content;
        for (const std::string_view name : kNames) {
            if (one_in(4)) content.set(name, level());
        }
        if (!one_in(4)) content.set("users", levels(kUsers));
        if (one_in(2)) content.set("events", levels(kTypes));
        if (one_in(3)) content.set("notifications", levels(kTypes));
        return content;
    }

    json::Value third_party_invite() {
        if (one_in(5)) return level();
        json::Object signed_part;
        if (!one_in(6)) signed_part.set("mxid", pick(kUsers));
        if (!one_in(6)) signed_part.set("token", one_in(4) ? "other" : "token");
        if (one_in(12)) signed_part.set("token", level());
        json::Object invite;
        if (!one_in(8)) invite.set("signed", signed_part);
        if (one_in(12)) invite.set("signed", level());
        return invite;
    }

    json::Object member() {
        json::Object content;
        if (!one_in(20)) content.set("membership", pick(kMemberships));
        if (one_in(30)) content.set("membership", level());
        if (one_in(3)) content.set("join_authorised_via_users_server", pick(kUsers));
        if (one_in(20)) content.set("join_authorised_via_users_server", level());
        if (one_in(6)) content.set("third_party_invite", third_party_invite());
        return content;
    }

    json::Object create() {
        json::Object content;
        if (!one_in(8)) content.set("creator", pick(kUsers));
        if (one_in(4)) content.set("m.federate", !one_in(3));
        if (one_in(8)) content.set("m.federate", level());
        if (one_in(8)) content.set("room_version", level());
        if (one_in(8)) content.set("room_version", "11");
        if (!one_in(3)) return content;
        json::Array users;
        for (std::uint64_t count = choices_.below(3); count > 0; --count)
            users.emplace_back(pick(kUsers));
        if (one_in(10)) users.push_back(level());
        content.set("additional_creators", one_in(12) ? level() : json::Value(users));
        return content;
    }

    json::Object content(std::string_view type) {
        if (type == "m.room.member") return member();
        if (type == "m.room.power_levels") return power_levels();
        if (type == "m.room.create") return create();
        json::Object content;
        if (type != "m.room.join_rules") return content;
        if (!one_in(12)) content.set("join_rule", pick(kJoinRules));
        if (one_in(20)) content.set("join_rule", level());
        return content;
    }

    const RoomRules& rules_;
    Choices choices_;
};

class AuthRulesAgreement : public ::testing::TestWithParam<std::string> {};
INSTANTIATE_TEST_SUITE_P(
    Versions,
    AuthRulesAgreement,
    ::testing::Values("1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"),
    [](const auto& info) { return "v" + info.param; });

constexpr std::uint64_t kRooms = 2'000;

// `RuleRoom::check` compares; here is enough variety that most rules are met.
TEST_P(AuthRulesAgreement, JudgesEventsOfAllShapesAlike) {
    const RoomRules& rules = *find_room_rules(GetParam());
    std::set<std::string> met;
    for (std::uint64_t seed = 0; seed < kRooms && !HasFailure(); ++seed) {
        AnyEvents any(rules, seed);
        const RuleRoom room = any.room();
        for (int count = 0; count < 5; ++count)
            met.insert(room.check(any.event(room)));
    }
    EXPECT_GE(met.size(), 25U) << "few rules were met";
}

TEST_P(AuthRulesAgreement, JudgesWhatEventsCiteAlike) {
    const RoomRules& rules = *find_room_rules(GetParam());
    std::set<std::string> met;
    for (std::uint64_t seed = 0; seed < kRooms && !HasFailure(); ++seed) {
        AnyEvents any(rules, seed);
        const RuleRoom room = any.room();
        Event event = any.event(room);
        const std::vector<auth::CitedEvent> cited = any.cited(room, event);
        for (const auth::CitedEvent& entry : cited)
            event.auth_events.push_back(entry.event ? entry.event->id : EventId("$unknown:a"));
        const auto fast = auth::check_cited(event, cited, room.create());

        std::vector<std::unique_ptr<oracle::ReadEvent>> read;
        std::vector<const oracle::ReadEvent*> pointers;
        for (const auth::CitedEvent& entry : cited) {
            if (entry.event) {
                read.push_back(std::make_unique<oracle::ReadEvent>(
                    entry.event,
                    entry.is_rejected ? oracle::Standing::Rejected : oracle::Standing::Accepted));
            }
            pointers.push_back(entry.event ? read.back().get() : nullptr);
        }
        const EventPtr create_event = room.find("m.room.create", "");
        if (create_event) read.push_back(std::make_unique<oracle::ReadEvent>(create_event));
        const oracle::Passed literal =
            oracle::check_cited(oracle::ReadEvent(std::make_shared<const Event>(event)),
                                pointers,
                                create_event ? read.back().get() : nullptr);
        const std::string rule = oracle::rule_of(literal);
        EXPECT_EQ(rule, fast ? "allowed" : fast.error().rule) << event << " of seed " << seed;
        met.insert(rule);
    }
    EXPECT_GE(met.size(), 6U) << "few rules were met";
}

TEST_P(AuthRulesAgreement, SelectsTheSameAuthEvents) {
    const RoomRules& rules = *find_room_rules(GetParam());
    const RuleRoom room(rules);
    AnyEvents any(rules, 1);
    for (std::uint64_t count = 0; count < kRooms && !HasFailure(); ++count) {
        const Event event = any.event(room);
        std::set<oracle::Key> fast;
        for (const auth::RequiredKey& key : auth::required_state(event))
            fast.emplace(key.type, key.state_key);
        const oracle::ReadEvent read(std::make_shared<const Event>(event));
        EXPECT_EQ(oracle::select_auth_events(read), fast) << event;
    }
}

}  // namespace
}  // namespace matrix::testing
