// Receipts: up to where users have read, and who is told of it.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#receipts
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "refserver/engine/rooms/rooms.h"
#include "refserver/storage/receipts.h"

namespace matrix::engine {

using storage::ReceiptRow;

/// The type of account data that says where a user is in a room; set as a receipt is.
inline constexpr std::string_view kFullyRead = "m.fully_read";
/// The thread id of what is in no thread.
inline constexpr std::string_view kMainThread = "main";

class Receipts {
public:
    struct Services {
        ServerName server_name;
        storage::Turns& turns;
        Notifier& notifier;
        Outbox& outbox;
    };
    explicit Receipts(Services services)
        : services_(std::move(services)), store_(services_.turns) {}
    Receipts(const Receipts&) = delete;
    Receipts& operator=(const Receipts&) = delete;

    /// Its position is given here. One that would go back behind what the user has read changes
    /// nothing. Other servers learn of a public one of a user of ours.
    void put(const Room& room, ReceiptRow receipt);

    /// m.receipt events for a reader of the room, one per thread, so that each names an event,
    /// a type and a user once.
    std::vector<json::Object> list_events(const RoomId& room,
                                          const UserId& reader,
                                          StreamPosition after,
                                          StreamPosition up_to) const;

private:
    bool is_news(const Room& room, const ReceiptRow& receipt) const;
    void tell_others(const Room& room, const ReceiptRow& receipt);

    Services services_;
    storage::ReceiptStore store_;
};

/// Whether a receipt of an event may name a thread; see "Threaded read receipts".
bool is_in_thread(const Room& room, const StoredEvent& event, std::string_view thread);

}  // namespace matrix::engine
