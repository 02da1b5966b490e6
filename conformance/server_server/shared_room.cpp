#include "conformance/server_server/shared_room.h"

#include <algorithm>

#include "conformance/harness/test_context.h"

namespace matrix::conformance {

std::string room_version_here(const Target& target) {
    const Row* row = test_context().current->row();
    return row == nullptr || row->room_version.empty() ? target.default_room_version()
                                                       : row->room_version;
}

PeerRoomTest::PeerRoomTest() : room(peer.create_room({.version = room_version_here(target)})) {
    alice.join(room.id(), peer.name().view());
}

Pdu PeerRoomTest::draft_message(std::string_view text) const {
    return room.draft(creator, "m.room.message", {{"msgtype", "m.text"}, {"body", text}});
}

UserId PeerRoomTest::join_peer_user(std::string_view localpart) {
    UserId user = peer.user(localpart);
    peer.send(room, user, "m.room.member", {{"membership", "join"}}, user.text());
    return user;
}

bool PeerRoomTest::is_shown_by_now(const EventId& event) {
    const Pdu marker = peer.sign(draft_message("marker"));
    room.add(marker);
    expect_step("sending a marker", peer.send_transaction({marker}));
    alice.sync_until_event(room.id(), marker.id());

    const Response messages = alice.get(room_path(room.id(), {"messages"}) + "?dir=b&limit=50");
    expect_step("reading the messages", messages);
    const bool is_in_timeline = !find_event(messages.at({"chunk"}), event).is_null();
    return is_in_timeline || alice.get(room_path(room.id(), {"event", event.view()})).is_ok();
}

TargetRoomTest::TargetRoomTest()
    : room(alice.create_room_of_version(room_version_here(target))), copy(peer.join(room, "bob")) {}

testing::AssertionResult is_accepted(const Response& transaction, const EventId& event) {
    if (!transaction.is_ok()) return testing::AssertionFailure() << transaction;
    const Json& result = transaction.at({"pdus", event.view()});
    if (result.is_object() && result.contains("error")) {
        return testing::AssertionFailure() << event.text() << " is refused: " << transaction;
    }
    return testing::AssertionSuccess();
}

void expect_refused_as_invalid(const Response& response) {
    EXPECT_TRUE(response.is_error()) << response;
    EXPECT_LT(response.status, 500) << response;
    EXPECT_SHOULD(response.errcode == "M_INVALID_PARAM") << response;
}

std::vector<EventId> ids_in(const Json& pdus, const RoomRules& rules) {
    std::vector<EventId> ids;
    for (const Pdu& pdu : pdus_from(pdus, rules))
        ids.push_back(pdu.id());
    return ids;
}

bool contains(const std::vector<EventId>& ids, const EventId& id) {
    return std::ranges::find(ids, id) != ids.end();
}

}  // namespace matrix::conformance
