// Presence: who is there, of our users and of others.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "refserver/protocol/identifiers.h"
#include "refserver/storage/turns.h"

namespace matrix::storage {

/// In the order in which the state of one device outweighs that of another. The values are stored.
enum class PresenceState { Offline = 0, Unavailable = 1, Online = 2 };

struct PresenceRow {
    UserId user;
    PresenceState state = PresenceState::Offline;
    std::optional<std::string> status_message;
    std::optional<std::int64_t> last_active_ts;
    bool is_currently_active = false;
    StreamPosition position;
    /// Of a user of another server: when his server last spoke of him. Nothing: he is ours.
    std::optional<std::int64_t> heard_ts;
};

class PresenceStore {
public:
    explicit PresenceStore(Turns& turns) : turns_(turns) {}

    std::optional<PresenceRow> find(const UserId& user) const;
    void put(const PresenceRow& row);
    /// What changed in (after, up_to] of `reader` and those who are in a room with him, the newest
    /// first.
    std::vector<PresenceRow> list_changes(const UserId& reader,
                                          StreamPosition after,
                                          StreamPosition up_to,
                                          std::size_t rows_max) const;
    /// Members of a room who are not offline, as it was up to `up_to`, the newest first.
    std::vector<PresenceRow> list_members(const RoomId& room,
                                          StreamPosition up_to,
                                          std::size_t rows_max) const;
    /// Our users who are not offline, in the order of ids.
    std::vector<PresenceRow> list_own_awake() const;
    /// Users of others who are not offline, of whom nothing was heard since; in the order of ids.
    std::vector<PresenceRow> list_unheard(std::int64_t since_ts, std::size_t rows_max) const;
    /// Is any user of another server not offline?
    bool has_others_awake() const;

    /// Are both in one room?
    bool share_room(const UserId& one, const UserId& other) const;
    /// Is the user in any room that this server knows?
    bool is_in_some_room(const UserId& user) const;

private:
    std::vector<PresenceRow> read(std::string_view where, Database::Bindings bindings) const;

    Turns& turns_;
};

}  // namespace matrix::storage
