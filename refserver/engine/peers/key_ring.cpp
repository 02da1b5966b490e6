#include "refserver/engine/peers/key_ring.h"

#include <algorithm>
#include <iterator>
#include <map>
#include <set>

#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/engine/http_api.h"
#include "refserver/engine/peers/federation_client.h"
#include "refserver/protocol/event_hash.h"
#include "refserver/protocol/redaction.h"
#include "refserver/runtime/fault_point.h"
#include "refserver/runtime/task_group.h"
#include "refserver/storage/remote_keys.h"

namespace matrix::engine {

using runtime::Task;

namespace {

constexpr std::int64_t kHourMs = 60 * 60 * 1000;
/// How long our key document is good; peers refetch it after half of that.
constexpr std::int64_t kOwnKeysValidMs = 24 * kHourMs;
/// Spec: "the lesser of this field and 7 days into the future".
constexpr std::int64_t kBelievedForMs = 7 * 24 * kHourMs;
/// A server whose answers bring nothing new is asked after 1, 2, 4 ... seconds, and then each
/// minute.
constexpr std::int64_t kFetchPauseLeastMs = 1000;
constexpr std::int64_t kFetchPauseMostMs = 60'000;
constexpr std::size_t kKeysPerServerMax = 64;
/// Servers whose keys stay in memory; of others they are read from the database.
constexpr std::size_t kServersMax = 4096;
/// Servers that are asked for keys at the same time by one verification.
constexpr std::size_t kFetchesAtOnce = 32;
/// Servers that are asked for keys at the same time by all: strangers can name servers to us.
constexpr std::size_t kFetchesAtOnceInAll = 256;
/// An Ed25519 check takes 50 to 100 microseconds, so a handful is quicker than a worker.
constexpr std::size_t kChecksInTurnMax = 16;
/// PDUs that are checked in one go, by a worker if there are more.
constexpr std::size_t kPdusPerBatch = 16;
/// Of very many, the batches get larger: handing a job over costs as much as some signatures.
constexpr std::size_t kBatchesMax = 64;

using Keys = std::map<KeyId, ServerKey>;

bool is_ed25519(const KeyId& key) {
    return key.view().starts_with("ed25519:");
}

std::int64_t origin_server_ts_of(const json::Object& pdu) {
    const json::Value* time = pdu.find("origin_server_ts");
    const std::int64_t* integer = time ? time->if_integer() : nullptr;
    return integer ? *integer : INT64_MAX;
}

// One question to the protocol: has this server signed that event?
struct Check {
    std::size_t pdu;  // Index.
    ServerName server;
    std::shared_ptr<const Keys> keys;
};

/// Some of the PDUs that are taken together, on their way between the loop and the workers.
struct Batch {
    /// By which keys of a server an event is signed, and is to be.
    using Signing = std::pair<ServerName, std::vector<KeyId>>;

    std::vector<json::Object> pdus;
    std::vector<Result<Event>> events;
    std::vector<std::vector<ServerName>> signers;
    std::map<Signing, std::int64_t> newest_by_signing;  ///< The time of the newest such event.
    std::map<ServerName, std::shared_ptr<const Keys>> keys;
};

}  // namespace

struct KeyRing::Data {
    explicit Data(Services services_)
        : services(std::move(services_)),
          store(services.turns),
          own(std::make_shared<const Keys>(
              Keys{{services.signer.key_id(), {services.signer.public_key(), INT64_MAX, false}}})) {
        services.turns.on_failed_commit([this] { forget_all(); });
    }

    struct Remote {
        std::shared_ptr<const Keys> keys;  ///< Null: to be read from the database.
        bool is_fetching = false;
        runtime::Signal fetched;
        runtime::Timestamp fetch_after;  // Monotonic.
        std::int64_t pause_ms = kFetchPauseLeastMs;
        std::string last_failure;  // Empty: the last fetch was none.
        std::int64_t fetched_ts = 0;
        std::uint64_t last_use = 0;
    };

    Remote& remote(const ServerName& server);
    void forget_least_used();
    void forget_all();
    std::shared_ptr<const Keys> keys_of(const ServerName& server);
    void start_fetch(const ServerName& server);
    Task<void> fetch(ServerName server);
    Task<bool> fetch_from_notaries(ServerName server);
    bool is_signed_by_notary(const json::Object& document, const ServerName& notary);
    /// Whom a key document came from.
    enum class Source { Origin, Notary };
    bool merge(Remote& known, const ServerKeys& fetched, Source source);
    Task<void> refresh(std::vector<ServerName> servers);
    bool needs_keys(const json::Object& pdu, const ServerName& server, const RoomRules& rules);
    const ServerKey* find_current_key(const ServerName& server, const KeyId& key);
    Task<std::vector<SignatureVerdict>> run(std::vector<Check> checks,
                                            Pdus pdus,
                                            const RoomRules* rules);
    /// `signers` has the servers to be asked about for each event.
    Task<std::vector<Result<void>>> verify(Pdus pdus,
                                           std::vector<std::vector<ServerName>> signers,
                                           const RoomRules* rules);
    std::set<ServerName> list_unjudged(const std::vector<Batch>& batches, const RoomRules& rules);
    /// Few are worked on at once, many by the workers.
    template <class Step>
    Task<void> work_on(std::shared_ptr<std::vector<Batch>> batches, Step step);
    using Batches = std::shared_ptr<std::vector<Batch>>;
    Task<Batches> check(std::vector<json::Object> pdus, const RoomRules* rules);

    Services services;
    FederationClient* federation = nullptr;
    storage::RemoteKeys store;
    const std::shared_ptr<const Keys> own;
    std::map<ServerName, Remote> remotes;
    std::uint64_t uses = 0;
    runtime::TaskGroup fetches;
};

KeyRing::KeyRing(Services services) : data_(std::make_unique<Data>(std::move(services))) {}
KeyRing::~KeyRing() = default;

void KeyRing::connect(FederationClient& federation) {
    data_->federation = &federation;
}

json::Object KeyRing::own_keys() const {
    const Services& services = data_->services;
    return make_server_keys(services.server_name,
                            services.signer,
                            services.clock.now().value + kOwnKeysValidMs,
                            services.old_keys);
}

std::optional<KeyRing::FetchReport> KeyRing::find_fetch(const ServerName& server) const {
    const auto found = data_->remotes.find(server);
    if (found == data_->remotes.end()) return std::nullopt;
    const Data::Remote& known = found->second;
    if (known.fetched_ts == 0 && !known.is_fetching) return std::nullopt;
    const runtime::Clock& clock = data_->services.clock;
    const runtime::Duration left = known.fetch_after - clock.monotonic_now();
    return FetchReport{.is_fetching = known.is_fetching,
                       .last_failure = known.last_failure,
                       .fetched_ts = known.fetched_ts,
                       .next_fetch_ts = clock.now().value + std::max<std::int64_t>(left.value, 0)};
}

// --- What is known of other servers ------------------------------------------------------------

KeyRing::Data::Remote& KeyRing::Data::remote(const ServerName& server) {
    const auto [entry, is_new] = remotes.try_emplace(server);
    entry->second.last_use = ++uses;
    if (!entry->second.keys || SIM_FAULT_POINT("the keys of a server are read from the database")) {
        entry->second.keys = std::make_shared<const Keys>(store.load(server));
    }
    if (is_new && remotes.size() > kServersMax) forget_least_used();
    return entry->second;
}

// What was read while the storage failed is not what we know, and who was asked then may be asked
// again.
void KeyRing::Data::forget_all() {
    for (auto& [server, known] : remotes) {
        SIM_SOMETIMES("keys are read again after a failed commit");
        known.keys.reset();
        known.fetch_after = {};
    }
}

void KeyRing::Data::forget_least_used() {
    auto victim = remotes.end();
    for (auto entry = remotes.begin(); entry != remotes.end(); ++entry) {
        if (entry->second.is_fetching || entry->second.last_use == uses) continue;
        if (victim == remotes.end() || entry->second.last_use < victim->second.last_use) {
            victim = entry;
        }
    }
    if (victim != remotes.end()) remotes.erase(victim);
}

std::shared_ptr<const Keys> KeyRing::Data::keys_of(const ServerName& server) {
    return server == services.server_name ? own : remote(server).keys;
}

void KeyRing::Data::start_fetch(const ServerName& server) {
    if (server == services.server_name) return;
    Remote& known = remote(server);
    SIM_SOMETIMES(known.is_fetching, "two questions share one fetch of keys");
    SIM_SOMETIMES(!known.is_fetching && services.clock.monotonic_now() < known.fetch_after,
                  "a server is not asked for its keys again so soon");
    if (known.is_fetching || services.clock.monotonic_now() < known.fetch_after) return;
    if (fetches.size() >= kFetchesAtOnceInAll) return;
    MATRIX_ASSERT(federation != nullptr);
    known.is_fetching = true;
    fetches.start(fetch(server));
}

Task<void> KeyRing::Data::fetch(ServerName server) {
    ++services.counters.key_fetches;
    const Result<ServerKeys> fetched = co_await federation->get_keys(server);
    bool is_news = false;
    if (fetched) {
        is_news = merge(remote(server), *fetched, Source::Origin);
    } else {
        SIM_SOMETIMES("a server does not give its keys");
        ++services.counters.key_fetch_failures;
        services.log.write("key_fetch_failed",
                           {{"server", server.view()}, {"why", fetched.error().message}});
        is_news = co_await fetch_from_notaries(server);
    }
    Remote& known = remote(server);
    known.last_failure = fetched ? std::string() : fetched.error().message;
    known.fetched_ts = services.clock.now().value;
    known.pause_ms = is_news ? kFetchPauseLeastMs : std::min(known.pause_ms * 2, kFetchPauseMostMs);
    known.fetch_after = services.clock.monotonic_now() + runtime::milliseconds(known.pause_ms);
    known.is_fetching = false;
    known.fetched.notify_all();
}

// True if one of them knew something. Of a notary itself no other is asked: they could wait for
// each other.
Task<bool> KeyRing::Data::fetch_from_notaries(ServerName server) {
    const std::vector<ServerName>& notaries = services.trusted_key_servers;
    if (std::ranges::count(notaries, server) > 0) co_return false;
    for (const ServerName& notary : notaries) {
        if (notary == services.server_name) continue;
        SIM_SOMETIMES("a notary is asked for keys");
        ++services.counters.key_notary_fetches;
        const Result<std::vector<ServerKeys>> documents =
            co_await federation->query_keys(notary, server);
        if (!documents) {
            ++services.counters.key_notary_failures;
            services.log.write("key_notary_failed",
                               {{"server", server.view()},
                                {"notary", notary.view()},
                                {"why", documents.error().message}});
            continue;
        }
        std::vector<ServerName> asked(1, notary);
        if (!documents->empty()) co_await refresh(std::move(asked));
        bool is_news = false;
        for (const ServerKeys& document : *documents) {
            if (!is_signed_by_notary(document.document, notary)) {
                SIM_SOMETIMES("a notary did not sign what it gives");
                continue;
            }
            is_news |= merge(remote(server), document, Source::Notary);
        }
        if (is_news) {
            SIM_SOMETIMES("a notary knows keys of a server that does not answer");
            co_return true;
        }
    }
    co_return false;
}

bool KeyRing::Data::is_signed_by_notary(const json::Object& document, const ServerName& notary) {
    for (const SignatureRef& ref : list_signatures(document)) {
        if (ref.entity != notary.view()) continue;
        const ServerKey* key = find_current_key(notary, ref.key_id);
        if (key && has_signature(document, ref.signature, key->public_key, services.verifier)) {
            return true;
        }
    }
    ++services.counters.key_notary_failures;
    const json::Value* named = document.find("server_name");
    const std::string* server = named ? named->if_string() : nullptr;
    services.log.write("key_notary_failed",
                       {{"server", server ? std::string_view(*server) : std::string_view()},
                        {"notary", notary.view()},
                        {"why", "its signature is missing or wrong"}});
    return false;
}

namespace {

// The same key, still current, for a longer time.
bool is_longer(const ServerKey& told, const ServerKey& known) {
    return !told.is_old && !known.is_old && told.public_key == known.public_key &&
           told.valid_until_ts > known.valid_until_ts;
}

}  // namespace

// True if the document told anything that was worth asking for.
//
// A notary may tell what was true long ago: it adds keys and lengthens their time, and changes
// nothing else.
bool KeyRing::Data::merge(Remote& known, const ServerKeys& fetched, Source source) {
    const std::int64_t now = services.clock.now().value;
    ServerKeys believed = fetched;
    Keys keys = *known.keys;
    if (source == Source::Notary) {
        std::erase_if(believed.keys, [&](const auto& one) {
            const auto entry = keys.find(one.first);
            return entry != keys.end() && !is_longer(one.second, entry->second);
        });
    }
    bool is_news = false;
    for (auto& [key_id, key] : believed.keys) {
        SIM_SOMETIMES(!key.is_old && key.valid_until_ts > now + kBelievedForMs,
                      "a server claims a key for too long");
        if (!key.is_old) key.valid_until_ts = std::min(key.valid_until_ts, now + kBelievedForMs);
        const auto [entry, is_new] = keys.try_emplace(key_id, key);
        is_news |= is_new || entry->second.public_key != key.public_key ||
                   entry->second.is_old != key.is_old ||
                   key.valid_until_ts - entry->second.valid_until_ts > kHourMs;
        SIM_SOMETIMES(!is_new && entry->second.public_key != key.public_key,
                      "a key id gets another key");
        SIM_SOMETIMES(!is_new && !entry->second.is_old && key.is_old, "a key becomes an old one");
        entry->second = key;
    }
    SIM_SOMETIMES(keys.size() > kKeysPerServerMax, "a server has too many keys");
    if (keys.size() > kKeysPerServerMax) return false;
    store.put(believed, now);
    known.keys = std::make_shared<const Keys>(std::move(keys));
    return is_news;
}

// Asks servers for their keys, some at a time; those that were asked just now are not.
Task<void> KeyRing::Data::refresh(std::vector<ServerName> servers) {
    for (std::size_t first = 0; first < servers.size(); first += kFetchesAtOnce) {
        const std::size_t end = std::min(first + kFetchesAtOnce, servers.size());
        for (std::size_t i = first; i < end; ++i)
            start_fetch(servers[i]);
        for (std::size_t i = first; i < end; ++i) {
            const auto entry = remotes.find(servers[i]);
            if (entry == remotes.end() || !entry->second.is_fetching) continue;
            co_await entry->second.fetched.wait();
        }
    }
}

Task<void> KeyRing::refresh(std::vector<ServerName> servers) {
    return data_->refresh(std::move(servers));
}

// --- Events --------------------------------------------------------------------------------------

// Is there a signature of the server, and no key by which any of its signatures could be judged?
bool KeyRing::Data::needs_keys(const json::Object& pdu,
                               const ServerName& server,
                               const RoomRules& rules) {
    const std::shared_ptr<const Keys> keys = keys_of(server);
    const std::int64_t now = services.clock.now().value;
    const std::int64_t origin_server_ts = origin_server_ts_of(pdu);
    bool has_signature_of_server = false;
    for (const SignatureRef& ref : list_signatures(pdu)) {
        if (ref.entity != server.view() || !is_ed25519(ref.key_id)) continue;
        has_signature_of_server = true;
        const auto known = keys->find(ref.key_id);
        if (known == keys->end()) continue;
        if (is_key_valid_for(known->second, origin_server_ts, now, rules)) return false;
    }
    return has_signature_of_server;
}

Task<std::vector<SignatureVerdict>> KeyRing::Data::run(std::vector<Check> checks,
                                                       Pdus pdus,
                                                       const RoomRules* rules) {
    const bool is_quick = checks.size() <= kChecksInTurnMax;
    const std::int64_t now = services.clock.now().value;
    // The verifier has no state, and outlives the server.
    auto job = [checks = std::move(checks), pdus, rules, now, verifier = &services.verifier] {
        std::vector<SignatureVerdict> verdicts;
        for (const Check& check : checks) {
            verdicts.push_back(check_event_signatures(
                (*pdus)[check.pdu], check.server, *check.keys, now, *rules, *verifier));
        }
        return verdicts;
    };
    if (is_quick) co_return job();
    co_return co_await services.workers.run<std::vector<SignatureVerdict>>(
        runtime::Lane::Signatures, std::move(job));
}

namespace {

Result<void> result_of(SignatureVerdict verdict, const ServerName& server) {
    switch (verdict) {
        case SignatureVerdict::Valid:
            return {};
        case SignatureVerdict::Invalid:
            return invalid_param("signatures: that of " + server.text() + " is wrong");
        case SignatureVerdict::NoKnownKey:
            return invalid_param("signatures: none of " + server.text() +
                                 " by a key that is known and was valid at the time of the event");
    }
    unreachable();
}

}  // namespace

Task<std::vector<Result<void>>> KeyRing::Data::verify(Pdus pdus,
                                                      std::vector<std::vector<ServerName>> signers,
                                                      const RoomRules* rules) {
    std::set<ServerName> unknown;
    for (std::size_t i = 0; i < signers.size(); ++i) {
        for (const ServerName& server : signers[i]) {
            if (needs_keys((*pdus)[i], server, *rules)) unknown.insert(server);
        }
    }
    co_await refresh(std::vector(unknown.begin(), unknown.end()));

    std::vector<Check> checks;
    for (std::size_t i = 0; i < signers.size(); ++i) {
        for (ServerName& server : signers[i]) {
            auto keys = keys_of(server);
            checks.push_back({i, std::move(server), std::move(keys)});
        }
    }
    std::vector<SignatureVerdict> verdicts = co_await run(checks, pdus, rules);
    std::vector<Result<void>> results(pdus->size());
    for (std::size_t i = 0; i < checks.size(); ++i) {
        Result<void> result = result_of(verdicts[i], checks[i].server);
        if (!result) results[checks[i].pdu] = std::move(result);
    }
    co_return results;
}

Task<std::vector<Result<void>>> KeyRing::verify_events(Pdus pdus, const RoomRules* rules) {
    std::vector<std::vector<ServerName>> signers(pdus->size());
    std::vector<Result<void>> malformed(pdus->size());
    for (std::size_t i = 0; i < pdus->size(); ++i) {
        const auto event = parse_event((*pdus)[i], *rules);
        if (event) {
            signers[i] = required_signers(*event);
        } else {
            malformed[i] = std::unexpected(error_of(event.error()));
        }
    }
    std::vector<Result<void>> results = co_await data_->verify(pdus, std::move(signers), rules);
    for (std::size_t i = 0; i < results.size(); ++i) {
        if (!malformed[i]) results[i] = std::move(malformed[i]);
    }
    co_return results;
}

Task<Result<void>> KeyRing::verify_event(json::Object pdu, const RoomRules* rules) {
    auto pdus = std::make_shared<std::vector<json::Object>>();
    pdus->push_back(std::move(pdu));
    std::vector<Result<void>> results = co_await verify_events(std::move(pdus), rules);
    co_return std::move(results.front());
}

namespace {

std::vector<Batch> make_batches(std::vector<json::Object> pdus) {
    const std::size_t size = std::max(kPdusPerBatch, (pdus.size() + kBatchesMax - 1) / kBatchesMax);
    std::vector<Batch> batches;
    batches.reserve(std::min(kBatchesMax, pdus.size() / kPdusPerBatch + 1));
    for (json::Object& pdu : pdus) {
        if (batches.empty() || batches.back().pdus.size() == size) {
            batches.emplace_back().pdus.reserve(size);
        }
        batches.back().pdus.push_back(std::move(pdu));
    }
    return batches;
}

void note_signing(Batch& batch, const json::Object& pdu, const std::vector<ServerName>& signers) {
    const std::vector<SignatureRef> signatures = list_signatures(pdu);
    for (const ServerName& server : signers) {
        std::vector<KeyId> keys;
        for (const SignatureRef& ref : signatures) {
            if (ref.entity == server.view() && is_ed25519(ref.key_id)) keys.push_back(ref.key_id);
        }
        if (keys.empty()) continue;
        const auto [entry, is_new] =
            batch.newest_by_signing.try_emplace({server, std::move(keys)}, INT64_MIN);
        entry->second = std::max(entry->second, origin_server_ts_of(pdu));
    }
}

void read_batch(Batch& batch, const RoomRules& rules) {
    for (const json::Object& pdu : batch.pdus) {
        auto event = parse_event(pdu, rules);
        std::vector<ServerName>& signers = batch.signers.emplace_back();
        if (event) {
            signers = required_signers(*event);
            note_signing(batch, pdu, signers);
            batch.events.emplace_back(*std::move(event));
        } else {
            batch.events.emplace_back(std::unexpected(error_of(event.error())));
        }
    }
}

// Leaves nothing of a batch but its events.
void check_batch(Batch& batch,
                 const RoomRules& rules,
                 std::int64_t now_ts,
                 const Verifier& verifier) {
    for (std::size_t i = 0; i < batch.pdus.size(); ++i) {
        Result<Event>& event = batch.events[i];
        const json::Object& pdu = batch.pdus[i];
        for (const ServerName& server : batch.signers[i]) {
            const auto keys = batch.keys.find(server);  // None: it has signed nothing here.
            const SignatureVerdict verdict =
                keys == batch.keys.end()
                    ? SignatureVerdict::NoKnownKey
                    : check_event_signatures(pdu, server, *keys->second, now_ts, rules, verifier);
            const Result<void> result = result_of(verdict, server);
            if (!result && event) event = std::unexpected(result.error());
        }
        if (event && !has_valid_content_hash(pdu)) {
            SIM_SOMETIMES("an event's hash is wrong, and it is redacted");
            event = redact(*event);
        }
    }
    batch.pdus.clear();
}

}  // namespace

// The servers of whose signatures some could be judged by no key that is known. For the checks of
// each batch, what is known is the same as for this question.
std::set<ServerName> KeyRing::Data::list_unjudged(const std::vector<Batch>& batches,
                                                  const RoomRules& rules) {
    const std::int64_t now = services.clock.now().value;
    std::set<ServerName> unjudged;
    for (const Batch& batch : batches) {
        for (const auto& [signing, newest_ts] : batch.newest_by_signing) {
            const std::shared_ptr<const Keys> keys = keys_of(signing.first);
            const bool is_judged = std::ranges::any_of(signing.second, [&](const KeyId& key) {
                const auto known = keys->find(key);
                return known != keys->end() &&
                       is_key_valid_for(known->second, newest_ts, now, rules);
            });
            if (!is_judged || SIM_FAULT_POINT("keys that are known are asked for again")) {
                unjudged.insert(signing.first);
            }
        }
    }
    return unjudged;
}

template <class Step>
Task<void> KeyRing::Data::work_on(std::shared_ptr<std::vector<Batch>> batches, Step step) {
    if (batches->size() == 1) {
        step(batches->front());
        co_return;
    }
    SIM_SOMETIMES("events are checked by the workers");
    std::vector<std::move_only_function<void()>> jobs;
    for (std::size_t i = 0; i < batches->size(); ++i)
        jobs.emplace_back([batches, i, step] { step((*batches)[i]); });
    co_await services.workers.run_all(runtime::Lane::Signatures, std::move(jobs));
}

Task<KeyRing::Data::Batches> KeyRing::Data::check(std::vector<json::Object> pdus,
                                                  const RoomRules* rules) {
    const auto batches = std::make_shared<std::vector<Batch>>(make_batches(std::move(pdus)));
    co_await work_on(batches, [rules](Batch& batch) { read_batch(batch, *rules); });

    const std::set<ServerName> unjudged = list_unjudged(*batches, *rules);
    SIM_SOMETIMES(!unjudged.empty(), "keys are fetched to judge events");
    co_await refresh(std::vector(unjudged.begin(), unjudged.end()));
    for (Batch& batch : *batches) {
        for (const auto& [signing, newest_ts] : batch.newest_by_signing)
            batch.keys.try_emplace(signing.first, keys_of(signing.first));
    }

    const std::int64_t now = services.clock.now().value;
    // The verifier has no state, and outlives the server.
    co_await work_on(batches, [rules, now, verifier = &services.verifier](Batch& batch) {
        check_batch(batch, *rules, now, *verifier);
    });
    co_return batches;
}

Task<std::vector<Result<Event>>> KeyRing::take_events(std::vector<json::Object> pdus,
                                                      const RoomRules* rules) {
    std::vector<Result<Event>> events;
    for (Batch& batch : *co_await data_->check(std::move(pdus), rules))
        std::ranges::move(batch.events, std::back_inserter(events));
    co_return events;
}

namespace {

KeyRing::KeptEvents join_batches(std::vector<Batch> batches, const RoomId& room) {
    KeyRing::KeptEvents kept;
    for (Batch& batch : batches) {
        for (Result<Event>& event : batch.events) {
            if (event && event->room_id == room) {
                kept.events.push_back(*std::move(event));
            } else {
                SIM_SOMETIMES("an event that was asked for is dropped");
                ++kept.dropped;
            }
        }
    }
    return kept;
}

}  // namespace

Task<KeyRing::KeptEvents> KeyRing::keep_events(std::vector<json::Object> pdus,
                                               RoomId room,
                                               const RoomRules* rules) {
    const auto batches = co_await data_->check(std::move(pdus), rules);
    auto join = [batches, room = std::move(room)] {
        return join_batches(std::move(*batches), room);
    };
    if (batches->size() <= 1) co_return join();
    co_return co_await data_->services.workers.run<KeptEvents>(runtime::Lane::Signatures,
                                                               std::move(join));
}

Task<Result<void>> KeyRing::verify_signature_of(ServerName server,
                                                json::Object pdu,
                                                const RoomRules* rules) {
    auto pdus = std::make_shared<std::vector<json::Object>>();
    pdus->push_back(std::move(pdu));
    std::vector<std::vector<ServerName>> signers(1, {std::move(server)});
    auto results = co_await data_->verify(std::move(pdus), std::move(signers), rules);
    co_return std::move(results.front());
}

// --- Requests ------------------------------------------------------------------------------------

namespace {

// The first X-Matrix authorization of a request.
//
// UNSPECIFIED: what several of them mean; servers send one.
Result<XMatrix> find_authorization(const runtime::HttpRequest& request) {
    constexpr std::string_view kScheme = "X-Matrix";
    for (const std::string& field : request.headers.find_all("Authorization")) {
        const auto scheme = std::string_view(field).substr(0, kScheme.size());
        if (!runtime::equal_ignoring_case(scheme, kScheme)) continue;
        auto authorization = parse_x_matrix(field);
        if (authorization) return *std::move(authorization);
        return unauthorized("Authorization: expected " + authorization.error().what);
    }
    return unauthorized("Authorization: an X-Matrix signature is required");
}

Result<void> check_addressed(const XMatrix& authorization, const ServerName& us) {
    if (!parse_server_name(authorization.origin.view())) {
        return unauthorized("Authorization: origin: not a server name");
    }
    // UNSPECIFIED: what a request in our own name is; we never send one to ourselves.
    if (authorization.origin == us) return unauthorized("Authorization: origin: that is us");
    if (authorization.destination && *authorization.destination != us) {
        SIM_SOMETIMES("a request is signed for another server");
        return unauthorized("Authorization: destination: that is another server");
    }
    if (!is_ed25519(authorization.key_id)) {
        return unauthorized("Authorization: key: expected an ed25519 key");
    }
    return {};
}

// Nothing when there is no body, as it is signed.
Result<std::optional<json::Value>> parse_content(const runtime::HttpRequest& request) {
    if (request.body.empty()) return std::nullopt;
    ASSIGN_OR_RETURN(json::Value content, parse_body(request.body));
    return std::optional<json::Value>(std::move(content));
}

}  // namespace

// The key, if it may sign requests now: those that a server no longer uses, or whose time has
// passed, sign only events.
const ServerKey* KeyRing::Data::find_current_key(const ServerName& server, const KeyId& key) {
    const Keys& keys = *remote(server).keys;
    const auto found = keys.find(key);
    SIM_SOMETIMES(found != keys.end() && found->second.is_old, "a request is signed by an old key");
    if (found == keys.end() || found->second.is_old) return nullptr;
    return found->second.valid_until_ts >= services.clock.now().value ? &found->second : nullptr;
}

Task<Result<KeyRing::Authenticated>> KeyRing::find_origin(runtime::HttpRequest request) {
    const Services& services = data_->services;
    ASSIGN_OR_CO_RETURN(const XMatrix authorization, find_authorization(request));
    CO_RETURN_IF_ERROR(check_addressed(authorization, services.server_name));
    ASSIGN_OR_CO_RETURN(std::optional<json::Value> content, parse_content(request));

    const ServerName& origin = authorization.origin;
    if (!data_->find_current_key(origin, authorization.key_id)) {
        SIM_SOMETIMES("keys are fetched to authenticate a request");
        std::vector<ServerName> servers(1, origin);
        co_await data_->refresh(std::move(servers));
    }
    const ServerKey* key = data_->find_current_key(origin, authorization.key_id);
    if (!key) {
        SIM_SOMETIMES("a request comes from a server without a current key");
        co_return unauthorized("Authorization: " + origin.text() + " has no current key " +
                               authorization.key_id.text());
    }
    const std::string signed_request = write_request_to_sign(request.method,
                                                             request.target,
                                                             origin,
                                                             services.server_name,
                                                             content ? &*content : nullptr);
    if (!services.verifier.is_valid(key->public_key, signed_request, authorization.signature)) {
        SIM_SOMETIMES("a request's signature is wrong");
        co_return unauthorized("Authorization: the signature is wrong");
    }
    co_return Authenticated{origin, std::move(content).value_or(json::Value())};
}

Task<Result<KeyRing::Authenticated>> KeyRing::authenticate(runtime::HttpRequest request) {
    const std::string target = request.target;
    auto origin = co_await find_origin(std::move(request));
    if (!origin) {
        data_->services.log.write("authentication_failed",
                                  {{"target", target}, {"why", origin.error().message}});
    }
    co_return origin;
}

}  // namespace matrix::engine
