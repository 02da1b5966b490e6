// Two peers over TLS: each is the other's target.

#include "conformance/harness/peer.h"

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "refserver/protocol/server_keys.h"

namespace matrix::conformance {
namespace {

class TwoPeers : public testing::Test {
protected:
    TwoPeers() {
        std::string pattern =
            (std::filesystem::temp_directory_path() / "peer-test-XXXXXX").string();
        ca_file = std::filesystem::path(mkdtemp(pattern.data())) / "ca.pem";
        std::ofstream(ca_file) << identity.authority.certificate;
        targeted.emplace(identity, nobody, log);
        target.emplace(TargetDescription{.server_name = targeted->name().text(),
                                         .federation_url = "https://" + targeted->name().text(),
                                         .ca_file = ca_file.string()},
                       log);
        asking.emplace(identity, *target, log);
    }
    ~TwoPeers() override { std::filesystem::remove_all(ca_file.parent_path()); }

    ExchangeLog log;
    const PeerIdentity identity = make_peer_identity("127.0.0.1:0", "");
    std::filesystem::path ca_file;
    Target nobody{TargetDescription{}, log};
    std::optional<Peer> targeted;
    std::optional<Target> target;
    std::optional<Peer> asking;
};

TEST_F(TwoPeers, PublishKeysThatAreSigned) {
    const Response response = asking->send_unsigned({.target = "/_matrix/key/v2/server"});
    ASSERT_TRUE(has_status(response, 200));
    EXPECT_TRUE(parse_server_keys(to_protocol_object(response.body), ed25519_verifier()));
}

TEST_F(TwoPeers, JoinEachOthersRooms) {
    for (const char* version : {"10", "11", "12"}) {
        PeerRoom& room = targeted->create_room({.version = version});

        PeerRoom& joined = asking->join(room.id(), "bob");

        EXPECT_EQ(room.membership(asking->user("bob")), "join");
        EXPECT_EQ(joined.membership(asking->user("bob")), "join");
        EXPECT_EQ(joined.current_state().size(), room.current_state().size());
        const Pdu message =
            asking->send(joined, asking->user("bob"), "m.room.message", {{"body", "x"}});
        EXPECT_TRUE(targeted->wait_for_event(message.id()));
        EXPECT_TRUE(targeted->has_received(message.id()));
        EXPECT_EQ(room.extremities(), std::vector{message.id()});
    }
}

TEST_F(TwoPeers, AnswerForTheirRooms) {
    PeerRoom& room = targeted->create_room();
    const Pdu message =
        targeted->append(room, targeted->user("creator"), "m.room.message", {{"body", "x"}});

    EXPECT_EQ(asking->event(message.id()).at({"pdus"}).size(), 1u);
    EXPECT_EQ(asking->state(room.id(), message.id()).at({"pdus"}).size(), 5u);
    EXPECT_EQ(asking->state_ids(room.id(), message.id()).at({"pdu_ids"}).size(), 5u);
    EXPECT_EQ(asking->event_auth(room.id(), message.id()).at({"auth_chain"}).size(), 3u);
    EXPECT_EQ(asking->backfill(room.id(), {message.id()}, 3).at({"pdus"}).size(), 3u);
    EXPECT_EQ(asking->missing_events(room.id(), {}, {message.id()}, 2).at({"events"}).size(), 2u);
    EXPECT_EQ(asking->event(EventId("$nothing")).status, 404);
    EXPECT_EQ(asking->get("/_matrix/federation/v1/nothing").errcode, "M_UNRECOGNIZED");
}

TEST_F(TwoPeers, ObeyHandlersAndRememberRequests) {
    targeted->on("GET", "/_matrix/federation/v1/version", [](const IncomingRequest&) {
        return respond_error(503, "M_UNKNOWN", "not now");
    });

    EXPECT_EQ(asking->get("/_matrix/federation/v1/version?a=%2F&b").status, 503);
    const auto request = targeted->wait_for_request("GET", "/_matrix/federation/v1/version");
    ASSERT_TRUE(request);
    EXPECT_EQ(request->target, "/_matrix/federation/v1/version?a=%2F&b");
    EXPECT_EQ(request->query("a"), std::vector<std::string>{"/"});
    EXPECT_TRUE(find_header(request->headers, "authorization")->starts_with("X-Matrix "));
}

TEST_F(TwoPeers, AreTrustedOnlyThroughTheirAuthority) {
    Target distrustful(TargetDescription{.server_name = targeted->name().text(),
                                         .federation_url = "https://" + targeted->name().text()},
                       log);
    const Response response =
        distrustful.federation_http().send({.target = "/_matrix/key/v2/server"});
    EXPECT_EQ(response.status, 0);
    EXPECT_NE(response.failure.find("certificate"), std::string::npos) << response;
}

}  // namespace
}  // namespace matrix::conformance
