// That a check of a parsed event asks for no memory, whatever it says: resolution makes thousands.
//
// A program of its own, because it counts every call of operator new. Not meant: create events,
// which nothing checks often, and third-party invites, whose signature is verified over JSON.

#include <functional>

#include <gtest/gtest.h>

#include "tests/protocol/abstract_room.h"
#include "tests/protocol/allocations.h"

namespace matrix::testing {
namespace {

constexpr const char* kLongUser = "@somebody-with-a-name-that-is-no-short-string:example.org";

struct Check {
    std::string_view sentence;
    std::function<Event(RuleRoom&)> event;
};

json::Object with_user(const RuleRoom& room, std::int64_t level) {
    json::Object levels = room.power_levels({});
    levels.find("users")->if_object()->set(kLongUser, level);
    return levels;
}

const Check kChecks[] = {
    {"a message",
     [](RuleRoom& room) { return room.make(kUser, "m.room.message", std::nullopt, {}); }},
    {"a message of a stranger",
     [](RuleRoom& room) { return room.make(kStranger, "m.room.message", std::nullopt, {}); }},
    {"a topic", [](RuleRoom& room) { return room.make(kMod, "m.room.topic", "", {}); }},
    {"state under another name",
     [](RuleRoom& room) { return room.make(kMod, "org.status", kLongUser, {}); }},
    {"aliases", [](RuleRoom& room) { return room.make(kMod, "m.room.aliases", "a", {}); }},
    {"a redaction",
     [](RuleRoom& room) { return room.make(kUser, "m.room.redaction", std::nullopt, {}); }},
    {"a token",
     [](RuleRoom& room) { return room.make(kUser, "m.room.third_party_invite", "x", {}); }},
    {"an invite", [](RuleRoom& room) { return room.member(kUser, kLongUser, "invite"); }},
    {"a join of an invited user",
     [](RuleRoom& room) {
         room.set_member(kLongUser, "invite");
         return room.member(kLongUser, kLongUser, "join");
     }},
    {"a join of a stranger",
     [](RuleRoom& room) { return room.member(kLongUser, kLongUser, "join"); }},
    {"a join on somebody's word",
     [](RuleRoom& room) {
         room.set_join_rule("restricted");
         return room.member(
             kLongUser, kLongUser, "join", {{"join_authorised_via_users_server", kMod}});
     }},
    {"a knock",
     [](RuleRoom& room) {
         room.set_join_rule("knock");
         return room.member(kLongUser, kLongUser, "knock");
     }},
    {"a leave", [](RuleRoom& room) { return room.member(kUser, kUser, "leave"); }},
    {"a kick", [](RuleRoom& room) { return room.member(kMod, kUser, "leave"); }},
    {"a ban", [](RuleRoom& room) { return room.member(kMod, kLongUser, "ban"); }},
    {"a ban of somebody above", [](RuleRoom& room) { return room.member(kMod, kCreator, "ban"); }},
    {"power levels",
     [](RuleRoom& room) {
         return room.make(kMod, "m.room.power_levels", "", with_user(room, 50));
     }},
    {"power levels that raise somebody too high",
     [](RuleRoom& room) {
         return room.make(kMod, "m.room.power_levels", "", with_user(room, 51));
     }},
};

TEST(AuthCheck, AllocatesNothing) {
    for (const RoomRules& rules : all_room_rules()) {
        for (const Check& check : kChecks) {
            RuleRoom room(rules);
            const Event event = check.event(room);
            std::vector<auth::CitedEvent> cited;
            for (const auto& [role, type, state_key] : auth::required_state(event)) {
                const bool is_sender_again =
                    role == auth::Role::Target && state_key == event.sender.view();
                if (EventPtr entry = room.find(type, state_key); entry && !is_sender_again)
                    cited.push_back({std::move(entry)});
            }
            Event citing = event;
            citing.auth_events.assign(cited.size(), EventId("$cited"));
            const auth::AuthState state = room.state_for(citing);
            const Event* create = room.create();

            const std::uint64_t before = count_allocations();
            const auth::Passed passed = auth::check_cited(citing, cited, create);
            const auth::AuthState by_cited = auth::state_of_cited(citing, cited, create);
            const auth::Verdict verdict = auth::check_against(state, citing, ed25519_verifier());
            const std::uint64_t after = count_allocations();

            EXPECT_EQ(after - before, 0U) << check.sentence << " in room version " << rules.version;
            EXPECT_TRUE(passed) << passed.error();
            EXPECT_EQ(auth::check_against(by_cited, citing, ed25519_verifier()).has_value(),
                      verdict.has_value());
        }
    }
}

// The counter counts: an assertion that cannot fail would show nothing.
TEST(AuthCheck, IsMeasuredByACounterThatCounts) {
    const std::uint64_t before = count_allocations();
    const std::string text = describe(
        auth::Failure{"v12 6", "a sentence that no short string holds", auth::Excerpt(kLongUser)});
    EXPECT_GT(count_allocations(), before) << text;
}

}  // namespace
}  // namespace matrix::testing
