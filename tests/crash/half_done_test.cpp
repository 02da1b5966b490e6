// What a server is in the middle of, when it dies or its disk fails, is finished or did not happen.
#include <memory>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "refserver/base/assert.h"
#include "simulator/cluster.h"
#include "tests/crash/crash_world.h"
#include "tests/crash/workload.h"

namespace matrix::crash {
namespace {

using simulator::SimulatedDisk;

constexpr std::int64_t kMinuteMs = 60'000;

class HalfDone : public testing::Test {
protected:
    HalfDone() {
        make_empty_database(image_);
        world_ = std::make_unique<CrashWorld>(image_, 1);
        EXPECT_TRUE(world_->home().start().has_value());
    }

    /// A request of a user, whose answer nobody waits for yet.
    std::shared_ptr<std::optional<Answer>> begin(Side side,
                                                 const UserId& user,
                                                 std::string target,
                                                 json::Value body) {
        auto slot = std::make_shared<std::optional<Answer>>();
        world_->tasks().start(keep(
            world_->call(side, user.text(), "POST", std::move(target), std::move(body)), slot));
        return slot;
    }
    Answer post(Side side, const UserId& user, std::string target, json::Value body) {
        const auto slot = begin(side, user, std::move(target), std::move(body));
        world_->run_for(kMinuteMs);
        return slot->value_or(Answer{});
    }
    RoomId create_room(Side side, json::Object wish) {
        const Answer made =
            post(side, CrashWorld::user(side, 0), "/_matrix/client/v3/createRoom", wish);
        EXPECT_EQ(made.status, 200) << json::write(made.body);
        return RoomId(made.string("room_id"));
    }
    std::string join_path(const RoomId& room) const {
        return room_path(room, "/join?via=" + CrashWorld::name_of(Side::Peer).text());
    }

    /// Home dies when the peer has done its part of a request to this endpoint, and has not
    /// answered yet.
    void die_after(const std::string& endpoint) {
        world_->on_answer_of_peer([this, endpoint](const runtime::HttpRequest& request) {
            if (request.target.find("/" + endpoint + "/") == std::string::npos) return;
            world_->home().disk().cut_power();
        });
    }
    void restart() {
        ASSERT_FALSE(world_->home().is_alive()) << "it never came to where it should die";
        world_->on_answer_of_peer(nullptr);
        world_->home().end();
        world_->home().disk().restore_power();
        ASSERT_TRUE(world_->home().start().has_value());
        world_->run_for(kMinuteMs);
    }

    std::optional<Membership> at_home(const RoomId& room, const UserId& user) {
        return world_->home().engine().rooms().membership(room, user);
    }
    std::optional<Membership> at_peer(const RoomId& room, const UserId& user) {
        return world_->peer().rooms().membership(room, user);
    }

    static Task<void> keep(Task<std::optional<Answer>> call,
                           std::shared_ptr<std::optional<Answer>> slot) {
        *slot = co_await std::move(call);
    }

    SimulatedDisk image_{0};
    std::unique_ptr<CrashWorld> world_;
    const UserId home0_ = CrashWorld::user(Side::Home, 0);
    const UserId peer0_ = CrashWorld::user(Side::Peer, 0);
};

TEST_F(HalfDone, AJoinThatTheResidentTookIsFinishedByTheNextProcess) {
    const RoomId room = create_room(Side::Peer, {{"preset", "public_chat"}});
    die_after("send_join");
    begin(Side::Home, home0_, join_path(room), json::Object{});
    world_->run_for(kMinuteMs);
    EXPECT_EQ(at_peer(room, home0_), Membership::Join);

    restart();
    EXPECT_EQ(at_home(room, home0_), Membership::Join);
    const auto here = world_->home().engine().rooms().find(room).value();
    const auto there = world_->peer().rooms().find(room).value();
    EXPECT_EQ(here->extremities(), there->extremities()) << "it is the same join";
}

TEST_F(HalfDone, ALeaveThatTheResidentTookIsFinishedByTheNextProcess) {
    const RoomId room = create_room(Side::Peer, {{"preset", "private_chat"}});
    post(Side::Peer, peer0_, room_path(room, "/invite"), json::Object{{"user_id", home0_.text()}});
    ASSERT_EQ(at_home(room, home0_), Membership::Invite);
    die_after("send_leave");
    begin(Side::Home, home0_, room_path(room, "/leave"), json::Object{});
    world_->run_for(kMinuteMs);
    EXPECT_EQ(at_peer(room, home0_), Membership::Leave);

    restart();
    EXPECT_EQ(at_home(room, home0_), Membership::Leave);
}

TEST_F(HalfDone, AnInviteThatItsServerSignedIsFinishedByTheNextProcess) {
    const RoomId room = create_room(Side::Home, {{"preset", "private_chat"}});
    die_after("invite");
    begin(Side::Home, home0_, room_path(room, "/invite"), json::Object{{"user_id", peer0_.text()}});
    world_->run_for(kMinuteMs);
    EXPECT_EQ(at_peer(room, peer0_), Membership::Invite);

    restart();
    EXPECT_EQ(at_home(room, peer0_), Membership::Invite);
}

TEST_F(HalfDone, TheInvitesOfANewRoomAreFinishedByTheNextProcess) {
    const UserId peer1 = CrashWorld::user(Side::Peer, 1);
    die_after("invite");
    begin(Side::Home,
          home0_,
          "/_matrix/client/v3/createRoom",
          json::Object{{"invite", json::Array{peer0_.text(), peer1.text()}}});
    world_->run_for(kMinuteMs);
    restart();
    const auto rooms = world_->home().engine().rooms().list();
    ASSERT_EQ(rooms.size(), 1U);
    EXPECT_EQ(at_home(rooms.front(), peer0_), Membership::Invite) << "which was on its way";
    EXPECT_EQ(at_home(rooms.front(), peer1), Membership::Invite) << "whose turn had not come";
    EXPECT_EQ(at_peer(rooms.front(), peer1), Membership::Invite);
}

TEST_F(HalfDone, AUserWhoDecidedOtherwiseIsNotBroughtBackIntoTheRoom) {
    const RoomId room = create_room(Side::Peer, {{"preset", "public_chat"}});
    die_after("send_join");
    begin(Side::Home, home0_, join_path(room), json::Object{});
    world_->run_for(kMinuteMs);
    world_->on_answer_of_peer(nullptr);
    world_->home().end();
    world_->home().disk().restore_power();
    ASSERT_TRUE(world_->home().start().has_value());
    // He joins and leaves by himself, before the first attempt to finish comes to its end.
    begin(Side::Home, home0_, join_path(room), json::Object{});
    world_->run_for(kMinuteMs);
    EXPECT_EQ(post(Side::Home, home0_, room_path(room, "/leave"), json::Object{}).status, 200);
    world_->run_for(60 * kMinuteMs);
    EXPECT_EQ(at_home(room, home0_), Membership::Leave);
    EXPECT_EQ(at_peer(room, home0_), Membership::Leave);
}

TEST_F(HalfDone, ARoomWhoseTurnTheDiskRefusedIsNotAnswered) {
    world_->home().disk().fail(SimulatedDisk::Failing::Space);
    const json::Object wish{{"room_alias_name", "club"}, {"invite", json::Array{peer0_.text()}}};
    const Answer refused = post(Side::Home, home0_, "/_matrix/client/v3/createRoom", wish);
    EXPECT_EQ(refused.status, 507);
    EXPECT_EQ(refused.string("errcode"), "M_UNKNOWN");
    world_->home().disk().fail(SimulatedDisk::Failing::Nothing);
    EXPECT_TRUE(world_->home().engine().rooms().list().empty());

    const RoomId room = create_room(Side::Home, wish);
    EXPECT_EQ(at_home(room, peer0_), Membership::Invite);
}

TEST_F(HalfDone, AJoinWhoseOutcomeTheDiskRefusedIsFinishedWhenThereIsRoom) {
    const RoomId room = create_room(Side::Peer, {{"preset", "public_chat"}});
    world_->on_answer_of_peer([&](const runtime::HttpRequest& request) {
        if (request.target.find("/send_join/") == std::string::npos) return;
        world_->home().disk().fail(SimulatedDisk::Failing::Space);
    });
    const Answer refused = post(Side::Home, home0_, join_path(room), json::Object{});
    EXPECT_EQ(refused.status, 507);
    world_->on_answer_of_peer(nullptr);
    EXPECT_EQ(at_home(room, home0_), std::nullopt);
    world_->home().disk().fail(SimulatedDisk::Failing::Nothing);
    world_->run_for(60 * kMinuteMs);
    EXPECT_EQ(at_home(room, home0_), Membership::Join);
}

}  // namespace
}  // namespace matrix::crash
