// FederationClient: what leaves, and how answers are mistrusted.
#include "refserver/engine/peers/federation_client.h"

#include <gtest/gtest.h>

#include "tests/engine/fake_peer.h"

namespace matrix::engine {
namespace {

struct RelayCase {
    int status;
    const char* body;
    int relayed_status;
    const char* relayed_errcode;
};

// security-cases.tsv 48
TEST(PeerErrors, NeverLookLikeOurOwn) {
    constexpr RelayCase kCases[] = {
        {401, R"({"errcode":"M_UNKNOWN_TOKEN","soft_logout":true})", 502, "M_UNKNOWN"},
        {403, R"({"errcode":"M_UNKNOWN_TOKEN"})", 502, "M_UNKNOWN"},
        {401, R"({"errcode":"M_FORBIDDEN"})", 502, "M_UNKNOWN"},
        {429, R"({"errcode":"M_LIMIT_EXCEEDED"})", 502, "M_UNKNOWN"},
        {400, R"({"errcode":"M_INVALID_PARAM"})", 502, "M_UNKNOWN"},
        {400, R"({"errcode":"M_MISSING_PARAM"})", 502, "M_UNKNOWN"},
        {500, "oops", 502, "M_UNKNOWN"},
        {302, "", 502, "M_UNKNOWN"},
        {403, R"({"errcode":"M_FORBIDDEN","error":"no"})", 403, "M_FORBIDDEN"},
        {404, R"({"errcode":"M_NOT_FOUND"})", 404, "M_NOT_FOUND"},
        {400, R"({"errcode":"M_UNABLE_TO_GRANT_JOIN"})", 400, "M_UNABLE_TO_GRANT_JOIN"},
        {400,
         R"({"errcode":"M_INCOMPATIBLE_ROOM_VERSION","room_version":"3"})",
         400,
         "M_INCOMPATIBLE_ROOM_VERSION"},
    };
    for (const RelayCase& expected : kCases) {
        SCOPED_TRACE(std::to_string(expected.status) + " " + expected.body);
        const Error error =
            error_of_answer(ServerName("peer.test"), {expected.status, {}, expected.body});
        EXPECT_EQ(error.status, expected.relayed_status);
        EXPECT_EQ(error.errcode, expected.relayed_errcode);
        EXPECT_FALSE(error.extra.contains("soft_logout"));
    }
}

class FederationClientTest : public testing::Test {
protected:
    void answer_with(int status, std::string body) {
        peer_.answer = [=](const runtime::HttpRequest&) {
            return runtime::HttpResponse{status, {}, body};
        };
    }
    TestWorld world_;
    RoomHost a_{world_, "a.test"};
    FakePeer peer_{world_, "peer.test"};
    const RoomId room_{"!r/o:peer.test"};
};

TEST_F(FederationClientTest, EncodesSegmentsAndSignsWhatItSends) {
    answer_with(200, R"({"auth_chain":[]})");
    const EventId id("$a/b+c:d");
    ASSERT_TRUE(a_.wait_for(a_.federation.get_event_auth(peer_.name, room_, id)).value());
    ASSERT_EQ(peer_.requests.size(), 1);
    const runtime::HttpRequest& sent = peer_.requests.front();
    EXPECT_EQ(sent.target,
              "/_matrix/federation/v1/event_auth/%21r%2Fo%3Apeer.test/%24a%2Fb%2Bc%3Ad");
    ASSERT_NE(sent.headers.find("Authorization"), nullptr);
    const auto header = parse_x_matrix(*sent.headers.find("Authorization"));
    ASSERT_TRUE(header);
    EXPECT_EQ(header->origin, a_.name);
    EXPECT_EQ(header->destination, peer_.name);
}

TEST_F(FederationClientTest, OffersEachVersionThatItSupports) {
    answer_with(200, R"({"event":{},"room_version":"11"})");
    const auto made = a_.wait_for(a_.federation.make_join(peer_.name, room_, a_.user("bob")));
    ASSERT_TRUE(made.value());
    for (const std::string& version : all_versions())
        EXPECT_NE(peer_.requests.front().target.find("ver=" + version), std::string::npos);
}

TEST_F(FederationClientTest, RefusesAnswersOfTheWrongShape) {
    const EventId id("$a");
    for (const char* body : {"",
                             "[]",
                             "{}",
                             R"({"pdu_ids":1,"auth_chain_ids":[]})",
                             R"({"pdu_ids":[1],"auth_chain_ids":[]})",
                             R"({"pdu_ids":[],"pdu_ids":[],"auth_chain_ids":[]})"}) {
        SCOPED_TRACE(body);
        answer_with(200, body);
        const auto ids = a_.wait_for(a_.federation.get_state_ids(peer_.name, room_, id)).value();
        ASSERT_FALSE(ids);
        EXPECT_EQ(ids.error().status, 502);
    }
    answer_with(200, R"({"pdu_ids":["$x:y"],"auth_chain_ids":[]})");
    EXPECT_TRUE(a_.wait_for(a_.federation.get_state_ids(peer_.name, room_, id)).value());
}

TEST_F(FederationClientTest, TakesNoMoreEventsThanItAskedFor) {
    answer_with(200, R"({"pdus":[{"a":1},7,{"a":2},{"a":3}]})");
    const std::vector<EventId> from{EventId("$a")};
    const auto events = a_.wait_for(a_.federation.backfill(peer_.name, room_, from, 2)).value();
    ASSERT_TRUE(events);
    EXPECT_EQ(*events, (json::Array{json::Object{{"a", 1}}, json::Object{{"a", 2}}}));
}

TEST_F(FederationClientTest, RefusesKeysOfAnotherServer) {
    ASSERT_TRUE(a_.wait_for(a_.federation.get_keys(peer_.name)).value());
    peer_.key.document = TestKey("other.test").document;
    EXPECT_FALSE(a_.wait_for(a_.federation.get_keys(peer_.name)).value());
}

// security-cases.tsv 65
TEST_F(FederationClientTest, FollowsNoRedirect) {
    FakePeer elsewhere(world_, "elsewhere.test");
    peer_.answer = [](const runtime::HttpRequest&) {
        return runtime::HttpResponse{
            307, {{"Location", "https://elsewhere.test:8448/_matrix/federation/v1/x"}}, "{}"};
    };
    const auto events = a_.wait_for(a_.federation.get_event(peer_.name, EventId("$a"))).value();
    ASSERT_FALSE(events);
    EXPECT_EQ(events.error().status, 502);
    EXPECT_EQ(peer_.requests.size(), 1U);
    EXPECT_TRUE(elsewhere.requests.empty());
}

TEST_F(FederationClientTest, TriesTheNextAddressAndKeepsTheOneThatAnswered) {
    answer_with(200, R"({"auth_chain":[]})");
    world_.dns.put_host("peer.test", {"10.7.7.7", *world_.network.find_address("peer.test")});
    for (int i = 0; i < 2; ++i) {
        EXPECT_TRUE(a_.wait_for(a_.federation.get_event_auth(peer_.name, room_, EventId("$a")), 30)
                        .value());
        const auto places = a_.wait_for(a_.discovery.find(peer_.name), 30).value();
        EXPECT_EQ(places->front().connect_to(), *world_.network.find_address("peer.test"));
    }
    EXPECT_EQ(peer_.requests.size(), 2U);
}

TEST_F(FederationClientTest, LooksAgainForAServerThatWasNotReached) {
    answer_with(200, R"({"auth_chain":[]})");
    world_.dns.put_host("peer.test", {"10.7.7.7"});
    const auto first = a_.wait_for(a_.federation.get_event_auth(peer_.name, room_, EventId("$a")));
    ASSERT_FALSE(first.value());
    EXPECT_EQ(first.value().error().status, 502);
    world_.dns.put_host("peer.test", {*world_.network.find_address("peer.test")});
    const auto second = a_.wait_for(a_.federation.get_event_auth(peer_.name, room_, EventId("$a")));
    EXPECT_TRUE(second.value());
}

// One dead server: it is asked less and less, and nobody waits for it.
TEST_F(FederationClientTest, LeavesADeadServerAloneForAWhile) {
    const ServerName dead("dead.test");
    world_.dns.put_host("dead.test", {"10.7.7.7"});
    for (int i = 0; i < 200; ++i)
        EXPECT_FALSE(a_.wait_for(a_.federation.get_event(dead, EventId("$a")), 1).value());
    EXPECT_LT(a_.counters.outgoing_requests, 20U);
    EXPECT_GT(a_.counters.outgoing_refused_by_pause, 180U);
    // Transactions have a back-off of their own.
    const std::uint64_t before = a_.counters.outgoing_requests;
    EXPECT_FALSE(a_.wait_for(a_.federation.send_transaction(dead, "1", {})).value());
    EXPECT_EQ(a_.counters.outgoing_requests, before + 1);
    world_.dns.put_host("dead.test", {*world_.network.find_address("peer.test")});
    a_.turn([&] { a_.health.server_is_back(dead); });
    answer_with(200, R"({"pdus":[{}]})");
    EXPECT_TRUE(a_.wait_for(a_.federation.get_event(dead, EventId("$a"))).value());
}

TEST_F(FederationClientTest, AsksNeitherItselfNorNames) {
    EXPECT_FALSE(a_.wait_for(a_.federation.get_keys(a_.name)).value());
    EXPECT_FALSE(a_.wait_for(a_.federation.get_keys(ServerName("no name"))).value());
}

}  // namespace
}  // namespace matrix::engine
