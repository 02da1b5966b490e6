#include "refserver/storage/unfinished_memberships.h"

namespace matrix::storage {

void UnfinishedMembershipStore::put(const UnfinishedHandshake& handshake) {
    turns_.begin_unit();
    turns_.database().execute(
        "INSERT OR REPLACE INTO unfinished_handshakes VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        {handshake.event.view(),
         handshake.resident.text(),
         handshake.room.view(),
         handshake.user.view(),
         handshake.room_version,
         handshake.pdu,
         handshake.known_at});
}

void UnfinishedMembershipStore::remove_handshake(const EventId& event) {
    turns_.begin_unit();
    turns_.database().execute("DELETE FROM unfinished_handshakes WHERE event_id = ?1",
                              {event.view()});
}

std::vector<UnfinishedHandshake> UnfinishedMembershipStore::list_handshakes() const {
    std::vector<UnfinishedHandshake> handshakes;
    turns_.database().query(
        "SELECT event_id, resident, room_id, user_id, room_version, pdu, known_at"
        " FROM unfinished_handshakes ORDER BY event_id",
        {},
        [&](const Row& row) {
            handshakes.push_back({.event = EventId(row.text(0)),
                                  .resident = ServerName(row.text(1)),
                                  .room = RoomId(row.text(2)),
                                  .user = UserId(row.text(3)),
                                  .room_version = row.text(4),
                                  .pdu = row.text(5),
                                  .known_at = {row.integer(6)}});
            return true;
        });
    return handshakes;
}

void UnfinishedMembershipStore::put(const UnfinishedInvite& invite) {
    turns_.begin_unit();
    turns_.database().execute(
        "INSERT OR REPLACE INTO unfinished_invites VALUES (?1, ?2, ?3, ?4)",
        {invite.room.view(), invite.invited.view(), invite.sender.view(), invite.content});
}

void UnfinishedMembershipStore::remove_invite(const RoomId& room, const UserId& invited) {
    turns_.begin_unit();
    turns_.database().execute("DELETE FROM unfinished_invites WHERE room_id = ?1 AND user_id = ?2",
                              {room.view(), invited.view()});
}

std::vector<UnfinishedInvite> UnfinishedMembershipStore::list_invites() const {
    std::vector<UnfinishedInvite> invites;
    turns_.database().query(
        "SELECT room_id, user_id, sender, content FROM unfinished_invites"
        " ORDER BY room_id, user_id",
        {},
        [&](const Row& row) {
            invites.push_back({.room = RoomId(row.text(0)),
                               .invited = UserId(row.text(1)),
                               .sender = UserId(row.text(2)),
                               .content = row.text(3)});
            return true;
        });
    return invites;
}

}  // namespace matrix::storage
