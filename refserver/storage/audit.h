// Audit: a database's rows as they stand, for whoever doubts them.
//
// Unlike the stores it believes nothing: what it gives is text and bytes, not events and states.
// It reads in slices, so that it holds little of a database of any size, and it writes nothing.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "refserver/protocol/sha256.h"
#include "refserver/storage/database.h"

namespace matrix::storage {

class Audit {
public:
    explicit Audit(Database& database) : database_(database) {}

    struct Room {
        std::int64_t number = 0;
        std::string room_id;
        std::string version;
        std::optional<std::string> current_state;
    };
    struct Event {
        std::int64_t number = 0;
        std::int64_t room = 0;
        std::string event_id;
        std::int64_t depth = 0;
        std::int64_t position = 0;
        std::int64_t status = 0;
        bool is_rejected_outlier = false;
        std::optional<std::string> state_before;
        std::optional<std::string> state_after;
        std::string rule;
        std::string detail;
        std::optional<std::string> redacted_by;
        std::string text;
    };
    struct Node {
        std::string hash;
        std::string bytes;
    };
    struct Member {
        std::string user_id;
        std::string membership;
        std::string event_id;
    };
    /// A file that media or thumbnails refer to.
    struct File {
        std::string media_id;
        std::string hash;
        std::int64_t bytes = 0;
    };
    /// A position at which the first user of this server was in a room again.
    struct Entry {
        std::string room_id;
        std::int64_t position = 0;
    };

    /// Of any table.
    std::int64_t count_rows(std::string_view table);
    std::vector<Room> list_rooms();
    std::optional<Event> find_event(std::string_view event_id);

    // Slices: those after the last one of the slice before, in the order of their keys.
    std::vector<Event> list_events(std::int64_t after_number, std::int64_t limit);
    std::vector<Node> list_nodes(std::string_view after_hash, std::int64_t limit);
    std::vector<Member> list_members(std::int64_t room,
                                     std::string_view after_user,
                                     std::int64_t limit);

    std::optional<std::string> find_node(std::string_view hash);
    /// Distinct roots of all states that a room or an event has.
    void for_each_root(const std::function<void(std::string_view)>& visit);

    std::vector<std::string> list_extremities(std::int64_t room);
    bool is_extremity(std::int64_t room, std::string_view event_id);
    /// The root of the newest row of `state_changes`; nothing if there is none.
    std::optional<std::string> find_newest_change(std::int64_t room);
    std::optional<Member> find_member(std::int64_t room, std::string_view user_id);
    std::int64_t count_members(std::int64_t room);
    bool has_edge(std::string_view previous_id, std::int64_t event);
    bool has_time(std::int64_t room, std::int64_t origin_server_ts, std::int64_t event);

    /// In the order of rooms and positions: where the first of this server's users came in, for
    /// each time that nobody else of them was there.
    std::vector<Entry> list_entries();

    std::vector<File> list_files();
    /// Of all slices, in their order.
    std::string load_file(std::string_view hash);

    /// A row that refers to what is not there, or breaks another rule of its table.
    struct Finding {
        std::string_view name;      ///< Stable, for example "outbox_dangling".
        std::string_view expected;  ///< A sentence.
        std::string room_id;
        std::string event_id;
        std::string found;
    };
    /// Everything that SQL alone can judge. `server_name` is this server's own.
    void check_rows(std::string_view server_name, const std::function<void(Finding)>& visit);
    /// What SQLite itself says of the file; empty if all is well.
    std::vector<std::string> check_file();

    Database& database() { return database_; }

private:
    Database& database_;
};

}  // namespace matrix::storage
