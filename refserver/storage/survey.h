// Survey: what a database has, a page at a time, for whoever looks into a running server.
//
// No call costs more for a large room: nothing is loaded but the rows that are asked for.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "refserver/protocol/identifiers.h"
#include "refserver/protocol/state.h"
#include "refserver/storage/turns.h"

namespace matrix::storage {

class Survey {
public:
    explicit Survey(Turns& turns) : turns_(turns) {}

    struct RoomEntry {
        RoomId id;
        std::string version;
        std::int64_t joined = 0;
        std::int64_t extremities = 0;
    };
    /// Up to `limit` rooms behind `after`, in the order of ids.
    std::vector<RoomEntry> list_rooms(std::string_view after, std::size_t limit);

    struct RefusedEvent {
        std::int64_t number = 0;  ///< In the order of storing.
        EventId id;
    };
    /// Up to `limit` rejected and soft-failed events of a room, the newest first; of those with a
    /// smaller number than `before`.
    std::vector<RefusedEvent> list_refused(const RoomId& room,
                                           std::int64_t before,
                                           std::size_t limit);

    /// One node of a state; nothing if there is none, or the disk failed.
    std::optional<std::string> find_node(const State::Hash& hash);

private:
    Turns& turns_;
};

}  // namespace matrix::storage
