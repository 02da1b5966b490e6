// FederationServer: what this server answers to others. One file per endpoint in federation/.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <utility>

#include "refserver/engine/counters.h"
#include "refserver/engine/http_api.h"
#include "refserver/engine/rooms/rooms.h"
#include "refserver/runtime/completion.h"
#include "refserver/runtime/task_group.h"
#include "refserver/storage/aliases.h"
#include "refserver/storage/media.h"
#include "refserver/storage/one_time_keys.h"
#include "refserver/storage/openid_tokens.h"
#include "refserver/storage/published_rooms.h"
#include "refserver/storage/remote_keys.h"
#include "refserver/storage/transactions.h"

namespace matrix::storage {
class EventStore;
}  // namespace matrix::storage

namespace matrix::engine {

class Devices;
class FederationClient;
class KeyRing;
class Notifier;
class Outbox;
class PolicySigner;
class Presence;
class Receipts;
class RemoteRooms;
class Typing;

class FederationServer {
public:
    struct Services {
        ServerName server_name;
        std::optional<ServerName> delegated_name;  ///< In the well-known document; nothing: none.
        Rooms& rooms;
        RemoteRooms& remote_rooms;
        Devices& devices;
        FederationClient& federation;
        storage::EventStore& events;
        KeyRing& keys;
        Outbox& outbox;
        Notifier& notifier;
        Typing& typing;
        Receipts& receipts;
        Presence& presence;
        storage::Turns& turns;
        runtime::Clock& clock;
        runtime::Log& log;
        const Signer& signer;
        Counters& counters;
        /// Is this a user of ours that exists?
        std::function<bool(const UserId&)> is_local_user;
        /// The profile of a user of ours; nothing if there is no such user.
        std::function<std::optional<json::Object>(const UserId&)> find_profile;
        const PolicySigner* policy_signer = nullptr;  ///< Null: this server is no policy server.
    };
    explicit FederationServer(Services services)
        : services_(std::move(services)),
          transactions_(services_.turns),
          aliases_(services_.turns),
          published_rooms_(services_.turns),
          openid_tokens_(services_.turns),
          one_time_keys_(services_.turns),
          media_(services_.turns),
          remote_keys_(services_.turns) {}
    FederationServer(const FederationServer&) = delete;
    FederationServer& operator=(const FederationServer&) = delete;

    Task<Result<Reply>> get_well_known(Request request);
    Task<Result<Reply>> get_server_keys(Request request);
    Task<Result<Reply>> get_queried_keys(Request request);
    Task<Result<Reply>> query_keys(Request request);
    Task<Result<Reply>> get_version(Request request);
    Task<Result<Reply>> make_join(Request request);
    Task<Result<Reply>> send_join(Request request);
    Task<Result<Reply>> make_knock(Request request);
    Task<Result<Reply>> send_knock(Request request);
    Task<Result<Reply>> make_leave(Request request);
    Task<Result<Reply>> send_leave(Request request);
    Task<Result<Reply>> invite(Request request);
    Task<Result<Reply>> invite_v1(Request request);
    Task<Result<Reply>> send_transaction(Request request);
    Task<Result<Reply>> get_event(Request request);
    Task<Result<Reply>> get_state(Request request);
    Task<Result<Reply>> get_state_ids(Request request);
    Task<Result<Reply>> get_event_auth(Request request);
    Task<Result<Reply>> backfill(Request request);
    Task<Result<Reply>> get_missing_events(Request request);
    Task<Result<Reply>> query_profile(Request request);
    Task<Result<Reply>> query_directory(Request request);
    Task<Result<Reply>> query_other(Request request);
    Task<Result<Reply>> get_public_rooms(Request request);
    Task<Result<Reply>> query_public_rooms(Request request);
    Task<Result<Reply>> get_hierarchy(Request request);
    Task<Result<Reply>> get_event_by_timestamp(Request request);
    Task<Result<Reply>> get_openid_userinfo(Request request);
    Task<Result<Reply>> exchange_third_party_invite(Request request);
    Task<Result<Reply>> take_binding(Request request);
    Task<Result<Reply>> get_user_devices(Request request);
    Task<Result<Reply>> query_user_keys(Request request);
    Task<Result<Reply>> claim_user_keys(Request request);
    Task<Result<Reply>> download_media(Request request);
    Task<Result<Reply>> download_thumbnail(Request request);
    Task<Result<Reply>> get_policy_keys(Request request);
    Task<Result<Reply>> sign_by_policy(Request request);

private:
    // Who may ask about which room.

    /// A room for those who want to come in or go: 404 unless a user of ours is in it, 403 for
    /// servers that its access control list denies.
    Result<RoomPtr> find_resident_room(const ServerName& origin, std::string_view room) const;
    /// A room for those who want to read: 403 unless a user of the origin is in it, or was before
    /// each of the events `at`.
    Task<Result<RoomPtr>> find_room_to_read(ServerName origin,
                                            std::string room,
                                            std::vector<EventId> at = {}) const;
    /// Events as a server may see them: redacted where the room's history is not for it, and
    /// without those that were rejected.
    Task<std::vector<EventPtr>> list_shown(RoomPtr room,
                                           ServerName server,
                                           std::vector<StoredEvent> events) const;
    /// A transaction that carries events, as /event and /backfill answer.
    Reply transaction_of(const std::vector<EventPtr>& events) const;

    // Joining, knocking and leaving; see federation/membership_handshake.cpp.

    /// A user of the origin, from a path.
    Result<UserId> require_user_of(const ServerName& origin, std::string_view user) const;
    /// 400 M_INCOMPATIBLE_ROOM_VERSION unless the room's version is among the query's `ver`.
    static Result<void> check_supported_versions(const Request& request, const Room& room);
    /// What make_join, make_knock and make_leave answer: a template that the rules allow now.
    Result<Reply> offer_membership(const Room& room, NewEvent event) const;
    /// The event that send_join, send_knock and send_leave bring, if its shape is right.
    Result<Event> take_membership(const Request& request,
                                  const Room& room,
                                  Membership membership) const;
    /// Verifies it, lets it into the room and sends it on: 403 if a rule refuses it.
    Task<Result<StoredEvent>> admit_membership(RoomPtr room, Event event, ServerName origin);

    // Restricted joins; see federation/restricted_join.cpp.

    /// The user of ours who can let `user` in; nothing if the join needs no one's help.
    Result<std::optional<UserId>> find_authoriser(const Room& room, const UserId& user) const;
    /// The join with our signature, if a user of ours is named as its authoriser.
    Result<Event> vouch_if_restricted(const Room& room, Event join) const;

    // Hierarchies; see federation/hierarchy.cpp.

    /// Could somebody of this server look into the room, or join it?
    bool is_accessible_to(const ServerName& server, const Room& room) const;

    // Third-party invites; see federation/third_party_invite.cpp.

    /// The invite that an invited user's server asks us to send, if its shape is right.
    Result<NewEvent> take_exchange(const Request& request,
                                   const json::Object& body,
                                   const Room& room) const;
    /// An invite that waited for a user of ours, as an identity server tells of it.
    struct PendingInvite {
        RoomId room;
        UserId sender;
        json::Object signed_part;
        std::string token;
    };
    Result<PendingInvite> take_pending_invite(const json::Value& value, const UserId& user) const;
    /// Sends it into the room, or has the inviter's server do that.
    Task<Result<void>> deliver_pending_invite(PendingInvite pending, UserId user);

    // Devices and keys; see federation/user_devices.cpp and user_keys.cpp.

    /// 400 unless it is a user id of this server; whether there is such a user is not asked.
    Result<UserId> require_own_user(std::string_view text, std::string_view what) const;
    // Media; see federation/media.cpp.

    /// 404 if there is no such file, 504 if it is still to come.
    Result<storage::Media> find_media(const std::string& media_id) const;

    // Invites; see federation/invite.cpp.

    /// What an invite comes with, in either version of the endpoint.
    struct BroughtInvite {
        json::Object pdu;
        const RoomRules* rules = nullptr;
        std::optional<json::Array> state;
    };
    Result<Event> take_invite(const Request& request,
                              const json::Object& pdu,
                              const RoomRules& rules) const;
    /// The invite with our signature, when all is right with it; then the user knows of it.
    Task<Result<json::Object>> sign_invite(Request request, BroughtInvite brought);
    Task<Result<void>> check_invite_state(json::Array state, RoomId room, const RoomRules* rules);

    // Policy servers; see federation/policy.cpp.

    /// The room of an event whose policy server is this one: 404 if it is not.
    Result<RoomPtr> find_protected_room(const ServerName& origin, const json::Object& pdu) const;

    // The notary; see federation/key_query.cpp.

    /// What is asked about one server.
    struct KeyQuery {
        ServerName server;
        std::set<KeyId> keys;  ///< Empty: all.
        std::int64_t minimum_valid_until_ts = 0;
    };
    Task<Reply> answer_key_queries(std::vector<KeyQuery> queries);
    Result<std::vector<KeyQuery>> read_key_queries(const json::Object& body) const;
    bool needs_fresh_keys(const KeyQuery& query);
    void append_documents(const KeyQuery& query, json::Array& into, std::size_t& bytes_left);

    // Transactions; see federation/send.cpp.

    /// One event of a transaction, on its way.
    struct IncomingPdu {
        std::optional<EventId> id;      ///< Nothing: it cannot be named in the answer.
        std::string error;              ///< Why it is not taken; empty if it may be, or was.
        bool is_rejected = false;       ///< Taken and judged, unlike those that were dropped.
        RoomPtr room;                   ///< Null if it is of none that we are in.
        std::optional<RoomId> room_id;  ///< That it names.
        json::Object pdu;
        std::optional<Event> event;  ///< When its signatures and hash are checked.
    };
    /// A leave or ban that ends what a user of ours has in a room that we are not in: a refused
    /// knock, an invite that was taken back. An error for everything else.
    Task<Result<void>> receive_outside_leave(json::Object pdu, ServerName origin);
    /// The room of a PDU, if the origin may send events of it.
    Result<RoomPtr> find_room_of(const json::Object& pdu, const ServerName& origin);
    IncomingPdu look_at_pdu(json::Value value, const ServerName& origin);
    Task<std::vector<IncomingPdu>> check_pdus(std::vector<IncomingPdu> all);
    Task<Result<Receipt>> receive_event(RoomPtr room, Event event, ServerName origin);
    struct Intake;
    Task<void> receive_of_room(std::shared_ptr<Intake> intake, std::vector<std::size_t> places);
    Task<void> receive_by_room(std::shared_ptr<Intake> intake);
    Task<json::Object> receive_pdus(json::Array pdus, ServerName origin);
    /// One type of EDU, and what takes it: synchronously, so that its effect and the answer to the
    /// transaction are one unit of work. An error means that nothing was done.
    struct EduHandler {
        std::string_view type;
        Result<void> (FederationServer::*take)(const json::Object& content,
                                               const ServerName& origin);
    };
    // federation/edu_devices.cpp
    Result<void> take_direct_to_device(const json::Object& content, const ServerName& origin);
    Result<void> take_device_list_update(const json::Object& content, const ServerName& origin);
    Result<void> take_signing_key_update(const json::Object& content, const ServerName& origin);
    /// THE table of EDUs; each handler is in federation/edu_*.cpp.
    static std::span<const EduHandler> edu_handlers();
    void take_edu(const json::Value& edu, const ServerName& origin);

    Result<void> take_typing(const json::Object& content, const ServerName& origin);
    Result<void> take_presence(const json::Object& content, const ServerName& origin);
    Result<void> take_presence_of_user(const json::Value& value, const ServerName& origin);
    Result<void> take_receipts(const json::Object& content, const ServerName& origin);
    Result<void> take_receipts_of_room(std::string_view room_id,
                                       const json::Value& types,
                                       const ServerName& origin,
                                       std::size_t& receipts_left);
    Result<void> take_receipt(const Room& room,
                              std::string_view user_text,
                              const json::Value& value,
                              const ServerName& origin);

    Services services_;
    storage::ReceivedTransactions transactions_;
    storage::AliasStore aliases_;
    storage::PublishedRoomStore published_rooms_;
    storage::OpenIdTokenStore openid_tokens_;
    storage::OneTimeKeyStore one_time_keys_;
    storage::MediaStore media_;
    storage::RemoteKeys remote_keys_;
    /// Those whose answer is not known yet, by origin and transaction id.
    std::map<std::pair<ServerName, std::string>, std::unique_ptr<runtime::Signal>> running_;
    runtime::TaskGroup intakes_;  ///< Last: destroyed first, for it uses all of the above.
};

}  // namespace matrix::engine
