// What waits to be sent to other servers: one queue for each destination, of events and of EDUs
// that must arrive, in one order; and when a destination that fails is tried again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "refserver/protocol/identifiers.h"
#include "refserver/storage/turns.h"

namespace matrix::storage {

class OutboxStore {
public:
    explicit OutboxStore(Turns& turns);
    OutboxStore(const OutboxStore&) = delete;
    OutboxStore& operator=(const OutboxStore&) = delete;

    /// Puts an event, which is stored, at the end of a queue. Gives its number.
    std::int64_t append(const ServerName& destination, const EventId& event);
    /// The same for an EDU, as it is written in a transaction. One of the same `replaces_key` that
    /// waits, and is not on its way, goes; an empty key replaces nothing.
    void append_edu(const ServerName& destination,
                    std::string_view replaces_key,
                    std::string_view text,
                    std::int64_t length_max);

    struct Entry {
        std::int64_t number = 0;       ///< Never given twice to a destination.
        std::optional<EventId> event;  ///< Nothing: this is an EDU.
        std::string text;              ///< As it is stored now.
    };
    struct Limits {
        std::size_t events = 0;
        std::size_t edus = 0;
    };
    /// The transaction to be sent next, and again until it is acknowledged: the same entries each
    /// time, also after a restart. Empty if nothing waits.
    std::vector<Entry> next_transaction(const ServerName& destination, Limits limits);
    /// The transaction up to this number arrived.
    void acknowledge(const ServerName& destination, std::int64_t number);

    // Queues that became too long, or whose destination was away for too long.

    /// Of a room, what a destination has not got, but for its last event.
    struct Gap {
        RoomId room;
        EventId last_event;
    };
    std::int64_t count_events(const ServerName& destination);
    /// All events that are not on their way leave the queue and become gaps.
    void collapse(const ServerName& destination);
    void put_gap(const ServerName& destination, const Gap& gap);
    /// At most so many, in the order of rooms; they are gone then.
    std::vector<Gap> take_gaps(const ServerName& destination, std::size_t gaps_max);

    /// Of a destination that fails.
    struct Retry {
        std::int64_t failing_since_ts = 0;
        std::int64_t retry_at_ts = 0;
        int failures = 0;  ///< 0: it does not fail.
    };
    struct Destination {
        Retry retry;
        bool has_gaps = false;
    };
    Destination load_destination(const ServerName& destination);
    void put_retry(const ServerName& destination, const Retry& retry);

    struct Queue {
        ServerName destination;
        std::int64_t events = 0;
        std::int64_t edus = 0;
        std::int64_t gaps = 0;  ///< Rooms.
    };
    /// Those that hold something, in the order of names.
    std::vector<Queue> list_queues();

private:
    /// Numbers of a destination that are reserved in the database, and not given yet.
    struct Reserved {
        std::int64_t next = 0;
        std::int64_t end = 0;
    };
    std::int64_t take_number(const ServerName& destination);
    std::vector<Entry> read(const ServerName& destination, std::int64_t up_to, Limits limits);

    Turns& turns_;
    std::map<ServerName, Reserved> reserved_;
};

}  // namespace matrix::storage
