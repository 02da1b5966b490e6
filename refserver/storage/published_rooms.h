// The rooms that this server's public directory lists.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#published-room-directory
#pragma once

#include <vector>

#include "refserver/protocol/identifiers.h"
#include "refserver/storage/turns.h"

namespace matrix::storage {

class PublishedRoomStore {
public:
    explicit PublishedRoomStore(Turns& turns) : turns_(turns) {}

    bool contains(const RoomId& room) const;
    /// In the order of ids.
    std::vector<RoomId> list() const;
    void insert(const RoomId& room);
    void remove(const RoomId& room);

private:
    Turns& turns_;
};

}  // namespace matrix::storage
