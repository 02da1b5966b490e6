#include "refserver/engine/peers/outbox.h"

#include <algorithm>
#include <map>

#include "refserver/base/sometimes.h"
#include "refserver/engine/peers/federation_client.h"
#include "refserver/engine/peers/peer_health.h"
#include "refserver/engine/rooms/rooms.h"
#include "refserver/protocol/base64.h"
#include "refserver/protocol/sha256.h"
#include "refserver/runtime/fault_point.h"
#include "refserver/storage/outbox_store.h"

namespace matrix::engine {

using runtime::Task;

namespace {

/// UNSPECIFIED: for how long, and for how many events, a queue waits. After that its destination
/// gets the newest events of each room, which lead to all the others: a server that comes back
/// after a week must not have to take a week's events one by one before it sees what is said now.
constexpr std::int64_t kQueueAgeMaxMs = 60 * 60 * 1000;
constexpr std::int64_t kQueueLengthMax = 10'000;
/// Counting costs; a queue is this much longer at most.
constexpr std::int64_t kQueueCountedEach = 100;
constexpr std::size_t kCatchUpRoomsMax = 50;  ///< At a time.
/// UNSPECIFIED: more kept EDUs are not kept; the oldest go. Whoever has so many has been away for
/// very long.
constexpr std::int64_t kKeptEdusMax = 50'000;
/// Others that wait for a destination; more are dropped.
constexpr std::size_t kEphemeralEdusMax = 1000;
/// After so many failures in a row a destination is down.
constexpr int kFailuresUntilDown = 3;
constexpr std::size_t kTransactionIdLength = 22;

// Of a transaction with kept entries: the same entries have the same id in each attempt, also after
// a restart, and no others ever have it.
std::string transaction_id_of(const std::vector<storage::OutboxStore::Entry>& entries) {
    std::string named = std::to_string(entries.front().number);
    for (const auto& entry : entries)
        named += ' ' + (entry.event ? entry.event->text() : std::to_string(entry.number));
    return encode_base64_url(view(sha256(named))).substr(0, kTransactionIdLength);
}

}  // namespace

struct Outbox::Data {
    explicit Data(Services services_)
        : services(std::move(services_)),
          store(services.turns),
          ids(services.random.stream("transaction ids")) {}

    struct Ephemeral {
        std::string replaces_key;  ///< With the type before it; empty: replaces nothing.
        std::string text;
    };
    struct Transaction {
        std::string id;
        runtime::Timestamp made_at;
        std::vector<storage::OutboxStore::Entry> kept;
        std::vector<std::string> ephemeral;

        bool is_empty() const { return kept.empty() && ephemeral.empty(); }
    };
    struct Destination {
        bool is_running = false;
        bool has_gaps = false;  ///< Events go there, not into the queue, until it has caught up.
        // Ends the pause before the next attempt; empty while there is none.
        std::move_only_function<void()> wake;
        std::vector<Ephemeral> waiting;    ///< The oldest first.
        Transaction in_flight;             ///< On its way, or to be tried again; empty: neither.
        std::uint64_t failed_commits = 0;  ///< When `in_flight` was read.
    };

    Destination& find_or_load(const ServerName& server);
    void start(const ServerName& server);
    Task<void> drain(ServerName server);
    void queue_event(const ServerName& server, const Event& event);
    void queue_ephemeral(const ServerName& server, Ephemeral edu);
    void collapse(const ServerName& server, std::string_view why);
    void catch_up(const ServerName& server, Destination& destination);
    std::vector<EventId> newest_events(const ServerName& server,
                                       const storage::OutboxStore::Gap& gap) const;
    void fill_transaction(const ServerName& server);
    json::Object write_transaction(const Transaction& transaction) const;
    bool is_down(const ServerName& server) const {
        return services.health.transaction_pause(server).failures >= kFailuresUntilDown;
    }
    void drop_ephemeral(Destination& destination);
    void log_refusals(const ServerName& server, const json::Object& results) const;
    void note_success(const ServerName& server, Transaction transaction);
    void note_failure(const ServerName& server, const Error& error);
    void read_again_after_failed_commit(const ServerName& server);
    Task<void> pause(ServerName server, runtime::Duration duration);

    Services services;
    storage::OutboxStore store;
    Rooms* rooms = nullptr;
    runtime::Random& ids;  ///< Of transactions with nothing but ephemeral EDUs.
    std::map<ServerName, Destination> destinations;
    runtime::TaskGroup tasks;
};

Outbox::Outbox(Services services) : data_(std::make_unique<Data>(std::move(services))) {
    data_->services.health.on_back([data = data_.get()](const ServerName& server) {
        const auto entry = data->destinations.find(server);
        if (entry == data->destinations.end() || !entry->second.wake) return;
        SIM_SOMETIMES("a pause ends early because its server is back");
        auto wake = std::exchange(entry->second.wake, nullptr);
        wake();
    });
}

Outbox::~Outbox() {
    data_->services.health.on_back(nullptr);
}

void Outbox::connect(Rooms& rooms) {
    data_->rooms = &rooms;
}

void Outbox::send(const EventPtr& event, const std::vector<ServerName>& servers) {
    for (const ServerName& server : servers) {
        if (server == data_->services.server_name) continue;
        data_->queue_event(server, *event);
        data_->start(server);
    }
}

void Outbox::Data::queue_event(const ServerName& server, const Event& event) {
    if (find_or_load(server).has_gaps) {
        SIM_SOMETIMES("an event goes into the gap of a server that is away");
        store.put_gap(server, {event.room_id, event.id});
        return;
    }
    const std::int64_t number = store.append(server, event.id);
    const bool is_long =
        number % kQueueCountedEach == 0 && store.count_events(server) > kQueueLengthMax;
    if (is_long || SIM_FAULT_POINT("a queue of events counts as too long")) {
        SIM_SOMETIMES("a queue is collapsed because it is long");
        collapse(server, "too many events wait");
    }
}

Outbox::Data::Destination& Outbox::Data::find_or_load(const ServerName& server) {
    const auto known = destinations.find(server);
    if (known != destinations.end()) return known->second;
    const storage::OutboxStore::Destination stored = store.load_destination(server);
    const storage::OutboxStore::Retry& retry = stored.retry;
    if (retry.failures > 0 && services.health.transaction_pause(server).failures == 0) {
        SIM_SOMETIMES("a back-off outlives a restart");
        const std::int64_t left_ms = retry.retry_at_ts - services.clock.now().value;
        services.health.remember(server, {retry.failures, runtime::milliseconds(left_ms)});
    }
    Destination& destination = destinations[server];
    destination.has_gaps = stored.has_gaps;
    return destination;
}

void Outbox::send_edu(const Edu& edu, const std::vector<ServerName>& servers) {
    const std::string key =
        edu.replaces_key.empty() ? std::string() : edu.type + ' ' + edu.replaces_key;
    const std::string text =
        json::write(json::Object{{"edu_type", edu.type}, {"content", edu.content}});
    for (const ServerName& server : servers) {
        if (server == data_->services.server_name) continue;
        if (edu.keeping == EduKeeping::UntilDelivered) {
            data_->store.append_edu(server, key, text, kKeptEdusMax);
        } else {
            data_->queue_ephemeral(server, {key, text});
        }
        data_->start(server);
    }
}

void Outbox::Data::queue_ephemeral(const ServerName& server, Ephemeral edu) {
    Destination& destination = find_or_load(server);
    if (!edu.replaces_key.empty()) {
        std::erase_if(destination.waiting, [&](const Ephemeral& older) {
            return older.replaces_key == edu.replaces_key;
        });
    }
    SIM_SOMETIMES(destination.waiting.size() >= kEphemeralEdusMax,
                  "too many EDUs wait for a server");
    if (is_down(server) || destination.waiting.size() >= kEphemeralEdusMax) {
        SIM_SOMETIMES("an EDU is dropped because its server is down or slow");
        ++services.counters.edus_dropped;
        return;
    }
    destination.waiting.push_back(std::move(edu));
}

void Outbox::resume() {
    for (const auto& queue : data_->store.list_queues()) {
        SIM_SOMETIMES("a queue is taken up after a restart");
        data_->start(queue.destination);
    }
}

std::size_t Outbox::queued() const {
    std::size_t count = 0;
    for (const Queue& queue : list_queues())
        count += queue.events + queue.edus + queue.ephemeral_edus + queue.rooms_to_catch_up;
    return count;
}

std::vector<Outbox::Queue> Outbox::list_queues() const {
    std::map<ServerName, Queue> queues;
    for (const auto& queue : data_->store.list_queues()) {
        queues[queue.destination] = {.events = static_cast<std::size_t>(queue.events),
                                     .edus = static_cast<std::size_t>(queue.edus),
                                     .rooms_to_catch_up = static_cast<std::size_t>(queue.gaps)};
    }
    for (const auto& [server, destination] : data_->destinations) {
        const std::size_t count =
            destination.waiting.size() + destination.in_flight.ephemeral.size();
        if (count > 0) queues[server].ephemeral_edus = count;
    }
    std::vector<Queue> list;
    for (auto& [server, queue] : queues) {
        queue.destination = server;
        const PeerHealth::TransactionPause pause = data_->services.health.transaction_pause(server);
        queue.failures = pause.failures;
        if (pause.left.value > 0) {
            queue.retry_at_ts = (data_->services.clock.now() + pause.left).value;
        }
        list.push_back(std::move(queue));
    }
    return list;
}

void Outbox::Data::start(const ServerName& server) {
    if (std::exchange(find_or_load(server).is_running, true)) return;
    tasks.start(drain(server));
}

Task<void> Outbox::Data::drain(ServerName server) {
    while (true) {
        const runtime::Duration left = services.health.transaction_pause(server).left;
        if (left.value > 0) {
            co_await pause(server, left);
            continue;
        }
        fill_transaction(server);
        Destination& destination = destinations[server];
        if (destination.in_flight.is_empty()) break;
        std::string id = destination.in_flight.id;
        json::Object transaction = write_transaction(destination.in_flight);
        const Result<json::Object> results = co_await services.federation.send_transaction(
            server, std::move(id), std::move(transaction));
        if (results && SIM_FAULT_POINT("the answer to a transaction is forgotten")) continue;
        if (results) {
            log_refusals(server, *results);
            note_success(server, std::exchange(destinations[server].in_flight, {}));
        } else {
            note_failure(server, results.error());
        }
    }
    // Nobody waits here: the task that comes next begins anew.
    destinations.erase(server);
}

// What failed is repeated as it was: a peer may have taken it without our learning of it, and then
// ignores all that comes under the same id.
void Outbox::Data::fill_transaction(const ServerName& server) {
    Destination& destination = destinations[server];
    Transaction& transaction = destination.in_flight;
    if (!transaction.is_empty()) {
        SIM_SOMETIMES("a transaction is sent again");
        return;
    }
    if (destination.has_gaps) catch_up(server, destination);
    destination.failed_commits = services.turns.failed_commits();
    transaction.made_at = services.clock.now();
    const bool is_small = SIM_FAULT_POINT("a transaction holds one event and one EDU");
    transaction.kept = store.next_transaction(
        server,
        {.events = is_small ? 1 : kTransactionPdusMax, .edus = is_small ? 1 : kTransactionEdusMax});
    SIM_SOMETIMES(transaction.kept.size() > 1, "a transaction holds several entries");
    const auto kept_edus = static_cast<std::size_t>(
        std::ranges::count_if(transaction.kept, [](const auto& entry) { return !entry.event; }));
    const auto count = std::min(kTransactionEdusMax - kept_edus, destination.waiting.size());
    const auto end = destination.waiting.begin() + static_cast<std::ptrdiff_t>(count);
    for (auto edu = destination.waiting.begin(); edu != end; ++edu)
        transaction.ephemeral.push_back(std::move(edu->text));
    destination.waiting.erase(destination.waiting.begin(), end);
    if (!transaction.kept.empty()) {
        transaction.id = transaction_id_of(transaction.kept);
    } else if (!transaction.ephemeral.empty()) {
        transaction.id = ids.text(kTransactionIdLength, runtime::kLetters);
    }
}

// From the destination's next transaction on, which comes when it takes them again.
void Outbox::Data::catch_up(const ServerName& server, Destination& destination) {
    const auto gaps = store.take_gaps(server, kCatchUpRoomsMax);
    SIM_SOMETIMES("a server catches up");
    for (const storage::OutboxStore::Gap& gap : gaps) {
        for (const EventId& event : newest_events(server, gap))
            store.append(server, event);
    }
    if (gaps.size() < kCatchUpRoomsMax) destination.has_gaps = false;
    services.log.info(
        "outbox", "catching_up server=" + server.text() + " rooms=" + std::to_string(gaps.size()));
}

// They may be other servers' events, which lead to ours. A server that is not in the room any more
// gets what was meant for it last: how it came to leave.
std::vector<EventId> Outbox::Data::newest_events(const ServerName& server,
                                                 const storage::OutboxStore::Gap& gap) const {
    MATRIX_ASSERT(rooms != nullptr);
    const Result<RoomPtr> room = rooms->find(gap.room);
    if (!room || !(*room)->is_server_joined(server)) {
        SIM_SOMETIMES("a server that has left gets its last event");
        return {gap.last_event};
    }
    return (*room)->extremities();
}

void Outbox::Data::collapse(const ServerName& server, std::string_view why) {
    store.collapse(server);
    destinations[server].has_gaps = true;
    services.log.info("outbox",
                      "queue_collapsed server=" + server.text() + " why=" + std::string(why));
}

namespace {

json::Value read_stored(const std::string& text) {
    auto value = json::parse(text, json::Numbers::Any);
    MATRIX_ASSERT(value.has_value());  // We have written it.
    return *std::move(value);
}

}  // namespace

json::Object Outbox::Data::write_transaction(const Transaction& transaction) const {
    json::Array pdus;
    json::Array edus;
    for (const auto& entry : transaction.kept)
        (entry.event ? pdus : edus).push_back(read_stored(entry.text));
    for (const std::string& text : transaction.ephemeral)
        edus.push_back(read_stored(text));
    json::Object written{{"origin", services.server_name.text()},
                         {"origin_server_ts", transaction.made_at.value},
                         {"pdus", std::move(pdus)}};
    if (!edus.empty()) written.set("edus", std::move(edus));
    return written;
}

void Outbox::Data::log_refusals(const ServerName& server, const json::Object& results) const {
    for (const json::Member& result : results) {
        const std::string* error = result.value.find_string("error");
        if (!error) continue;
        SIM_SOMETIMES("a server refuses an event of ours");
        services.log.info("outbox",
                          server.text() + " refused " + result.key.substr(0, kIdBytesMax) + ": " +
                              error->substr(0, 200));
    }
}

void Outbox::Data::note_success(const ServerName& server, Transaction transaction) {
    for (const auto& entry : transaction.kept)
        services.counters.edus_sent += entry.event ? 0 : 1;
    services.counters.edus_sent += transaction.ephemeral.size();
    if (!transaction.kept.empty()) store.acknowledge(server, transaction.kept.back().number);
    if (services.health.transaction_pause(server).failures == 0) return;
    services.health.transaction_taken(server);
    SIM_SOMETIMES("a server takes transactions again");
    services.log.info("outbox", "transactions_taken_again server=" + server.text());
    store.put_retry(server, {});
}

// The peer takes the kept rest of a repeated transaction for the same one, which is right: it has
// either taken all of it or nothing.
void Outbox::Data::drop_ephemeral(Destination& destination) {
    std::vector<std::string>& in_flight = destination.in_flight.ephemeral;
    services.counters.edus_dropped += destination.waiting.size() + in_flight.size();
    destination.waiting.clear();
    in_flight.clear();
}

// What a failed commit took back must not be sent.
void Outbox::Data::read_again_after_failed_commit(const ServerName& server) {
    Destination& destination = destinations[server];
    if (destination.failed_commits == services.turns.failed_commits()) return;
    SIM_SOMETIMES("a transaction is read again after a failed commit");
    drop_ephemeral(destination);
    destination.in_flight = {};
    destination.has_gaps = store.load_destination(server).has_gaps;
}

void Outbox::Data::note_failure(const ServerName& server, const Error& error) {
    ++services.counters.transactions_failed;
    services.health.transaction_failed(server);
    const PeerHealth::TransactionPause pause = services.health.transaction_pause(server);
    services.log.info("outbox",
                      "transaction_failed server=" + server.text() +
                          " failures=" + std::to_string(pause.failures) + " why=" + error.message);
    read_again_after_failed_commit(server);
    if (is_down(server)) {
        SIM_SOMETIMES("a server is down");
        drop_ephemeral(destinations[server]);
    }

    const std::int64_t now = services.clock.now().value;
    storage::OutboxStore::Retry retry = store.load_destination(server).retry;
    if (retry.failures == 0) retry.failing_since_ts = now;
    retry.failures = pause.failures;
    retry.retry_at_ts = now + pause.left.value;
    store.put_retry(server, retry);
    const bool is_away = now - retry.failing_since_ts >= kQueueAgeMaxMs;
    if (is_away && !destinations[server].has_gaps) {
        SIM_SOMETIMES("a queue is collapsed because its server is away");
        collapse(server, "away for too long");
    }
}

// Or until the server shows that it is there.
Task<void> Outbox::Data::pause(ServerName server, runtime::Duration duration) {
    co_await runtime::Completion<bool>([this, server, duration](auto done) {
        auto shared = std::make_shared<decltype(done)>(std::move(done));
        destinations[server].wake = [shared] { (*shared)(true); };
        return services.clock.call_after(duration, [this, server, shared] {
            destinations[server].wake = nullptr;
            (*shared)(true);
        });
    });
}

}  // namespace matrix::engine
