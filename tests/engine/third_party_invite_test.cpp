// Invites to addresses, when it turns out whose they are.
#include "refserver/protocol/base64.h"
#include "tests/engine/federation_fixture.h"

namespace matrix::engine {
namespace {

class ThirdPartyInviteTest : public FederationServerTest {
protected:
    using S = FederationServer;

    ThirdPartyInviteTest() {
        peer_.answer = [this](const runtime::HttpRequest& request) {
            if (!request.target.starts_with("/_matrix/federation/v2/invite/")) {
                return runtime::HttpResponse{200, {}, "{}"};
            }
            json::Object body = *json::parse(request.body, json::Numbers::Any)->if_object();
            json::Object invite = *body.find("event")->if_object();
            sign_event(invite, peer_.name, *peer_.key.signer, room_->rules());
            return runtime::HttpResponse{
                200, {}, json::write(json::Object{{"event", std::move(invite)}})};
        };
        // Alice invited an address, of which the identity server knows nothing yet.
        send(room_,
             state_event(alice_,
                         "m.room.third_party_invite",
                         {{"display_name", "d...@example.org"},
                          {"public_key", encode_base64(identity_.signer->public_key())},
                          {"key_validity_url", "https://identity.test/valid"}},
                         "token"));
        peer_.requests.clear();
    }
    json::Object signed_for(const UserId& user, const TestKey& by) const {
        json::Object proof{{"mxid", user.text()}, {"token", "token"}};
        sign_json(proof, "identity.test", *by.signer);
        return proof;
    }
    json::Object exchange_of(const UserId& user, json::Object signed_part) const {
        json::Object invite{{"display_name", "other"}, {"signed", std::move(signed_part)}};
        json::Object content{{"membership", "invite"}, {"third_party_invite", std::move(invite)}};
        return {{"type", "m.room.member"},
                {"room_id", room_->id().text()},
                {"sender", alice_.text()},
                {"state_key", user.text()},
                {"content", std::move(content)}};
    }
    Result<Reply> exchange(const json::Object& body) {
        return ask(&S::exchange_third_party_invite, {room_->id().text()}, {}, body);
    }
    Result<Reply> bind(const UserId& user, json::Array invites) {
        return ask(&S::take_binding,
                   {},
                   {},
                   json::Object{{"medium", "email"},
                                {"address", "bob@example.org"},
                                {"mxid", user.text()},
                                {"invites", std::move(invites)}});
    }
    static json::Object pending(const RoomId& room, const UserId& sender, json::Object proof) {
        return {{"medium", "email"},
                {"address", "bob@example.org"},
                {"mxid", *proof.find("mxid")},
                {"room_id", room.text()},
                {"sender", sender.text()},
                {"signed", std::move(proof)}};
    }

    const TestKey identity_{"identity.test"};
    const TestKey stranger_{"stranger.test"};
    const UserId dave_ = peer_.user("dave");
};

TEST_F(ThirdPartyInviteTest, IsExchangedForAnInviteOfTheUser) {
    const auto reply = exchange(exchange_of(dave_, signed_for(dave_, identity_)));

    ASSERT_EQ(status_of(reply), 200) << text_of(reply);
    EXPECT_EQ(room_->membership(dave_), Membership::Invite);
    const EventPtr invite = room_->find_state("m.room.member", dave_.view());
    ASSERT_TRUE(invite);
    EXPECT_EQ(invite->sender, alice_);
    const json::Value content(invite->parse_content());
    EXPECT_EQ(*content.find("third_party_invite")->find_string("display_name"), "d...@example.org")
        << "what the inviter wrote";
    EXPECT_NE(invite->parse_text().find("signatures")->find("peer.test"), nullptr);
}

// security-cases.tsv 38
TEST_F(ThirdPartyInviteTest, IsRefusedWithoutTheIdentityServersSignature) {
    EXPECT_EQ(status_of(exchange(exchange_of(dave_, signed_for(dave_, stranger_)))), 403);
    json::Object unsigned_part{{"mxid", dave_.text()}, {"token", "token"}};
    EXPECT_EQ(status_of(exchange(exchange_of(dave_, unsigned_part))), 403);
    json::Object other_token = signed_for(dave_, identity_);
    other_token.set("token", "unknown");
    EXPECT_EQ(status_of(exchange(exchange_of(dave_, other_token))), 403);
    EXPECT_FALSE(room_->membership(dave_));
    EXPECT_TRUE(peer_.requests.empty()) << "nothing of it was shown to anybody";
}

// security-cases.tsv 38
TEST_F(ThirdPartyInviteTest, PutsNobodyOutOfARoom) {
    ASSERT_EQ(room_->membership(eve_), Membership::Join);
    EXPECT_EQ(status_of(exchange(exchange_of(eve_, signed_for(eve_, identity_)))), 403);
    EXPECT_EQ(room_->membership(eve_), Membership::Join);
}

TEST_F(ThirdPartyInviteTest, IsOfTheAskingServersUserAndOfOurInviter) {
    const json::Object good = exchange_of(dave_, signed_for(dave_, identity_));
    const auto status_with = [&](std::string_view field, const json::Value& value) {
        json::Object body = good;
        body.set(field, value);
        return status_of(exchange(body));
    };
    EXPECT_EQ(status_with("type", "m.room.message"), 400);
    EXPECT_EQ(status_with("room_id", "!other:a.test"), 400);
    EXPECT_EQ(status_with("sender", eve_.text()), 400);
    EXPECT_EQ(status_with("sender", a_.user("mallory").text()), 403);
    EXPECT_EQ(status_with("state_key", "@dave:other.test"), 403);
    EXPECT_EQ(status_with("state_key", peer_.user("carol").text()), 400);
    EXPECT_EQ(status_with("content", json::Object{{"membership", "join"}}), 400);
    EXPECT_FALSE(room_->membership(dave_));
    EXPECT_EQ(status_of(exchange(good)), 200);
}

TEST_F(ThirdPartyInviteTest, OfABoundAddressIsSentToItsRoom) {
    const UserId bob = a_.user("bob");
    const auto reply = bind(bob, {pending(room_->id(), alice_, signed_for(bob, identity_))});
    ASSERT_EQ(status_of(reply), 200) << text_of(reply);
    EXPECT_EQ(room_->membership(bob), Membership::Invite);
}

// security-cases.tsv 38
TEST_F(ThirdPartyInviteTest, OfABoundAddressMakesNobodyAMemberByAForgedSignature) {
    const UserId bob = a_.user("bob");
    ASSERT_EQ(status_of(bind(bob, {pending(room_->id(), alice_, signed_for(bob, stranger_))})),
              200);
    EXPECT_FALSE(room_->membership(bob));
}

TEST_F(ThirdPartyInviteTest, OfABoundAddressIsExchangedWhereWeAreNotInTheRoom) {
    const UserId bob = a_.user("bob");
    const RoomId elsewhere("!elsewhere:peer.test");

    const auto reply = bind(bob, {pending(elsewhere, eve_, signed_for(bob, identity_))});

    ASSERT_EQ(status_of(reply), 200) << text_of(reply);
    ASSERT_EQ(peer_.requests.size(), 1U);
    EXPECT_EQ(peer_.requests[0].method, "PUT");
    EXPECT_EQ(peer_.requests[0].target,
              "/_matrix/federation/v1/exchange_third_party_invite/%21elsewhere%3Apeer.test");
    const json::Value body = json::parse(peer_.requests[0].body).value();
    EXPECT_EQ(*body.find_string("state_key"), bob.text());
    EXPECT_EQ(*body.find_string("sender"), eve_.text());
    EXPECT_EQ(
        *body.find("content")->find("third_party_invite")->find("signed")->find_string("token"),
        "token");
}

TEST_F(ThirdPartyInviteTest, RefusesABindingThatIsNoneOfOurs) {
    const UserId bob = a_.user("bob");
    ASSERT_EQ(status_of(bind(bob, {})), 200);
    EXPECT_EQ(status_of(bind(a_.user("nobody"), {})), 400);
    EXPECT_EQ(status_of(bind(eve_, {})), 400);
    EXPECT_EQ(status_of(bind(bob, {7})), 400);
    const RoomId elsewhere("!elsewhere:peer.test");
    EXPECT_EQ(status_of(bind(bob, {pending(elsewhere, eve_, signed_for(alice_, identity_))})), 400);
    const json::Value good(pending(elsewhere, eve_, signed_for(bob, identity_)));
    EXPECT_EQ(status_of(bind(bob, json::Array(21, good))), 400);
    EXPECT_TRUE(peer_.requests.empty());
}

}  // namespace
}  // namespace matrix::engine
