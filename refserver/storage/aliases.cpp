#include "refserver/storage/aliases.h"

namespace matrix::storage {

std::optional<AliasStore::Alias> AliasStore::find(const RoomAlias& alias) const {
    return turns_.database().find(
        "SELECT room_id, creator FROM room_aliases WHERE alias = ?1",
        {alias.text()},
        [](const Row& row) { return Alias{RoomId(row.text(0)), UserId(row.text(1))}; });
}

std::vector<RoomAlias> AliasStore::list(const RoomId& room) const {
    std::vector<RoomAlias> aliases;
    turns_.database().query("SELECT alias FROM room_aliases WHERE room_id = ?1 ORDER BY alias",
                            {room.text()},
                            [&](const Row& row) {
                                aliases.emplace_back(row.text(0));
                                return true;
                            });
    return aliases;
}

void AliasStore::insert(const RoomAlias& alias, const RoomId& room, const UserId& creator) {
    turns_.begin_unit();
    turns_.database().execute(
        "INSERT INTO room_aliases (alias, room_id, creator) VALUES (?1, ?2, ?3)",
        {alias.text(), room.text(), creator.text()});
}

void AliasStore::remove(const RoomAlias& alias) {
    turns_.begin_unit();
    turns_.database().execute("DELETE FROM room_aliases WHERE alias = ?1", {alias.text()});
}

}  // namespace matrix::storage
