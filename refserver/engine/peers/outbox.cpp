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

// The same events have the same id in each attempt, and no others ever have it.
std::string transaction_id_of(const std::vector<storage::OutboxStore::Entry>& entries) {
    std::string named = std::to_string(entries.front().number);
    for (const auto& entry : entries)
        named += ' ' + entry.event.text();
    return encode_base64_url(view(sha256(named))).substr(0, 22);
}

}  // namespace

struct Outbox::Data {
    explicit Data(Services services_)
        : services(std::move(services_)),
          store(services.turns),
          random(services.random.stream("outbox")) {}

    struct Destination {
        bool is_running = false;
        runtime::Timestamp last_attempt;  // Monotonic.
        // Ends the pause before the next attempt; empty while there is none.
        std::move_only_function<void()> wake;
    };

    void start(const ServerName& server);
    Task<void> drain(ServerName server);
    json::Object make_transaction(const std::vector<storage::OutboxStore::Entry>& entries) const;
    void log_refusals(const ServerName& server, const json::Object& results) const;
    void note_success(const ServerName& server, std::int64_t number);
    void note_failure(const ServerName& server, const Error& error);
    Task<void> pause(ServerName server);

    Services services;
    storage::OutboxStore store;
    runtime::Random& random;
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
    std::int64_t count = 0;
    for (const auto& queue : data_->store.list_queues())
        count += queue.events;
    return static_cast<std::size_t>(count);
}

std::vector<Outbox::Queue> Outbox::list_queues() const {
    std::vector<Queue> queues;
    for (auto& queue : data_->store.list_queues()) {
        queues.push_back({std::move(queue.destination),
                          static_cast<std::size_t>(queue.events),
                          queue.retry_at_ts});
    }
    return queues;
}

void Outbox::Data::start(const ServerName& server) {
    if (std::exchange(destinations[server].is_running, true)) return;
    tasks.start(drain(server));
}

Task<void> Outbox::Data::drain(ServerName server) {
    if (store.load_retry(server).retry_at_ts != 0) co_await pause(server);
    while (true) {
        const auto entries = store.next_transaction(server, kTransactionPdusMax);
        if (entries.empty()) break;
        destinations[server].last_attempt = services.clock.monotonic_now();
        std::string id = transaction_id_of(entries);
        json::Object transaction = make_transaction(entries);
        const Result<json::Object> results = co_await services.federation.send_transaction(
            server, std::move(id), std::move(transaction));
        if (results) {
            log_refusals(server, *results);
            note_success(server, entries.back().number);
        } else {
            note_failure(server, results.error());
            co_await pause(server);
        }
    }
    // Nobody waits here: the task that comes next begins anew.
    destinations.erase(server);
}

json::Object Outbox::Data::make_transaction(
    const std::vector<storage::OutboxStore::Entry>& entries) const {
    json::Array pdus;
    for (const auto& entry : entries) {
        auto pdu = json::parse(entry.text, json::Numbers::Any);
        MATRIX_ASSERT(pdu.has_value());  // We have stored it.
        pdus.push_back(*std::move(pdu));
    }
    return json::Object{{"origin", services.server_name.text()},
                        {"origin_server_ts", services.clock.now().value},
                        {"pdus", std::move(pdus)}};
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

void Outbox::Data::note_success(const ServerName& server, std::int64_t number) {
    store.acknowledge(server, number);
    if (store.load_retry(server).retry_at_ts == 0) return;
    services.log.info("outbox", server.text() + " takes transactions again");
    store.put_retry(server, {});
}

void Outbox::Data::note_failure(const ServerName& server, const Error& error) {
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
