// Memberships that another server has a part in, between their beginning and their end: what a
// restart finishes.
#pragma once

#include <string>
#include <vector>

#include "refserver/protocol/identifiers.h"
#include "refserver/storage/turns.h"

namespace matrix::storage {

/// A join, leave or knock of one of our users that we have signed and may have sent to a resident.
struct UnfinishedHandshake {
    EventId event;
    ServerName resident;
    RoomId room;
    UserId user;
    std::string room_version;
    std::string pdu;          ///< As it was, or would have been, sent.
    StreamPosition known_at;  ///< Of the user's newest membership in the room when it began; or 0.
};

/// An invite of another server's user, which that server may have signed.
struct UnfinishedInvite {
    RoomId room;
    UserId invited;
    UserId sender;
    std::string content;
};

class UnfinishedMembershipStore {
public:
    explicit UnfinishedMembershipStore(Turns& turns) : turns_(turns) {}

    void put(const UnfinishedHandshake& handshake);
    void remove_handshake(const EventId& event);
    std::vector<UnfinishedHandshake> list_handshakes() const;

    void put(const UnfinishedInvite& invite);
    void remove_invite(const RoomId& room, const UserId& invited);
    std::vector<UnfinishedInvite> list_invites() const;

private:
    Turns& turns_;
};

}  // namespace matrix::storage
