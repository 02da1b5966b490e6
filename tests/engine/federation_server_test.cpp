// FederationServer: who may ask for what, and what this server signs.
#include "refserver/engine/federation_server.h"

#include "refserver/storage/survey.h"
#include "tests/engine/federation_fixture.h"

namespace matrix::engine {
namespace {

// --- Reading -------------------------------------------------------------------------------------

// security-cases.tsv 1, 3
TEST_F(FederationServerTest, AnswersAnEventOfAnotherRoomAsAnUnknownOne) {
    const std::string here = send(room_, message(alice_, "hello")).event->id.text();
    const std::string there = send(other_, message(alice_, "secret")).event->id.text();
    const std::string room = room_->id().text();
    using S = FederationServer;
    EXPECT_EQ(status_of(ask(&S::get_event_auth, {room, here})), 200);
    EXPECT_EQ(status_of(ask(&S::get_event_auth, {room, there})), 404);
    EXPECT_EQ(text_of(ask(&S::get_event_auth, {room, there})),
              text_of(ask(&S::get_event_auth, {room, unknown_})));
    for (const Handler handler : {&S::get_state, &S::get_state_ids}) {
        EXPECT_EQ(status_of(ask(handler, {room}, {{"event_id", here}})), 200);
        EXPECT_EQ(status_of(ask(handler, {room}, {{"event_id", there}})), 404);
        EXPECT_EQ(text_of(ask(handler, {room}, {{"event_id", there}})),
                  text_of(ask(handler, {room}, {{"event_id", unknown_}})));
    }
    EXPECT_EQ(status_of(ask(&S::get_event, {here})), 200);
    EXPECT_EQ(text_of(ask(&S::get_event, {there})), text_of(ask(&S::get_event, {unknown_})));
}

// security-cases.tsv 2
TEST_F(FederationServerTest, WalksForMissingEventsInOneRoomAlone) {
    send(room_, message(alice_, "one"));
    const StoredEvent here = send(room_, message(alice_, "two"));
    send(other_, message(alice_, "one"));
    const StoredEvent there = send(other_, message(alice_, "two"));
    const auto missing_before = [&](const std::string& id) {
        const json::Object body{{"earliest_events", json::Array{}},
                                {"latest_events", json::Array{id}}};
        return *body_of(ask(&FederationServer::get_missing_events, {room_->id().text()}, {}, body))
                    .find_array("events");
    };
    EXPECT_FALSE(missing_before(here.event->id.text()).empty());
    EXPECT_TRUE(missing_before(there.event->id.text()).empty());
}

// security-cases.tsv 73
TEST_F(FederationServerTest, BoundsAWalkForMissingEvents) {
    for (int i = 0; i < 80; ++i)
        send(room_, message(alice_, "hello"));
    const std::string newest = send(room_, message(alice_, "newest")).event->id.text();
    const json::Object body{{"earliest_events", json::Array{}},
                            {"latest_events", json::Array{newest}},
                            {"limit", json::kIntegerMax}};
    const auto reply = ask(&FederationServer::get_missing_events, {room_->id().text()}, {}, body);
    const json::Value answer = body_of(reply);
    EXPECT_LE(answer.find_array("events")->size(), 50);
    EXPECT_GE(answer.find_array("events")->size(), 10);
}

// security-cases.tsv 6
TEST_F(FederationServerTest, ServesNoRoomToAServerThatIsNotInIt) {
    const std::string id = send(room_, message(alice_, "hello")).event->id.text();
    const std::string room = room_->id().text();
    const json::Object ends{{"earliest_events", json::Array{}}, {"latest_events", json::Array{id}}};
    using S = FederationServer;
    for (const auto& [origin, status] : {std::pair("peer.test", 200), std::pair("b.test", 403)}) {
        SCOPED_TRACE(origin);
        const Query at{{"event_id", id}};
        const Query from{{"v", id}, {"limit", "5"}};
        EXPECT_EQ(status_of(ask(&S::get_state, {room}, at, {}, origin)), status);
        EXPECT_EQ(status_of(ask(&S::get_state_ids, {room}, at, {}, origin)), status);
        EXPECT_EQ(status_of(ask(&S::get_event_auth, {room, id}, {}, {}, origin)), status);
        EXPECT_EQ(status_of(ask(&S::backfill, {room}, from, {}, origin)), status);
        EXPECT_EQ(status_of(ask(&S::get_missing_events, {room}, {}, ends, origin)), status);
    }
    EXPECT_EQ(status_of(ask(&S::get_event, {id}, {}, {}, "b.test")), 404);
}

// Found by the simulator: who cannot ask what came before its own ban can never apply it.
TEST_F(FederationServerTest, TellsAServerThatWasPutOutWhatWasInItsTime) {
    send(room_, message(alice_, "in its time"));
    const std::string ban = send(room_, member(alice_, eve_, "ban")).event->id.text();
    const std::string later = send(room_, message(alice_, "later")).event->id.text();
    const std::string room = room_->id().text();
    using S = FederationServer;
    for (const auto& [id, status] : {std::pair(ban, 200), std::pair(later, 403)}) {
        SCOPED_TRACE(id);
        const json::Object ends{{"earliest_events", json::Array{}},
                                {"latest_events", json::Array{id}}};
        EXPECT_EQ(status_of(ask(&S::get_missing_events, {room}, {}, ends)), status);
        EXPECT_EQ(status_of(ask(&S::get_state_ids, {room}, {{"event_id", id}})), status);
        EXPECT_EQ(status_of(ask(&S::get_event_auth, {room, id})), status);
    }
}

// security-cases.tsv 5
TEST_F(FederationServerTest, RedactsWhatHistoryVisibilityHides) {
    const json::Object joined{{"history_visibility", "joined"}};
    const RoomPtr room =
        a_.create_room("12", "public", {state_event(alice_, "m.room.history_visibility", joined)});
    const std::string before = send(room, message(alice_, "secret")).event->id.text();
    join(peer_, room);
    const std::string after = send(room, message(alice_, "not secret")).event->id.text();
    const auto reply =
        ask(&FederationServer::backfill, {room->id().text()}, {{"v", after}, {"limit", "10"}});
    const std::string text = text_of(reply);
    EXPECT_NE(text.find("not secret"), std::string::npos);
    EXPECT_EQ(text.find("\"secret\""), std::string::npos);
    EXPECT_NE(text.find("m.room.message"), std::string::npos);
    EXPECT_EQ(text_of(ask(&FederationServer::get_event, {before})).find("secret"),
              std::string::npos);
}

TEST_F(FederationServerTest, HeedsTheAccessControlList) {
    const std::string room = room_->id().text();
    using S = FederationServer;
    const Query versions{{"ver", "12"}};
    EXPECT_EQ(status_of(ask(&S::make_join, {room, "@new:peer.test"}, versions)), 200);
    send(room_,
         state_event(alice_,
                     "m.room.server_acl",
                     {{"allow", json::Array{"*"}}, {"deny", json::Array{"peer.test"}}}));
    EXPECT_EQ(status_of(ask(&S::make_join, {room, "@new:peer.test"}, versions)), 403);
    EXPECT_EQ(status_of(ask(&S::backfill, {room}, {{"v", unknown_}, {"limit", "1"}})), 403);
}

// security-cases.tsv 17
TEST_F(FederationServerTest, HeedsTheAccessControlListInAnyCaseAndWhenItChanges) {
    const std::string room = room_->id().text();
    const auto status_with = [&](json::Array allow, json::Array deny) {
        send(room_,
             state_event(alice_,
                         "m.room.server_acl",
                         {{"allow", std::move(allow)}, {"deny", std::move(deny)}}));
        return status_of(
            ask(&FederationServer::make_join, {room, "@new:peer.test"}, {{"ver", "12"}}));
    };
    EXPECT_EQ(status_with({"*"}, {"other.test"}), 200);
    EXPECT_EQ(status_with({"*"}, {"PEER.Test"}), 403);
    EXPECT_EQ(status_with({"*"}, {"PEER.*"}), 403);
    EXPECT_EQ(status_with({"*"}, {"peer.tes"}), 200);
    EXPECT_EQ(status_with({"*"}, {"?????TEST"}), 403);
    EXPECT_EQ(status_with({"A.TEST", "Peer.TEST"}, {}), 200);
    EXPECT_EQ(status_with({"a.test"}, {}), 403);
    EXPECT_EQ(status_with({}, {}), 403) << "nobody is allowed";
}

// security-cases.tsv 68
TEST_F(FederationServerTest, LooksThroughALongAccessControlListOncePerServer) {
    json::Array globs;
    for (int i = 0; i < 1000; ++i)
        globs.emplace_back("*a*b*c*d*e*f*" + std::to_string(i) + "*.example.org");
    send(room_,
         state_event(alice_, "m.room.server_acl", {{"allow", json::Array{"*"}}, {"deny", globs}}));
    // A verdict that were not kept would make this take minutes.
    for (int i = 0; i < 100'000; ++i)
        ASSERT_TRUE(room_->is_server_allowed(ServerName("peer.test")));
    // Strangers' names fill no memory.
    for (int i = 0; i < 3000; ++i)
        ASSERT_TRUE(room_->is_server_allowed(ServerName("s" + std::to_string(i) + ".test")));
}

// --- Joining and leaving -------------------------------------------------------------------------

TEST_F(FederationServerTest, OffersAJoinOnlyOfWhatTheOtherSideSupports) {
    const std::string room = room_->id().text();
    using S = FederationServer;
    EXPECT_EQ(status_of(ask(&S::make_join, {room, "@new:peer.test"}, {{"ver", "12"}})), 200);
    const auto refused = ask(&S::make_join, {room, "@new:peer.test"}, {{"ver", "11"}});
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().errcode, "M_INCOMPATIBLE_ROOM_VERSION");
    EXPECT_EQ(*refused.error().extra.find("room_version"), json::Value("12"));
    EXPECT_EQ(status_of(ask(&S::make_join, {room, "@new:b.test"}, {{"ver", "12"}})), 403);
    EXPECT_EQ(
        status_of(ask(&S::make_join, {other_->id().text(), "@new:peer.test"}, {{"ver", "12"}})),
        403);
    EXPECT_EQ(status_of(ask(&S::make_join,
                            {"!PMBAEUvyyqu5RKYdcjFDLoSLcnMr9lOaUjTLhkgEFWI", "@new:peer.test"},
                            {{"ver", "12"}})),
              404);
}

TEST_F(FederationServerTest, AdmitsASignedJoinAndNothingElse) {
    const UserId mallory = peer_.user("mallory");
    const std::string room = room_->id().text();
    const auto put = [&](const json::Object& pdu, const char* origin = "peer.test") {
        const std::string id = id_of(pdu, room_->rules()).text();
        return ask(&FederationServer::send_join, {room, id}, {}, pdu, origin);
    };
    const json::Object join = from_eve(member(mallory, mallory, "join"));
    EXPECT_EQ(status_of(put(join, "b.test")), 400);
    EXPECT_EQ(status_of(put(from_eve(member(mallory, mallory, "leave")))), 400);
    EXPECT_EQ(status_of(put(from_eve(message(eve_, "hello")))), 400);
    json::Object forged = join;
    forged.set("origin_server_ts", 5);
    EXPECT_EQ(status_of(put(forged)), 400);
    EXPECT_NE(room_->membership(mallory), Membership::Join);

    const auto reply = put(join);
    ASSERT_EQ(status_of(reply), 200) << text_of(reply);
    EXPECT_EQ(room_->membership(mallory), Membership::Join);
    const json::Value body = body_of(reply);
    EXPECT_EQ(*body.find_boolean("members_omitted"), false);
    EXPECT_FALSE(body.find_array("state")->empty());
    EXPECT_FALSE(body.find_array("auth_chain")->empty());
    EXPECT_EQ(text_of(put(join)), text_of(reply));
}

TEST_F(FederationServerTest, LetsAMemberLeave) {
    const auto made = ask(&FederationServer::make_leave, {room_->id().text(), eve_.text()});
    ASSERT_EQ(status_of(made), 200);
    const json::Object leave = from_eve(member(eve_, eve_, "leave"));
    const std::string id = id_of(leave, room_->rules()).text();
    EXPECT_EQ(status_of(ask(&FederationServer::send_leave, {room_->id().text(), id}, {}, leave)),
              200);
    EXPECT_EQ(room_->membership(eve_), Membership::Leave);
    EXPECT_EQ(status_of(ask(&FederationServer::make_leave, {room_->id().text(), eve_.text()})),
              403);
}

TEST_F(FederationServerTest, VouchesForTheMembersOfAnAllowedRoom) {
    const json::Object allow{{"type", "m.room_membership"}, {"room_id", room_->id().text()}};
    const json::Object rule{{"join_rule", "restricted"}, {"allow", json::Array{allow}}};
    const RoomPtr club =
        a_.create_room("12", "invite", {state_event(alice_, "m.room.join_rules", rule)});
    using S = FederationServer;
    const Query versions{{"ver", "12"}};
    EXPECT_EQ(status_of(ask(&S::make_join, {club->id().text(), "@new:peer.test"}, versions)), 403);

    const auto made = ask(&S::make_join, {club->id().text(), eve_.text()}, versions);
    ASSERT_EQ(status_of(made), 200) << text_of(made);
    const json::Value body = body_of(made);
    json::Object pdu = *body.find_object("event");
    EXPECT_EQ(*pdu.find("content")->find_string("join_authorised_via_users_server"), alice_.text());
    pdu.erase("origin");
    pdu = peer_.sign(std::move(pdu), club->rules());
    const std::string id = id_of(pdu, club->rules()).text();
    const auto sent = ask(&S::send_join, {club->id().text(), id}, {}, pdu);
    ASSERT_EQ(status_of(sent), 200) << text_of(sent);
    EXPECT_EQ(club->membership(eve_), Membership::Join);
    const json::Value answer = body_of(sent);
    EXPECT_NE(answer.find("event")->find("signatures")->find("a.test"), nullptr);
}

TEST_F(FederationServerTest, DoesNotVouchForWhatItDoesNotSee) {
    const json::Object allow{{"type", "m.room_membership"}, {"room_id", "!elsewhere:b.test"}};
    const json::Object rule{{"join_rule", "restricted"}, {"allow", json::Array{allow}}};
    const RoomPtr club =
        a_.create_room("12", "invite", {state_event(alice_, "m.room.join_rules", rule)});
    const auto made =
        ask(&FederationServer::make_join, {club->id().text(), eve_.text()}, {{"ver", "12"}});
    ASSERT_FALSE(made);
    EXPECT_EQ(made.error().errcode, "M_UNABLE_TO_AUTHORISE_JOIN");
}

// --- Invites -------------------------------------------------------------------------------------

// security-cases.tsv 26
TEST_F(FederationServerTest, SignsInvitesOfItsUsersAndNothingElse) {
    RoomHost b(world_, "b.test");
    const RoomPtr there = b.create_room();
    const auto put = [&](const NewEvent& event, const char* origin = "b.test") {
        const Event made = there->sign(there->make_template(event).value()).value();
        const json::Object create = there->find_state("m.room.create", "")->parse_text();
        const json::Object body{{"event", made.parse_text()},
                                {"room_version", "12"},
                                {"invite_room_state", json::Array{create}}};
        return ask(
            &FederationServer::invite, {there->id().text(), made.id.text()}, {}, body, origin);
    };
    const UserId alice = b.user("alice");
    const UserId bob = a_.user("bob");
    EXPECT_EQ(status_of(put(member(alice, a_.user("nobody"), "invite"))), 400);
    EXPECT_EQ(status_of(put(member(alice, b.user("bob"), "invite"))), 400);
    EXPECT_EQ(status_of(put(member(alice, bob, "ban"))), 400);
    EXPECT_EQ(status_of(put(state_event(alice, "m.room.name", {{"name", "x"}}))), 400);
    EXPECT_EQ(status_of(put(member(alice, bob, "invite"), "peer.test")), 400);
    EXPECT_FALSE(a_.rooms.find_outlier_membership(there->id(), bob));

    const auto reply = put(member(alice, bob, "invite"));
    ASSERT_EQ(status_of(reply), 200) << text_of(reply);
    const json::Value body = body_of(reply);
    EXPECT_NE(body.find("event")->find("signatures")->find("a.test"), nullptr);
    EXPECT_NE(body.find("event")->find("signatures")->find("b.test"), nullptr);
    EXPECT_TRUE(a_.rooms.find_outlier_membership(there->id(), bob));
}

TEST_F(FederationServerTest, RefusesAnInviteOfAnUnknownRoomVersion) {
    const json::Object body{{"event", json::Object{}}, {"room_version", "x"}};
    const auto reply = ask(&FederationServer::invite, {room_->id().text(), unknown_}, {}, body);
    ASSERT_FALSE(reply);
    EXPECT_EQ(reply.error().errcode, "M_INCOMPATIBLE_ROOM_VERSION");
}

// --- Transactions --------------------------------------------------------------------------------

// security-cases.tsv 20
TEST_F(FederationServerTest, TakesTheGoodEventsOfATransactionWithABadOne) {
    json::Array pdus;
    for (int i = 0; i < 49; ++i)
        pdus.emplace_back(from_eve(message(eve_, "number " + std::to_string(i))));
    json::Object bad = from_eve(message(eve_, "bad"));
    bad.set("depth", "not a number");
    pdus.insert(pdus.begin() + 7, bad);
    const json::Object transaction{{"origin", "peer.test"}, {"pdus", pdus}};
    const auto reply = ask(&FederationServer::send_transaction, {"t1"}, {}, transaction);
    ASSERT_EQ(status_of(reply), 200) << text_of(reply);
    const json::Value body = body_of(reply);
    int good = 0;
    int refused = 0;
    for (const json::Member& result : *body.find_object("pdus"))
        ++(result.value.find_string("error") ? refused : good);
    EXPECT_EQ(good, 49);
    EXPECT_EQ(refused, 1);
    EXPECT_EQ(room_->recent({0}, {INT64_MAX}, 100).events.back().event->sender, eve_);
    // The same transaction again has the same answer, whatever it holds now.
    const json::Object empty{{"pdus", json::Array{}}};
    EXPECT_EQ(text_of(ask(&FederationServer::send_transaction, {"t1"}, {}, empty)), text_of(reply));
    EXPECT_EQ(text_of(ask(&FederationServer::send_transaction, {"t2"}, {}, empty)),
              R"({"pdus":{}})");
}

// Nothing is stored of the dropped one, and inspection lists both.
TEST_F(FederationServerTest, RemembersWhatItRejectedAndWhatItDropped) {
    json::Object bad = from_eve(message(eve_, "bad"));
    bad.set("depth", "not a number");
    const json::Object refused = from_eve(state_event(eve_, "m.room.topic", {{"topic", "mine"}}));
    const json::Object transaction{{"pdus", json::Array{bad, refused}}};
    const auto before = a_.counters;
    ask(&FederationServer::send_transaction, {"t"}, {}, transaction);
    EXPECT_EQ(a_.counters.events_dropped, before.events_dropped + 1);
    EXPECT_EQ(a_.counters.events_rejected, before.events_rejected + 1);

    const std::vector<DroppedEvent> dropped = a_.dropped.list(room_->id());
    ASSERT_EQ(dropped.size(), 1U);
    EXPECT_EQ(dropped[0].server, peer_.name);
    EXPECT_NE(dropped[0].why.find("depth"), std::string::npos) << dropped[0].why;
    storage::Survey survey(a_.turns);
    const auto listed = survey.list_refused(room_->id(), INT64_MAX, 10);
    ASSERT_EQ(listed.size(), 1U);
    EXPECT_EQ(listed[0].id, id_of(refused, room_->rules()));
    EXPECT_TRUE(survey.list_refused(room_->id(), listed[0].number, 10).empty());
    EXPECT_TRUE(survey.list_refused(RoomId("!other:a.test"), INT64_MAX, 10).empty());
}

TEST(DroppedEvents, KeepsTheNewestOfAllRooms) {
    TestWorld world;
    RoomHost host(world, "a.test");
    const auto note = [&](const std::string& room, std::size_t number) {
        host.dropped.note({.room = RoomId(room),
                           .event = EventId("$" + std::to_string(number)),
                           .server = ServerName("x.test"),
                           .why = std::string(100'000, 'a')});
    };
    note("!one:a.test", 0);
    for (std::size_t number = 1; number <= kDroppedEventsMax; ++number)
        note("!two:a.test", number);
    EXPECT_TRUE(host.dropped.list(RoomId("!one:a.test")).empty());
    const auto kept = host.dropped.list(RoomId("!two:a.test"));
    ASSERT_EQ(kept.size(), kDroppedEventsMax);
    EXPECT_EQ(kept.front().event, EventId("$" + std::to_string(kDroppedEventsMax)));
    EXPECT_LE(kept.front().why.size(), 1000U);
    EXPECT_EQ(host.counters.events_dropped, kDroppedEventsMax + 1);
}

TEST_F(FederationServerTest, RefusesATransactionThatIsTooLong) {
    const auto put = [&](std::size_t pdus, std::size_t edus) {
        const json::Object body{{"pdus", json::Array(pdus, json::Object{})},
                                {"edus", json::Array(edus, json::Object{})}};
        const std::string id = std::to_string(pdus) + "-" + std::to_string(edus);
        return status_of(ask(&FederationServer::send_transaction, {id}, {}, body));
    };
    EXPECT_EQ(put(50, 100), 200);
    EXPECT_EQ(put(51, 0), 400);
    EXPECT_EQ(put(0, 101), 400);
}

TEST_F(FederationServerTest, TakesATransactionOnceThatComesAgainWhileItIsInWork) {
    const json::Object transaction{{"pdus", json::Array{from_eve(message(eve_, "once"))}}};
    const auto make_request = [&] {
        Request request;
        request.path = {"t"};
        request.raw_body = json::write(transaction);
        request.body = transaction;
        request.origin = peer_.name;
        return request;
    };
    const std::uint64_t before = a_.counters.events_received;
    a_.start(server_.send_transaction(make_request()));
    const auto again = a_.wait_for(server_.send_transaction(make_request())).value();
    ASSERT_TRUE(again) << again.error().message;
    const json::Value body = body_of(again);
    ASSERT_EQ(body.find_object("pdus")->size(), 1U);
    for (const json::Member& result : *body.find_object("pdus"))
        EXPECT_EQ(result.value.find_string("error"), nullptr);
    EXPECT_EQ(a_.counters.events_received, before + 1);
}

// The next process knows of the transaction by the database alone.
TEST_F(FederationServerTest, AnswersATransactionThatComesAgainAfterARestart) {
    const json::Object good = from_eve(message(eve_, "once"));
    json::Object bad = from_eve(message(eve_, "twice"));
    bad.erase("signatures");
    const json::Object receipt{
        {"edu_type", "m.receipt"},
        {"content",
         json::Object{{room_->id().text(),
                       json::Object{{"m.read",
                                     json::Object{{eve_.text(),
                                                   json::Object{{"data", json::Object{}},
                                                                {"event_ids",
                                                                 json::Array{unknown_}}}}}}}}}}};
    const json::Object transaction{{"pdus", json::Array{good, bad}},
                                   {"edus", json::Array{receipt}}};
    const auto first = ask(&FederationServer::send_transaction, {"t"}, {}, transaction);
    ASSERT_EQ(status_of(first), 200) << text_of(first);
    ASSERT_NE(text_of(first).find("error"), std::string::npos) << "what is badly signed is named";

    const std::uint64_t events = a_.counters.events_received;
    const std::uint64_t edus = a_.counters.edus_received;
    const StreamPosition newest = a_.turns.newest();
    FederationServer next(services());
    Request request;
    request.path = {"t"};
    request.body = transaction;
    request.raw_body = json::write(transaction);
    request.origin = peer_.name;
    const auto again = a_.wait_for(next.send_transaction(std::move(request))).value();
    EXPECT_EQ(text_of(again), text_of(first));
    EXPECT_EQ(a_.counters.events_received, events);
    EXPECT_EQ(a_.counters.edus_received, edus);
    EXPECT_EQ(a_.turns.newest(), newest) << "nothing new is shown to anybody";
}

TEST_F(FederationServerTest, AFloodOfOneServerHoldsUpNoOther) {
    FakePeer other(world_, "other.test");
    const RoomPtr quiet = a_.create_room();
    join(other, room_);
    join(other, quiet);
    constexpr int kTransactions = 8;
    constexpr int kEvents = 50;
    std::vector<EventId> flood;
    std::vector<Request> requests;
    const auto add_request = [&](const std::string& id, json::Array pdus, const FakePeer& from) {
        Request& request = requests.emplace_back();
        const json::Object body{{"pdus", std::move(pdus)}};
        request.path = {id};
        request.raw_body = json::write(body);
        request.body = body;
        request.origin = from.name;
    };
    for (int transaction = 0; transaction < kTransactions; ++transaction) {
        json::Array pdus;
        for (int i = 0; i < kEvents; ++i) {
            const std::string body = std::to_string(transaction) + "/" + std::to_string(i);
            const json::Object pdu = from_eve(message(eve_, body));
            flood.push_back(id_of(pdu, room_->rules()));
            pdus.push_back(pdu);
        }
        add_request("flood" + std::to_string(transaction), std::move(pdus), peer_);
    }
    const UserId zoe = other.user("eve");
    std::vector<std::pair<RoomPtr, EventId>> words;
    for (const RoomPtr& room : {room_, quiet}) {
        const auto pdu =
            other.sign(make_pdu(room->make_template(message(zoe, "a word")).value(), room->rules()),
                       room->rules());
        words.emplace_back(room, id_of(pdu, room->rules()));
        add_request("word in " + room->id().text(), json::Array{pdu}, other);
    }
    // All of the flood is here before the first word.
    a_.turn([&] {
        for (Request& request : requests)
            a_.start(server_.send_transaction(std::move(request)));
    });
    world_.settle();

    for (const auto& [room, word] : words) {
        const auto stored = room->find_event(word);
        ASSERT_TRUE(stored) << room->id();
        const auto earlier = std::ranges::count_if(flood, [&](const EventId& id) {
            const auto one = room_->find_event(id);
            return one && one->position < stored->position;
        });
        EXPECT_LE(earlier, kEvents) << "of " << flood.size() << ", before a word in " << room->id();
    }
    for (const EventId& id : flood)
        EXPECT_TRUE(room_->find_event(id)) << "a flood is slow, and not lost";
}

TEST_F(FederationServerTest, ARoomThatLacksEventsHoldsUpNoOther) {
    const RoomPtr busy = a_.create_room();
    join(peer_, busy);
    const RoomRules& rules = room_->rules();
    const json::Object lost = from_eve(message(eve_, "lost"));
    EventTemplate after = room_->make_template(message(eve_, "after it")).value();
    after.prev_events = {id_of(lost, rules)};
    after.depth += 1;
    const json::Object waiting = peer_.sign(make_pdu(after, rules), rules);
    const json::Object quick =
        peer_.sign(make_pdu(busy->make_template(message(eve_, "quick")).value(), busy->rules()),
                   busy->rules());
    peer_.answer = [&](const runtime::HttpRequest& request) {
        const bool is_gap =
            request.target.starts_with("/_matrix/federation/v1/get_missing_events/");
        const json::Object found{{"events", json::Array{lost}}};
        return runtime::HttpResponse{is_gap ? 200 : 404, {}, json::write(found)};
    };

    const json::Object transaction{{"pdus", json::Array{waiting, quick}}};
    const auto reply = ask(&FederationServer::send_transaction, {"t"}, {}, transaction);
    ASSERT_EQ(status_of(reply), 200) << text_of(reply);
    const auto first = room_->find_event(id_of(waiting, rules));
    const auto second = busy->find_event(id_of(quick, busy->rules()));
    ASSERT_TRUE(first && second) << text_of(reply);
    EXPECT_LT(second->position, first->position);
}

TEST_F(FederationServerTest, NamesAnEventOfARoomThatItDoesNotKnow) {
    RoomHost b(world_, "b.test");
    const RoomPtr there = b.create_room();
    const json::Object pdu =
        there->sign(there->make_template(message(b.user("alice"), "x")).value())->parse_text();
    const json::Object transaction{{"pdus", json::Array{pdu}}};
    const json::Value body =
        body_of(ask(&FederationServer::send_transaction, {"t"}, {}, transaction, "b.test"));
    const std::string id = id_of(pdu, there->rules()).text();
    ASSERT_NE(body.find("pdus")->find(id), nullptr) << json::write(body);
    EXPECT_NE(body.find("pdus")->find(id)->find_string("error"), nullptr);
}

}  // namespace
}  // namespace matrix::engine
