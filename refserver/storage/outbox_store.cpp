#include "refserver/storage/outbox_store.h"

namespace matrix::storage {

void OutboxStore::append(const ServerName& destination,
                         const EventId& event,
                         std::int64_t length_max) {
    turns_.begin_unit();
    Database& database = turns_.database();
    database.execute(
        "INSERT INTO destinations (server, next_number) VALUES (?1, 2)"
        " ON CONFLICT (server) DO UPDATE SET next_number = next_number + 1",
        {destination.text()});
    database.execute(
        "INSERT INTO outbox (destination, number, event_id)"
        " SELECT server, next_number - 1, ?2 FROM destinations WHERE server = ?1",
        {destination.text(), event.text()});
    database.execute(
        "DELETE FROM outbox WHERE destination = ?1 AND number <="
        " (SELECT next_number - 1 - ?2 FROM destinations WHERE server = ?1)",
        {destination.text(), length_max});
}

std::vector<OutboxStore::Entry> OutboxStore::read(const ServerName& destination,
                                                  std::int64_t up_to,
                                                  std::size_t events_max) {
    std::vector<Entry> entries;
    turns_.database().query(
        "SELECT outbox.number, outbox.event_id, events.text FROM outbox"
        " JOIN events ON events.event_id = outbox.event_id"
        " WHERE destination = ?1 AND outbox.number <= ?2 ORDER BY outbox.number LIMIT ?3",
        {destination.text(), up_to, events_max},
        [&](const Row& row) {
            entries.push_back({row.integer(0), EventId(row.text(1)), row.text(2)});
            return true;
        });
    return entries;
}

std::vector<OutboxStore::Entry> OutboxStore::next_transaction(const ServerName& destination,
                                                              std::size_t events_max) {
    const auto in_flight =
        turns_.database().find("SELECT in_flight_number FROM destinations WHERE server = ?1",
                               {destination.text()},
                               [](const Row& row) { return row.maybe_integer(0); });
    if (in_flight && *in_flight) {
        // Empty when the queue became too long meanwhile and lost its oldest events.
        auto entries = read(destination, **in_flight, events_max);
        if (!entries.empty()) return entries;
    }
    auto entries = read(destination, INT64_MAX, events_max);
    if (entries.empty()) return entries;
    turns_.begin_unit();
    turns_.database().execute("UPDATE destinations SET in_flight_number = ?2 WHERE server = ?1",
                              {destination.text(), entries.back().number});
    return entries;
}

void OutboxStore::acknowledge(const ServerName& destination, std::int64_t number) {
    turns_.begin_unit();
    Database& database = turns_.database();
    database.execute("DELETE FROM outbox WHERE destination = ?1 AND number <= ?2",
                     {destination.text(), number});
    database.execute("UPDATE destinations SET in_flight_number = NULL WHERE server = ?1",
                     {destination.text()});
}

OutboxStore::Retry OutboxStore::load_retry(const ServerName& destination) {
    const auto retry = turns_.database().find(
        "SELECT failing_since_ts, retry_at_ts, retry_delay_ms FROM destinations WHERE server = ?1",
        {destination.text()},
        [](const Row& row) { return Retry{row.integer(0), row.integer(1), row.integer(2)}; });
    return retry.value_or(Retry{});
}

void OutboxStore::put_retry(const ServerName& destination, const Retry& retry) {
    turns_.begin_unit();
    turns_.database().execute(
        "UPDATE destinations SET failing_since_ts = ?2, retry_at_ts = ?3, retry_delay_ms = ?4"
        " WHERE server = ?1",
        {destination.text(), retry.failing_since_ts, retry.retry_at_ts, retry.delay_ms});
}

std::vector<OutboxStore::Queue> OutboxStore::list_queues() {
    std::vector<Queue> queues;
    turns_.database().query(
        "SELECT destination, COUNT(*), COALESCE(retry_at_ts, 0) FROM outbox"
        " JOIN destinations ON server = destination GROUP BY destination ORDER BY destination",
        {},
        [&](const Row& row) {
            queues.push_back({ServerName(row.text(0)), row.integer(1), row.integer(2)});
            return true;
        });
    return queues;
}

}  // namespace matrix::storage
