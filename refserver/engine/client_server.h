// ClientServer: the client-server API. One file per module of the specification in client/.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/
#pragma once

#include <functional>
#include <map>
#include <memory>

#include "refserver/engine/accounts.h"
#include "refserver/engine/client/interactive_auth.h"
#include "refserver/engine/client/nonces.h"
#include "refserver/engine/http_api.h"
#include "refserver/engine/notifier.h"
#include "refserver/engine/peers/federation_client.h"
#include "refserver/engine/rooms/public_rooms.h"
#include "refserver/engine/rooms/remote_rooms.h"
#include "refserver/engine/rooms/rooms.h"
#include "refserver/engine/server_options.h"
#include "refserver/runtime/completion.h"
#include "refserver/storage/account_data.h"
#include "refserver/storage/aliases.h"
#include "refserver/storage/client_transactions.h"
#include "refserver/storage/cross_signing_keys.h"
#include "refserver/storage/device_inbox.h"
#include "refserver/storage/device_keys.h"
#include "refserver/storage/filters.h"
#include "refserver/storage/key_signatures.h"
#include "refserver/storage/one_time_keys.h"
#include "refserver/storage/openid_tokens.h"
#include "refserver/storage/published_rooms.h"

namespace matrix::engine {

class Devices;
struct DeviceQuery;
struct QueriedKeys;
struct SigningKey;
class Presence;
class Receipts;
class Typing;
struct SyncFilter;
struct SyncWish;
struct WaitingMessages;

class ClientServer {
public:
    struct Services {
        const ServerOptions& options;
        Accounts& accounts;
        Rooms& rooms;
        RemoteRooms& remote_rooms;
        Devices& devices;
        FederationClient& federation;
        Outbox& outbox;
        Notifier& notifier;
        Typing& typing;
        Receipts& receipts;
        Presence& presence;
        storage::Turns& turns;
        runtime::Clock& clock;
        runtime::RandomSource& random;
        runtime::Log& log;
        const Counters& counters;
        const runtime::Executor& executor;
        const runtime::Durability& durability;
    };
    explicit ClientServer(Services services);
    ClientServer(const ClientServer&) = delete;
    ClientServer& operator=(const ClientServer&) = delete;

    // versions, wellknown, capabilities
    Task<Result<Reply>> get_versions(Request request);
    Task<Result<Reply>> get_well_known(Request request);
    Task<Result<Reply>> get_capabilities(Request request);

    // registration, login, logout, whoami
    Task<Result<Reply>> register_account(Request request);
    Task<Result<Reply>> check_username(Request request);
    Task<Result<Reply>> get_login_flows(Request request);
    Task<Result<Reply>> log_in(Request request);
    Task<Result<Reply>> log_out(Request request);
    Task<Result<Reply>> log_out_everywhere(Request request);
    Task<Result<Reply>> get_whoami(Request request);

    // create_room, joining, knocking, inviting, leaving, kicking, banning, list_joined_rooms
    Task<Result<Reply>> create_room(Request request);
    Task<Result<Reply>> join_room(Request request);
    Task<Result<Reply>> join_room_or_alias(Request request);
    Task<Result<Reply>> knock(Request request);
    Task<Result<Reply>> invite(Request request);
    Task<Result<Reply>> leave(Request request);
    Task<Result<Reply>> forget(Request request);
    Task<Result<Reply>> kick(Request request);
    Task<Result<Reply>> ban(Request request);
    Task<Result<Reply>> unban(Request request);
    Task<Result<Reply>> get_joined_rooms(Request request);

    // room_upgrades
    Task<Result<Reply>> upgrade_room(Request request);

    // directory, list_public_rooms
    Task<Result<Reply>> get_public_rooms(Request request);
    Task<Result<Reply>> query_public_rooms(Request request);
    Task<Result<Reply>> get_room_visibility(Request request);
    Task<Result<Reply>> put_room_visibility(Request request);
    Task<Result<Reply>> get_alias(Request request);
    Task<Result<Reply>> put_alias(Request request);
    Task<Result<Reply>> delete_alias(Request request);
    Task<Result<Reply>> get_room_aliases(Request request);

    // rooms, room_state, room_send, redaction, message_pagination
    Task<Result<Reply>> get_event(Request request);
    Task<Result<Reply>> get_state(Request request);
    Task<Result<Reply>> get_state_event(Request request);
    Task<Result<Reply>> get_members(Request request);
    Task<Result<Reply>> get_joined_members(Request request);
    Task<Result<Reply>> put_state_event(Request request);
    Task<Result<Reply>> send_event(Request request);
    Task<Result<Reply>> redact(Request request);
    Task<Result<Reply>> get_messages(Request request);

    // typing, receipts, read_markers, presence
    Task<Result<Reply>> put_typing(Request request);
    Task<Result<Reply>> post_receipt(Request request);
    Task<Result<Reply>> post_read_markers(Request request);
    Task<Result<Reply>> get_presence(Request request);
    Task<Result<Reply>> put_presence(Request request);

    // sync, filter
    Task<Result<Reply>> sync(Request request);
    Task<Result<Reply>> create_filter(Request request);
    Task<Result<Reply>> get_filter(Request request);

    // to_device, keys, cross_signing
    Task<Result<Reply>> send_to_device(Request request);
    Task<Result<Reply>> upload_keys(Request request);
    Task<Result<Reply>> query_keys(Request request);
    Task<Result<Reply>> claim_keys(Request request);
    Task<Result<Reply>> get_key_changes(Request request);
    Task<Result<Reply>> upload_signing_keys(Request request);
    Task<Result<Reply>> upload_signatures(Request request);

    // device_management
    Task<Result<Reply>> get_devices(Request request);
    Task<Result<Reply>> get_device(Request request);
    Task<Result<Reply>> put_device(Request request);
    Task<Result<Reply>> delete_device(Request request);
    Task<Result<Reply>> delete_devices(Request request);

    // profile
    Task<Result<Reply>> get_profile(Request request);
    Task<Result<Reply>> get_profile_field(Request request);
    Task<Result<Reply>> put_profile_field(Request request);
    Task<Result<Reply>> delete_profile_field(Request request);

    // openid
    Task<Result<Reply>> request_openid_token(Request request);

    // For tools that test a server: registration with a shared secret.
    Task<Result<Reply>> get_registration_nonce(Request request);
    Task<Result<Reply>> register_with_shared_secret(Request request);

    // For those who run this server.
    Task<Result<Reply>> get_statistics(Request request);

private:
    json::Object well_known() const;

    // login: has the requester proved anew who he is? If not, the error is the 401 that says how.
    Task<Result<void>> authenticate_again(UserId user, json::Object body);
    // keys
    Result<void> check_one_time_keys(const Requester& requester,
                                     const std::vector<storage::OneTimeKey>& keys) const;
    void publish_device_keys(const Requester& requester, json::Object keys);
    QueriedKeys query_local_keys(const std::vector<DeviceQuery>& queries,
                                 const UserId& viewer) const;
    // cross_signing
    struct NewSigningKey;
    Result<std::vector<NewSigningKey>> parse_signing_keys(const json::Object& body,
                                                          const UserId& user) const;
    Result<void> check_master_signed(const std::vector<NewSigningKey>& keys,
                                     const UserId& user) const;
    bool may_publish_freely(const std::vector<NewSigningKey>& keys, const UserId& user) const;
    void publish_signing_key(const NewSigningKey& key, const UserId& user);
    struct SignedItem;
    std::optional<json::Object> find_signable_key(const storage::SignedKey& key,
                                                  const UserId& viewer) const;
    std::optional<SigningKey> find_own_signer(const storage::SignedKey& key,
                                              const UserId& user,
                                              const KeyId& signer) const;
    Result<SignedItem> check_signed_item(const storage::SignedKey& key,
                                         const json::Value& value,
                                         const UserId& user) const;
    void publish_signatures(const SignedItem& item, const UserId& user);
    // joining, leaving
    Task<Result<Reply>> join(RoomId room,
                             UserId user,
                             std::vector<ServerName> via,
                             std::optional<std::string> reason);
    /// Other servers that may be in the room: `servers`, who invited, who was there with us.
    std::vector<ServerName> list_servers_for(const RoomId& room,
                                             const UserId& user,
                                             std::vector<ServerName> servers);
    // inviting
    Task<Result<StoredEvent>> send_invite(RoomPtr room, NewEvent invite);
    // kicking, banning: of `user_id` in the body, whose membership must make sense.
    Task<Result<Reply>> change_membership_of_other(Request request,
                                                   Membership membership,
                                                   bool (*is_sensible)(std::optional<Membership>));
    // directory
    /// An alias of this server or, over federation, of another: 404 if it leads nowhere.
    Task<Result<FederationClient::AliasedRoom>> find_aliased_room(RoomAlias alias);
    /// The room that a path names by its id or an alias, and servers to enter it through.
    Task<Result<FederationClient::AliasedRoom>> find_named_room(Request request);
    Task<Result<Reply>> read_public_rooms(DirectoryWish wish, std::optional<std::string> server);
    Result<void> check_canonical_alias(const Room& room, const json::Object& content) const;
    // room_upgrades: aliases, and the place in the directory.
    void move_names(const RoomId& from, const RoomId& to);
    // rooms
    /// Those that are shown as a list of JSON; all if nothing says which.
    Task<std::string> write_events(RoomPtr room,
                                   Requester requester,
                                   std::vector<EventId> ids,
                                   std::function<bool(const Event&)> is_shown = nullptr);
    /// Lets others work before the caller goes on.
    runtime::Completion<bool> end_turn() const {
        return services_.clock.sleep(runtime::milliseconds(0));
    }
    // room_send, redaction
    std::optional<Reply> find_repeated(const storage::ClientTransaction& transaction) const;
    Task<Result<Reply>> send_once(storage::ClientTransaction transaction,
                                  RoomPtr room,
                                  NewEvent event);
    static Result<void> check_redaction(const Room& room,
                                        const UserId& sender,
                                        const EventId& target);
    // receipts, read_markers
    struct ReadMark {
        std::string type;
        EventId event;
        std::string thread;  ///< Empty: none.
    };
    /// 404 if the user sees no such event, 400 if it is not in that thread.
    Result<void> mark_read(const RoomPtr& room, const UserId& user, const ReadMark& mark);
    // profile: the whole of a local one, of a remote one what its server tells of `field`.
    Task<Result<json::Object>> load_profile(UserId user, std::string field);
    Task<void> spread_profile(UserId user);
    // sync
    Result<SyncFilter> parse_filter_of_sync(const Request& request) const;
    Result<SyncWish> parse_sync_wish(const Request& request) const;
    WaitingMessages find_messages(const Requester& requester,
                                  std::optional<StreamPosition> since) const;
    Task<std::string> find_news(Request request, SyncWish wish);
    // filter
    Result<json::Object> load_filter(const UserId& user, std::string_view filter_id) const;

    Services services_;
    storage::AccountDataStore account_data_;
    storage::FilterStore filters_;
    storage::ClientTransactionStore transactions_;
    storage::AliasStore aliases_;
    storage::PublishedRoomStore published_rooms_;
    storage::OpenIdTokenStore openid_tokens_;
    storage::DeviceKeyStore device_keys_;
    storage::OneTimeKeyStore one_time_keys_;
    storage::CrossSigningKeyStore signing_keys_;
    storage::KeySignatureStore key_signatures_;
    storage::DeviceInboxStore inbox_;
    InteractiveAuth interactive_auth_;
    Nonces registration_nonces_;
    /// Sends whose answer is not known yet.
    std::map<storage::ClientTransaction, std::unique_ptr<runtime::Signal>> sending_;
};

/// M_INVALID_PARAM, naming `what`.
Result<RoomAlias> require_alias(std::string_view text, std::string_view what);

}  // namespace matrix::engine
