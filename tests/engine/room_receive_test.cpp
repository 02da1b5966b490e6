#include <algorithm>

#include <gtest/gtest.h>

#include "refserver/protocol/event_hash.h"
#include "tests/engine/test_world.h"

namespace matrix::engine {
namespace {

const auto kAlice = UserId("@alice:a.test");

class RoomReceive : public testing::Test {
protected:
    /// A room of `a_` with eve of the peer in it.
    void start(const std::string& version = "12") {
        room_ = a_.create_room(version);
        const UserId eve = peer_.user("eve");
        const auto joined = receive(build(member(eve, eve, "join")));
        ASSERT_TRUE(joined) << joined.error().message;
        ASSERT_EQ(joined->stored.status, EventStatus::Accepted) << joined->stored.detail;
    }
    /// What the room would send in eve's name.
    EventTemplate build(const NewEvent& event) { return room_->make_template(event).value(); }
    Result<Receipt> receive(const EventTemplate& event) {
        return a_.receive(room_, peer_.sign(event, room_->rules()), peer_.name());
    }
    EventId id_of(const json::Object& pdu) { return parse_event(pdu, room_->rules()).value().id; }
    StoredEvent send(const NewEvent& event) {
        std::optional<StoredEvent> sent;
        a_.turn([&] { sent = room_->send(event).value(); });
        a_.world.settle();
        return *sent;
    }

    TestWorld world_;
    RoomHost a_{world_, "a.test"};
    ScriptedPeer peer_{world_, "peer.test"};
    RoomPtr room_;
    const UserId eve_ = peer_.user("eve");
};

TEST_F(RoomReceive, AcceptsAGoodEventOfEachRoomVersion) {
    for (const std::string& version : all_versions()) {
        SCOPED_TRACE(version);
        start(version);
        const auto receipt = receive(build(message(eve_, "hello")));
        ASSERT_TRUE(receipt) << receipt.error().message;
        EXPECT_EQ(receipt->stored.status, EventStatus::Accepted) << receipt->stored.detail;
        EXPECT_TRUE(receipt->is_new);
        EXPECT_EQ(room_->extremities(), std::vector{receipt->stored.event->id});
    }
}

TEST_F(RoomReceive, KnowsAnEventThatComesTwice) {
    start();
    const EventTemplate hello = build(message(eve_, "hello"));
    const auto first = receive(hello);
    const auto second = receive(hello);
    ASSERT_TRUE(first && second);
    EXPECT_FALSE(second->is_new);
    EXPECT_EQ(second->stored.position, first->stored.position);
}

TEST_F(RoomReceive, DropsAnEventWithAWrongSignature) {
    start();
    json::Object pdu = peer_.sign(build(message(eve_, "hello")), room_->rules());
    pdu.set("origin_server_ts", 1);  // Signed, and not hashed into the content alone.
    const EventId id = id_of(pdu);
    EXPECT_FALSE(a_.receive(room_, pdu, peer_.name()));
    EXPECT_FALSE(room_->find_event(id));
}

TEST_F(RoomReceive, RedactsAnEventWithAWrongHash) {
    start();
    json::Object pdu = peer_.sign(build(message(eve_, "hello")), room_->rules());
    pdu.set("content", json::Object{{"body", "forged"}});
    const auto receipt = a_.receive(room_, pdu, peer_.name());
    ASSERT_TRUE(receipt) << receipt.error().message;
    EXPECT_EQ(receipt->stored.status, EventStatus::Accepted);
    EXPECT_TRUE(receipt->stored.event->parse_content().empty());
}

TEST_F(RoomReceive, DropsAnEventOfAnotherRoom) {
    start();
    const EventTemplate hello = build(message(eve_, "hello"));
    const RoomPtr other = a_.create_room();
    EXPECT_FALSE(a_.receive(other, peer_.sign(hello, room_->rules()), peer_.name()));
}

TEST_F(RoomReceive, RejectsWhatTheStateBeforeItRefuses) {
    start();
    // She has no power for a topic; her membership she cites correctly.
    const auto receipt = receive(build(state_event(eve_, "m.room.topic", {{"topic", "mine"}})));
    ASSERT_TRUE(receipt) << receipt.error().message;
    EXPECT_EQ(receipt->stored.status, EventStatus::Rejected);
    EXPECT_FALSE(receipt->stored.rule.empty());
    EXPECT_EQ(receipt->stored.position, StreamPosition{});
    EXPECT_FALSE(room_->find_state("m.room.topic", ""));
    EXPECT_EQ(receipt->stored.state_after, receipt->stored.state_before);
    EXPECT_NE(room_->extremities(), std::vector{receipt->stored.event->id});
    EXPECT_EQ(a_.counters.events_rejected, 1U);
}

TEST_F(RoomReceive, AcceptsAnEventUponARejectedOne) {
    start();
    const auto rejected = receive(build(state_event(eve_, "m.room.topic", {{"topic", "mine"}})));
    ASSERT_TRUE(rejected);
    EventTemplate after = build(message(eve_, "hello"));
    after.prev_events = {rejected->stored.event->id};
    const auto receipt = receive(after);
    ASSERT_TRUE(receipt);
    EXPECT_EQ(receipt->stored.status, EventStatus::Accepted) << receipt->stored.detail;
    // It covers what lies behind the rejected one.
    EXPECT_EQ(room_->extremities(), std::vector{receipt->stored.event->id});
    EXPECT_FALSE(room_->find_state("m.room.topic", ""));
}

TEST_F(RoomReceive, SoftFailsWhatOnlyTheCurrentStateRefuses) {
    start();
    const EventTemplate evasion = build(message(eve_, "you cannot ban me"));
    send(member(kAlice, eve_, "ban"));
    const std::vector<EventId> extremities = room_->extremities();

    const auto receipt = receive(evasion);
    ASSERT_TRUE(receipt);
    EXPECT_EQ(receipt->stored.status, EventStatus::SoftFailed);
    EXPECT_EQ(receipt->stored.position, StreamPosition{});
    EXPECT_EQ(room_->extremities(), extremities);
    EXPECT_EQ(a_.counters.events_soft_failed, 1U);
    EXPECT_TRUE(room_->recent({}, a_.turns.newest(), 100).events.back().event->type ==
                "m.room.member");
}

TEST_F(RoomReceive, NeverCitesASoftFailedEvent) {
    start();
    const EventTemplate evasion = build(message(eve_, "you cannot ban me"));
    send(member(kAlice, eve_, "ban"));
    const auto receipt = receive(evasion);
    ASSERT_TRUE(receipt);
    const StoredEvent next = send(message(kAlice, "peace"));
    for (const EventId& previous : next.event->prev_events)
        EXPECT_NE(previous, receipt->stored.event->id);
}

TEST_F(RoomReceive, FetchesMissingPreviousEvents) {
    start();
    const json::Object first = peer_.sign(build(message(eve_, "one")), room_->rules());
    EventTemplate second = build(message(eve_, "two"));
    second.prev_events = {id_of(first)};
    second.depth += 1;
    const json::Object second_pdu = peer_.sign(second, room_->rules());
    EventTemplate third = second;
    third.content.set("body", "three");
    third.prev_events = {id_of(second_pdu)};
    third.depth += 1;

    peer_.answers["get_missing_events/"] = {{"events", json::Array{second_pdu, first}}};
    const auto receipt = receive(third);
    ASSERT_TRUE(receipt) << receipt.error().message;
    EXPECT_EQ(receipt->stored.status, EventStatus::Accepted);
    EXPECT_EQ(room_->extremities(), std::vector{receipt->stored.event->id});
    const auto one = room_->find_event(id_of(first));
    const auto two = room_->find_event(id_of(second_pdu));
    ASSERT_TRUE(one && two);
    EXPECT_EQ(one->status, EventStatus::Accepted);
    EXPECT_LT(one->position, two->position);
    EXPECT_LT(two->position, receipt->stored.position);
}

TEST_F(RoomReceive, TakesThePeersStateWherePreviousEventsCannotBeHad) {
    start();
    EventTemplate lost = build(message(eve_, "nobody has this"));
    EventTemplate after = build(message(eve_, "hello"));
    after.prev_events = {id_of(peer_.sign(lost, room_->rules()))};
    after.depth += 1;
    json::Array state;
    for (const EventPtr& event : room_->list_state())
        state.push_back(event->id.text());
    peer_.answers["state_ids/"] = {{"pdu_ids", state}, {"auth_chain_ids", json::Array{}}};

    const auto receipt = receive(after);
    ASSERT_TRUE(receipt) << receipt.error().message;
    EXPECT_EQ(receipt->stored.status, EventStatus::Accepted) << receipt->stored.detail;
    EXPECT_EQ(room_->state_before(receipt->stored.event->id), room_->current_state());
}

TEST_F(RoomReceive, AsksOtherServersForTheStateThatThePeerDoesNotGive) {
    start();
    ScriptedPeer other(world_, "other.test");
    const UserId mallory = other.user("mallory");
    const auto join = other.sign(build(member(mallory, mallory, "join")), room_->rules());
    ASSERT_TRUE(a_.receive(room_, join, other.name()));
    EventTemplate lost = build(message(eve_, "nobody has this"));
    EventTemplate after = build(message(eve_, "hello"));
    after.prev_events = {id_of(peer_.sign(lost, room_->rules()))};
    json::Array state;
    for (const EventPtr& event : room_->list_state())
        state.push_back(event->id.text());
    other.answers["state_ids/"] = {{"pdu_ids", state}, {"auth_chain_ids", json::Array{}}};

    const auto receipt = receive(after);
    ASSERT_TRUE(receipt) << receipt.error().message;
    EXPECT_EQ(receipt->stored.status, EventStatus::Accepted) << receipt->stored.detail;
}

// An event upon one that nobody has, where a topic is part of the state that came with neither.
class FetchedState : public RoomReceive {
protected:
    void SetUp() override {
        start();
        const EventTemplate topic = build(state_event(kAlice, "m.room.topic", {{"topic", "of a"}}));
        topic_ = make_pdu(topic, room_->rules());
        hash_and_sign_event(topic_, a_.name, *a_.key.signer, room_->rules());
        json::Array ids{id_of(topic_).text()};
        for (const EventPtr& event : room_->list_state())
            ids.push_back(event->id.text());
        peer_.answers["state_ids/"] = {{"pdu_ids", ids}, {"auth_chain_ids", json::Array{}}};
        after_ = build(message(eve_, "hello"));
        after_.prev_events = {id_of(peer_.sign(build(message(eve_, "lost")), room_->rules()))};
    }
    void expect_topic() {
        const auto receipt = receive(after_);
        ASSERT_TRUE(receipt) << receipt.error().message;
        ASSERT_EQ(receipt->stored.status, EventStatus::Accepted) << receipt->stored.detail;
        const State before = room_->state_before(receipt->stored.event->id).value();
        const EventId* topic = before.find("m.room.topic", "");
        EXPECT_TRUE(topic && *topic == id_of(topic_));
    }
    json::Object topic_;
    EventTemplate after_;
};

// The story of seed 56 of `simulator run --servers 6 --minutes 15 --room-version 11`: the peer had
// the topic of its entry as an outlier, which it shows to nobody who has been put out.
TEST_F(FetchedState, HoldsWhatThePeerGivesWithTheWholeStateAlone) {
    peer_.answers["state/"] = {{"pdus", json::Array{topic_}}, {"auth_chain", json::Array{}}};
    expect_topic();
}

TEST_F(FetchedState, HoldsWhatThePeerNamesAndAnotherServerGives) {
    peer_.answers["state/"] = {{"pdus", json::Array{}}, {"auth_chain", json::Array{}}};
    ScriptedPeer other(world_, "other.test");
    const UserId mallory = other.user("mallory");
    const auto join = other.sign(build(member(mallory, mallory, "join")), room_->rules());
    ASSERT_TRUE(a_.receive(room_, join, other.name()));
    other.answers["event/"] = {{"pdus", json::Array{topic_}}};
    expect_topic();
}

// An event upon one of which nobody can tell anything, for now.
class UnplacedEvents : public RoomReceive {
protected:
    void SetUp() override {
        start();
        lost_ = peer_.sign(build(message(eve_, "lost")), room_->rules());
        after_ = build(message(eve_, "hello"));
        after_.prev_events = {id_of(lost_)};
        after_.depth += 1;
        ASSERT_FALSE(receive(after_));
        EXPECT_EQ(a_.counters.events_rejected, 0U);
        // For the lost event, too, when something is placed upon it.
        ASSERT_EQ(a_.rooms.count_unplaced(), 1);
    }
    json::Object state() const {
        json::Array ids;
        for (const EventPtr& event : room_->list_state())
            ids.push_back(event->id.text());
        return {{"pdu_ids", ids}, {"auth_chain_ids", json::Array{}}};
    }
    StoredEventPtr find(const EventTemplate& event) {
        return room_->find_event(id_of(peer_.sign(event, room_->rules())));
    }
    bool is_accepted(const EventTemplate& event) {
        const auto stored = find(event);
        return stored && stored->status == EventStatus::Accepted;
    }
    json::Object lost_;
    EventTemplate after_;
};

TEST_F(UnplacedEvents, AreTriedAgainByThemselves) {
    peer_.answers["get_missing_events/"] = {{"events", json::Array{lost_}}};
    world_.settle(600);
    EXPECT_TRUE(is_accepted(after_));
    EXPECT_EQ(a_.rooms.count_unplaced(), 0);
    EXPECT_EQ(room_->extremities(), std::vector{find(after_)->event->id});
}

TEST_F(UnplacedEvents, AreAskedForAtOtherServers) {
    ScriptedPeer other(world_, "other.test");
    const UserId mallory = other.user("mallory");
    const auto join = other.sign(build(member(mallory, mallory, "join")), room_->rules());
    ASSERT_TRUE(a_.receive(room_, join, other.name()));
    other.answers["get_missing_events/"] = {{"events", json::Array{lost_}}};
    world_.settle(600);
    EXPECT_TRUE(is_accepted(after_));
}

TEST_F(UnplacedEvents, AreTriedAgainWhenAnEventUponThemComes) {
    EventTemplate third = after_;
    third.content.set("body", "third");
    third.prev_events = {id_of(peer_.sign(after_, room_->rules()))};
    third.depth += 1;
    // Of the one between the peer says nothing any more.
    peer_.answers["state_ids/"] = state();
    const auto receipt = receive(third);
    ASSERT_TRUE(receipt) << receipt.error().message;
    EXPECT_EQ(receipt->stored.status, EventStatus::Accepted);
    EXPECT_TRUE(is_accepted(after_));
}

TEST_F(UnplacedEvents, AreTriedAgainWhenWhatTheyCiteComes) {
    ASSERT_TRUE(a_.receive(room_, lost_, peer_.name()));
    world_.settle(60);
    EXPECT_TRUE(is_accepted(after_));
}

// What an earlier process left is there, and nobody in this one has heard of it.
TEST_F(RoomReceive, TriesUnplacedEventsAgainAfterARestart) {
    start();
    const Event left =
        parse_event(peer_.sign(build(message(eve_, "hello")), room_->rules()), room_->rules())
            .value();
    a_.turn([&] {
        a_.unplaced_events.put({.id = left.id,
                                .room = room_->id(),
                                .origin = peer_.name(),
                                .text = left.text,
                                .prev_events = left.prev_events});
    });
    world_.settle(600);
    EXPECT_FALSE(room_->find_event(left.id));
    Rooms next(a_.room_services());
    a_.turn([&] { next.resume(); });
    world_.settle();
    EXPECT_EQ(next.count_unplaced(), 0);
    const auto stored = next.find(room_->id()).value()->find_event(left.id);
    ASSERT_TRUE(stored);
    EXPECT_EQ(stored->status, EventStatus::Accepted);
}

TEST_F(UnplacedEvents, AreGivenUpAtLast) {
    world_.settle(12 * 3600);
    EXPECT_EQ(a_.rooms.count_unplaced(), 0);
    EXPECT_FALSE(find(after_));
    const auto questions = [&] {
        return std::ranges::count_if(peer_.requests, [](const std::string& target) {
            return target.starts_with("state_ids/");
        });
    };
    const auto asked = questions();
    EXPECT_GE(asked, 5);
    EXPECT_LE(asked, 20);
    world_.settle(12 * 3600);
    EXPECT_EQ(questions(), asked);
}

TEST_F(UnplacedEvents, OfOneServerAreLimited) {
    for (int i = 0; i < 60; ++i) {
        EventTemplate one = after_;
        one.content.set("body", std::to_string(i));
        ASSERT_FALSE(receive(one));
    }
    EXPECT_EQ(a_.rooms.count_unplaced(), 50);
}

TEST_F(UnplacedEvents, LeaveAGapThatIsFilledLater) {
    peer_.answers["state_ids/"] = state();
    ASSERT_TRUE(receive(after_));
    EXPECT_FALSE(room_->find_event(id_of(lost_)));
    EXPECT_EQ(a_.rooms.count_unplaced(), 1) << "the gap";
    peer_.answers["backfill/"] = {{"pdus", json::Array{lost_}}};
    world_.settle(600);
    const auto filled = room_->find_event(id_of(lost_));
    ASSERT_TRUE(filled);
    EXPECT_EQ(filled->status, EventStatus::Accepted);
    EXPECT_LT(filled->position.value, 0);
    EXPECT_EQ(a_.rooms.count_unplaced(), 0);
    EXPECT_EQ(room_->extremities(), std::vector{find(after_)->event->id});
}

TEST_F(RoomReceive, FetchesMissingAuthEvents) {
    start();
    // A renewed membership that only the peer has seen.
    EventTemplate renewal = build(member(eve_, eve_, "join"));
    renewal.content.set("displayname", "Eve");
    const json::Object renewed = peer_.sign(renewal, room_->rules());
    EventTemplate hello = build(message(eve_, "hello"));
    for (EventId& cited : hello.auth_events) {
        if (room_->find_event(cited)->event->type == "m.room.member") cited = id_of(renewed);
    }
    peer_.answers["event_auth/"] = {{"auth_chain", json::Array{renewed}}};

    const auto receipt = receive(hello);
    ASSERT_TRUE(receipt) << receipt.error().message;
    EXPECT_EQ(receipt->stored.status, EventStatus::Accepted) << receipt->stored.detail;
    const auto outlier = room_->find_event(id_of(renewed));
    ASSERT_TRUE(outlier);
    EXPECT_EQ(outlier->status, EventStatus::Outlier);
    EXPECT_FALSE(outlier->is_rejected_outlier);
}

TEST_F(RoomReceive, RejectsWhatCitesAnEventThatThePeerDoesNotHave) {
    start();
    const json::Object unknown = peer_.sign(build(member(eve_, eve_, "join")), room_->rules());
    EventTemplate hello = build(message(eve_, "hello"));
    hello.auth_events.back() = id_of(unknown);
    const auto receipt = receive(hello);
    ASSERT_TRUE(receipt) << receipt.error().message;
    EXPECT_EQ(receipt->stored.status, EventStatus::Rejected);
    EXPECT_EQ(receipt->stored.rule, "v12 3.3");
}

TEST_F(RoomReceive, DropsASecondCreateEvent) {
    start("11");
    EventTemplate create;
    create.room_id = room_->id();
    create.sender = UserId("@eve:a.test");
    create.type = "m.room.create";
    create.state_key = "";
    create.content = {{"room_version", "11"}};
    json::Object pdu = make_pdu(create, room_->rules());
    hash_and_sign_event(pdu, a_.name, *a_.key.signer, room_->rules());
    EXPECT_FALSE(a_.receive(room_, pdu, peer_.name()));
}

TEST_F(RoomReceive, TakesEventsInTheOrderInWhichTheyCame) {
    start();
    // The first waits for the peer, the others for the first.
    EventTemplate lost = build(message(eve_, "nobody has this"));
    EventTemplate waiting = build(message(eve_, "waiting"));
    waiting.prev_events = {id_of(peer_.sign(lost, room_->rules()))};
    const EventTemplate hello = build(message(eve_, "hello"));
    std::vector<std::string> order;
    const auto note = [](RoomPtr room,
                         json::Object pdu,
                         ServerName from,
                         std::vector<std::string>* into) -> runtime::Task<void> {
        const std::string body = *json::Value(*pdu.find("content")).find_string("body");
        const auto receipt = co_await room->receive(std::move(pdu), from);
        into->push_back(body + (receipt ? "" : " dropped"));
    };
    a_.turn([&] {
        for (const EventTemplate& event : {waiting, hello}) {
            a_.handlers.start(note(room_, peer_.sign(event, room_->rules()), peer_.name(), &order));
        }
    });
    world_.settle();
    EXPECT_EQ(order, (std::vector<std::string>{"waiting dropped", "hello"}));
}

TEST_F(RoomReceive, KeepsItsExtremitiesFewWithPeersThatNeverMerge) {
    for (const bool may_speak : {true, false}) {
        SCOPED_TRACE(may_speak);
        start();
        if (!may_speak) {
            // Only eve speaks; alice, who made the room, has gone, and bob is left.
            const UserId bob = a_.user("bob");
            send(member(bob, bob, "join"));
            send(state_event(kAlice,
                             "m.room.power_levels",
                             {{"events_default", 50}, {"users", json::Object{{eve_.text(), 50}}}}));
            send(member(kAlice, kAlice, "leave"));
        }
        const EventTemplate at_the_fork = build(message(eve_, "fork"));
        const StreamPosition before = a_.turns.newest();
        for (int i = 0; i < 200; ++i) {
            EventTemplate branch = at_the_fork;
            branch.content.set("body", std::to_string(i));
            const auto receipt = receive(branch);
            ASSERT_TRUE(receipt);
            ASSERT_EQ(receipt->stored.status, EventStatus::Accepted) << receipt->stored.detail;
            ASSERT_LE(room_->extremities().size(), 20U);
        }
        for (const StoredEvent& shown : room_->recent(before, a_.turns.newest(), 1000).events)
            EXPECT_NE(shown.event->type, "org.matrix.dummy_event");
    }
}

TEST_F(RoomReceive, LetsServersTakeTurns) {
    start();
    ScriptedPeer other(world_, "other.test");
    const UserId mallory = other.user("mallory");
    const auto join = other.sign(build(member(mallory, mallory, "join")), room_->rules());
    ASSERT_TRUE(a_.receive(room_, join, other.name()));
    std::vector<std::string> order;
    const auto note = [](RoomPtr room,
                         json::Object pdu,
                         ServerName from,
                         std::vector<std::string>* into) -> runtime::Task<void> {
        const auto receipt = co_await room->receive(std::move(pdu), from);
        into->push_back(receipt ? from.text() : "too many");
    };
    const EventTemplate flood = build(message(eve_, "flood"));
    constexpr int kFlood = 600;
    a_.turn([&] {
        for (int i = 0; i < kFlood; ++i) {
            EventTemplate one = flood;
            one.content.set("body", std::to_string(i));
            a_.handlers.start(note(room_, peer_.sign(one, room_->rules()), peer_.name(), &order));
        }
        const EventTemplate word = build(message(mallory, "a word"));
        a_.handlers.start(note(room_, other.sign(word, room_->rules()), other.name(), &order));
    });
    world_.settle();
    ASSERT_EQ(order.size(), static_cast<std::size_t>(kFlood + 1));
    // What exceeds the line of a server is answered at once, and may come again.
    EXPECT_EQ(std::ranges::count(order, "too many"), kFlood - 1 - 500);
    std::erase(order, "too many");
    EXPECT_LE(std::ranges::find(order, "other.test") - order.begin(), 3);
}

TEST_F(RoomReceive, PromotesAnOutlierWhenItComesWithItsPlace) {
    for (const std::string& version : all_versions()) {
        SCOPED_TRACE(version);
        start(version);
        EventTemplate renewal = build(member(eve_, eve_, "join"));
        renewal.content.set("displayname", "Eve");
        const json::Object renewed = peer_.sign(renewal, room_->rules());
        EventTemplate hello = build(message(eve_, "hello"));
        for (EventId& cited : hello.auth_events) {
            if (room_->find_event(cited)->event->type == "m.room.member") cited = id_of(renewed);
        }
        peer_.answers["event_auth/"] = {{"auth_chain", json::Array{renewed}}};
        ASSERT_TRUE(receive(hello));
        ASSERT_EQ(room_->find_event(id_of(renewed))->status, EventStatus::Outlier);

        const auto receipt = a_.receive(room_, renewed, peer_.name());
        ASSERT_TRUE(receipt) << receipt.error().message;
        EXPECT_TRUE(receipt->is_new);
        EXPECT_EQ(receipt->stored.status, EventStatus::Accepted) << receipt->stored.detail;
        EXPECT_TRUE(receipt->stored.state_before);
        EXPECT_EQ(room_->find_state("m.room.member", eve_.view())->id, id_of(renewed));
    }
}

// Where servers choose the ids.
TEST_F(RoomReceive, LeavesAnEventOfAnotherRoomThatHasTheSameId) {
    for (const std::string version : {"1", "2"}) {
        start(version);
        const RoomPtr first = room_;
        json::Object hello = peer_.sign(build(message(eve_, "hello")), room_->rules());
        const EventId id = id_of(hello);
        ASSERT_TRUE(a_.receive(room_, hello, peer_.name()));

        start(version);
        json::Object twin = peer_.sign(build(message(eve_, "another")), room_->rules());
        twin.set("event_id", id.text());
        EXPECT_FALSE(a_.receive(room_, peer_.sign(twin, room_->rules()), peer_.name()));
        EXPECT_FALSE(room_->find_event(id));
        ASSERT_TRUE(first->find_event(id));
        EXPECT_EQ(first->find_event(id)->event->room_id, first->id());
    }
}

TEST_F(RoomReceive, ResolvesForksEquallyOnBothSides) {
    for (const std::string& version : all_versions()) {
        SCOPED_TRACE(version);
        TestWorld world;
        RoomHost a(world, "a.test");
        RoomHost b(world, "b.test");
        const RoomPtr at_a = a.create_room(version);
        const RoomPtr at_b = b.join(a, at_a, "bob");
        EXPECT_EQ(at_b->current_state(), at_a->current_state());
        const UserId bob = b.user("bob");
        json::Object users{{bob.text(), 100}};
        if (!at_a->rules().has_privileged_creators) users.set("@alice:a.test", 100);
        a.turn([&] {
            ASSERT_TRUE(at_a->send(
                state_event(a.user("alice"), "m.room.power_levels", {{"users", users}})));
        });
        world.settle();

        // Neither hears the other one while both change the topic.
        world.network.split({0, 1});
        a.turn([&] {
            ASSERT_TRUE(
                at_a->send(state_event(a.user("alice"), "m.room.topic", {{"topic", "of a"}})));
        });
        b.turn([&] {
            ASSERT_TRUE(at_b->send(state_event(bob, "m.room.topic", {{"topic", "of b"}})));
        });
        world.settle();
        EXPECT_NE(at_b->current_state(), at_a->current_state());
        world.network.heal();
        world.settle(3600);

        EXPECT_EQ(at_a->extremities().size(), 2U);
        EXPECT_EQ(at_b->extremities(), at_a->extremities());
        EXPECT_EQ(at_b->current_state(), at_a->current_state());
        EXPECT_GE(a.counters.resolutions_with_conflict, 1U);

        // The next event joins the branches.
        a.turn([&] { ASSERT_TRUE(at_a->send(message(a.user("alice"), "merged"))); });
        world.settle(3600);
        EXPECT_EQ(at_a->extremities().size(), 1U);
        EXPECT_EQ(at_b->extremities(), at_a->extremities());
        EXPECT_EQ(at_b->current_state(), at_a->current_state());
    }
}

}  // namespace
}  // namespace matrix::engine
