// Room::backfill: history from before what this server has.
#include <algorithm>

#include <gtest/gtest.h>

#include "tests/engine/test_world.h"

namespace matrix::engine {
namespace {

// A peer's event stands upon one that this server never got; the peer's answers say what was there.
class RoomBackfill : public testing::Test {
protected:
    void SetUp() override {
        room_ = a_.create_room();
        const EventTemplate join = room_->make_template(member(eve_, eve_, "join")).value();
        ASSERT_TRUE(a_.receive(room_, peer_.sign(join, room_->rules()), peer_.name()));
        lost_ = sign(room_->make_template(message(eve_, "lost")).value());
        EventTemplate after = room_->make_template(message(eve_, "after")).value();
        after.prev_events = {id_of(lost_)};
        ++after.depth;
        peer_.answers["state_ids/"] = {{"pdu_ids", ids_of_state()},
                                       {"auth_chain_ids", json::Array{}}};
        const auto receipt = a_.receive(room_, sign(after), peer_.name());
        ASSERT_TRUE(receipt) << receipt.error().message;
        after_ = receipt->stored;
        // The gap is also looked at by itself, until it is given up.
        world_.settle(12 * 3600);
        peer_.requests.clear();
    }
    json::Object sign(const EventTemplate& event) const {
        return peer_.sign(event, room_->rules());
    }
    EventId id_of(const json::Object& pdu) const {
        return parse_event(pdu, room_->rules()).value().id;
    }
    json::Array ids_of_state() const {
        json::Array ids;
        for (const EventPtr& event : room_->list_state())
            ids.push_back(event->id.text());
        return ids;
    }
    bool backfill() {
        return a_.wait_for(room_->backfill(room_->list_missing_before({after_}))).value();
    }
    std::ptrdiff_t count_questions() const {
        return std::ranges::count_if(peer_.requests, [](const std::string& target) {
            return target.starts_with("backfill/");
        });
    }

    TestWorld world_;
    RoomHost a_{world_, "a.test"};
    ScriptedPeer peer_{world_, "peer.test"};
    const UserId eve_ = peer_.user("eve");
    RoomPtr room_;
    json::Object lost_;
    StoredEvent after_;
};

TEST_F(RoomBackfill, PlacesHistoryBeforeWhatIsHere) {
    peer_.answers["backfill/"] = {{"pdus", json::Array{lost_}}};
    const State current = room_->current_state();
    ASSERT_EQ(room_->extremities().size(), 2U);

    EXPECT_TRUE(backfill());
    const auto stored = room_->find_event(id_of(lost_));
    ASSERT_TRUE(stored);
    EXPECT_EQ(stored->status, EventStatus::Accepted);
    EXPECT_LT(stored->position.value, 0) << "a sync would show it as new";
    EXPECT_TRUE(room_->list_missing_before({after_}).empty());
    EXPECT_EQ(room_->current_state(), current);
    // It shows that what it follows is no end of the room.
    EXPECT_EQ(room_->extremities(), std::vector{after_.event->id});
    EXPECT_EQ(a_.counters.events_backfilled, 1U);
}

TEST_F(RoomBackfill, StandsBetweenItsNeighboursInTheTimeline) {
    peer_.answers["backfill/"] = {{"pdus", json::Array{lost_}}};
    ASSERT_TRUE(backfill());
    const TimelinePage page =
        room_->page({after_.event->depth, after_.position}, Direction::Backwards, 1);
    ASSERT_EQ(page.events.size(), 1U);
    EXPECT_EQ(page.events.front().event->id, id_of(lost_));
}

TEST_F(RoomBackfill, AsksNoMoreForAWhileForWhatNobodyHas) {
    peer_.answers["backfill/"] = {{"pdus", json::Array{}}};
    EXPECT_FALSE(backfill());
    EXPECT_FALSE(backfill());
    EXPECT_EQ(count_questions(), 1);
    world_.settle(11 * 60);
    EXPECT_FALSE(backfill());
    EXPECT_EQ(count_questions(), 2);
}

TEST_F(RoomBackfill, LeavesOutWhatDoesNotPrecede) {
    const json::Object stray = sign(room_->make_template(message(eve_, "a stray")).value());
    peer_.answers["backfill/"] = {{"pdus", json::Array{stray, lost_}}};
    EXPECT_TRUE(backfill());
    EXPECT_FALSE(room_->find_event(id_of(stray)));
}

TEST_F(RoomBackfill, RejectsWhatTheStateBeforeItRefuses) {
    peer_.answers["state_ids/"] = {{"pdu_ids", json::Array{}}, {"auth_chain_ids", json::Array{}}};
    // Upon another event that nobody has: what the peer says of the state there counts.
    EventTemplate refused = room_->make_template(message(eve_, "lost, too")).value();
    refused.prev_events = {EventId("$PMBAEUvyyqu5RKYdcjFDLoSLcnMr9lOaUjTLhkgEFWI")};
    EventTemplate after = room_->make_template(message(eve_, "behind it")).value();
    after.prev_events = {id_of(sign(refused))};
    const EventPtr event =
        std::make_shared<const Event>(parse_event(sign(after), room_->rules()).value());
    peer_.answers["backfill/"] = {{"pdus", json::Array{sign(refused)}}};

    StoredEvent above;
    above.event = event;
    EXPECT_TRUE(a_.wait_for(room_->backfill(room_->list_missing_before({above}))).value());
    const auto stored = room_->find_event(id_of(sign(refused)));
    ASSERT_TRUE(stored);
    EXPECT_EQ(stored->status, EventStatus::Rejected);
    EXPECT_EQ(stored->position, StreamPosition{});
}

}  // namespace
}  // namespace matrix::engine
