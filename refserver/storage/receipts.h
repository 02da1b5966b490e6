// Receipts: up to which event each user has read each room, and each thread in it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "refserver/protocol/identifiers.h"
#include "refserver/storage/turns.h"

namespace matrix::storage {

inline constexpr std::string_view kReadReceipt = "m.read";
inline constexpr std::string_view kPrivateReadReceipt = "m.read.private";

struct ReceiptRow {
    RoomId room;
    std::string type;
    UserId user;
    std::string thread;  ///< "main", the id of a thread's root, or empty: unthreaded.
    EventId event;
    std::int64_t ts = 0;
    StreamPosition position;
};

class ReceiptStore {
public:
    explicit ReceiptStore(Turns& turns) : turns_(turns) {}

    /// Takes the place of that of the same room, type, user and thread.
    void put(const ReceiptRow& receipt);
    std::optional<EventId> find_event(const RoomId& room,
                                      std::string_view type,
                                      const UserId& user,
                                      std::string_view thread) const;
    /// What `reader` may see of a room in (after, up_to], the newest first.
    std::vector<ReceiptRow> list(const RoomId& room,
                                 const UserId& reader,
                                 StreamPosition after,
                                 StreamPosition up_to,
                                 std::size_t receipts_max) const;

private:
    Turns& turns_;
};

}  // namespace matrix::storage
