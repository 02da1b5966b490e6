#include "refserver/storage/room_store.h"

#include "refserver/base/assert.h"
#include "refserver/storage/hash_column.h"

namespace matrix::storage {

std::optional<RoomRow> RoomStore::find(const RoomId& room) {
    Database& database = turns_.database();
    auto found = database.find(
        "SELECT room, version, current_state FROM rooms"
        " WHERE room_id = ?1 AND current_state IS NOT NULL",
        {room.view()},
        [](const Row& row) {
            RoomRow found_row;
            found_row.number = {row.integer(0)};
            found_row.rules = find_room_rules(row.view(1));
            found_row.current_state = read_hash(row, 2).value_or(State().root());
            return found_row;
        });
    if (!found) return std::nullopt;
    MATRIX_ASSERT(found->rules);
    database.query("SELECT event_id FROM extremities WHERE room = ?1 ORDER BY event_id",
                   {found->number},
                   [&](const Row& row) {
                       found->extremities.emplace_back(row.text(0));
                       return true;
                   });
    return found;
}

std::vector<RoomId> RoomStore::list() {
    std::vector<RoomId> rooms;
    turns_.database().query(
        "SELECT room_id FROM rooms WHERE current_state IS NOT NULL ORDER BY room_id",
        {},
        [&](const Row& row) {
            rooms.emplace_back(row.text(0));
            return true;
        });
    return rooms;
}

RoomNumber RoomStore::create(const RoomId& room, const RoomRules& rules) {
    Database& database = turns_.database();
    turns_.begin_unit();
    database.execute("INSERT INTO rooms (room_id, version) VALUES (?1, ?2)",
                     {room.view(), rules.version});
    return find_number(room).value_or(RoomNumber{});
}

RoomNumber RoomStore::find_or_create(const RoomId& room, const RoomRules& rules) {
    const auto known = find_number(room);
    return known ? *known : create(room, rules);
}

std::optional<RoomNumber> RoomStore::find_number(const RoomId& room) {
    return turns_.database().find("SELECT room FROM rooms WHERE room_id = ?1",
                                  {room.view()},
                                  [](const Row& row) { return RoomNumber{row.integer(0)}; });
}

void RoomStore::add_extremity(RoomNumber room, const EventId& id) {
    turns_.begin_unit();
    turns_.database().execute("INSERT INTO extremities VALUES (?1, ?2)", {room, id.view()});
}

void RoomStore::remove_extremity(RoomNumber room, const EventId& id) {
    turns_.begin_unit();
    turns_.database().execute("DELETE FROM extremities WHERE room = ?1 AND event_id = ?2",
                              {room, id.view()});
}

void RoomStore::put_current_state(RoomNumber room,
                                  StreamPosition position,
                                  const State::Hash& root) {
    Database& database = turns_.database();
    turns_.begin_unit();
    database.execute("UPDATE rooms SET current_state = ?2 WHERE room = ?1",
                     {room, Binding::blob(view(root))});
    database.execute("INSERT OR REPLACE INTO state_changes VALUES (?1, ?2, ?3)",
                     {room, position, Binding::blob(view(root))});
}

std::optional<State::Hash> RoomStore::find_state_at(RoomNumber room, StreamPosition position) {
    const auto root = turns_.database().find(
        "SELECT root FROM state_changes WHERE room = ?1 AND position <= ?2"
        " ORDER BY position DESC LIMIT 1",
        {room, position},
        [](const Row& row) { return read_hash(row, 0); });
    return root ? *root : std::nullopt;
}

void RoomStore::put_membership(RoomNumber room,
                               const UserId& user,
                               Membership membership,
                               const EventId& event) {
    turns_.begin_unit();
    turns_.database().execute("INSERT OR REPLACE INTO memberships VALUES (?1, ?2, ?3, ?4)",
                              {room, user.view(), name_of(membership), event.view()});
}

void RoomStore::remove_membership(RoomNumber room, const UserId& user) {
    turns_.begin_unit();
    turns_.database().execute("DELETE FROM memberships WHERE room = ?1 AND user_id = ?2",
                              {room, user.view()});
}

namespace {

Membership read_membership(const Row& row, int column) {
    const auto membership = find_membership(row.view(column));
    MATRIX_ASSERT(membership);
    return *membership;
}

}  // namespace

std::optional<Membership> RoomStore::find_membership_of(RoomNumber room, const UserId& user) {
    return turns_.database().find(
        "SELECT membership FROM memberships WHERE room = ?1 AND user_id = ?2",
        {room, user.view()},
        [](const Row& row) { return read_membership(row, 0); });
}

std::vector<UserId> RoomStore::list_members(RoomNumber room, Membership membership) {
    std::vector<UserId> users;
    turns_.database().query(
        "SELECT user_id FROM memberships WHERE room = ?1 AND membership = ?2 ORDER BY user_id",
        {room, name_of(membership)},
        [&](const Row& row) {
            users.emplace_back(row.text(0));
            return true;
        });
    return users;
}

std::int64_t RoomStore::count_members(RoomNumber room, Membership membership) {
    return turns_.database()
        .find("SELECT count(*) FROM memberships WHERE room = ?1 AND membership = ?2",
              {room, name_of(membership)},
              [](const Row& row) { return row.integer(0); })
        .value_or(0);
}

std::int64_t RoomStore::remove_some_members(RoomNumber room, std::size_t count) {
    turns_.begin_unit();
    Database& database = turns_.database();
    database.execute("DELETE FROM joined_servers WHERE room = ?1", {room});
    database.execute(
        "DELETE FROM memberships WHERE room = ?1 AND user_id IN"
        " (SELECT user_id FROM memberships WHERE room = ?1 LIMIT ?2)",
        {room, count});
    return database.changes();
}

void RoomStore::put_joined_users(RoomNumber room, const ServerName& server, std::size_t users) {
    turns_.begin_unit();
    if (users == 0) {
        turns_.database().execute("DELETE FROM joined_servers WHERE room = ?1 AND server = ?2",
                                  {room, server.view()});
        return;
    }
    turns_.database().execute("INSERT OR REPLACE INTO joined_servers VALUES (?1, ?2, ?3)",
                              {room, server.view(), users});
}

std::map<ServerName, std::size_t> RoomStore::list_joined_servers(RoomNumber room) {
    std::map<ServerName, std::size_t> servers;
    turns_.database().query(
        "SELECT server, users FROM joined_servers WHERE room = ?1", {room}, [&](const Row& row) {
            servers.emplace(ServerName(row.text(0)), static_cast<std::size_t>(row.integer(1)));
            return true;
        });
    return servers;
}

std::vector<RoomId> RoomStore::list_rooms_of(const UserId& user, Membership membership) {
    std::vector<RoomId> rooms;
    turns_.database().query(
        "SELECT room_id FROM memberships JOIN rooms USING (room)"
        " WHERE user_id = ?1 AND membership = ?2 ORDER BY room_id",
        {user.view(), name_of(membership)},
        [&](const Row& row) {
            rooms.emplace_back(row.text(0));
            return true;
        });
    return rooms;
}

bool RoomStore::shares_room(const UserId& one, const UserId& other) {
    return turns_.database()
        .find(
            "SELECT 1 FROM memberships AS a JOIN memberships AS b USING (room)"
            " WHERE a.user_id = ?1 AND b.user_id = ?2"
            " AND a.membership = ?3 AND b.membership = ?3",
            {one.view(), other.view(), name_of(Membership::Join)},
            [](const Row&) { return true; })
        .has_value();
}

void RoomStore::add_change(const UserId& user, const MembershipRow& change) {
    turns_.begin_unit();
    turns_.database().execute(
        "INSERT OR REPLACE INTO membership_changes VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        {user.view(),
         change.room.view(),
         change.position,
         name_of(change.membership),
         change.event.view(),
         change.is_forgotten});
}

namespace {

MembershipRow read_change(const Row& row) {
    return {.room = RoomId(row.text(0)),
            .membership = read_membership(row, 1),
            .event = EventId(row.text(2)),
            .position = {row.integer(3)},
            .is_forgotten = row.integer(4) != 0};
}

}  // namespace

std::vector<MembershipRow> RoomStore::list_changes(const UserId& user,
                                                   StreamPosition after,
                                                   StreamPosition up_to) {
    std::vector<MembershipRow> changes;
    turns_.database().query(
        "SELECT room_id, membership, event_id, max(position), is_forgotten"
        " FROM membership_changes WHERE user_id = ?1 AND position > ?2 AND position <= ?3"
        " GROUP BY room_id ORDER BY room_id",
        {user.view(), after, up_to},
        [&](const Row& row) {
            changes.push_back(read_change(row));
            return true;
        });
    return changes;
}

std::optional<MembershipRow> RoomStore::find_change(const UserId& user,
                                                    const RoomId& room,
                                                    StreamPosition up_to) {
    return turns_.database().find(
        "SELECT room_id, membership, event_id, position, is_forgotten FROM membership_changes"
        " WHERE user_id = ?1 AND room_id = ?2 AND position <= ?3"
        " ORDER BY position DESC LIMIT 1",
        {user.view(), room.view(), up_to},
        read_change);
}

bool RoomStore::has_change_to(const UserId& user,
                              const RoomId& room,
                              Membership membership,
                              StreamPosition after) {
    return turns_.database()
        .find(
            "SELECT 1 FROM membership_changes WHERE user_id = ?1 AND room_id = ?2"
            " AND membership = ?3 AND position > ?4 LIMIT 1",
            {user.view(), room.view(), name_of(membership), after},
            [](const Row&) { return true; })
        .has_value();
}

void RoomStore::mark_forgotten(const UserId& user, const RoomId& room) {
    turns_.begin_unit();
    turns_.database().execute(
        "UPDATE membership_changes SET is_forgotten = 1 WHERE user_id = ?1 AND room_id = ?2"
        " AND position = (SELECT max(position) FROM membership_changes"
        " WHERE user_id = ?1 AND room_id = ?2)",
        {user.view(), room.view()});
}

void RoomStore::put_outlier(const UserId& user, const RoomId& room, const OutlierRow& outlier) {
    turns_.begin_unit();
    turns_.database().execute(
        "INSERT OR REPLACE INTO outlier_memberships VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        {user.view(),
         room.view(),
         outlier.room_version,
         outlier.position,
         outlier.text,
         outlier.stripped_state});
}

std::optional<OutlierRow> RoomStore::find_outlier(const UserId& user, const RoomId& room) {
    return turns_.database().find(
        "SELECT room_version, position, text, stripped_state FROM outlier_memberships"
        " WHERE user_id = ?1 AND room_id = ?2",
        {user.view(), room.view()},
        [](const Row& row) {
            return OutlierRow{.room_version = row.text(0),
                              .position = {row.integer(1)},
                              .text = row.text(2),
                              .stripped_state = row.text(3)};
        });
}

}  // namespace matrix::storage
