#include "refserver/storage/outbox_store.h"

#include <algorithm>
#include <iterator>

namespace matrix::storage {

namespace {

/// In one write. What a restart finds reserved is never given.
constexpr std::int64_t kNumbersReserved = 64;

}  // namespace

OutboxStore::OutboxStore(Turns& turns) : turns_(turns) {
    turns_.on_failed_commit([this] { reserved_.clear(); });
}

std::int64_t OutboxStore::take_number(const ServerName& destination) {
    turns_.begin_unit();
    Reserved& reserved = reserved_[destination];
    if (reserved.next == reserved.end) {
        const auto end = turns_.database().find(
            "INSERT INTO destinations (server, next_number) VALUES (?1, 1 + ?2)"
            " ON CONFLICT (server) DO UPDATE SET next_number = next_number + ?2"
            " RETURNING next_number",
            {destination.text(), kNumbersReserved},
            [](const Row& row) { return row.integer(0); });
        if (!end) return 0;  // A write failed, and with it the turn.
        reserved = {*end - kNumbersReserved, *end};
    }
    return reserved.next++;
}

std::int64_t OutboxStore::append(const ServerName& destination, const EventId& event) {
    const std::int64_t number = take_number(destination);
    turns_.database().execute(
        "INSERT INTO outbox (destination, number, event_id) VALUES (?1, ?2, ?3)",
        {destination.text(), number, event.text()});
    return number;
}

void OutboxStore::append_edu(const ServerName& destination,
                             std::string_view replaces_key,
                             std::string_view text,
                             std::int64_t length_max) {
    const std::int64_t number = take_number(destination);
    Database& database = turns_.database();
    if (!replaces_key.empty()) {
        database.execute(
            "DELETE FROM outbox_edus WHERE destination = ?1 AND replaces_key = ?2"
            " AND replaces_key <> '' AND number > (SELECT COALESCE(in_flight_number, 0)"
            " FROM destinations WHERE server = ?1)",
            {destination.text(), replaces_key});
    }
    database.execute(
        "INSERT INTO outbox_edus (destination, number, replaces_key, text) VALUES (?1, ?2, ?3, ?4)",
        {destination.text(), number, replaces_key, text});
    database.execute("DELETE FROM outbox_edus WHERE destination = ?1 AND number <= ?2",
                     {destination.text(), number - length_max});
}

namespace {

// What is behind the last one of a full list may be behind something that was not read.
void cut_at_limit(const std::vector<OutboxStore::Entry>& list,
                  std::size_t limit,
                  std::int64_t& up_to) {
    if (list.size() == limit) up_to = std::min(up_to, list.back().number);
}

}  // namespace

std::vector<OutboxStore::Entry> OutboxStore::read(const ServerName& destination,
                                                  std::int64_t up_to,
                                                  Limits limits) {
    std::vector<Entry> events;
    turns_.database().query(
        "SELECT outbox.number, outbox.event_id, events.text FROM outbox"
        " JOIN events ON events.event_id = outbox.event_id"
        " WHERE destination = ?1 AND outbox.number <= ?2 ORDER BY outbox.number LIMIT ?3",
        {destination.text(), up_to, limits.events},
        [&](const Row& row) {
            events.push_back({row.integer(0), EventId(row.text(1)), row.text(2)});
            return true;
        });
    std::vector<Entry> edus;
    turns_.database().query(
        "SELECT number, text FROM outbox_edus WHERE destination = ?1 AND number <= ?2"
        " ORDER BY number LIMIT ?3",
        {destination.text(), up_to, limits.edus},
        [&](const Row& row) {
            edus.push_back({row.integer(0), std::nullopt, row.text(1)});
            return true;
        });
    cut_at_limit(events, limits.events, up_to);
    cut_at_limit(edus, limits.edus, up_to);
    std::vector<Entry> entries;
    std::ranges::merge(
        events, edus, std::back_inserter(entries), {}, &Entry::number, &Entry::number);
    std::erase_if(entries, [&](const Entry& entry) { return entry.number > up_to; });
    return entries;
}

std::vector<OutboxStore::Entry> OutboxStore::next_transaction(const ServerName& destination,
                                                              Limits limits) {
    const auto in_flight =
        turns_.database().find("SELECT in_flight_number FROM destinations WHERE server = ?1",
                               {destination.text()},
                               [](const Row& row) { return row.maybe_integer(0); });
    if (in_flight && *in_flight) {
        // Empty when the queue became too long meanwhile and lost its oldest events.
        auto entries = read(destination, **in_flight, limits);
        if (!entries.empty()) return entries;
    }
    auto entries = read(destination, INT64_MAX, limits);
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
    database.execute("DELETE FROM outbox_edus WHERE destination = ?1 AND number <= ?2",
                     {destination.text(), number});
    database.execute("UPDATE destinations SET in_flight_number = NULL WHERE server = ?1",
                     {destination.text()});
}

// --- Gaps ----------------------------------------------------------------------------------------

std::int64_t OutboxStore::count_events(const ServerName& destination) {
    const auto count = turns_.database().find("SELECT COUNT(*) FROM outbox WHERE destination = ?1",
                                              {destination.text()},
                                              [](const Row& row) { return row.integer(0); });
    return count.value_or(0);
}

void OutboxStore::collapse(const ServerName& destination) {
    turns_.begin_unit();
    Database& database = turns_.database();
    // Of the rows of a group, SQLite takes the other columns from the one with the maximum.
    database.execute(
        "INSERT OR REPLACE INTO outbox_gaps (destination, room_id, last_event_id)"
        " SELECT destination, room_id, event_id FROM"
        " (SELECT outbox.destination, rooms.room_id, outbox.event_id, MAX(outbox.number)"
        "  FROM outbox JOIN events ON events.event_id = outbox.event_id"
        "  JOIN rooms ON rooms.room = events.room JOIN destinations ON server = destination"
        "  WHERE destination = ?1 AND outbox.number > COALESCE(in_flight_number, 0)"
        "  GROUP BY rooms.room_id)",
        {destination.text()});
    database.execute(
        "DELETE FROM outbox WHERE destination = ?1 AND number >"
        " (SELECT COALESCE(in_flight_number, 0) FROM destinations WHERE server = ?1)",
        {destination.text()});
}

void OutboxStore::put_gap(const ServerName& destination, const Gap& gap) {
    turns_.begin_unit();
    turns_.database().execute(
        "INSERT OR REPLACE INTO outbox_gaps (destination, room_id, last_event_id)"
        " VALUES (?1, ?2, ?3)",
        {destination.text(), gap.room.text(), gap.last_event.text()});
}

std::vector<OutboxStore::Gap> OutboxStore::take_gaps(const ServerName& destination,
                                                     std::size_t gaps_max) {
    std::vector<Gap> gaps;
    turns_.database().query(
        "SELECT room_id, last_event_id FROM outbox_gaps WHERE destination = ?1"
        " ORDER BY room_id LIMIT ?2",
        {destination.text(), gaps_max},
        [&](const Row& row) {
            gaps.push_back({RoomId(row.text(0)), EventId(row.text(1))});
            return true;
        });
    if (gaps.empty()) return gaps;
    turns_.begin_unit();
    turns_.database().execute("DELETE FROM outbox_gaps WHERE destination = ?1 AND room_id <= ?2",
                              {destination.text(), gaps.back().room.text()});
    return gaps;
}

// --- Destinations --------------------------------------------------------------------------------

OutboxStore::Destination OutboxStore::load_destination(const ServerName& destination) {
    const auto found = turns_.database().find(
        "SELECT COALESCE(failing_since_ts, 0), COALESCE(retry_at_ts, 0), COALESCE(failures, 0),"
        " EXISTS (SELECT 1 FROM outbox_gaps WHERE destination = ?1)"
        " FROM destinations WHERE server = ?1",
        {destination.text()},
        [](const Row& row) {
            const Retry retry{row.integer(0), row.integer(1), static_cast<int>(row.integer(2))};
            return Destination{retry, row.integer(3) != 0};
        });
    return found.value_or(Destination{});
}

void OutboxStore::put_retry(const ServerName& destination, const Retry& retry) {
    turns_.begin_unit();
    turns_.database().execute(
        "UPDATE destinations SET failing_since_ts = ?2, retry_at_ts = ?3, failures = ?4"
        " WHERE server = ?1",
        {destination.text(), retry.failing_since_ts, retry.retry_at_ts, retry.failures});
}

std::vector<OutboxStore::Queue> OutboxStore::list_queues() {
    std::vector<Queue> queues;
    turns_.database().query(
        "SELECT destination, SUM(events), SUM(edus), SUM(gaps) FROM"
        " (SELECT destination, 1 AS events, 0 AS edus, 0 AS gaps FROM outbox"
        "  UNION ALL SELECT destination, 0, 1, 0 FROM outbox_edus"
        "  UNION ALL SELECT destination, 0, 0, 1 FROM outbox_gaps)"
        " GROUP BY destination ORDER BY destination",
        {},
        [&](const Row& row) {
            queues.push_back(
                {ServerName(row.text(0)), row.integer(1), row.integer(2), row.integer(3)});
            return true;
        });
    return queues;
}

}  // namespace matrix::storage
