// What a client folds together of many answers to /sync, and what it finds wrong with them.

#include "simulator/clients/sync_view.h"

#include <gtest/gtest.h>

namespace matrix::simulator {
namespace {

json::Value event(const std::string& id, const std::string& type, const std::string& key) {
    return json::Object{{"event_id", id}, {"type", type}, {"state_key", key}};
}

json::Value answer(const std::string& next,
                   json::Array state,
                   json::Array timeline,
                   bool is_limited = false) {
    const json::Object room{
        {"state", json::Object{{"events", std::move(state)}}},
        {"timeline", json::Object{{"events", std::move(timeline)}, {"limited", is_limited}}}};
    return json::Object{{"next_batch", next},
                        {"rooms", json::Object{{"join", json::Object{{"!r:s", room}}}}}};
}

std::vector<std::string> differences(const SyncView& followed, const SyncView& fresh) {
    std::uint64_t compared = 0;
    return followed.differences(fresh, compared);
}

const json::Value kFirst = event("$1", "m.room.topic", "");
const json::Value kSecond = event("$2", "m.room.topic", "");
const json::Value kThird = event("$3", "m.room.name", "");

TEST(SyncView, HasWhatAnInitialSyncSays) {
    SyncView followed;
    EXPECT_TRUE(followed.fold(answer("a", {}, {kFirst})).empty());
    EXPECT_TRUE(followed.fold(answer("b", {}, {kSecond, kThird})).empty());
    SyncView fresh;
    fresh.fold(answer("b", {kSecond}, {kThird}));

    EXPECT_EQ(differences(followed, fresh), std::vector<std::string>{});
}

TEST(SyncView, TellsAnEventThatIsMissing) {
    SyncView followed;
    followed.fold(answer("a", {}, {kFirst}));
    followed.fold(answer("b", {}, {kThird}));
    SyncView fresh;
    fresh.fold(answer("b", {}, {kFirst, kSecond, kThird}));

    EXPECT_EQ(differences(followed, fresh).size(), 2u);  // Of the state and of the timeline.
}

TEST(SyncView, TakesAGapThatIsMarked) {
    SyncView followed;
    followed.fold(answer("a", {}, {kFirst}));
    followed.fold(answer("b", {kSecond}, {kThird}, true));
    SyncView fresh;
    fresh.fold(answer("b", {}, {kFirst, kSecond, kThird}));

    EXPECT_EQ(differences(followed, fresh), std::vector<std::string>{});
}

TEST(SyncView, TellsAnEventThatComesTwice) {
    SyncView followed;
    followed.fold(answer("a", {}, {kFirst}));

    EXPECT_EQ(followed.fold(answer("b", {}, {kFirst})),
              std::vector<std::string>{"!r:s: $1 comes twice"});
}

TEST(SyncView, TellsATokenThatComesAgain) {
    SyncView followed;
    followed.fold(answer("a", {}, {}));
    followed.fold(answer("b", {}, {}));

    EXPECT_EQ(followed.fold(answer("a", {}, {})),
              std::vector<std::string>{"next_batch is an earlier one, a"});
}

TEST(SyncView, HoldsNothingAgainstAStateThatATimelineOverrules) {
    SyncView followed;
    followed.fold(answer("a", {kFirst}, {kSecond}));  // A resolution went back to the first.
    SyncView fresh;
    fresh.fold(answer("a", {kFirst}, {}));

    EXPECT_EQ(differences(followed, fresh), std::vector<std::string>{});
}

}  // namespace
}  // namespace matrix::simulator
