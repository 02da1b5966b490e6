#include "refserver/engine/server.h"

#include <span>
#include <utility>

#include "refserver/base/assert.h"
#include "refserver/base/result_macros.h"
#include "refserver/engine/client_server.h"
#include "refserver/engine/devices/devices.h"
#include "refserver/engine/dispatch.h"
#include "refserver/engine/ephemeral/presence.h"
#include "refserver/engine/ephemeral/receipts.h"
#include "refserver/engine/ephemeral/typing.h"
#include "refserver/engine/federation_server.h"
#include "refserver/engine/inspection_server.h"
#include "refserver/engine/notifier.h"
#include "refserver/engine/peers/federation_client.h"
#include "refserver/engine/peers/key_ring.h"
#include "refserver/engine/policy_signer.h"
#include "refserver/engine/rooms/remote_rooms.h"
#include "refserver/protocol/policy_server.h"
#include "refserver/runtime/task_group.h"
#include "refserver/storage/signing_keys.h"

namespace matrix::engine {
namespace {

constexpr std::size_t kKeyVersionLength = 6;
constexpr std::size_t kSeedBytes = 32;
constexpr std::size_t kAdminTokenLength = 40;
/// The device that holds the token of the ready line, the same at each start.
constexpr std::string_view kStartDevice = "REFSERVER";

storage::SigningKey find_or_make_key(storage::Turns& turns, runtime::RandomSource& random) {
    storage::SigningKeyStore keys(turns);
    if (auto key = keys.find_current()) return *std::move(key);
    runtime::Random& stream = random.stream("signing key");
    const std::string version = stream.text(kKeyVersionLength, runtime::kLetters);
    storage::SigningKey key{.id = KeyId("ed25519:" + version), .seed = stream.bytes(kSeedBytes)};
    keys.insert(key);
    return key;
}

std::unique_ptr<Signer> make_signer(const ServerOptions& options,
                                    storage::Turns& turns,
                                    runtime::World& world) {
    storage::SigningKeyStore keys(turns);
    if (options.rotates_key) keys.expire_current(world.clock.now().value);
    storage::SigningKey key = find_or_make_key(turns, world.random);
    return options.make_signer(std::move(key.id), key.seed);
}

// Spec: server-server-api, "Publishing Keys": `old_verify_keys`.
std::map<KeyId, ServerKey> list_old_keys(const ServerOptions& options, storage::Turns& turns) {
    std::map<KeyId, ServerKey> keys;
    for (const storage::OldSigningKey& old : storage::SigningKeyStore(turns).list_old()) {
        const auto signer = options.make_signer(old.key.id, old.key.seed);
        keys.emplace(old.key.id, ServerKey{signer->public_key(), old.expired_ts, true});
    }
    return keys;
}

// Spec: server-server-api, "Validating Policy Server signatures": the key "SHOULD NOT be the same"
// as the published one. It follows from the first one that was, so that there is only one secret to
// keep, and rooms that name it need not change when the published one does.
std::unique_ptr<PolicySigner> make_policy_signer(const ServerOptions& options,
                                                 storage::Turns& turns,
                                                 runtime::RandomSource& random) {
    if (!options.is_policy_server) return nullptr;
    const auto old = storage::SigningKeyStore(turns).list_old();
    const std::string first =
        old.empty() ? find_or_make_key(turns, random).seed : old.front().key.seed;
    const Sha256 seed = sha256("policy server key: " + first);
    return std::make_unique<PolicySigner>(
        options.server_name,
        options.make_signer(KeyId(std::string(kPolicyKeyId)), view(seed)),
        options.policy_refused_texts);
}

}  // namespace

// In the order of building: each part refers only to those above it.
struct Server::Parts {
    runtime::World world;
    ServerOptions options;
    Counters counters;
    std::string admin_token;
    std::map<std::string, std::string> user_tokens;

    std::unique_ptr<storage::Database> database;
    storage::Turns turns;
    storage::EventStore events;
    storage::StateStore states;
    storage::RoomStore room_store;
    storage::UnplacedEventStore unplaced_events;

    std::unique_ptr<Signer> signer;
    std::unique_ptr<PolicySigner> policy_signer;
    KeyRing keys;
    ServerDiscovery discovery;
    PeerHealth peer_health;
    FederationClient federation_client;
    Outbox outbox;
    Notifier notifier;
    DroppedEvents dropped;
    Rooms rooms;
    Devices devices;
    Typing typing;
    Receipts receipts;
    Presence presence;
    Accounts accounts;
    RemoteRooms remote_rooms;

    ClientServer client_server;
    FederationServer federation_server;
    InspectionServer inspection_server;
    Router router;
    Dispatcher dispatcher;
    runtime::TaskGroup handlers;  // Last: destroyed first, for it uses all of the above.

    Parts(runtime::World world_,
          ServerOptions options_,
          std::unique_ptr<storage::Database> database_);
    std::expected<void, storage::StorageError> create_accounts();
    Counters count() const;
};

Server::Parts::Parts(runtime::World world_,
                     ServerOptions options_,
                     std::unique_ptr<storage::Database> database_)
    : world(world_),
      options(std::move(options_)),
      admin_token(world.random.stream("admin token").text(kAdminTokenLength, runtime::kLetters)),
      database(std::move(database_)),
      turns(*database, world.executor, world.durability, world.log),
      events(turns, storage::EventStore::kEventsCachedMax, options.event_pool, options.watch),
      states(turns, storage::StateStore::kStatesCachedMax, options.watch),
      room_store(turns),
      unplaced_events(turns),
      signer(make_signer(options, turns, world)),
      policy_signer(make_policy_signer(options, turns, world.random)),
      keys({.server_name = options.server_name,
            .signer = *signer,
            .verifier = *options.verifier,
            .turns = turns,
            .clock = world.clock,
            .workers = world.workers,
            .log = world.log,
            .counters = counters,
            .trusted_key_servers = options.trusted_key_servers,
            .old_keys = list_old_keys(options, turns)}),
      discovery({.appointed = options.appointed_addresses,
                 .resolver = world.resolver,
                 .network = world.network,
                 .clock = world.clock,
                 .random = world.random,
                 .log = world.log,
                 .counters = counters}),
      peer_health(
          {.clock = world.clock, .random = world.random, .log = world.log, .counters = counters}),
      federation_client({.server_name = options.server_name,
                         .signer = *signer,
                         .verifier = *options.verifier,
                         .turns = turns,
                         .discovery = discovery,
                         .health = peer_health,
                         .network = world.network,
                         .clock = world.clock,
                         .log = world.log,
                         .workers = world.workers,
                         .counters = counters}),
      outbox({.server_name = options.server_name,
              .federation = federation_client,
              .health = peer_health,
              .turns = turns,
              .clock = world.clock,
              .random = world.random,
              .log = world.log,
              .counters = counters}),
      notifier(turns, world.clock),
      dropped({.clock = world.clock, .log = world.log, .counters = counters}),
      rooms({.server_name = options.server_name,
             .turns = turns,
             .events = events,
             .states = states,
             .rooms = room_store,
             .unplaced = unplaced_events,
             .executor = world.executor,
             .clock = world.clock,
             .random = world.random,
             .log = world.log,
             .signer = *signer,
             .verifier = *options.verifier,
             .keys = keys,
             .federation = federation_client,
             .outbox = outbox,
             .notifier = notifier,
             .workers = world.workers,
             .counters = counters,
             .dropped = dropped,
             .policy_signer = policy_signer.get(),
             .watch = options.watch}),
      devices({.server_name = options.server_name,
               .rooms = rooms,
               .outbox = outbox,
               .notifier = notifier,
               .federation = federation_client,
               .turns = turns,
               .clock = world.clock,
               .random = world.random,
               .log = world.log}),
      typing({.server_name = options.server_name,
              .rooms = rooms,
              .turns = turns,
              .clock = world.clock,
              .notifier = notifier,
              .outbox = outbox}),
      receipts({.server_name = options.server_name,
                .turns = turns,
                .notifier = notifier,
                .outbox = outbox}),
      presence({.server_name = options.server_name,
                .rooms = rooms,
                .turns = turns,
                .clock = world.clock,
                .notifier = notifier,
                .outbox = outbox}),
      accounts({.server_name = options.server_name,
                .device_lists = devices.lists,
                .turns = turns,
                .clock = world.clock,
                .random = world.random,
                .workers = world.workers,
                .password_cost =
                    options.is_development ? PasswordCost::Minimal : PasswordCost::Interactive}),
      remote_rooms({.server_name = options.server_name,
                    .rooms = rooms,
                    .keys = keys,
                    .federation = federation_client,
                    .notifier = notifier,
                    .turns = turns,
                    .clock = world.clock,
                    .random = world.random,
                    .log = world.log,
                    .signer = *signer}),
      client_server({.options = options,
                     .accounts = accounts,
                     .rooms = rooms,
                     .remote_rooms = remote_rooms,
                     .devices = devices,
                     .federation = federation_client,
                     .outbox = outbox,
                     .notifier = notifier,
                     .typing = typing,
                     .receipts = receipts,
                     .presence = presence,
                     .turns = turns,
                     .clock = world.clock,
                     .random = world.random,
                     .log = world.log,
                     .counters = counters,
                     .executor = world.executor,
                     .durability = world.durability}),
      federation_server(
          {.server_name = options.server_name,
           .delegated_name = options.delegated_name,
           .rooms = rooms,
           .remote_rooms = remote_rooms,
           .devices = devices,
           .federation = federation_client,
           .events = events,
           .keys = keys,
           .outbox = outbox,
           .notifier = notifier,
           .typing = typing,
           .receipts = receipts,
           .presence = presence,
           .turns = turns,
           .clock = world.clock,
           .log = world.log,
           .signer = *signer,
           .counters = counters,
           .is_local_user = [this](const UserId& user) { return accounts.exists(user); },
           .find_profile =
               [this](const UserId& user) {
                   return accounts.exists(user) ? std::optional(accounts.profile(user))
                                                : std::nullopt;
               },
           .policy_signer = policy_signer.get()}),
      inspection_server({.server_name = options.server_name,
                         .rooms = rooms,
                         .events = events,
                         .keys = keys,
                         .outbox = outbox,
                         .peer_health = peer_health,
                         .turns = turns,
                         .clock = world.clock,
                         .workers = world.workers,
                         .log = world.log,
                         .verifier = *options.verifier,
                         .count = [this] { return count(); },
                         .count_open_requests = [this] { return handlers.size(); }}),
      router(all_routes()),
      dispatcher({.router = router,
                  .client_server = client_server,
                  .federation_server = federation_server,
                  .inspection_server = inspection_server,
                  .accounts = accounts,
                  .keys = keys,
                  .peer_health = peer_health,
                  .turns = turns,
                  .counters = counters,
                  .admin_token = admin_token}) {
    turns.checkpoint_on(world.workers);
    keys.connect(federation_client);
    outbox.connect(rooms);
}

namespace {

runtime::Task<void> create_account(Accounts* accounts, std::string localpart) {
    const auto created = co_await accounts->create(std::move(localpart), std::nullopt);
    MATRIX_ASSERT(created.has_value());  // It was checked before.
}

}  // namespace

std::expected<void, storage::StorageError> Server::Parts::create_accounts() {
    for (const std::string& localpart : options.users) {
        const UserId user("@" + localpart + ":" + options.server_name.text());
        if (!accounts.exists(user)) {
            if (const auto checked = accounts.check_new_user(localpart); !checked) {
                return std::unexpected(storage::StorageError{"the account \"" + localpart +
                                                             "\": " + checked.error().message});
            }
            // Without a password nothing has to be hashed, and so nothing waits.
            handlers.start(create_account(&accounts, localpart));
        }
        const auto session = accounts.log_in(user, std::string(kStartDevice), std::nullopt);
        user_tokens.emplace(user.text(), session.access_token);
    }
    return {};
}

Counters Server::Parts::count() const {
    Counters counted = counters;
    counted.commits = turns.commits();
    counted.failed_commits = turns.failed_commits();
    counted.disk_full_commits = turns.disk_full_commits();
    counted.failed_checkpoints = turns.failed_checkpoints();
    const runtime::LoopStatistics loop = world.executor.statistics();
    counted.turns = loop.turns;
    counted.slow_turns = loop.slow_turns;
    return counted;
}

std::expected<std::unique_ptr<Server>, storage::StorageError> Server::open(runtime::World world,
                                                                           ServerOptions options) {
    ASSIGN_OR_RETURN(auto database,
                     storage::Database::open(world.disk, options.database_name, options.database));
    auto parts = std::make_unique<Parts>(world, std::move(options), std::move(database));
    RETURN_IF_ERROR(parts->create_accounts());
    if (parts->turns.database().has_failed()) {
        return std::unexpected(storage::StorageError{"the first turn's writes failed"});
    }
    parts->outbox.resume();
    parts->rooms.resume();
    parts->presence.resume();
    parts->remote_rooms.resume();
    return std::unique_ptr<Server>(new Server(std::move(parts)));
}

Server::Server(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Server::~Server() = default;

namespace {

runtime::Task<void> serve(Dispatcher* dispatcher,
                          runtime::HttpRequest request,
                          runtime::Responder respond) {
    respond(co_await dispatcher->serve(std::move(request)));
}

}  // namespace

void Server::handle(runtime::HttpRequest request, runtime::Responder respond) {
    parts_->handlers.start(serve(&parts_->dispatcher, std::move(request), std::move(respond)));
}

const std::string& Server::admin_token() const {
    return parts_->admin_token;
}

const std::map<std::string, std::string>& Server::user_tokens() const {
    return parts_->user_tokens;
}

const ServerName& Server::name() const {
    return parts_->options.server_name;
}

Rooms& Server::rooms() {
    return parts_->rooms;
}

Accounts& Server::accounts() {
    return parts_->accounts;
}

Outbox& Server::outbox() {
    return parts_->outbox;
}

Notifier& Server::notifier() {
    return parts_->notifier;
}

storage::Turns& Server::turns() {
    return parts_->turns;
}

Counters Server::counters() const {
    return parts_->count();
}

std::size_t Server::open_requests() const {
    return parts_->handlers.size();
}

}  // namespace matrix::engine
