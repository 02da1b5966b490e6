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

    Outbox::Services services() {
        return {.server_name = a_.name,
                .federation = a_.federation,
                .health = a_.health,
                .turns = a_.turns,
                .clock = a_.clock,
                .random = a_.random,
                .log = a_.log,
                .counters = a_.counters};
    }
    void send_edu(Edu edu) {
        a_.turn([&] { a_.outbox.send_edu(edu, {a_.name, peer_.name}); });
    }
    static Edu kept(std::string_view body, std::string key = {}) {
        return {"m.kept", json::Object{{"body", body}}, EduKeeping::UntilDelivered, std::move(key)};
    }
    static Edu ephemeral(std::string_view body, std::string key = {}) {
        return {
            "m.fleeting", json::Object{{"body", body}}, EduKeeping::WhileReachable, std::move(key)};
    }
    static std::vector<std::string> edus_of(const runtime::HttpRequest& request) {
        std::vector<std::string> bodies;
        const auto body = json::parse(request.body).value();
        const json::Array* edus = body.find_array("edus");
        for (const json::Value& edu : edus ? *edus : json::Array{})
            bodies.push_back(*edu.find("content")->find_string("body"));
        return bodies;
    }
    /// The EDUs that arrived, in their order, those of repeated transactions once.
    std::vector<std::string> arrived_edus() const {
        std::vector<std::string> bodies;
        std::set<std::string> seen;
        for (const runtime::HttpRequest& request : peer_.requests) {
            if (!seen.insert(request.target).second) continue;
            for (std::string& body : edus_of(request))
                bodies.push_back(std::move(body));
        }
        return bodies;
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

TEST_F(OutboxTest, WaitsLongerAfterEachFailureAndAtMostTheLongestPause) {
    status_ = 500;
    send(1);
    world_.settle(24 * 3600);
    // 1, 2, 4 ... seconds at most, then between one and two in the longest pause.
    const auto pauses = static_cast<std::size_t>(24 * 3600 * 1000 / kPeerPauseMost.value);
    EXPECT_GE(peer_.requests.size(), pauses);
    EXPECT_LE(peer_.requests.size(), 2 * pauses + 20);
}

TEST_F(OutboxTest, WaitsAsLongForAServerThatIsSilent) {
    world_.network.split({0, 1});
    send(1);
    world_.settle(3600);
    const PeerHealth::TransactionPause pause = a_.health.transaction_pause(peer_.name);
    EXPECT_GT(pause.failures, 8);
    world_.network.heal();
    world_.settle(kPeerPauseMost.value / 1000);
    EXPECT_EQ(a_.outbox.queued(), 0);
    EXPECT_EQ(arrived(), sent_);
    EXPECT_TRUE(a_.health.list().empty());
}

// Catching up after an outage.

// tests/simulator/outage_test.cpp shows that the others are fetched.
TEST_F(OutboxTest, SendsTheNewestEventsAloneAfterALongOutage) {
    const UserId eve = peer_.user("eve");
    const EventTemplate join = room_->make_template(member(eve, eve, "join")).value();
    ASSERT_TRUE(
        a_.receive(room_, peer_.sign(make_pdu(join, room_->rules()), room_->rules()), peer_.name));
    const auto talk = [&](int count) {
        a_.turn([&] {
            for (int i = 0; i < count; ++i)
                sent_.push_back(room_->send(message(a_.user("alice"), "x")).value().event->id);
        });
    };
    status_ = 500;
    talk(3);
    world_.settle(2 * 3600);
    talk(200);
    send_edu(kept("kept"));
    world_.settle(600);
    const std::vector<Outbox::Queue> queues = a_.outbox.list_queues();
    ASSERT_EQ(queues.size(), 1);
    EXPECT_EQ(queues[0].rooms_to_catch_up, 1);
    EXPECT_EQ(queues[0].edus, 1);
    EXPECT_GT(queues[0].failures, 0);
    EXPECT_EQ(queues[0].events, 1);  // That of the transaction which is repeated.
    status_ = 200;
    world_.settle(1200);
    EXPECT_EQ(a_.outbox.queued(), 0);
    EXPECT_EQ(arrived(), (std::vector<EventId>{sent_.front(), sent_.back()}));
    EXPECT_EQ(room_->extremities(), std::vector<EventId>{sent_.back()});
    EXPECT_EQ(arrived_edus(), std::vector<std::string>{"kept"});
    // From now on everything comes again.
    talk(3);
    world_.settle();
    EXPECT_EQ(arrived().size(), 5);
}

TEST_F(OutboxTest, TellsAServerThatIsNotInTheRoomWhatWasMeantForItLast) {
    status_ = 500;
    send(1);
    world_.settle(2 * 3600);
    send(5);
    a_.turn([&] { room_->send(message(a_.user("alice"), "not for the peer")).value(); });
    status_ = 200;
    world_.settle(1200);
    EXPECT_EQ(arrived(), (std::vector<EventId>{sent_.front(), sent_.back()}));
}

TEST_F(OutboxTest, CatchesUpAfterARestart) {
    status_ = 500;
    send(1);
    world_.settle(2 * 3600);
    send(5);
    Outbox next(services());
    next.connect(a_.rooms);
    peer_.requests.clear();
    status_ = 200;
    a_.turn([&] { next.resume(); });
    world_.settle(1200);
    EXPECT_EQ(arrived(), (std::vector<EventId>{sent_.front(), sent_.back()}));
    EXPECT_EQ(next.queued(), 0);
}

TEST_F(OutboxTest, BoundsTheLengthOfAQueue) {
    status_ = 500;
    send(1);
    world_.settle(5);
    send(1);
    a_.turn([&] {
        const EventPtr last = room_->find_event(sent_.back())->event;
        for (int i = 0; i < 10'200; ++i)
            a_.outbox.send(last, {peer_.name});
    });
    const std::vector<Outbox::Queue> queues = a_.outbox.list_queues();
    EXPECT_LE(queues[0].events, 10'100);
    EXPECT_EQ(queues[0].rooms_to_catch_up, 1);
    status_ = 200;
    world_.settle(1200);
    EXPECT_EQ(arrived(), sent_);
}

TEST_F(OutboxTest, TriesAServerThatIsBackAtOnce) {
    status_ = 500;
    send(1);
    world_.settle(3600);
    const std::size_t before = peer_.requests.size();
    status_ = 200;
    a_.turn([&] { a_.health.server_is_back(peer_.name); });
    world_.settle(2);
    EXPECT_EQ(peer_.requests.size(), before + 1);
    EXPECT_EQ(a_.outbox.queued(), 0);
}

TEST_F(OutboxTest, TakesUpWhatAnEarlierProcessLeft) {
    status_ = 500;
    send(2);
    world_.settle(5);
    const std::string target = peer_.requests.front().target;
    Outbox next(services());
    peer_.requests.clear();
    a_.turn([&] { next.resume(); });
    world_.settle(30);
    ASSERT_FALSE(peer_.requests.empty());
    EXPECT_EQ(peer_.requests.front().target, target);
}

TEST_F(OutboxTest, SendsKeptEdusInTheOrderOfTheEvents) {
    a_.turn([&] {
        for (int i = 0; i < 130; ++i) {
            a_.outbox.send_edu(kept(std::to_string(i)), {peer_.name});
            const auto sent = room_->send(message(a_.user("alice"), "hello")).value();
            a_.outbox.send(sent.event, {peer_.name});
            sent_.push_back(sent.event->id);
        }
    });
    world_.settle();
    EXPECT_EQ(arrived(), sent_);
    std::vector<std::string> expected;
    for (int i = 0; i < 130; ++i)
        expected.push_back(std::to_string(i));
    EXPECT_EQ(arrived_edus(), expected);
    std::size_t pdus = 0, edus = 0;
    for (const runtime::HttpRequest& request : peer_.requests) {
        EXPECT_LE(edus_of(request).size(), kTransactionEdusMax);
        edus += edus_of(request).size();
        pdus += ids_of(request).size();
        EXPECT_GE(edus, pdus);  // An EDU never comes after the event that was sent behind it.
    }
    EXPECT_EQ(a_.counters.edus_sent, 130);
}

TEST_F(OutboxTest, SendsAtMostAHundredEdusAtATimeOfBothKinds) {
    a_.turn([&] {
        for (int i = 0; i < 150; ++i) {
            a_.outbox.send_edu(kept("kept"), {peer_.name});
            a_.outbox.send_edu(ephemeral("fleeting"), {peer_.name});
        }
    });
    world_.settle();
    for (const runtime::HttpRequest& request : peer_.requests)
        EXPECT_LE(edus_of(request).size(), kTransactionEdusMax);
    EXPECT_EQ(arrived_edus().size(), 300);
}

TEST_F(OutboxTest, KeepsKeptEdusOverARestart) {
    status_ = 500;
    send_edu(kept("one"));
    world_.settle(5);
    const std::string target = peer_.requests.front().target;
    send_edu(kept("two"));
    Outbox next(services());
    peer_.requests.clear();
    status_ = 200;
    a_.turn([&] { next.resume(); });
    world_.settle(30);
    ASSERT_FALSE(peer_.requests.empty());
    EXPECT_EQ(peer_.requests.front().target, target);
    EXPECT_EQ(edus_of(peer_.requests.front()), std::vector<std::string>{"one"});
    EXPECT_EQ(arrived_edus(), (std::vector<std::string>{"one", "two"}));
    EXPECT_EQ(next.queued(), 0);
}

TEST_F(OutboxTest, ReplacesAKeptEduThatWaitsButNotOneThatIsOnItsWay) {
    status_ = 500;
    send_edu(kept("first", "key"));
    world_.settle(5);
    send_edu(kept("second", "key"));
    send_edu(kept("other", "another key"));
    send_edu(kept("third", "key"));
    status_ = 200;
    world_.settle(60);
    EXPECT_EQ(arrived_edus(), (std::vector<std::string>{"first", "other", "third"}));
    for (const runtime::HttpRequest& request : peer_.requests) {
        if (request.target == peer_.requests.front().target)
            EXPECT_EQ(edus_of(request), std::vector<std::string>{"first"});
    }
}

TEST_F(OutboxTest, SendsTheNewestEphemeralEduOfAKey) {
    a_.turn([&] {
        for (const auto& [body, key] : std::vector<std::pair<std::string, std::string>>{
                 {"first", "key"}, {"second", "key"}, {"any", ""}, {"any", ""}, {"third", "key"}}) {
            a_.outbox.send_edu(ephemeral(body, key), {peer_.name});
        }
    });
    world_.settle();
    // The first one was on its way before the others came.
    EXPECT_EQ(arrived_edus(), (std::vector<std::string>{"first", "any", "any", "third"}));
}

TEST_F(OutboxTest, RepeatsEphemeralEdusUnderTheSameIdAfterOneFailure) {
    status_ = 500;
    send_edu(ephemeral("first"));
    world_.settle(1);
    send_edu(ephemeral("second"));
    status_ = 200;
    world_.settle(10);
    ASSERT_GE(peer_.requests.size(), 2);
    EXPECT_EQ(peer_.requests[0].target, peer_.requests[1].target);
    EXPECT_EQ(peer_.requests[0].body, peer_.requests[1].body);
    EXPECT_EQ(arrived_edus(), (std::vector<std::string>{"first", "second"}));
}

TEST_F(OutboxTest, DropsEphemeralEdusForAServerThatIsDown) {
    status_ = 500;
    send(1);
    send_edu(ephemeral("before"));
    world_.settle(120);
    send_edu(ephemeral("while"));
    EXPECT_EQ(a_.outbox.queued(), 1);
    EXPECT_EQ(a_.counters.edus_dropped, 2);
    status_ = 200;
    world_.settle(300);
    send_edu(ephemeral("after"));
    world_.settle();
    EXPECT_EQ(arrived(), sent_);
    EXPECT_EQ(edus_of(peer_.requests.back()), std::vector<std::string>{"after"});
}

TEST_F(OutboxTest, SaysWhatWaits) {
    status_ = 500;
    send(2);
    send_edu(kept("kept"));
    send_edu(ephemeral("fleeting"));
    const std::vector<Outbox::Queue> queues = a_.outbox.list_queues();
    ASSERT_EQ(queues.size(), 1);
    EXPECT_EQ(queues[0].destination, peer_.name);
    EXPECT_EQ(queues[0].events, 2);
    EXPECT_EQ(queues[0].edus, 1);
    EXPECT_EQ(queues[0].ephemeral_edus, 1);
    EXPECT_EQ(queues[0].rooms_to_catch_up, 0);
}

TEST_F(OutboxTest, WritesNoEdusWhereThereAreNone) {
    send(1);
    world_.settle();
    EXPECT_FALSE(json::parse(peer_.requests.front().body).value().find("edus"));
}

}  // namespace
}  // namespace matrix::engine
