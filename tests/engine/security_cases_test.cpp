// Attacks on the receipt of events, each named by its number in security-cases.tsv. The numbers
// and the tests that hold them, these and others, are listed in tests/security_cases.tsv.

#include <gtest/gtest.h>

#include "tests/engine/client_world.h"
#include "tests/engine/fake_peer.h"

namespace matrix::engine {
namespace {

class SecurityCases : public testing::Test {
protected:
    /// A room of `a_` with eve of the peer in it.
    void start(const std::string& version = "12") {
        room_ = a_.create_room(version);
        enter(eve_);
    }
    void enter(const UserId& user) {
        const auto joined = receive(sign(build(member(user, user, "join"))));
        ASSERT_TRUE(joined) << joined.error().message;
        ASSERT_EQ(joined->stored.status, EventStatus::Accepted) << joined->stored.detail;
    }
    EventTemplate build(const NewEvent& event) { return room_->make_template(event).value(); }
    json::Object sign(const EventTemplate& event) {
        std::optional<EventId> id;
        if (room_->rules().event_id_encoding == EventIdEncoding::Opaque) {
            id = EventId("$" + std::to_string(++ids_) + ":" + peer_.name.text());
        }
        return sign(make_pdu(event, room_->rules(), id));
    }
    json::Object sign(const json::Object& pdu) { return peer_.sign(pdu, room_->rules()); }
    Result<Receipt> receive(const json::Object& pdu) { return a_.receive(room_, pdu, peer_.name); }
    EventId id_of(const json::Object& pdu) { return parse_event(pdu, room_->rules()).value().id; }
    StoredEvent send(const NewEvent& event) {
        std::optional<StoredEvent> sent;
        a_.turn([&] { sent = room_->send(event).value(); });
        world_.settle();
        return *sent;
    }
    /// What the peer answers to requests whose target begins so; all else is 404.
    void answer(std::string beginning,
                std::function<json::Object(const runtime::HttpRequest&)> body) {
        answers_[std::move(beginning)] = std::move(body);
        peer_.answer = [this](const runtime::HttpRequest& request) {
            for (const auto& [begin, make] : answers_) {
                if (!request.target.starts_with("/_matrix/federation/v1/" + begin)) continue;
                return runtime::HttpResponse{200, {}, json::write(make(request))};
            }
            return runtime::HttpResponse{404, {}, R"({"errcode":"M_NOT_FOUND","error":"no"})"};
        };
    }
    json::Array ids_of_state() const {
        json::Array ids;
        for (const EventPtr& event : room_->list_state())
            ids.emplace_back(event->id.text());
        return ids;
    }
    /// A message of eve's upon an event that nobody gives.
    EventTemplate upon_nothing(const std::string& body) {
        EventTemplate lost = build(message(eve_, "lost"));
        lost.depth += 7;
        EventTemplate after = build(message(eve_, body));
        after.prev_events = {id_of(sign(lost))};
        return after;
    }

    TestWorld world_;
    RoomHost a_{world_, "a.test"};
    FakePeer peer_{world_, "peer.test"};
    RoomPtr room_;
    const UserId alice_ = a_.user("alice");
    const UserId eve_ = peer_.user("eve");
    std::map<std::string, std::function<json::Object(const runtime::HttpRequest&)>> answers_;
    int ids_ = 0;
};

// security-cases.tsv 12
TEST_F(SecurityCases, ARoomOfVersion12HasTheIdOfItsCreateEvent) {
    start();
    EventTemplate create;
    create.sender = eve_;
    create.type = "m.room.create";
    create.state_key = "";
    create.content = {{"room_version", "12"}};
    EXPECT_FALSE(receive(sign(create))) << "it makes another room";
    json::Object claims = make_pdu(create, room_->rules());
    claims.set("room_id", room_->id().text());
    EXPECT_FALSE(receive(sign(claims)));
    EXPECT_EQ(room_->find_state("m.room.create", "")->sender, alice_);
}

// security-cases.tsv 13
TEST_F(SecurityCases, ARejectedEventIsNoStateAlsoIfAPeerSaysSo) {
    for (const std::string& version : all_versions()) {
        SCOPED_TRACE(version);
        start(version);
        const json::Object coup = sign(build(state_event(eve_, "m.room.topic", {{"topic", "x"}})));
        ASSERT_EQ(receive(coup)->stored.status, EventStatus::Rejected);
        answer("state_ids/", [&](const auto&) {
            json::Array ids = ids_of_state();
            ids.emplace_back(id_of(coup).text());
            return json::Object{{"pdu_ids", std::move(ids)}, {"auth_chain_ids", json::Array{}}};
        });
        const auto receipt = receive(sign(upon_nothing("hello")));
        ASSERT_TRUE(receipt) << receipt.error().message;
        EXPECT_EQ(receipt->stored.status, EventStatus::Accepted) << receipt->stored.detail;
        EXPECT_FALSE(room_->find_state("m.room.topic", ""));
        EXPECT_FALSE(room_->state_before(receipt->stored.event->id)->find("m.room.topic", ""));
    }
}

// security-cases.tsv 14: each event that the peer gives cites one more that nobody has.
TEST_F(SecurityCases, AnEndlessAuthChainIsNotFollowed) {
    start();
    int given = 0;
    const auto grow = [&] {
        EventTemplate renewal = build(member(eve_, eve_, "join"));
        renewal.content.set("displayname", "eve " + std::to_string(given));
        return renewal;
    };
    std::map<std::string, json::Object> known;
    EventTemplate deepest = grow();
    constexpr int kChain = 1000;
    json::Object cited = sign(deepest);
    known[id_of(cited).text()] = cited;
    for (int i = 0; i < kChain; ++i) {
        ++given;
        EventTemplate next = grow();
        for (EventId& id : next.auth_events) {
            if (room_->find_event(id)->event->type == "m.room.member") id = id_of(cited);
        }
        cited = sign(next);
        known[id_of(cited).text()] = cited;
    }
    int asked = 0;
    answer("event/", [&](const runtime::HttpRequest& request) {
        ++asked;
        const std::string id = *decode_path_segment(request.target.substr(29));
        return json::Object{{"pdus", json::Array{known.at(id)}}};
    });
    EventTemplate hello = build(message(eve_, "hello"));
    for (EventId& id : hello.auth_events) {
        if (room_->find_event(id)->event->type == "m.room.member") id = id_of(cited);
    }
    const auto receipt = receive(sign(hello));
    EXPECT_TRUE(!receipt || receipt->stored.status == EventStatus::Rejected);
    EXPECT_GT(asked, 0);
    EXPECT_LE(asked, 100);
    const auto good = receive(sign(build(message(eve_, "and on it goes"))));
    ASSERT_TRUE(good);
    EXPECT_EQ(good->stored.status, EventStatus::Accepted);
}

// security-cases.tsv 18
TEST_F(SecurityCases, WithoutPowerLevelsOnlyTheCreatorSendsState) {
    for (const std::string& version : all_versions()) {
        SCOPED_TRACE(version);
        NewRoom bare{.version = version, .creator = alice_, .create_content = {}, .events = {}};
        bare.events = {member(alice_, alice_, "join"),
                       state_event(alice_, "m.room.join_rules", {{"join_rule", "public"}})};
        a_.turn([&] { room_ = a_.rooms.create(bare).value(); });
        world_.settle();
        enter(eve_);
        EXPECT_EQ(receive(sign(build(state_event(eve_, "m.room.topic", {}))))->stored.status,
                  EventStatus::Rejected);
        a_.turn([&] { EXPECT_TRUE(room_->send(state_event(alice_, "m.room.topic", {}))); });
        world_.settle();
    }
}

// security-cases.tsv 19
TEST_F(SecurityCases, NumbersBeyondCanonicalJsonAreNotTakenOutsideTheContent) {
    for (const std::string& version : all_versions()) {
        SCOPED_TRACE(version);
        start(version);
        if (!room_->rules().is_canonical_json_enforced) continue;  // Nothing forbids them there.
        for (const char* field : {"depth", "origin_server_ts"}) {
            SCOPED_TRACE(field);
            json::Object pdu =
                make_pdu(build(message(eve_, "far away")), room_->rules(), std::nullopt);
            pdu.set(field, std::int64_t{1} << 53);
            EXPECT_FALSE(receive(sign(pdu)));
            const auto good = receive(sign(build(message(eve_, "near"))));
            ASSERT_TRUE(good);
            EXPECT_EQ(good->stored.status, EventStatus::Accepted);
        }
    }
}

// security-cases.tsv 22
TEST_F(SecurityCases, NothingIsAuthorizedByAnotherRoom) {
    for (const std::string& version : all_versions()) {
        SCOPED_TRACE(version);
        start(version);
        const RoomPtr other = a_.create_room(version);
        EventTemplate coup = build(state_event(eve_, "m.room.topic", {{"topic", "mine"}}));
        const EventPtr levels = other->find_state("m.room.power_levels", "");
        for (EventId& id : coup.auth_events) {
            if (room_->find_event(id)->event->type == "m.room.power_levels") id = levels->id;
        }
        EXPECT_EQ(receive(sign(coup))->stored.status, EventStatus::Rejected);
    }
}

// security-cases.tsv 24: possible where peers choose the ids of their events.
TEST_F(SecurityCases, RedactionsOfEachOtherEnd) {
    for (const std::string version : {"1", "2"}) {
        SCOPED_TRACE(version);
        start(version);
        const EventId one("$one" + version + ":peer.test");
        const EventId two("$two" + version + ":peer.test");
        const auto redact = [&](const EventId& by, const EventId& target) {
            const NewEvent event{.sender = eve_,
                                 .type = "m.room.redaction",
                                 .state_key = std::nullopt,
                                 .content = {{"reason", "you first"}},
                                 .redacts = target};
            return receive(sign(make_pdu(build(event), room_->rules(), by)));
        };
        EXPECT_EQ(redact(one, two)->stored.status, EventStatus::Accepted);
        EXPECT_EQ(redact(two, one)->stored.status, EventStatus::Accepted);
        EXPECT_EQ(room_->find_event(one)->redacted_by, two);
        EXPECT_TRUE(receive(sign(build(message(eve_, "still here")))));
    }
}

// security-cases.tsv 29: what was soft-failed takes part in the resolution when another event
// stands upon it, and the ban that it got around wins there.
TEST_F(SecurityCases, ASoftFailedEventIsJudgedAgainWhenItIsCited) {
    for (const std::string& version : all_versions()) {
        SCOPED_TRACE(version);
        start(version);
        const UserId dan = peer_.user("dan");
        enter(dan);
        const json::Object evasion = sign(build(message(eve_, "you cannot ban me")));
        const EventTemplate base = build(message(dan, "both"));
        const StoredEvent ban = send(member(alice_, eve_, "ban"));
        const auto failed = receive(evasion);
        ASSERT_TRUE(failed) << failed.error().message;
        ASSERT_EQ(failed->stored.status, EventStatus::SoftFailed);

        EventTemplate both = base;
        both.prev_events = {ban.event->id, id_of(evasion)};
        both.depth += 2;
        const auto receipt = receive(sign(both));
        ASSERT_TRUE(receipt) << receipt.error().message;
        EXPECT_EQ(receipt->stored.status, EventStatus::Accepted) << receipt->stored.detail;
        EXPECT_EQ(room_->membership(eve_), Membership::Ban);
        EXPECT_EQ(room_->extremities(), std::vector{receipt->stored.event->id});
        EXPECT_EQ(room_->find_event(id_of(evasion))->status, EventStatus::SoftFailed);
    }
}

// security-cases.tsv 30
TEST_F(SecurityCases, WhatCitesARejectedEventIsRejected) {
    for (const std::string& version : all_versions()) {
        SCOPED_TRACE(version);
        start(version);
        const json::Object coup = sign(build(state_event(
            eve_, "m.room.power_levels", {{"users", json::Object{{eve_.text(), 100}}}})));
        ASSERT_EQ(receive(coup)->stored.status, EventStatus::Rejected);
        EventTemplate topic = build(state_event(eve_, "m.room.topic", {{"topic", "mine"}}));
        for (EventId& id : topic.auth_events) {
            if (room_->find_event(id)->event->type == "m.room.power_levels") id = id_of(coup);
        }
        const auto receipt = receive(sign(topic));
        ASSERT_TRUE(receipt);
        EXPECT_EQ(receipt->stored.status, EventStatus::Rejected);
        EXPECT_EQ(receipt->stored.rule, "v12 3.3");
    }
}

// security-cases.tsv 74
TEST(SecurityCase, AJoinEndsWhileTheRoomIsBusy) {
    ClientWorld world(2);
    const std::string room = world.create_room(world.token(0), {{"preset", "public_chat"}});
    std::vector<PendingAnswer> sent;
    const auto talk = [&](int number) {
        return world.start(world.make_request(
            world.token(0),
            "PUT",
            "/rooms/" + segment(room) + "/send/m.room.message/" + std::to_string(number),
            json::Object{{"body", std::to_string(number)}}));
    };
    for (int i = 0; i < 40; ++i)
        sent.push_back(talk(i));
    std::vector<PendingAnswer> joins;
    const std::string via = "?via=" + segment(world.cluster().server(0).engine().name().view());
    for (int user = 0; user < 3; ++user) {
        joins.push_back(world.start(
            world.make_request(
                world.token(user, 1), "POST", "/join/" + segment(room) + via, json::Object{}),
            1));
        for (int i = 0; i < 20; ++i) {
            sent.push_back(talk(100 * (user + 1) + i));
            world.run(3);
        }
    }
    world.run(60'000);
    for (const PendingAnswer& join : joins) {
        ASSERT_TRUE(join.is_there());
        EXPECT_EQ((*join).status, 200) << (*join).text;
    }
    for (const PendingAnswer& one : sent) {
        ASSERT_TRUE(one.is_there());
        EXPECT_EQ((*one).status, 200) << (*one).text;
    }
}

}  // namespace
}  // namespace matrix::engine
