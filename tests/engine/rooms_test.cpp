#include "refserver/engine/rooms/rooms.h"

#include <gtest/gtest.h>

#include "refserver/protocol/event_hash.h"
#include "tests/engine/test_world.h"

namespace matrix::engine {
namespace {

class RoomsTest : public testing::Test {
protected:
    NewRoom new_room(const std::string& version) const {
        return {.version = version,
                .creator = alice_,
                .create_content = {},
                .events = {member(alice_, alice_, "join")}};
    }
    Result<RoomPtr> create(const NewRoom& room) {
        std::optional<Result<RoomPtr>> created;
        a_.turn([&] { created = a_.rooms.create(room); });
        world_.settle();
        return *std::move(created);
    }
    /// A room with so many events in its state.
    RoomPtr create_large_room(int topics) {
        std::vector<NewEvent> more;
        for (int topic = 0; topic < topics; ++topic)
            more.push_back(
                state_event(alice_, "org.example.topic", {{"n", topic}}, std::to_string(topic)));
        return a_.create_room("12", "public", std::move(more));
    }
    /// What a resident of `a_` answers to a join of bob's.
    JoinedRoom joined_by_bob(const RoomPtr& room) {
        const RoomPtr at_b = b_.join(a_, room, "bob");
        const EventPtr join = room->find_state("m.room.member", "@bob:b.test");
        JoinedRoom joined{.join = join, .state = {}, .auth_chain = {}};
        for (const EventPtr& event : room->load_events(*room->state_before(join->id)))
            joined.state.push_back(*event);
        for (const EventPtr& event : room->auth_chain({join->id}))
            joined.auth_chain.push_back(*event);
        return joined;
    }

    TestWorld world_;
    RoomHost a_{world_, "a.test"};
    RoomHost b_{world_, "b.test"};
    RoomHost c_{world_, "c.test"};
    const UserId alice_ = a_.user("alice");
};

TEST_F(RoomsTest, CreatesARoomOfEachSupportedVersion) {
    for (const std::string& version : all_versions()) {
        SCOPED_TRACE(version);
        const RoomPtr room = a_.create_room(version);
        EXPECT_EQ(room->rules().version, version);
        EXPECT_EQ(room->membership(alice_), Membership::Join);
        EXPECT_EQ(room->servers(), std::vector{a_.name});
        EXPECT_EQ(room->list_state().size(), 4U);
        EXPECT_EQ(room->extremities().size(), 1U);
        a_.turn([&] { EXPECT_TRUE(room->send(message(alice_, "hello"))); });
        EXPECT_EQ(a_.rooms.find(room->id()).value(), room);
    }
}

TEST_F(RoomsTest, CountsTheMembersOfAnyState) {
    const UserId bob = a_.user("bob");
    const UserId carol = a_.user("carol");
    const RoomPtr room = a_.create_room();
    std::vector<EventId> sent;
    const auto send = [&](const UserId& sender, const UserId& who, const char* membership) {
        a_.turn(
            [&] { sent.push_back(room->send(member(sender, who, membership)).value().event->id); });
    };
    send(alice_, bob, "invite");
    send(carol, carol, "join");
    send(bob, bob, "join");
    send(alice_, carol, "ban");
    send(alice_, carol, "leave");
    send(alice_, carol, "invite");
    // Joined and invited after each, and before the first.
    const std::vector<std::pair<int, int>> expected{
        {1, 0}, {1, 1}, {2, 1}, {3, 0}, {2, 0}, {2, 0}, {2, 1}};
    for (std::size_t i = 0; i < expected.size(); ++i) {
        const State state =
            (i == 0 ? room->state_before(sent[0]) : room->state_after(sent[i - 1])).value();
        const Room::MemberCounts counts = room->count_members(state);
        EXPECT_EQ(counts.joined, expected[i].first) << i;
        EXPECT_EQ(counts.invited, expected[i].second) << i;
    }
}

TEST_F(RoomsTest, RefusesRoomVersionsThatItDoesNotKnow) {
    for (const char* version : {"0", "13", "org.example", ""}) {
        SCOPED_TRACE(version);
        const auto room = create(new_room(version));
        ASSERT_FALSE(room);
        EXPECT_EQ(room.error().errcode, "M_UNSUPPORTED_ROOM_VERSION");
    }
}

TEST_F(RoomsTest, CreatesNothingWhenOneOfTheFirstEventsIsRefused) {
    NewRoom room = new_room("12");
    room.events.push_back(member(UserId("@mallory:a.test"), alice_, "ban"));
    const auto created = create(room);
    ASSERT_FALSE(created);
    EXPECT_EQ(created.error().errcode, "M_FORBIDDEN");
    EXPECT_TRUE(a_.rooms.list().empty());
    EXPECT_TRUE(a_.rooms.list_memberships(alice_).empty());
}

TEST_F(RoomsTest, RefusesToSendWhatTheRulesRefuse) {
    const RoomPtr room = a_.create_room();
    a_.turn([&] {
        const auto sent = room->send(message(UserId("@nobody:a.test"), "hello"));
        ASSERT_FALSE(sent);
        EXPECT_EQ(sent.error().errcode, "M_FORBIDDEN");
    });
    EXPECT_EQ(room->newest_point().depth, 4);
}

TEST_F(RoomsTest, RefusesEventsThatAreTooLarge) {
    const RoomPtr room = a_.create_room();
    a_.turn([&] {
        const auto sent = room->send(message(alice_, std::string(kPduBytesMax, 'x')));
        ASSERT_FALSE(sent);
        EXPECT_EQ(sent.error().status, 413);
        EXPECT_EQ(sent.error().errcode, "M_TOO_LARGE");
    });
}

TEST_F(RoomsTest, ChecksATemplateWithoutSendingIt) {
    const RoomPtr room = a_.create_room("12", "invite");
    const UserId bob = b_.user("bob");
    const auto refused = room->make_template(member(bob, bob, "join"));
    ASSERT_TRUE(refused);
    EXPECT_FALSE(room->check_template(*refused));
    const auto allowed = room->make_template(member(alice_, bob, "invite"));
    ASSERT_TRUE(allowed);
    EXPECT_TRUE(room->check_template(*allowed));
    EXPECT_FALSE(room->membership(bob));
}

TEST_F(RoomsTest, EntersARoomWithTheStateOfAResident) {
    const RoomPtr room = a_.create_room();
    const RoomPtr at_b = b_.join(a_, room, "bob");
    EXPECT_EQ(at_b->current_state(), room->current_state());
    EXPECT_EQ(at_b->servers(), (std::vector{a_.name, b_.name}));
    EXPECT_EQ(b_.rooms.list_rooms_of(b_.user("bob"), Membership::Join), std::vector{room->id()});
    const auto create = at_b->find_event(room->find_state("m.room.create", "")->id);
    ASSERT_TRUE(create);
    EXPECT_EQ(create->status, EventStatus::Outlier);
}

TEST_F(RoomsTest, KnowsOfAJoinWhoseAnswerWasLost) {
    const RoomPtr room = a_.create_room();
    const UserId carol = c_.user("carol");
    json::Object pdu =
        make_pdu(room->make_template(member(carol, carol, "join")).value(), room->rules());
    hash_and_sign_event(pdu, c_.name, *c_.key.signer, room->rules());
    const Receipt lost = a_.receive(room, pdu, c_.name).value();
    ASSERT_EQ(lost.stored.status, EventStatus::Accepted);
    EXPECT_FALSE(c_.rooms.membership(room->id(), carol));

    const RoomPtr entered = c_.join(a_, room, "dave");
    EXPECT_EQ(entered->membership(carol), Membership::Join);
    EXPECT_EQ(c_.rooms.membership(room->id(), carol), Membership::Join);
    EXPECT_EQ(c_.rooms.list_rooms_of(carol, Membership::Join), std::vector{room->id()});
    EXPECT_EQ(c_.rooms.list_memberships(c_.user("dave")).size(), 1U);
}

TEST_F(RoomsTest, EntersALargeRoomOnceForTwoWhoComeTogether) {
    const RoomPtr room = create_large_room(200);
    const JoinedRoom joined = joined_by_bob(room);
    c_.turn([&] {
        c_.start(c_.rooms.enter(joined));
        c_.start(c_.rooms.enter(joined));
        EXPECT_TRUE(c_.rooms.list().empty()) << "it is shown before it is whole";
    });
    world_.settle();
    c_.turn([&] {
        const RoomPtr entered = c_.rooms.find(room->id()).value();
        EXPECT_EQ(entered->current_state(), room->current_state());
        EXPECT_EQ(entered->servers(), (std::vector{a_.name, b_.name}));
        EXPECT_EQ(entered->extremities(), std::vector{joined.join->id});
    });
}

TEST_F(RoomsTest, LeavesOutOfAnEnteredStateWhatTheRulesRefuse) {
    const RoomPtr room = a_.create_room();
    JoinedRoom joined = joined_by_bob(room);
    // A topic by somebody who is not in the room.
    EventTemplate forged =
        room->make_template(state_event(alice_, "m.room.topic", {{"topic", "forged"}})).value();
    forged.sender = a_.user("mallory");
    std::erase_if(forged.auth_events, [&](const EventId& id) {
        return room->find_event(id)->event->type == "m.room.member";
    });
    json::Object pdu = make_pdu(forged, room->rules());
    hash_and_sign_event(pdu, a_.name, *a_.key.signer, room->rules());
    joined.state.push_back(parse_event(pdu, room->rules()).value());

    const auto entered = c_.wait_for(c_.rooms.enter(joined)).value();
    c_.turn([&] {
        ASSERT_TRUE(entered) << entered.error().message;
        EXPECT_FALSE((*entered)->find_state("m.room.topic", ""));
        EXPECT_EQ((*entered)->current_state(), room->current_state());
        const auto kept = (*entered)->find_event(joined.state.back().id);
        ASSERT_TRUE(kept);
        EXPECT_TRUE(kept->is_rejected());
    });
}

TEST_F(RoomsTest, EntersNoRoomWhoseJoinTheRulesRefuse) {
    const RoomPtr room = a_.create_room();
    JoinedRoom joined = joined_by_bob(room);
    std::erase_if(joined.state,
                  [](const Event& event) { return event.type == "m.room.join_rules"; });
    std::erase_if(joined.auth_chain,
                  [](const Event& event) { return event.type == "m.room.join_rules"; });
    EXPECT_FALSE(c_.wait_for(c_.rooms.enter(joined)).value());
    EXPECT_TRUE(c_.rooms.list().empty());
}

TEST_F(RoomsTest, EntersNoRoomWithoutItsCreateEvent) {
    JoinedRoom joined = joined_by_bob(a_.create_room());
    std::erase_if(joined.state, [](const Event& event) { return event.type == "m.room.create"; });
    EXPECT_FALSE(c_.wait_for(c_.rooms.enter(joined)).value());
    EXPECT_TRUE(c_.rooms.list().empty());
}

TEST_F(RoomsTest, ListsTheChangesOfAMembershipBetweenTwoPositions) {
    const RoomPtr room = a_.create_room();
    const StreamPosition joined = a_.turns.newest();
    EXPECT_EQ(a_.rooms.list_memberships(alice_).size(), 1U);
    EXPECT_TRUE(a_.rooms.membership_changes(alice_, joined, a_.turns.newest()).empty());
    a_.turn([&] { ASSERT_TRUE(room->send(member(alice_, alice_, "leave"))); });

    const auto changes = a_.rooms.membership_changes(alice_, joined, a_.turns.newest());
    ASSERT_EQ(changes.size(), 1U);
    EXPECT_EQ(changes[0].room, room->id());
    EXPECT_EQ(changes[0].membership, Membership::Leave);
    EXPECT_EQ(a_.rooms.membership_at(room->id(), alice_, joined)->membership, Membership::Join);
    EXPECT_TRUE(a_.rooms.list_rooms_of(alice_, Membership::Join).empty());

    a_.turn([&] { a_.rooms.forget(room->id(), alice_); });
    EXPECT_TRUE(a_.rooms.list_memberships(alice_)[0].is_forgotten);
}

TEST_F(RoomsTest, KeepsAnInviteToARoomThatItDoesNotKnow) {
    const RoomPtr room = a_.create_room();
    const UserId bob = b_.user("bob");
    std::optional<StoredEvent> invite;
    a_.turn([&] { invite = room->send(member(alice_, bob, "invite")).value(); });
    b_.turn([&] {
        b_.rooms.put_outlier_membership({.room = room->id(),
                                         .user = bob,
                                         .event = invite->event,
                                         .stripped_state = {json::Object{{"type", "x"}}},
                                         .position = {}});
    });
    EXPECT_EQ(b_.rooms.membership(room->id(), bob), Membership::Invite);
    EXPECT_EQ(b_.rooms.list_rooms_of(bob, Membership::Invite), std::vector{room->id()});
    const auto kept = b_.rooms.find_outlier_membership(room->id(), bob);
    ASSERT_TRUE(kept);
    EXPECT_EQ(*kept->event, *invite->event);
    EXPECT_EQ(kept->stripped_state.size(), 1U);
    EXPECT_FALSE(b_.rooms.find(room->id()));

    b_.join(a_, room, "bob");
    EXPECT_EQ(b_.rooms.membership(room->id(), bob), Membership::Join);
    EXPECT_FALSE(b_.rooms.find_outlier_membership(room->id(), bob));
}

TEST_F(RoomsTest, TellsAKickedUsersServer) {
    const RoomPtr room = a_.create_room();
    const RoomPtr at_b = b_.join(a_, room, "bob");
    a_.turn([&] { ASSERT_TRUE(room->send(member(alice_, b_.user("bob"), "leave"))); });
    world_.settle();
    EXPECT_EQ(at_b->membership(b_.user("bob")), Membership::Leave);
    EXPECT_EQ(room->servers(), std::vector{a_.name});
}

TEST_F(RoomsTest, ReadsARoomBackFromTheDatabase) {
    const RoomPtr room = a_.create_room();
    const State state = room->current_state();
    const std::vector<EventId> extremities = room->extremities();
    storage::EventStore events(a_.turns);
    storage::StateStore states(a_.turns);
    const auto row = a_.room_store.find(room->id());
    ASSERT_TRUE(row);
    EXPECT_EQ(row->extremities, extremities);
    EXPECT_EQ(states.load(row->current_state), state);
    EXPECT_EQ(*events.find(extremities[0])->event, *room->find_event(extremities[0])->event);
}

TEST_F(RoomsTest, CitesAtMostTwentyPreviousEvents) {
    const RoomPtr room = a_.create_room();
    const EventTemplate place = room->make_template(message(alice_, "")).value();
    for (int branch = 0; branch < 25; ++branch) {
        EventTemplate event = place;
        event.content.set("body", std::to_string(branch));
        event.depth += branch;
        a_.turn([&] { ASSERT_TRUE(room->accept_own(room->sign(event).value())); });
    }
    EXPECT_EQ(room->extremities().size(), 25U);
    a_.turn([&] {
        const auto sent = room->send(message(alice_, "merge"));
        ASSERT_TRUE(sent) << sent.error().message;
        EXPECT_EQ(sent->event->prev_events.size(), kPrevEventsMax);
        for (const EventId& previous : sent->event->prev_events)
            EXPECT_GE(room->find_event(previous)->event->depth, place.depth + 5);
    });
    EXPECT_EQ(room->extremities().size(), 6U);
}

class FailingDisk : public RoomsTest {
protected:
    /// Does `work` in a turn whose commit fails.
    void fail(std::function<void()> work) {
        a_.turn([&] {
            work();
            a_.disk.fail(simulator::SimulatedDisk::Failing::Changes);
        });
        a_.disk.fail(simulator::SimulatedDisk::Failing::Nothing);
        ASSERT_EQ(a_.turns.failed_commits(), ++failures_);
        world_.settle();
    }
    std::uint64_t failures_ = 0;
};

TEST_F(FailingDisk, EntersNoRoomWhenACommitFailsOnTheWay) {
    const RoomPtr room = create_large_room(200);
    const JoinedRoom joined = joined_by_bob(room);
    c_.turn([&] { c_.start(c_.rooms.enter(joined)); });
    for (const std::uint64_t begun = c_.turns.commits(); c_.turns.commits() < begun + 3;)
        ASSERT_TRUE(world_.time.step());
    c_.disk.fail(simulator::SimulatedDisk::Failing::Changes);
    while (c_.turns.failed_commits() == 0)
        ASSERT_TRUE(world_.time.step());
    c_.disk.fail(simulator::SimulatedDisk::Failing::Nothing);
    world_.settle();
    EXPECT_EQ(c_.turns.failed_commits(), 1U) << "it went on";
    EXPECT_TRUE(c_.rooms.list().empty());
    EXPECT_FALSE(c_.rooms.find(room->id()));

    const auto entered = c_.wait_for(c_.rooms.enter(joined)).value();
    ASSERT_TRUE(entered) << entered.error().message;
    EXPECT_EQ((*entered)->current_state(), room->current_state());
    EXPECT_EQ((*entered)->servers(), (std::vector{a_.name, b_.name}));
}

TEST_F(FailingDisk, LeavesNothingOfWhatWasSent) {
    const RoomPtr room = a_.create_room();
    const State state = room->current_state();
    const std::vector<EventId> extremities = room->extremities();
    std::optional<StoredEvent> lost;
    fail([&] {
        lost = room->send(state_event(alice_, "m.room.topic", {{"topic", "lost"}})).value();
        EXPECT_TRUE(room->find_state("m.room.topic", ""));
    });
    EXPECT_EQ(room->current_state(), state);
    EXPECT_EQ(room->extremities(), extremities);
    EXPECT_FALSE(room->find_event(lost->event->id));
    EXPECT_FALSE(room->find_state("m.room.topic", ""));
    a_.turn([&] { EXPECT_TRUE(room->send(message(alice_, "it goes on"))); });
    world_.settle();
    EXPECT_EQ(a_.turns.failed_commits(), failures_);
}

TEST_F(FailingDisk, LeavesNothingOfARoomThatWasCreated) {
    RoomPtr room;
    fail([&] { room = a_.rooms.create(new_room("12")).value(); });
    EXPECT_TRUE(a_.rooms.list().empty());
    EXPECT_FALSE(a_.rooms.find(room->id()));
    EXPECT_TRUE(a_.rooms.list_memberships(alice_).empty());
    // Whoever still holds it cannot write into it.
    a_.turn([&] { EXPECT_FALSE(room->send(message(alice_, "hello"))); });
}

TEST_F(FailingDisk, CountsServersAnew) {
    const RoomPtr room = a_.create_room();
    b_.join(a_, room, "bob");
    fail([&] { ASSERT_TRUE(room->send(member(alice_, b_.user("bob"), "ban"))); });
    EXPECT_EQ(room->servers(), (std::vector{a_.name, b_.name}));
    EXPECT_EQ(room->membership(b_.user("bob")), Membership::Join);
}

}  // namespace
}  // namespace matrix::engine
