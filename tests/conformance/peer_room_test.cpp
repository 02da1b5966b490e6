// The peer's events, judged by the protocol library.

#include "conformance/harness/peer_room.h"

#include <gtest/gtest.h>

#include "refserver/protocol/base64.h"
#include "refserver/protocol/event_hash.h"
#include "refserver/protocol/redaction.h"

namespace matrix::conformance {
namespace {

const ServerName kServer("peer.example");
const UserId kAlice("@alice:peer.example");

// Signed and hashed as the specification says, and an event of its room version.
void check_event(const Pdu& pdu, const Signer& signer) {
    const json::Object object = to_protocol_object(pdu.json);
    const auto event = parse_event(object, *pdu.rules);
    ASSERT_TRUE(event) << event.error() << pdu;
    EXPECT_EQ(event->id, pdu.id());
    EXPECT_EQ(event->room_id, pdu.room());
    EXPECT_TRUE(has_valid_content_hash(object)) << pdu;
    const std::string signature =
        *decode_base64(string_at(pdu.json, {"signatures", kServer.view(), signer.key_id().view()}));
    EXPECT_TRUE(ed25519_verifier().is_valid(
        signer.public_key(), write_redacted_unsigned(object, *pdu.rules), signature))
        << pdu;
}

class PeerRoomOf : public testing::TestWithParam<const char*> {
protected:
    PeerRoomOf() {
        const bool is_id_derived = rules.event_format == EventFormat::HashedRoomId;
        const RoomId chosen(is_id_derived ? "" : "!r:peer.example");
        Json content = {{"room_version", GetParam()}};
        if (rules.has_creator_in_content) content["creator"] = kAlice.text();
        create = sign_pdu(
            PeerRoom(chosen, rules).draft(kAlice, "m.room.create", content, ""), kServer, *signer);
        room.emplace(create.room(), rules);
        room->add(create);
        member = add("m.room.member", {{"membership", "join"}}, kAlice.text());
        levels = add("m.room.power_levels", {{"events_default", 0}}, "");
    }
    Pdu add(std::string_view type, Json content, std::optional<std::string> key = std::nullopt) {
        Pdu pdu = sign_pdu(
            room->draft(kAlice, type, std::move(content), std::move(key)), kServer, *signer);
        room->add(pdu);
        return pdu;
    }

    const RoomRules& rules = *find_room_rules(GetParam());
    const std::unique_ptr<Signer> signer =
        make_ed25519_signer(KeyId("ed25519:1"), std::string(32, 's'));
    std::optional<PeerRoom> room;
    Pdu create, member, levels;
};

TEST_P(PeerRoomOf, BuildsEventsThatAreRight) {
    const Pdu message = add("m.room.message", {{"body", "x"}});

    for (const Pdu& pdu : room->timeline())
        check_event(pdu, *signer);
    EXPECT_EQ(message.prev_events(), std::vector{levels.id()});
    EXPECT_EQ(message.json["depth"], 4);
    std::vector<EventId> expected = {create.id(), levels.id(), member.id()};
    // In room version 12 the create event is known from the room id.
    if (rules.event_format == EventFormat::HashedRoomId) expected.erase(expected.begin());
    EXPECT_EQ(message.auth_events(), expected);
}

TEST_P(PeerRoomOf, KeepsTheStateBeforeAndAfterEachEvent) {
    const Pdu name = add("m.room.name", {{"name", "a"}}, "");
    const Pdu renamed = add("m.room.name", {{"name", "b"}}, "");

    EXPECT_EQ(room->find_state("m.room.name")->id(), renamed.id());
    EXPECT_EQ(room->state_before(renamed.id()).size(), 4u);
    EXPECT_TRUE(std::ranges::any_of(room->state_before(renamed.id()),
                                    [&](const Pdu& pdu) { return pdu.id() == name.id(); }));
    EXPECT_EQ(room->state_before(create.id()).size(), 0u);
    EXPECT_EQ(room->membership(kAlice), "join");
}

TEST_P(PeerRoomOf, WalksBackAndFindsWhatIsMissing) {
    const Pdu one = add("m.room.message", {{"body", "1"}});
    const Pdu two = add("m.room.message", {{"body", "2"}});
    const Pdu three = add("m.room.message", {{"body", "3"}});

    const std::vector<Pdu> back = room->backfill({three.id()}, 2);
    ASSERT_EQ(back.size(), 2u);
    EXPECT_EQ(back[0].id(), three.id());
    EXPECT_EQ(back[1].id(), two.id());
    const std::vector<Pdu> missing = room->missing_between({levels.id()}, {three.id()}, 10);
    ASSERT_EQ(missing.size(), 2u);
    EXPECT_EQ(missing[0].id(), one.id());
    EXPECT_EQ(missing[1].id(), two.id());
}

TEST_P(PeerRoomOf, BranchesFromAnyEvent) {
    const Pdu left = add("m.room.message", {{"body", "left"}});
    const Pdu right =
        sign_pdu(room->draft_after({levels.id()}, kAlice, "m.room.message", {{"body", "right"}}),
                 kServer,
                 *signer);
    room->add(right);

    EXPECT_EQ(room->extremities().size(), 2u);
    EXPECT_EQ(add("m.room.message", {{"body", "merge"}}).prev_events().size(), 2u);
    EXPECT_EQ(room->extremities().size(), 1u);
    EXPECT_NE(left.id(), right.id());
}

TEST_P(PeerRoomOf, LetsATestSpoilAnEvent) {
    Pdu wrong = room->draft(kAlice, "m.room.message", {{"body", "x"}});
    wrong["depth"] = "deep";
    EXPECT_FALSE(parse_event(to_protocol_object(sign_pdu(wrong, kServer, *signer).json), rules));

    Pdu tampered = add("m.room.message", {{"body", "x"}});
    tampered["content"]["body"] = "y";
    EXPECT_FALSE(has_valid_content_hash(to_protocol_object(tampered.json)));
}

INSTANTIATE_TEST_SUITE_P(Versions,
                         PeerRoomOf,
                         testing::Values("3", "6", "10", "11", "12"),
                         [](const auto& row) { return "V" + std::string(row.param); });

TEST(ToProtocol, KeepsNumbersThatAreNoCanonicalIntegers) {
    const auto text = [](const char* number) {
        return json::write(to_protocol(Json::parse(number)));
    };
    EXPECT_EQ(text("9007199254740991"), "9007199254740991");
    EXPECT_TRUE(to_protocol(Json::parse("9007199254740992")).if_other_number());
    EXPECT_TRUE(to_protocol(Json::parse("18446744073709551615")).if_other_number());
    EXPECT_TRUE(to_protocol(Json::parse("-9007199254740992")).if_other_number());
    EXPECT_TRUE(to_protocol(Json::parse("1.5")).if_other_number());
    EXPECT_EQ(text("18446744073709551615"), "18446744073709551615");
}

}  // namespace
}  // namespace matrix::conformance
