#include <gtest/gtest.h>

#include "refserver/protocol/redaction.h"
#include "tests/engine/test_world.h"

namespace matrix::engine {
namespace {

class RoomRedaction : public testing::Test {
protected:
    void start(const std::string& version) {
        room_ = a_.create_room(version);
        const UserId eve = peer_.user("eve");
        ASSERT_EQ(receive(build(member(eve, eve, "join"))).status, EventStatus::Accepted);
    }
    EventTemplate build(const NewEvent& event) { return room_->make_template(event).value(); }
    StoredEvent receive(const EventTemplate& event) {
        return a_.receive(room_, peer_.sign(event, room_->rules()), peer_.name()).value().stored;
    }
    StoredEvent send(const NewEvent& event) {
        std::optional<StoredEvent> sent;
        a_.turn([&] { sent = room_->send(event).value(); });
        return *sent;
    }
    static NewEvent redaction(const UserId& sender, const EventId& target) {
        return {.sender = sender,
                .type = "m.room.redaction",
                .state_key = std::nullopt,
                .content = {},
                .redacts = target};
    }
    bool is_redacted(const EventId& id) {
        return room_->find_event(id)->event->parse_content().empty();
    }
    bool is_shown(const EventId& id) { return room_->find_event(id)->position != StreamPosition{}; }

    TestWorld world_;
    RoomHost a_{world_, "a.test"};
    ScriptedPeer peer_{world_, "peer.test"};
    RoomPtr room_;
    const UserId alice_ = a_.user("alice");
    const UserId eve_ = peer_.user("eve");
};

TEST_F(RoomRedaction, TakesTheContentAndLeavesTheSignature) {
    for (const std::string& version : all_versions()) {
        SCOPED_TRACE(version);
        start(version);
        const StoredEvent target = receive(build(message(eve_, "regret")));
        const StoredEvent redacting = send(redaction(alice_, target.event->id));
        const auto left = room_->find_event(target.event->id);
        ASSERT_TRUE(left);
        EXPECT_EQ(left->event->text, redact(*target.event).text);
        EXPECT_EQ(left->redacted_by, redacting.event->id);
        EXPECT_EQ(left->event->id, target.event->id);
        EXPECT_EQ(left->position, target.position);
        const auto verified =
            a_.wait_for(a_.keys.verify_event(left->event->parse_text(), &room_->rules()));
        EXPECT_TRUE(verified && *verified);
    }
}

TEST_F(RoomRedaction, IsAppliedToEventsOfTheSendersOwnServer) {
    start("12");
    const StoredEvent target = receive(build(message(peer_.user("eve"), "regret")));
    const StoredEvent redacting = receive(build(redaction(eve_, target.event->id)));
    EXPECT_EQ(redacting.status, EventStatus::Accepted);
    EXPECT_TRUE(is_redacted(target.event->id));
    EXPECT_TRUE(is_shown(redacting.event->id));
}

TEST_F(RoomRedaction, IsNeitherAppliedNorShownWithoutThePower) {
    start("12");
    const StoredEvent target = send(message(alice_, "stays"));
    const StoredEvent redacting = receive(build(redaction(eve_, target.event->id)));
    // The rules allow the event; they do not look at what it redacts.
    EXPECT_EQ(redacting.status, EventStatus::Accepted);
    EXPECT_FALSE(is_redacted(target.event->id));
    EXPECT_FALSE(is_shown(redacting.event->id));
    EXPECT_EQ(room_->extremities(), std::vector{redacting.event->id});
}

TEST_F(RoomRedaction, WaitsForWhatItRedacts) {
    for (const std::string& version : all_versions()) {
        if (find_room_rules(version)->has_redaction_auth_rule) continue;
        SCOPED_TRACE(version);
        start(version);
        const EventTemplate regret = build(message(eve_, "regret"));
        const json::Object pdu = peer_.sign(regret, room_->rules());
        const EventId target = parse_event(pdu, room_->rules()).value().id;
        const StoredEvent early = receive(build(redaction(eve_, target)));
        EXPECT_EQ(early.status, EventStatus::Accepted);
        EXPECT_FALSE(is_shown(early.event->id));

        const StoredEvent late = a_.receive(room_, pdu, peer_.name()).value().stored;
        EXPECT_TRUE(late.event->parse_content().empty());
        EXPECT_EQ(late.redacted_by, early.event->id);
        EXPECT_TRUE(is_shown(early.event->id));
        EXPECT_GT(room_->find_event(early.event->id)->position, late.position);
    }
}

TEST_F(RoomRedaction, ThatCameEarlyNeedsThePowerTheSameWay) {
    start("12");
    const json::Object pdu = [&] {
        const Event event = room_->sign(build(message(alice_, "stays"))).value();
        return event.parse_text();
    }();
    const EventId target = parse_event(pdu, room_->rules()).value().id;
    const StoredEvent early = receive(build(redaction(eve_, target)));
    const auto late = a_.receive(room_, pdu, peer_.name());
    ASSERT_TRUE(late) << late.error().message;
    EXPECT_FALSE(is_redacted(target));
    EXPECT_FALSE(is_shown(early.event->id));
}

TEST_F(RoomRedaction, LeavesTheStateAsItIs) {
    start("12");
    const State before = room_->current_state();
    const EventId join = room_->find_state("m.room.member", eve_.view())->id;
    send(redaction(alice_, join));
    EXPECT_EQ(room_->current_state(), before);
    EXPECT_EQ(room_->membership(eve_), Membership::Join);
}

}  // namespace
}  // namespace matrix::engine
