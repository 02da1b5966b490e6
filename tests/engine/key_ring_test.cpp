// KeyRing: which events and requests are believed to be from whom they say.
#include "refserver/engine/peers/key_ring.h"

#include <gtest/gtest.h>

#include "refserver/protocol/event_hash.h"
#include "simulator/simulated_crypto.h"
#include "tests/engine/fake_peer.h"

namespace matrix::engine {
namespace {

constexpr std::int64_t kDayMs = 24 * 3'600'000;

class KeyRingTest : public testing::Test {
protected:
    json::Object event(std::int64_t origin_server_ts) {
        EventTemplate made;
        made.room_id = RoomId("!room:peer.test");
        made.sender = peer_.user("eve");
        made.type = "m.room.message";
        made.content = {{"body", "hello"}};
        made.prev_events.emplace_back("$PMBAEUvyyqu5RKYdcjFDLoSLcnMr9lOaUjTLhkgEFWI");
        made.auth_events = made.prev_events;
        made.depth = 3;
        made.origin_server_ts = origin_server_ts;
        return peer_.sign(make_pdu(made, *rules_), *rules_);
    }
    bool verifies(const json::Object& pdu) {
        return a_.wait_for(a_.keys.verify_event(pdu, rules_)).value().has_value();
    }
    /// The status of the answer to a request; 200 when it is authenticated.
    int status_of(const runtime::HttpRequest& request) {
        const auto authenticated = a_.wait_for(a_.keys.authenticate(request)).value();
        if (authenticated) EXPECT_EQ(authenticated->origin, peer_.name);
        return authenticated ? 200 : authenticated.error().status;
    }
    std::int64_t now() const { return a_.clock.now().value; }
    /// The peer's keys from now on: good for so long.
    void publish(std::int64_t valid_for_ms) {
        peer_.key.document = make_server_keys(peer_.name, *peer_.key.signer, now() + valid_for_ms);
    }

    TestWorld world_;
    RoomHost a_{world_, "a.test"};
    FakePeer peer_{world_, "peer.test"};
    const RoomRules* rules_ = find_room_rules("11");
};

TEST_F(KeyRingTest, VerifiesAnEventByAFetchedKey) {
    EXPECT_TRUE(verifies(event(now())));
    EXPECT_TRUE(verifies(event(now())));
    EXPECT_EQ(peer_.key_requests, 1);
}

// security-cases.tsv 16
TEST_F(KeyRingTest, RefusesAnEventWithoutASignatureOfItsSender) {
    json::Object pdu = event(now());
    pdu.set("signatures", json::Object{});
    EXPECT_FALSE(verifies(pdu));
}

// security-cases.tsv 16
TEST_F(KeyRingTest, RefusesAnEventSignedByAnotherServer) {
    json::Object pdu = event(now());
    pdu.set("signatures", json::Object{});
    sign_event(pdu, ServerName("a.test"), *a_.key.signer, *rules_);
    EXPECT_FALSE(verifies(pdu));
}

// security-cases.tsv 16
TEST_F(KeyRingTest, RefusesAnEventSignedByAKeyThatTheServerDoesNotPublish) {
    const auto other =
        simulator::make_simulated_signer(KeyId("ed25519:other"), std::string(32, 'x'));
    json::Object pdu = event(now());
    pdu.set("signatures", json::Object{});
    sign_event(pdu, peer_.name, *other, *rules_);
    EXPECT_FALSE(verifies(pdu));
}

TEST_F(KeyRingTest, RefusesAnEventThatWasChanged) {
    json::Object pdu = event(now());
    pdu.set("depth", 4);
    EXPECT_FALSE(verifies(pdu));
}

TEST_F(KeyRingTest, IgnoresASignatureByAnUnknownKeyBesideAGoodOne) {
    const auto other =
        simulator::make_simulated_signer(KeyId("ed25519:other"), std::string(32, 'x'));
    json::Object pdu = event(now());
    sign_event(pdu, peer_.name, *other, *rules_);
    EXPECT_TRUE(verifies(pdu));
}

// security-cases.tsv 27
TEST_F(KeyRingTest, RefusesAnEventFromAfterTheKeysEndFromVersion5On) {
    publish(kDayMs);
    EXPECT_TRUE(verifies(event(now() + kDayMs - 1)));
    EXPECT_FALSE(verifies(event(now() + kDayMs + 3'600'000)));
    rules_ = find_room_rules("4");
    EXPECT_TRUE(verifies(event(now() + kDayMs + 3'600'000)));
}

TEST_F(KeyRingTest, BelievesNoKeyForMoreThanSevenDays) {
    publish(365 * kDayMs);
    EXPECT_TRUE(verifies(event(now() + 7 * kDayMs - 3'600'000)));
    EXPECT_FALSE(verifies(event(now() + 8 * kDayMs)));
}

TEST_F(KeyRingTest, AsksAServerThatBringsNothingNewLessAndLess) {
    EXPECT_TRUE(verifies(event(now())));
    const auto other =
        simulator::make_simulated_signer(KeyId("ed25519:other"), std::string(32, 'x'));
    json::Object pdu = event(now());
    pdu.set("signatures", json::Object{});
    sign_event(pdu, peer_.name, *other, *rules_);
    auto pdus = std::make_shared<std::vector<json::Object>>(30, pdu);
    a_.turn([&] {
        for (int i = 0; i < 30; ++i)
            a_.handlers.start([](KeyRing* keys,
                                 KeyRing::Pdus events,
                                 const RoomRules* rules) -> runtime::Task<void> {
                co_await keys->verify_events(std::move(events), rules);
            }(&a_.keys, pdus, rules_));
    });
    world_.settle(600);
    EXPECT_EQ(peer_.key_requests, 2);
}

TEST_F(KeyRingTest, JudgesEachEventOfABatchAlone) {
    auto pdus = std::make_shared<std::vector<json::Object>>();
    for (int i = 0; i < 40; ++i)
        pdus->push_back(event(now() + i));
    (*pdus)[7].set("depth", 9);
    (*pdus)[8].erase("sender");
    const auto results = a_.wait_for(a_.keys.verify_events(pdus, rules_)).value();
    for (std::size_t i = 0; i < results.size(); ++i)
        EXPECT_EQ(results[i].has_value(), i != 7 && i != 8) << i;
    EXPECT_EQ(peer_.key_requests, 1);
}

// security-cases.tsv 16
TEST_F(KeyRingTest, TakesEachEventInItsPlaceHoweverManyThereAre) {
    for (const std::size_t count : {12, 60}) {
        SCOPED_TRACE(count);
        const std::int64_t start = now();
        std::vector<json::Object> pdus;
        for (std::size_t i = 0; i < count; ++i)
            pdus.push_back(event(start + static_cast<std::int64_t>(i)));
        pdus[3].set("content", json::Object{{"body", "another one"}});  // Signed without it.
        pdus[5].set("depth", 9);
        pdus[7].erase("sender");
        pdus[9].set("signatures", json::Object{});
        const auto taken = a_.wait_for(a_.keys.take_events(pdus, rules_)).value();
        ASSERT_EQ(taken.size(), count);
        for (std::size_t i = 0; i < count; ++i) {
            ASSERT_EQ(taken[i].has_value(), i != 5 && i != 7 && i != 9) << i;
            if (!taken[i]) continue;
            EXPECT_EQ(taken[i]->origin_server_ts, start + static_cast<std::int64_t>(i));
            EXPECT_EQ(taken[i]->parse_content().empty(), i == 3) << "redacted";
        }

        const RoomId room("!room:peer.test");
        auto kept = a_.wait_for(a_.keys.keep_events(pdus, room, rules_)).value();
        EXPECT_EQ(kept.events.size(), count - 3);
        EXPECT_EQ(kept.dropped, 3U);
        const RoomId other("!other:peer.test");
        kept = a_.wait_for(a_.keys.keep_events(pdus, other, rules_)).value();
        EXPECT_EQ(kept.dropped, count);
    }
    EXPECT_EQ(peer_.key_requests, 1);
}

TEST_F(KeyRingTest, KeepsKeysOverALostMemory) {
    EXPECT_TRUE(verifies(event(now())));
    KeyRing fresh({.server_name = a_.name,
                   .signer = *a_.key.signer,
                   .verifier = simulator::simulated_verifier(),
                   .turns = a_.turns,
                   .clock = a_.clock,
                   .workers = a_.workers,
                   .log = a_.log,
                   .counters = a_.counters,
                   .trusted_key_servers = {}});
    fresh.connect(a_.federation);
    EXPECT_TRUE(a_.wait_for(fresh.verify_event(event(now()), rules_)).value());
    EXPECT_EQ(peer_.key_requests, 1);
}

// --- Notaries ------------------------------------------------------------------------------------

/// A server whose origin does not answer, and a notary that has its keys.
class KeyNotaryTest : public KeyRingTest {
protected:
    KeyNotaryTest() {
        notary_.answer = [this](const runtime::HttpRequest& request) {
            EXPECT_EQ(request.target, "/_matrix/key/v2/query/away.test");
            return runtime::HttpResponse{
                200, {}, json::write(json::Object{{"server_keys", json::Value(documents_)}})};
        };
    }
    json::Object sign_as(const TestKey& key, const ServerName& server, json::Object document) {
        sign_json(document, server.view(), *key.signer);
        return document;
    }
    /// The document of the server that is away, with a lifetime from now.
    json::Object document(std::int64_t valid_for_ms) {
        return make_server_keys(away_, *away_key_.signer, now() + valid_for_ms);
    }
    json::Object event_of_away() {
        json::Object pdu = event(now());
        pdu.set("sender", "@eve:away.test");
        pdu.erase("hashes");
        pdu.set("signatures", json::Object{});
        hash_and_sign_event(pdu, away_, *away_key_.signer, *rules_);
        return pdu;
    }
    bool verifies_by_notary(const json::Object& pdu) {
        return a_.wait_for(ring_.verify_event(pdu, rules_)).value().has_value();
    }

    FakePeer notary_{world_, "notary.test"};
    const ServerName away_{"away.test"};
    const TestKey away_key_{"away.test"};
    json::Array documents_;
    KeyRing ring_{{.server_name = a_.name,
                   .signer = *a_.key.signer,
                   .verifier = simulator::simulated_verifier(),
                   .turns = a_.turns,
                   .clock = a_.clock,
                   .workers = a_.workers,
                   .log = a_.log,
                   .counters = a_.counters,
                   .trusted_key_servers = {ServerName("gone.test"), notary_.name}}};
};

TEST_F(KeyNotaryTest, TakesKeysFromANotaryWhenTheOriginIsAway) {
    ring_.connect(a_.federation);
    documents_ = {sign_as(notary_.key, notary_.name, document(kDayMs))};
    EXPECT_TRUE(verifies_by_notary(event_of_away()));
    EXPECT_EQ(notary_.requests.size(), 1U);
    EXPECT_TRUE(verifies_by_notary(event_of_away()));
    EXPECT_EQ(notary_.requests.size(), 1U);
}

TEST_F(KeyNotaryTest, AsksNoNotaryWhileTheOriginAnswers) {
    ring_.connect(a_.federation);
    EXPECT_TRUE(verifies_by_notary(event(now())));
    EXPECT_TRUE(notary_.requests.empty());
}

TEST_F(KeyNotaryTest, RefusesWhatTheNotaryHasNotSigned) {
    ring_.connect(a_.federation);
    documents_ = {document(kDayMs)};
    EXPECT_FALSE(verifies_by_notary(event_of_away()));
    const TestKey other("other.test");
    world_.settle(60);
    documents_ = {sign_as(other, notary_.name, document(kDayMs))};
    EXPECT_FALSE(verifies_by_notary(event_of_away()));
}

TEST_F(KeyNotaryTest, RefusesWhatTheOriginHasNotSigned) {
    ring_.connect(a_.federation);
    json::Object forged = document(kDayMs);
    forged.set("valid_until_ts", now() + 2 * kDayMs);
    documents_ = {sign_as(notary_.key, notary_.name, forged),
                  sign_as(notary_.key, notary_.name, peer_.key.document)};
    EXPECT_FALSE(verifies_by_notary(event_of_away()));
}

// security-cases.tsv 27: what a notary still has is good for the time that it says, and no longer.
TEST_F(KeyNotaryTest, AnExpiredDocumentIsGoodForOldEventsOnly) {
    ring_.connect(a_.federation);
    documents_ = {sign_as(notary_.key, notary_.name, document(600'000))};
    const json::Object old = event_of_away();
    world_.settle(3600);
    EXPECT_FALSE(verifies_by_notary(event_of_away()));
    EXPECT_TRUE(verifies_by_notary(old));
}

// --- Requests ------------------------------------------------------------------------------------

TEST_F(KeyRingTest, AuthenticatesASignedRequest) {
    EXPECT_EQ(status_of(peer_.request(a_.name, "GET", "/_matrix/federation/v1/x%2Fy?b=%20")), 200);
    EXPECT_EQ(status_of(peer_.request(a_.name, "PUT", "/x", R"({"b": [1, "a"]})")), 200);
}

TEST_F(KeyRingTest, RefusesARequestThatIsNotAsItWasSigned) {
    const auto good = peer_.request(a_.name, "PUT", "/x?y=1", R"({"b":1})");
    EXPECT_EQ(status_of(good), 200);
    auto changed = good;
    changed.method = "POST";
    EXPECT_EQ(status_of(changed), 401);
    changed = good;
    changed.target = "/x?y=2";
    EXPECT_EQ(status_of(changed), 401);
    changed = good;
    changed.body = R"({"b":2})";
    EXPECT_EQ(status_of(changed), 401);
    changed = good;
    changed.body.clear();
    EXPECT_EQ(status_of(changed), 401);
    changed = good;
    changed.headers = {};
    EXPECT_EQ(status_of(changed), 401);
    changed.headers.add("Authorization", "X-Matrix nonsense");
    EXPECT_EQ(status_of(changed), 401);
}

TEST_F(KeyRingTest, RefusesARequestToAnotherServer) {
    EXPECT_EQ(status_of(peer_.request(ServerName("b.test"), "GET", "/x")), 401);
}

TEST_F(KeyRingTest, RefusesARequestInOurOwnName) {
    runtime::HttpRequest request{"GET", "/x", {}, "", ""};
    request.headers.add("Authorization",
                        authorize_request("GET", "/x", a_.name, a_.name, nullptr, *a_.key.signer));
    EXPECT_EQ(status_of(request), 401);
}

TEST_F(KeyRingTest, RefusesABodyThatIsNotJson) {
    auto request = peer_.request(a_.name, "PUT", "/x", "{}");
    request.body = R"({"a":1,"a":2})";
    EXPECT_EQ(status_of(request), 400);
}

TEST_F(KeyRingTest, RefusesAServerWhoseKeysCannotBeHad) {
    const TestKey key("nowhere.test");
    runtime::HttpRequest request{"GET", "/x", {}, "", ""};
    request.headers.add(
        "Authorization",
        authorize_request("GET", "/x", ServerName("nowhere.test"), a_.name, nullptr, *key.signer));
    EXPECT_FALSE(a_.keys.find_fetch(ServerName("nowhere.test")));
    EXPECT_EQ(status_of(request), 401);
    const auto fetch = a_.keys.find_fetch(ServerName("nowhere.test"));
    ASSERT_TRUE(fetch);
    EXPECT_FALSE(fetch->is_fetching);
    EXPECT_FALSE(fetch->last_failure.empty());
    EXPECT_GT(fetch->fetched_ts, 0);
    EXPECT_GT(fetch->next_fetch_ts, fetch->fetched_ts);
}

// security-cases.tsv 33
TEST_F(KeyRingTest, RefusesARequestSignedByAnExpiredKey) {
    publish(60'000);
    EXPECT_EQ(status_of(peer_.request(a_.name, "GET", "/x")), 200);
    world_.settle(3600);
    EXPECT_EQ(status_of(peer_.request(a_.name, "GET", "/x")), 401);
    publish(kDayMs);
    world_.settle(3600);
    EXPECT_EQ(status_of(peer_.request(a_.name, "GET", "/x")), 200);
}

}  // namespace
}  // namespace matrix::engine
