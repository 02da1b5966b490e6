#include "refserver/engine/peers/outbox.h"

#include <algorithm>
#include <map>

#include "refserver/engine/peers/federation_client.h"
#include "refserver/protocol/base64.h"
#include "refserver/protocol/sha256.h"
#include "refserver/storage/outbox_store.h"

namespace matrix::engine {

using runtime::Task;

namespace {

constexpr std::int64_t kRetryLeastMs = 1000;
constexpr std::int64_t kRetryMostMs = 60 * 60 * 1000;
/// UNSPECIFIED: how long a queue may become; the peer fetches what was dropped, because the events
/// that it still gets cite them.
constexpr std::int64_t kQueueLengthMax = 10'000;

/// UNSPECIFIED: the same for kept EDUs. Whoever has so many unread ones has been away for very
/// long.
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
          random(services.random.stream("outbox")),
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
        int failures = 0;
        runtime::Timestamp last_attempt;  // Monotonic.
        // Ends the pause before the next attempt; empty while there is none.
        std::move_only_function<void()> wake;
        std::vector<Ephemeral> waiting;  ///< The oldest first.
        Transaction in_flight;           ///< On its way, or to be tried again; empty: neither.

        bool is_down() const { return failures >= kFailuresUntilDown; }
    };
    void start(const ServerName& server);
    Task<void> drain(ServerName server);
    void fill_transaction(const ServerName& server);
    json::Object write_transaction(const Transaction& transaction) const;
    void queue_ephemeral(const ServerName& server, Ephemeral edu);
    void drop_ephemeral(Destination& destination);
    void log_refusals(const ServerName& server, const json::Object& results) const;
    void note_success(const ServerName& server, Transaction transaction);
    void note_failure(const ServerName& server, const Error& error);
    Task<void> pause(ServerName server);

    Services services;
    storage::OutboxStore store;
    runtime::Random& random;
    runtime::Random& ids;  ///< Of transactions with nothing but ephemeral EDUs.
    std::map<ServerName, Destination> destinations;
    runtime::TaskGroup tasks;
};

Outbox::Outbox(Services services) : data_(std::make_unique<Data>(std::move(services))) {}
Outbox::~Outbox() = default;

void Outbox::send(const EventPtr& event, const std::vector<ServerName>& servers) {
    for (const ServerName& server : servers) {
        if (server == data_->services.server_name) continue;
        data_->store.append(server, event->id, kQueueLengthMax);
        data_->start(server);
    }
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
    Destination& destination = destinations[server];
    if (!edu.replaces_key.empty()) {
        std::erase_if(destination.waiting, [&](const Ephemeral& older) {
            return older.replaces_key == edu.replaces_key;
        });
    }
    if (destination.is_down() || destination.waiting.size() >= kEphemeralEdusMax) {
        ++services.counters.edus_dropped;
        return;
    }
    destination.waiting.push_back(std::move(edu));
}

void Outbox::resume() {
    for (const auto& queue : data_->store.list_queues())
        data_->start(queue.destination);
}

void Outbox::server_is_back(const ServerName& server) {
    const auto entry = data_->destinations.find(server);
    if (entry == data_->destinations.end() || !entry->second.wake) return;
    // It may reach us while we do not reach it.
    const runtime::Timestamp now = data_->services.clock.monotonic_now();
    if ((now - entry->second.last_attempt).value < kRetryLeastMs) return;
    auto wake = std::exchange(entry->second.wake, nullptr);
    wake();
}

std::size_t Outbox::queued() const {
    std::size_t count = 0;
    for (const Queue& queue : list_queues())
        count += queue.events + queue.edus + queue.ephemeral_edus;
    return count;
}

std::vector<Outbox::Queue> Outbox::list_queues() const {
    std::map<ServerName, Queue> queues;
    for (const auto& queue : data_->store.list_queues()) {
        queues[queue.destination] = {.events = static_cast<std::size_t>(queue.events),
                                     .edus = static_cast<std::size_t>(queue.edus),
                                     .retry_at_ts = queue.retry_at_ts};
    }
    for (const auto& [server, destination] : data_->destinations) {
        const std::size_t count =
            destination.waiting.size() + destination.in_flight.ephemeral.size();
        if (count > 0) queues[server].ephemeral_edus = count;
    }
    std::vector<Queue> list;
    for (auto& [server, queue] : queues) {
        queue.destination = server;
        list.push_back(std::move(queue));
    }
    return list;
}

void Outbox::Data::start(const ServerName& server) {
    if (std::exchange(destinations[server].is_running, true)) return;
    tasks.start(drain(server));
}

Task<void> Outbox::Data::drain(ServerName server) {
    if (store.load_retry(server).retry_at_ts != 0) co_await pause(server);
    while (true) {
        fill_transaction(server);
        Destination& destination = destinations[server];
        if (destination.in_flight.is_empty()) break;
        destination.last_attempt = services.clock.monotonic_now();
        std::string id = destination.in_flight.id;
        json::Object transaction = write_transaction(destination.in_flight);
        const Result<json::Object> results = co_await services.federation.send_transaction(
            server, std::move(id), std::move(transaction));
        if (results) {
            log_refusals(server, *results);
            note_success(server, std::exchange(destinations[server].in_flight, {}));
        } else {
            note_failure(server, results.error());
            co_await pause(server);
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
    if (!transaction.is_empty()) return;
    transaction.made_at = services.clock.now();
    transaction.kept = store.next_transaction(
        server, {.events = kTransactionPdusMax, .edus = kTransactionEdusMax});
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
        services.log.info("outbox",
                          server.text() + " refused " + result.key.substr(0, kIdBytesMax) + ": " +
                              error->substr(0, 200));
    }
}

void Outbox::Data::note_success(const ServerName& server, Transaction transaction) {
    for (const auto& entry : transaction.kept)
        services.counters.edus_sent += entry.event ? 0 : 1;
    services.counters.edus_sent += transaction.ephemeral.size();
    destinations[server].failures = 0;
    if (!transaction.kept.empty()) store.acknowledge(server, transaction.kept.back().number);
    if (store.load_retry(server).retry_at_ts == 0) return;
    services.log.info("outbox", server.text() + " takes transactions again");
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

void Outbox::Data::note_failure(const ServerName& server, const Error& error) {
    Destination& destination = destinations[server];
    ++destination.failures;
    if (destination.is_down()) drop_ephemeral(destination);
    const std::int64_t now = services.clock.now().value;
    storage::OutboxStore::Retry retry = store.load_retry(server);
    if (retry.retry_at_ts == 0) retry.failing_since_ts = now;
    retry.delay_ms = std::clamp(retry.delay_ms * 2, kRetryLeastMs, kRetryMostMs);
    // From half of it to all of it, so that servers which failed together do not come together.
    const auto half = static_cast<std::uint64_t>(retry.delay_ms / 2);
    retry.retry_at_ts = now + static_cast<std::int64_t>(half + random.below(half + 1));
    store.put_retry(server, retry);
    services.log.info("outbox", "a transaction failed: " + error.message);
}

// Until the time of the next attempt, or until the server shows that it is there.
Task<void> Outbox::Data::pause(ServerName server) {
    const std::int64_t now = services.clock.now().value;
    // The wall clock may have jumped.
    const std::int64_t delay_ms =
        std::clamp<std::int64_t>(store.load_retry(server).retry_at_ts - now, 0, kRetryMostMs);
    co_await runtime::Completion<bool>([this, server, delay_ms](auto done) {
        auto shared = std::make_shared<decltype(done)>(std::move(done));
        destinations[server].wake = [shared] { (*shared)(true); };
        return services.clock.call_after(runtime::milliseconds(delay_ms), [this, server, shared] {
            destinations[server].wake = nullptr;
            (*shared)(true);
        });
    });
}

}  // namespace matrix::engine
