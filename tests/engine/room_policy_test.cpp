// Policy servers: whom our server asks before it sends, and what it does with what others send.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#policy-servers

#include <gtest/gtest.h>

#include "refserver/engine/policy_signer.h"
#include "refserver/protocol/base64.h"
#include "refserver/protocol/event_hash.h"
#include "refserver/protocol/policy_server.h"
#include "simulator/simulated_crypto.h"
#include "tests/engine/fake_peer.h"

namespace matrix::engine {
namespace {

constexpr int kSigns = 200;

class RoomPolicy : public testing::Test {
protected:
    RoomPolicy() {
        peer_.answer = [this](const runtime::HttpRequest& request) { return answer(request); };
    }
    /// A room of `a_` with eve of the peer in it, whose policy server the peer is.
    void start(const std::string& version = "12") {
        room_ = a_.create_room(version);
        join_eve();
        appoint(peer_.name);
    }
    void join_eve() {
        const json::Object join = sign(room_->make_template(member(eve_, eve_, "join")).value());
        ASSERT_EQ(a_.receive(room_, join, peer_.name).value().stored.status, EventStatus::Accepted);
    }
    void appoint(const ServerName& via, json::Value keys = {}) {
        if (keys.is_null()) keys = json::Object{{"ed25519", encode_base64(policy_->public_key())}};
        const auto appointed = submit(state_event(
            alice_, "m.room.policy", {{"via", via.text()}, {"public_keys", std::move(keys)}}));
        ASSERT_TRUE(appointed) << appointed.error().message;
        asked_.clear();
    }
    Result<StoredEvent> submit(NewEvent event) {
        return a_.wait_for(room_->submit(std::move(event))).value();
    }
    json::Object sign(const EventTemplate& event) {
        std::optional<EventId> id;
        if (room_->rules().event_id_encoding == EventIdEncoding::Opaque) {
            id = EventId("$" + std::to_string(++ids_) + ":" + peer_.name.text());
        }
        return peer_.sign(make_pdu(event, room_->rules(), id), room_->rules());
    }
    Receipt receive(const json::Object& pdu) { return a_.receive(room_, pdu, peer_.name).value(); }
    json::Object from_eve(const std::string& body = "hello") {
        return sign(room_->make_template(message(eve_, body)).value());
    }
    bool is_signed_by_policy(const Event& event) const {
        return has_policy_signature(event.parse_text(),
                                    room_->rules(),
                                    {peer_.name, policy_->public_key()},
                                    simulator::simulated_verifier());
    }
    runtime::HttpResponse answer(const runtime::HttpRequest& request) {
        if (request.target != "/_matrix/policy/v1/sign") return {200, {}, R"({"pdus":{}})"};
        asked_.push_back(request.body);
        if (verdict_ != kSigns) return {verdict_, {}, refusal_};
        json::Object pdu = *json::parse(request.body).value().if_object();
        pdu.erase("signatures");
        sign_event(pdu, peer_.name, *policy_, room_->rules());
        return {200, {}, json::write(*pdu.find("signatures"))};
    }

    TestWorld world_;
    RoomHost a_{world_, "a.test"};
    FakePeer peer_{world_, "peer.test"};
    std::unique_ptr<Signer> policy_ =
        simulator::make_simulated_signer(KeyId(std::string(kPolicyKeyId)), std::string(32, 'p'));
    RoomPtr room_;
    const UserId alice_ = a_.user("alice");
    const UserId eve_ = peer_.user("eve");
    int verdict_ = kSigns;
    std::string refusal_ = R"({"errcode":"M_FORBIDDEN","error":"spam"})";
    std::vector<std::string> asked_;
    int ids_ = 0;
};

TEST_F(RoomPolicy, AsksBeforeItSendsInEachRoomVersion) {
    for (const std::string& version : all_versions()) {
        SCOPED_TRACE(version);
        start(version);
        const auto sent = submit(message(alice_, "hello"));
        ASSERT_TRUE(sent) << sent.error().message;
        EXPECT_EQ(asked_.size(), 1U);
        EXPECT_TRUE(is_signed_by_policy(*sent->event));
    }
}

// Other servers soft-fail a merge that the policy server has not signed.
TEST_F(RoomPolicy, AsksForTheEventThatMergesExtremities) {
    start();
    const auto receive_branches = [&](int count, const std::string& name) {
        const EventTemplate fork = room_->make_template(message(eve_, name)).value();
        for (int i = 0; i < count; ++i) {
            EventTemplate branch = fork;
            branch.content.set("body", name + std::to_string(i));
            json::Object pdu = sign(branch);
            sign_event(pdu, peer_.name, *policy_, room_->rules());
            ASSERT_EQ(receive(pdu).stored.status, EventStatus::Accepted);
        }
    };
    receive_branches(60, "signed");
    EXPECT_LE(room_->extremities().size(), 20U);
    EXPECT_GE(asked_.size(), 1U);
    EXPECT_LE(asked_.size(), 4U);

    // One that refuses is not asked at every event: in these two hours every ten minutes.
    verdict_ = 400;
    asked_.clear();
    receive_branches(60, "refused");
    EXPECT_GT(room_->extremities().size(), 20U);
    EXPECT_GE(asked_.size(), 1U);
    EXPECT_LE(asked_.size(), 12U);
}

TEST_F(RoomPolicy, AsksForStateEventsAndForPolicyEventsOfOtherKeys) {
    start();
    ASSERT_TRUE(submit(state_event(alice_, "m.room.topic", {{"topic", "new"}})));
    ASSERT_TRUE(submit(state_event(alice_, "m.room.policy", {}, "other key")));
    EXPECT_EQ(asked_.size(), 2U);
    ASSERT_TRUE(submit(state_event(alice_, "m.room.policy", {})));
    EXPECT_EQ(asked_.size(), 2U) << "the event that ends the use of a policy server needs none";
    ASSERT_TRUE(submit(message(alice_, "free again")));
    EXPECT_EQ(asked_.size(), 2U);
}

TEST_F(RoomPolicy, SendsNothingThatIsRefused) {
    start();
    verdict_ = 400;
    const std::vector<EventId> before = room_->extremities();
    const auto sent = submit(message(alice_, "buy now"));
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().status, 400);
    EXPECT_EQ(sent.error().errcode, "M_FORBIDDEN");
    EXPECT_EQ(sent.error().message, "spam");
    EXPECT_EQ(room_->extremities(), before);
}

TEST_F(RoomPolicy, TellsARateLimitAsItIs) {
    start();
    verdict_ = 429;
    refusal_ = R"({"errcode":"M_LIMIT_EXCEEDED","error":"slow down","retry_after_ms":2000})";
    const auto sent = submit(message(alice_, "hello"));
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().status, 429);
    EXPECT_EQ(sent.error().extra, (json::Object{{"retry_after_ms", 2000}}));
}

// Security case 48: what a peer says of a token is not said of our client's.
TEST_F(RoomPolicy, DoesNotRelayOtherErrors) {
    start();
    verdict_ = 401;
    refusal_ = R"({"errcode":"M_UNKNOWN_TOKEN","error":"who?","soft_logout":true})";
    const auto sent = submit(message(alice_, "hello"));
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().status, 502);
    EXPECT_EQ(sent.error().errcode, "M_UNKNOWN");
}

TEST_F(RoomPolicy, DoesNotAskForWhatTheRulesRefuse) {
    start();
    EXPECT_FALSE(submit(message(a_.user("stranger"), "hello")));
    EXPECT_TRUE(asked_.empty());
}

TEST_F(RoomPolicy, TakesNoSignatureOfAnotherKey) {
    start();
    policy_ =
        simulator::make_simulated_signer(KeyId(std::string(kPolicyKeyId)), std::string(32, 'q'));
    const auto sent = submit(message(alice_, "hello"));
    ASSERT_FALSE(sent);
    EXPECT_EQ(sent.error().status, 502);
}

TEST_F(RoomPolicy, NeedsSomebodyOfThePolicyServerInTheRoom) {
    room_ = a_.create_room("12");
    appoint(peer_.name);
    ASSERT_TRUE(submit(message(alice_, "hello")));
    EXPECT_TRUE(asked_.empty());
}

TEST_F(RoomPolicy, NeedsAValidAppointment) {
    start();
    appoint(peer_.name, json::Object{{"curve25519", "AAAA"}});
    ASSERT_TRUE(submit(message(alice_, "hello")));
    EXPECT_TRUE(asked_.empty());
}

TEST_F(RoomPolicy, AcceptsAnEventThatIsSigned) {
    start();
    json::Object pdu = from_eve();
    sign_event(pdu, peer_.name, *policy_, room_->rules());
    EXPECT_EQ(receive(pdu).stored.status, EventStatus::Accepted);
    EXPECT_TRUE(asked_.empty());
}

TEST_F(RoomPolicy, AsksForWhatOthersDidNot) {
    start();
    const Receipt receipt = receive(from_eve());
    EXPECT_EQ(receipt.stored.status, EventStatus::Accepted) << receipt.stored.detail;
    EXPECT_EQ(asked_.size(), 1U);
    EXPECT_TRUE(is_signed_by_policy(*receipt.stored.event)) << "the signature is kept";
}

TEST_F(RoomPolicy, SoftFailsWhatIsRefused) {
    start();
    verdict_ = 400;
    const State before = room_->current_state();
    const auto receipt =
        receive(sign(room_->make_template(state_event(eve_, "m.eve", {}, eve_.text())).value()));
    // Eve has no power to send state: the rules come first, and nobody is asked.
    EXPECT_EQ(receipt.stored.status, EventStatus::Rejected);
    EXPECT_TRUE(asked_.empty());

    const auto refused = receive(from_eve("buy now"));
    EXPECT_EQ(refused.stored.status, EventStatus::SoftFailed);
    EXPECT_EQ(refused.stored.rule, "check 7");
    EXPECT_EQ(asked_.size(), 1U);
    EXPECT_EQ(room_->current_state(), before);
}

TEST_F(RoomPolicy, DoesNotAskTwiceForOneEvent) {
    start();
    verdict_ = 400;
    const json::Object pdu = from_eve("buy now");
    receive(pdu);
    EXPECT_FALSE(receive(pdu).is_new);
    EXPECT_EQ(asked_.size(), 1U);
}

TEST_F(RoomPolicy, SoftFailsWhenNobodyAnswers) {
    start();
    verdict_ = 500;
    EXPECT_EQ(receive(from_eve("one")).stored.status, EventStatus::SoftFailed);
}

TEST_F(RoomPolicy, AcceptsTheEndOfThePolicyServerWithoutItsSignature) {
    start();
    // Eve gets the power that alice has, so that an event of the peer may end it.
    json::Object users{{eve_.text(), 100}};
    ASSERT_TRUE(submit(state_event(alice_, "m.room.power_levels", {{"users", users}})));
    verdict_ = 500;
    const auto receipt =
        receive(sign(room_->make_template(state_event(eve_, "m.room.policy", {})).value()));
    EXPECT_EQ(receipt.stored.status, EventStatus::Accepted) << receipt.stored.detail;
}

TEST_F(RoomPolicy, SignsItselfWhatItRecommends) {
    const PolicySigner signer(
        peer_.name,
        simulator::make_simulated_signer(KeyId(std::string(kPolicyKeyId)), std::string(32, 'p')),
        {"buy now"});
    start();
    const auto recommended = parse_event(from_eve("hello"), room_->rules()).value();
    const auto signatures = signer.sign(recommended);
    ASSERT_TRUE(signatures) << signatures.error().message;
    json::Object pdu = recommended.parse_text();
    add_policy_signature(pdu, *signatures, {peer_.name, signer.public_key()});
    EXPECT_TRUE(is_signed_by_policy(parse_event(pdu, room_->rules()).value()));
    const auto refused = signer.sign(parse_event(from_eve("buy now!"), room_->rules()).value());
    ASSERT_FALSE(refused);
    EXPECT_EQ(refused.error().status, 400);
    EXPECT_EQ(refused.error().errcode, "M_FORBIDDEN");
}

}  // namespace
}  // namespace matrix::engine
