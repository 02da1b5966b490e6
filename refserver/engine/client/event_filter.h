// EventFilter: which events a client wants to see; SyncFilter: which rooms besides.
//
// UNIMPLEMENTED: `event_fields` and `event_format` of a filter: every answer has all fields, in the
// client format.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#filtering
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "refserver/engine/error.h"
#include "refserver/protocol/event.h"

namespace matrix::engine {

/// A RoomEventFilter; what is absent restricts nothing.
struct EventFilter {
    std::optional<std::int64_t> limit;
    std::optional<std::vector<std::string>> types;
    std::vector<std::string> not_types;
    std::optional<std::vector<std::string>> senders;
    std::vector<std::string> not_senders;
    std::optional<std::vector<std::string>> rooms;
    std::vector<std::string> not_rooms;
    std::optional<bool> contains_url;
    bool lazy_loads_members = false;
    bool includes_redundant_members = false;

    bool admits_room(const RoomId& room) const;
    bool admits_type(std::string_view type) const;
    bool admits_sender(const UserId& sender) const;
    /// Type, sender and content; the room is asked for once, by `admits_room`.
    bool admits(const Event& event) const;
};

struct SyncFilter {
    std::optional<std::vector<std::string>> rooms;
    std::vector<std::string> not_rooms;
    bool includes_leave = false;
    EventFilter timeline;
    EventFilter state;
    EventFilter ephemeral;
    EventFilter account_data;  ///< Of rooms.
    EventFilter presence;      ///< Of no room.

    bool admits_room(const RoomId& room) const;
};

// 400 M_BAD_JSON naming the field that has another type than the specification says.
Result<EventFilter> parse_event_filter(const json::Object& filter);
Result<SyncFilter> parse_sync_filter(const json::Object& filter);

/// Does `text` match a pattern in which `*` stands for any characters?
bool matches_wildcard(std::string_view pattern, std::string_view text);

}  // namespace matrix::engine
