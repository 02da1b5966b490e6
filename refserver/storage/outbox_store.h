// What waits to be sent to other servers: one queue of events for each destination, in order, and
// when a destination that fails is tried again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "refserver/protocol/identifiers.h"
#include "refserver/storage/turns.h"

namespace matrix::storage {

class OutboxStore {
public:
    explicit OutboxStore(Turns& turns) : turns_(turns) {}

    /// Puts an event, which is stored, at the end of a queue; the oldest go when it is longer than
    /// `length_max`.
    void append(const ServerName& destination, const EventId& event, std::int64_t length_max);

    struct Entry {
        std::int64_t number = 0;  ///< Never given twice to a destination.
        EventId event;
        std::string text;  ///< The event as it is stored now.
    };
    /// The transaction to be sent next, and again until it is acknowledged: the same events each
    /// time, also after a restart. Empty if nothing waits.
    std::vector<Entry> next_transaction(const ServerName& destination, std::size_t events_max);
    /// The transaction up to this number arrived.
    void acknowledge(const ServerName& destination, std::int64_t number);

    struct Retry {
        std::int64_t failing_since_ts = 0;
        std::int64_t retry_at_ts = 0;  ///< 0: the destination does not fail.
        std::int64_t delay_ms = 0;
    };
    Retry load_retry(const ServerName& destination);
    void put_retry(const ServerName& destination, const Retry& retry);

    struct Queue {
        ServerName destination;
        std::int64_t events = 0;
        std::int64_t retry_at_ts = 0;
    };
    /// Those that hold something, in the order of names.
    std::vector<Queue> list_queues();

private:
    std::vector<Entry> read(const ServerName& destination,
                            std::int64_t up_to,
                            std::size_t events_max);

    Turns& turns_;
};

}  // namespace matrix::storage
