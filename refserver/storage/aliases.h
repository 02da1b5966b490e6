// Aliases of rooms on this server.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#room-aliases
#pragma once

#include <optional>
#include <vector>

#include "refserver/protocol/identifiers.h"
#include "refserver/storage/turns.h"

namespace matrix::storage {

class AliasStore {
public:
    explicit AliasStore(Turns& turns) : turns_(turns) {}

    struct Alias {
        RoomId room;
        UserId creator;
    };
    std::optional<Alias> find(const RoomAlias& alias) const;
    /// In the order of aliases.
    std::vector<RoomAlias> list(const RoomId& room) const;
    /// The alias is new.
    void insert(const RoomAlias& alias, const RoomId& room, const UserId& creator);
    void remove(const RoomAlias& alias);

private:
    Turns& turns_;
};

}  // namespace matrix::storage
