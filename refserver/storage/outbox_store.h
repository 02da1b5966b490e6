// What waits to be sent to other servers: one queue for each destination, of events and of EDUs
// that must arrive, in one order; and when a destination that fails is tried again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
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
        std::int64_t edus = 0;
        std::int64_t retry_at_ts = 0;
    };
    /// Those that hold something, in the order of names.
    std::vector<Queue> list_queues();

private:
    void take_number(const ServerName& destination);
    std::vector<Entry> read(const ServerName& destination, std::int64_t up_to, Limits limits);

    Turns& turns_;
};

}  // namespace matrix::storage
