// Outbox: events reach their destination in order, whatever happens on the way.
#include "refserver/engine/peers/outbox.h"

#include <algorithm>
#include <set>

#include <gtest/gtest.h>

#include "tests/engine/fake_peer.h"

namespace matrix::engine {
namespace {

class OutboxTest : public testing::Test {
protected:
    OutboxTest() {
        peer_.answer = [this](const runtime::HttpRequest&) {
            return runtime::HttpResponse{status_, {}, R"({"pdus":{}})"};
        };
        room_ = a_.create_room();
    }
    /// Sends messages in one turn to the peer alone.
    void send(int count) {
        a_.turn([&] {
            for (int i = 0; i < count; ++i) {
                const auto sent = room_->send(message(a_.user("alice"), "hello")).value();
                a_.outbox.send(sent.event, {a_.name, peer_.name});
                sent_.push_back(sent.event->id);
            }
        });
    }
    std::vector<EventId> ids_of(const runtime::HttpRequest& request) const {
        std::vector<EventId> ids;
        const auto body = json::parse(request.body).value();
        for (const json::Value& pdu : *body.find_array("pdus"))
            ids.push_back(parse_event(*pdu.if_object(), room_->rules()).value().id);
        return ids;
    }
    /// The ids that arrived, in their order, those of repeated transactions once.
    std::vector<EventId> arrived() const {
        std::vector<EventId> ids;
        std::set<std::string> seen;
        for (const runtime::HttpRequest& request : peer_.requests) {
            if (!seen.insert(request.target).second) continue;
            for (const EventId& id : ids_of(request))
                ids.push_back(id);
        }
        return ids;
    }

    TestWorld world_;
    RoomHost a_{world_, "a.test"};
    FakePeer peer_{world_, "peer.test"};
    RoomPtr room_;
    std::vector<EventId> sent_;
    int status_ = 200;
};

TEST_F(OutboxTest, SendsEverythingInOrderAtMostFiftyAtATime) {
    send(120);
    world_.settle();
    EXPECT_EQ(arrived(), sent_);
    EXPECT_EQ(a_.outbox.queued(), 0);
    std::set<std::string> targets;
    for (const runtime::HttpRequest& request : peer_.requests) {
        EXPECT_LE(ids_of(request).size(), kTransactionPdusMax);
        targets.insert(request.target);
    }
    EXPECT_EQ(targets.size(), peer_.requests.size());
}

TEST_F(OutboxTest, RepeatsTheSameTransactionUntilItIsTaken) {
    status_ = 500;
    send(1);
    world_.settle(10);
    send(3);
    world_.settle(10);
    ASSERT_GE(peer_.requests.size(), 2);
    for (const runtime::HttpRequest& request : peer_.requests) {
        EXPECT_EQ(request.target, peer_.requests.front().target);
        EXPECT_EQ(ids_of(request), ids_of(peer_.requests.front()));
    }
    EXPECT_EQ(a_.outbox.queued(), 4);
    status_ = 200;
    world_.settle(300);
    EXPECT_EQ(arrived(), sent_);
    EXPECT_EQ(a_.outbox.queued(), 0);
}

TEST_F(OutboxTest, WaitsLongerAfterEachFailureAndAtMostAnHour) {
    status_ = 500;
    send(1);
    world_.settle(24 * 3600);
    // 1, 2, 4 ... seconds at most, then one to two in an hour.
    EXPECT_GE(peer_.requests.size(), 24);
    EXPECT_LE(peer_.requests.size(), 80);
}

TEST_F(OutboxTest, TriesAServerThatIsBackAtOnce) {
    status_ = 500;
    send(1);
    world_.settle(3600);
    const std::size_t before = peer_.requests.size();
    status_ = 200;
    a_.turn([&] { a_.outbox.server_is_back(peer_.name); });
    world_.settle(2);
    EXPECT_EQ(peer_.requests.size(), before + 1);
    EXPECT_EQ(a_.outbox.queued(), 0);
}

TEST_F(OutboxTest, TakesUpWhatAnEarlierProcessLeft) {
    status_ = 500;
    send(2);
    world_.settle(5);
    const std::string target = peer_.requests.front().target;
    Outbox next({.server_name = a_.name,
                 .federation = a_.federation,
                 .turns = a_.turns,
                 .clock = a_.clock,
                 .random = a_.random,
                 .log = a_.log});
    peer_.requests.clear();
    a_.turn([&] { next.resume(); });
    world_.settle(30);
    ASSERT_FALSE(peer_.requests.empty());
    EXPECT_EQ(peer_.requests.front().target, target);
}

}  // namespace
}  // namespace matrix::engine
