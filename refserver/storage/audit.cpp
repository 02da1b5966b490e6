#include "refserver/storage/audit.h"

#include <set>

#include "refserver/storage/hash_column.h"

namespace matrix::storage {

std::int64_t Audit::count_rows(std::string_view table) {
    return database_
        .find("SELECT COUNT(*) FROM " + std::string(table),
              {},
              [](const Row& row) { return row.integer(0); })
        .value_or(0);
}

std::vector<Audit::Room> Audit::list_rooms() {
    std::vector<Room> rooms;
    database_.query(
        "SELECT room, room_id, version, current_state FROM rooms ORDER BY room",
        {},
        [&](const Row& row) {
            rooms.push_back({row.integer(0), row.text(1), row.text(2), row.maybe_text(3)});
            return true;
        });
    return rooms;
}

namespace {

constexpr std::string_view kEventColumns =
    "SELECT event, events.room, event_id, depth, position, status, is_rejected_outlier,"
    " state_before, state_after, rule, detail, redacted_by, text FROM events ";

std::string select_events(std::string_view where) {
    return std::string(kEventColumns) + std::string(where);
}

Audit::Event read_audited_event(const Row& row) {
    return {.number = row.integer(0),
            .room = row.integer(1),
            .event_id = row.text(2),
            .depth = row.integer(3),
            .position = row.integer(4),
            .status = row.integer(5),
            .is_rejected_outlier = row.integer(6) != 0,
            .state_before = row.maybe_text(7),
            .state_after = row.maybe_text(8),
            .rule = row.text(9),
            .detail = row.text(10),
            .redacted_by = row.maybe_text(11),
            .text = row.text(12)};
}

}  // namespace

std::optional<Audit::Event> Audit::find_event(std::string_view event_id) {
    return database_.find(select_events("WHERE event_id = ?1"), {event_id}, read_audited_event);
}

std::vector<Audit::Event> Audit::list_events(std::int64_t after_number, std::int64_t limit) {
    std::vector<Event> events;
    database_.query(select_events("WHERE event > ?1 ORDER BY event LIMIT ?2"),
                    {after_number, limit},
                    [&](const Row& row) {
                        events.push_back(read_audited_event(row));
                        return true;
                    });
    return events;
}

std::vector<Audit::Node> Audit::list_nodes(std::string_view after_hash, std::int64_t limit) {
    std::vector<Node> nodes;
    database_.query("SELECT hash, bytes FROM state_nodes WHERE hash > ?1 ORDER BY hash LIMIT ?2",
                    {Binding::blob(after_hash), limit},
                    [&](const Row& row) {
                        nodes.push_back({row.text(0), row.text(1)});
                        return true;
                    });
    return nodes;
}

std::optional<std::string> Audit::find_node(std::string_view hash) {
    return find_state_node(database_, hash);
}

void Audit::for_each_root(const std::function<void(std::string_view)>& visit) {
    database_.query(
        "SELECT current_state FROM rooms WHERE current_state IS NOT NULL"
        " UNION SELECT root FROM state_changes WHERE root IS NOT NULL"
        " UNION SELECT state_before FROM events WHERE state_before IS NOT NULL"
        " UNION SELECT state_after FROM events WHERE state_after IS NOT NULL",
        {},
        [&](const Row& row) {
            visit(row.view(0));
            return true;
        });
}

std::vector<std::string> Audit::list_extremities(std::int64_t room) {
    std::vector<std::string> ids;
    database_.query("SELECT event_id FROM extremities WHERE room = ?1 ORDER BY event_id",
                    {room},
                    [&](const Row& row) {
                        ids.push_back(row.text(0));
                        return true;
                    });
    return ids;
}

bool Audit::is_extremity(std::int64_t room, std::string_view event_id) {
    return database_
        .find("SELECT 1 FROM extremities WHERE room = ?1 AND event_id = ?2",
              {room, event_id},
              [](const Row&) { return true; })
        .has_value();
}

std::optional<std::string> Audit::find_newest_change(std::int64_t room) {
    return database_.find(
        "SELECT root FROM state_changes WHERE room = ?1 ORDER BY position DESC LIMIT 1",
        {room},
        [](const Row& row) { return row.text(0); });
}

namespace {

Audit::Member read_audited_member(const Row& row) {
    return {row.text(0), row.text(1), row.text(2)};
}

}  // namespace

std::optional<Audit::Member> Audit::find_member(std::int64_t room, std::string_view user_id) {
    return database_.find(
        "SELECT user_id, membership, event_id FROM memberships WHERE room = ?1 AND user_id = ?2",
        {room, user_id},
        read_audited_member);
}

std::vector<Audit::Member> Audit::list_members(std::int64_t room,
                                               std::string_view after_user,
                                               std::int64_t limit) {
    std::vector<Member> members;
    database_.query(
        "SELECT user_id, membership, event_id FROM memberships"
        " WHERE room = ?1 AND user_id > ?2 ORDER BY user_id LIMIT ?3",
        {room, after_user, limit},
        [&](const Row& row) {
            members.push_back(read_audited_member(row));
            return true;
        });
    return members;
}

std::int64_t Audit::count_members(std::int64_t room) {
    return database_
        .find("SELECT COUNT(*) FROM memberships WHERE room = ?1",
              {room},
              [](const Row& row) { return row.integer(0); })
        .value_or(0);
}

bool Audit::has_edge(std::string_view previous_id, std::int64_t event) {
    return database_
        .find("SELECT 1 FROM event_edges WHERE previous_id = ?1 AND event = ?2",
              {previous_id, event},
              [](const Row&) { return true; })
        .has_value();
}

bool Audit::has_time(std::int64_t room, std::int64_t origin_server_ts, std::int64_t event) {
    return database_
        .find("SELECT 1 FROM event_times WHERE room = ?1 AND origin_server_ts = ?2 AND event = ?3",
              {room, origin_server_ts, event},
              [](const Row&) { return true; })
        .has_value();
}

std::vector<Audit::Entry> Audit::list_entries() {
    std::vector<Entry> entries;
    std::string room;
    std::set<std::string> joined;
    database_.query(
        "SELECT room_id, position, user_id, membership FROM membership_changes"
        " ORDER BY room_id, position",
        {},
        [&](const Row& row) {
            if (row.view(0) != room) {
                room = row.text(0);
                joined.clear();
            }
            if (row.view(3) != "join") {
                joined.erase(row.text(2));
            } else {
                if (joined.empty()) entries.push_back({room, row.integer(1)});
                joined.insert(row.text(2));
            }
            return true;
        });
    return entries;
}

std::vector<Audit::File> Audit::list_files() {
    std::vector<File> files;
    database_.query(
        "SELECT media_id, hash, bytes FROM media WHERE hash IS NOT NULL"
        " UNION SELECT media_id, hash, bytes FROM media_thumbnails ORDER BY media_id, hash",
        {},
        [&](const Row& row) {
            files.push_back({row.text(0), row.text(1), row.integer(2)});
            return true;
        });
    return files;
}

std::string Audit::load_file(std::string_view hash) {
    std::string bytes;
    database_.query("SELECT bytes FROM media_slices WHERE hash = ?1 ORDER BY slice",
                    {Binding::blob(hash)},
                    [&](const Row& row) {
                        bytes += row.view(0);
                        return true;
                    });
    return bytes;
}

std::vector<std::string> Audit::check_file() {
    std::vector<std::string> problems;
    // The quick one would not see that an index and its table differ.
    database_.query("PRAGMA integrity_check", {}, [&](const Row& row) {
        if (row.view(0) != "ok") problems.push_back(row.text(0));
        return true;
    });
    return problems;
}

}  // namespace matrix::storage
