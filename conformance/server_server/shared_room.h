// Fixtures of tests in a room that the target and the peer share.
#pragma once

#include "conformance/harness/federation_test.h"

namespace matrix::conformance {

/// The peer made the room, and alice of the target has joined it.
class PeerRoomTest : public FederationTest {
protected:
    PeerRoomTest();

    /// A message by the room's creator, signed and neither added to the room nor sent.
    Pdu draft_message(std::string_view text = "hello") const;
    /// A user of the peer who joins, without power.
    UserId join_peer_user(std::string_view localpart);
    /// Waits until alice has a new message of the creator's, and with it all that came before;
    /// then: does she see `event`?
    bool is_shown_by_now(const EventId& event);

    const Client alice = target.make_user("alice");
    PeerRoom& room;
    const UserId creator = peer.user("creator");
};

/// Alice of the target made the room, and bob of the peer has joined it.
class TargetRoomTest : public FederationTest {
protected:
    TargetRoomTest();

    const Client alice = target.make_user("alice");
    const RoomId room;
    const UserId bob = peer.user("bob");
    PeerRoom& copy;  ///< The peer's: what came with the join, and what the target sent since.
};

/// The room version of the row that runs, else the one that the target gives rooms by itself.
std::string room_version_here(const Target& target);

/// Is there no `error` beside the id of `event` in the answer to a transaction?
testing::AssertionResult is_accepted(const Response& transaction, const EventId& event);

/// A refusal of a kind for which the specification wants M_INVALID_PARAM, without mandating it.
void expect_refused_as_invalid(const Response& response);

/// The ids of the events in an array of PDUs.
std::vector<EventId> ids_in(const Json& pdus, const RoomRules& rules);
bool contains(const std::vector<EventId>& ids, const EventId& id);

}  // namespace matrix::conformance
