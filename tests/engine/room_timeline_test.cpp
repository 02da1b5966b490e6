#include <gtest/gtest.h>

#include "tests/engine/test_world.h"

namespace matrix::engine {
namespace {

std::vector<std::string> bodies(const std::vector<StoredEvent>& events) {
    std::vector<std::string> list;
    for (const StoredEvent& stored : events) {
        const json::Value content = stored.event->parse_content();
        const std::string* body = content.find_string("body");
        list.push_back(body ? *body : stored.event->type);
    }
    return list;
}

using Strings = std::vector<std::string>;

class RoomTimeline : public testing::Test {
protected:
    RoomTimeline() {
        room_ = a_.create_room();
        start_ = a_.turns.newest();
        for (const char* body : {"1", "2", "3", "4", "5"})
            ids_.push_back(send(message(alice_, body)).event->id);
    }
    StoredEvent send(const NewEvent& event) {
        std::optional<StoredEvent> sent;
        a_.turn([&] { sent = room_->send(event).value(); });
        return *sent;
    }

    TestWorld world_;
    RoomHost a_{world_, "a.test"};
    const UserId alice_ = a_.user("alice");
    RoomPtr room_;
    StreamPosition start_;
    std::vector<EventId> ids_;
};

TEST_F(RoomTimeline, PagesBackwardsToItsBeginning) {
    TimelinePoint from = room_->newest_point();
    from.stream.value += 1;
    auto page = room_->page(from, Direction::Backwards, 3);
    EXPECT_EQ(bodies(page.events), (Strings{"5", "4", "3"}));
    ASSERT_TRUE(page.next);
    page = room_->page(*page.next, Direction::Backwards, 3);
    EXPECT_EQ(bodies(page.events), (Strings{"2", "1", "m.room.join_rules"}));
    ASSERT_TRUE(page.next);
    page = room_->page(*page.next, Direction::Backwards, 3);
    EXPECT_EQ(bodies(page.events),
              (Strings{"m.room.power_levels", "m.room.member", "m.room.create"}));
    EXPECT_FALSE(page.next);
}

TEST_F(RoomTimeline, PagesForwardsToItsEnd) {
    auto page = room_->page({}, Direction::Forwards, 6);
    EXPECT_EQ(bodies(page.events).back(), "2");
    ASSERT_TRUE(page.next);
    page = room_->page(*page.next, Direction::Forwards, 3);
    EXPECT_EQ(bodies(page.events), (Strings{"3", "4", "5"}));
    EXPECT_FALSE(page.next);
}

TEST_F(RoomTimeline, GivesTheNewestEventsOfARange) {
    auto recent = room_->recent(start_, a_.turns.newest(), 3);
    EXPECT_EQ(bodies(recent.events), (Strings{"3", "4", "5"}));
    EXPECT_TRUE(recent.is_limited);
    recent = room_->recent(start_, a_.turns.newest(), 5);
    EXPECT_EQ(recent.events.size(), 5U);
    EXPECT_FALSE(recent.is_limited);
    const StreamPosition third = room_->find_event(ids_[2])->position;
    recent = room_->recent(third, a_.turns.newest(), 5);
    EXPECT_EQ(bodies(recent.events), (Strings{"4", "5"}));
    recent = room_->recent(start_, third, 2);
    EXPECT_EQ(bodies(recent.events), (Strings{"2", "3"}));
}

TEST_F(RoomTimeline, KnowsTheStateAtEachPosition) {
    const StreamPosition before = a_.turns.newest();
    const State state = room_->current_state();
    const StoredEvent topic = send(state_event(alice_, "m.room.topic", {{"topic", "x"}}));
    EXPECT_EQ(room_->state_at(before), state);
    EXPECT_EQ(room_->state_at(topic.position), room_->current_state());
    EXPECT_NE(room_->current_state(), state);
    EXPECT_TRUE(room_->state_at({0}).empty());
}

TEST_F(RoomTimeline, ListsWhatPrecedesAnEvent) {
    const auto events = room_->preceding({ids_[3]}, 3);
    ASSERT_EQ(events.size(), 3U);
    EXPECT_EQ(events[0]->id, ids_[3]);
    EXPECT_EQ(events[1]->id, ids_[2]);
    EXPECT_EQ(events[2]->id, ids_[1]);
}

TEST_F(RoomTimeline, ListsWhatIsMissingBetweenEvents) {
    auto events = room_->missing_between({ids_[0]}, {ids_[4]}, 10, 0);
    ASSERT_EQ(events.size(), 3U);
    EXPECT_EQ(events[0]->id, ids_[1]);
    EXPECT_EQ(events[2]->id, ids_[3]);
    // Of too many the newest.
    events = room_->missing_between({ids_[0]}, {ids_[4]}, 2, 0);
    ASSERT_EQ(events.size(), 2U);
    EXPECT_EQ(events[0]->id, ids_[2]);
    const std::int64_t depth = room_->find_event(ids_[3])->event->depth;
    events = room_->missing_between({ids_[0]}, {ids_[4]}, 10, depth);
    EXPECT_EQ(events.size(), 1U);
}

TEST_F(RoomTimeline, FollowsAuthChainsToTheirEnd) {
    // Of v12: power levels, join and join rules; the create event is not cited.
    EXPECT_EQ(room_->auth_chain({ids_[4]}).size(), 2U);
    EXPECT_TRUE(room_->auth_chain({room_->find_state("m.room.create", "")->id}).empty());
}

struct AclCase {
    json::Object content;
    const char* server;
    bool is_allowed;
};

TEST_F(RoomTimeline, LetsServersTakePartByTheAccessControlList) {
    const json::Array all{"*"};
    const AclCase cases[] = {
        {{{"allow", all}}, "b.test", true},
        {{{"allow", json::Array{}}}, "b.test", false},
        {{}, "b.test", false},
        {{{"allow", all}, {"deny", json::Array{"b.test"}}}, "b.test", false},
        {{{"allow", all}, {"deny", json::Array{"b.test"}}}, "b.test:8448", false},
        {{{"allow", all}, {"deny", json::Array{"B.TE?T"}}}, "b.test", false},
        {{{"allow", all}, {"deny", json::Array{"*.b.test"}}}, "b.test", true},
        {{{"allow", all}, {"deny", json::Array{"*.b.test"}}}, "x.b.test", false},
        {{{"allow", json::Array{"*.test", 7}}}, "b.test", true},
        {{{"allow", all}, {"allow_ip_literals", false}}, "1.2.3.4", false},
        {{{"allow", all}, {"allow_ip_literals", false}}, "[::1]:80", false},
        {{{"allow", all}, {"allow_ip_literals", "no"}}, "1.2.3.4", true},
        {{{"allow", all}}, "1.2.3.4:8448", true},
    };
    EXPECT_TRUE(room_->is_server_allowed(ServerName("b.test")));
    for (const AclCase& row : cases) {
        SCOPED_TRACE(json::write(row.content) + " " + row.server);
        send(state_event(alice_, "m.room.server_acl", row.content));
        EXPECT_EQ(room_->is_server_allowed(ServerName(row.server)), row.is_allowed);
    }
}

}  // namespace
}  // namespace matrix::engine
