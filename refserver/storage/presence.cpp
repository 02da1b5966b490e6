#include "refserver/storage/presence.h"

namespace matrix::storage {
namespace {

constexpr std::string_view kSelect =
    "SELECT user_id, state, status_message, last_active_ts, is_currently_active, position, heard_ts"
    " FROM presence ";

PresenceRow read_row(const Row& row) {
    return {UserId(row.text(0)),
            static_cast<PresenceState>(row.integer(1)),
            row.maybe_text(2),
            row.maybe_integer(3),
            row.integer(4) != 0,
            StreamPosition{row.integer(5)},
            row.maybe_integer(6)};
}

}  // namespace

std::vector<PresenceRow> PresenceStore::read(std::string_view where,
                                             Database::Bindings bindings) const {
    std::vector<PresenceRow> rows;
    turns_.database().query(std::string(kSelect).append(where), bindings, [&](const Row& row) {
        rows.push_back(read_row(row));
        return true;
    });
    return rows;
}

std::optional<PresenceRow> PresenceStore::find(const UserId& user) const {
    const auto rows = read("WHERE user_id = ?1", {user.text()});
    return rows.empty() ? std::nullopt : std::optional(rows.front());
}

void PresenceStore::put(const PresenceRow& row) {
    turns_.begin_unit();
    turns_.database().execute(
        "INSERT OR REPLACE INTO presence (user_id, state, status_message, last_active_ts,"
        " is_currently_active, position, heard_ts) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        {row.user.text(),
         static_cast<std::int64_t>(row.state),
         row.status_message,
         row.last_active_ts,
         row.is_currently_active ? 1 : 0,
         row.position,
         row.heard_ts});
}

std::vector<PresenceRow> PresenceStore::list_changes(const UserId& reader,
                                                     StreamPosition after,
                                                     StreamPosition up_to,
                                                     std::size_t rows_max) const {
    return read(
        "WHERE position > ?2 AND position <= ?3 AND (user_id = ?1 OR EXISTS"
        " (SELECT 1 FROM memberships mine JOIN memberships theirs ON theirs.room = mine.room"
        "  WHERE mine.user_id = ?1 AND mine.membership = 'join'"
        "  AND theirs.user_id = presence.user_id AND theirs.membership = 'join'))"
        " ORDER BY position DESC LIMIT ?4",
        {reader.text(), after, up_to, rows_max});
}

std::vector<PresenceRow> PresenceStore::list_members(const RoomId& room,
                                                     StreamPosition up_to,
                                                     std::size_t rows_max) const {
    return read(
        "WHERE state <> 0 AND position <= ?2 AND EXISTS"
        " (SELECT 1 FROM memberships JOIN rooms ON rooms.room = memberships.room"
        "  WHERE rooms.room_id = ?1 AND memberships.user_id = presence.user_id"
        "  AND memberships.membership = 'join')"
        " ORDER BY position DESC LIMIT ?3",
        {room.text(), up_to, rows_max});
}

std::vector<PresenceRow> PresenceStore::list_own_awake() const {
    return read("WHERE state <> 0 AND heard_ts IS NULL ORDER BY user_id", {});
}

std::vector<PresenceRow> PresenceStore::list_unheard(std::int64_t since_ts,
                                                     std::size_t rows_max) const {
    return read("WHERE state <> 0 AND heard_ts < ?1 ORDER BY user_id LIMIT ?2",
                {since_ts, rows_max});
}

bool PresenceStore::has_others_awake() const {
    return !read("WHERE state <> 0 AND heard_ts IS NOT NULL LIMIT 1", {}).empty();
}

bool PresenceStore::share_room(const UserId& one, const UserId& other) const {
    return turns_.database()
        .find(
            "SELECT 1 FROM memberships mine JOIN memberships theirs ON theirs.room = mine.room"
            " WHERE mine.user_id = ?1 AND mine.membership = 'join'"
            " AND theirs.user_id = ?2 AND theirs.membership = 'join' LIMIT 1",
            {one.text(), other.text()},
            [](const Row& row) { return row.integer(0); })
        .has_value();
}

bool PresenceStore::is_in_some_room(const UserId& user) const {
    return turns_.database()
        .find("SELECT 1 FROM memberships WHERE user_id = ?1 AND membership = 'join' LIMIT 1",
              {user.text()},
              [](const Row& row) { return row.integer(0); })
        .has_value();
}

}  // namespace matrix::storage
