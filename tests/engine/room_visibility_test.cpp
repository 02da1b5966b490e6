#include <gtest/gtest.h>

#include "refserver/engine/rooms/server_view.h"
#include "tests/engine/test_world.h"

namespace matrix::engine {
namespace {

/// What bob of b.test did before the event, and what after it.
struct Case {
    const char* visibility;
    const char* before;  ///< Membership; empty: none.
    const char* after;   ///< Membership; empty: the same.
    bool may_see;
    bool may_server_see;
};

std::ostream& operator<<(std::ostream& out, const Case& row) {
    return out << row.visibility << ", " << (*row.before ? row.before : "never here") << ", then "
               << (*row.after ? row.after : "the same");
}

class RoomVisibility : public testing::TestWithParam<Case> {
protected:
    void bring(const RoomPtr& room, const std::string& membership) {
        const UserId alice = a_.user("alice");
        const UserId& sender = membership == "join" || membership == "leave" ? bob_ : alice;
        a_.turn([&] {
            const auto sent = room->send(member(sender, bob_, membership));
            ASSERT_TRUE(sent) << sent.error().message;
        });
    }
    TestWorld world_;
    RoomHost a_{world_, "a.test"};
    // A user of ours, so that all memberships are ours to make.
    const UserId bob_ = a_.user("bob");
};

TEST_P(RoomVisibility, FollowsTheTable) {
    const Case& row = GetParam();
    const UserId alice = a_.user("alice");
    const RoomPtr room = a_.create_room(
        "12",
        "public",
        {state_event(
            alice, "m.room.history_visibility", {{"history_visibility", row.visibility}})});
    if (*row.before) {
        if (row.before == std::string("leave")) bring(room, "join");
        bring(room, row.before);
    }
    std::optional<StoredEvent> secret;
    a_.turn([&] { secret = room->send(message(alice, "secret")).value(); });
    if (*row.after) bring(room, row.after);
    EXPECT_EQ(room->may_see(bob_, *secret), row.may_see);
    // Alice is there all the time.
    EXPECT_TRUE(room->may_see(alice, *secret));
}

INSTANTIATE_TEST_SUITE_P(AllCases,
                         RoomVisibility,
                         testing::Values(Case{"world_readable", "", "", true, true},
                                         Case{"world_readable", "ban", "", true, true},
                                         Case{"shared", "", "", false, false},
                                         Case{"shared", "join", "", true, true},
                                         Case{"shared", "invite", "", false, false},
                                         Case{"shared", "", "join", true, true},
                                         Case{"shared", "leave", "", false, false},
                                         Case{"shared", "join", "leave", true, true},
                                         Case{"shared", "join", "ban", true, true},
                                         Case{"invited", "", "", false, false},
                                         Case{"invited", "invite", "", true, true},
                                         Case{"invited", "", "join", false, false},
                                         Case{"invited", "leave", "join", false, false},
                                         Case{"invited", "join", "leave", true, true},
                                         Case{"joined", "invite", "join", false, false},
                                         Case{"joined", "", "join", false, false},
                                         Case{"joined", "join", "", true, true},
                                         Case{"joined", "join", "leave", true, true},
                                         Case{"nonsense", "", "join", true, true},
                                         Case{"nonsense", "", "", false, false}));

class RoomServerVisibility : public RoomVisibility {};

TEST_P(RoomServerVisibility, FollowsTheTable) {
    const Case& row = GetParam();
    const UserId alice = a_.user("alice");
    ScriptedPeer peer(world_, "b.test");
    const UserId bob = peer.user("bob");
    const RoomPtr room = a_.create_room(
        "12",
        "public",
        {state_event(
            alice, "m.room.history_visibility", {{"history_visibility", row.visibility}})});
    const auto become = [&](const std::string& membership) {
        const UserId& sender = membership == "join" || membership == "leave" ? bob : alice;
        const EventTemplate made = room->make_template(member(sender, bob, membership)).value();
        if (sender == bob) {
            ASSERT_TRUE(a_.receive(room, peer.sign(made, room->rules()), peer.name()));
        } else {
            a_.turn([&] { ASSERT_TRUE(room->accept_own(room->sign(made).value())); });
        }
    };
    if (*row.before) become(row.before);
    std::optional<StoredEvent> secret;
    a_.turn([&] { secret = room->send(message(alice, "secret")).value(); });
    if (*row.after) become(row.after);
    ServerView theirs(room, peer.name());
    EXPECT_EQ(a_.wait_for(theirs.may_see(*secret)), row.may_server_see);
    ServerView ours(room, a_.name);
    EXPECT_EQ(a_.wait_for(ours.may_see(*secret)), true);
}

INSTANTIATE_TEST_SUITE_P(AllCases,
                         RoomServerVisibility,
                         testing::Values(Case{"world_readable", "", "", true, true},
                                         Case{"shared", "", "", false, false},
                                         Case{"shared", "", "join", true, true},
                                         Case{"shared", "join", "leave", true, true},
                                         Case{"invited", "invite", "", true, true},
                                         Case{"invited", "", "join", false, false},
                                         Case{"joined", "invite", "join", false, false},
                                         Case{"joined", "join", "leave", true, true}));

// One view of a server is asked about many events, in any order: what it remembers of the members
// follows the state.
TEST_F(RoomServerVisibility, FollowsTheStateFromEventToEvent) {
    const UserId alice = a_.user("alice");
    ScriptedPeer peer(world_, "b.test");
    const UserId bob = peer.user("bob");
    const RoomPtr room = a_.create_room(
        "11",
        "public",
        {state_event(alice, "m.room.history_visibility", {{"history_visibility", "joined"}})});
    std::vector<StoredEvent> told;
    const auto tell = [&] {
        a_.turn([&] { told.push_back(room->send(message(alice, "")).value()); });
    };
    tell();
    for (const char* membership : {"join", "leave", "join"}) {
        const EventTemplate made = room->make_template(member(bob, bob, membership)).value();
        ASSERT_TRUE(a_.receive(room, peer.sign(made, room->rules()), peer.name()));
        tell();
    }
    ServerView view(room, peer.name());
    for (const std::size_t at : {1, 3, 0, 2, 3, 1, 2, 0}) {
        const bool is_in = at % 2 == 1;
        EXPECT_EQ(a_.wait_for(view.may_see(told[at])), is_in) << at;
        EXPECT_EQ(a_.wait_for(view.was_joined_before(told[at].event->id)), is_in) << at;
    }
}

class RoomVisibilityOfMembers : public RoomVisibility {};

TEST_F(RoomVisibilityOfMembers, ShowsOnesOwnJoinAndLeave) {
    const UserId alice = a_.user("alice");
    const RoomPtr room = a_.create_room(
        "12",
        "public",
        {state_event(alice, "m.room.history_visibility", {{"history_visibility", "joined"}})});
    const auto own = [&](const char* membership) {
        StoredEvent sent;
        a_.turn([&] { sent = room->send(member(bob_, bob_, membership)).value(); });
        return sent;
    };
    const StoredEvent join = own("join");
    EXPECT_TRUE(room->may_see(bob_, join));
    const StoredEvent leave = own("leave");
    EXPECT_TRUE(room->may_see(bob_, leave));
    EXPECT_FALSE(room->may_see(UserId("@carol:a.test"), join));
}

TEST_F(RoomVisibilityOfMembers, ShowsAChangeOfVisibilityByWhatWasAndWhatIs) {
    const UserId alice = a_.user("alice");
    const RoomPtr room = a_.create_room();
    const auto change = [&](const char* visibility) {
        StoredEvent sent;
        a_.turn([&] {
            sent = room->send(state_event(alice,
                                          "m.room.history_visibility",
                                          {{"history_visibility", visibility}}))
                       .value();
        });
        return sent;
    };
    EXPECT_TRUE(room->may_see(bob_, change("world_readable")));
    EXPECT_TRUE(room->may_see(bob_, change("joined")));
    EXPECT_FALSE(room->may_see(bob_, change("invited")));
}

TEST_F(RoomVisibilityOfMembers, HidesTheHistoryOfAForgottenRoom) {
    const RoomPtr room = a_.create_room();
    bring(room, "join");
    StoredEvent hello;
    a_.turn([&] { hello = room->send(message(a_.user("alice"), "hello")).value(); });
    bring(room, "leave");
    EXPECT_TRUE(room->may_see(bob_, hello));
    a_.turn([&] { a_.rooms.forget(room->id(), bob_); });
    EXPECT_FALSE(room->may_see(bob_, hello));
    bring(room, "join");
    EXPECT_TRUE(room->may_see(bob_, hello));
}

}  // namespace
}  // namespace matrix::engine
