#include "refserver/engine/routes.h"

#include "refserver/engine/client_server.h"
#include "refserver/engine/federation_server.h"
#include "refserver/engine/inspection_server.h"

namespace matrix::engine {
namespace {

using enum Authentication;
using C = ClientServer;
using F = FederationServer;
using I = InspectionServer;
using L = RateLimit;

// clang-format off
constexpr Route kRoutes[] = {
    // versions, wellknown, capabilities
    {"GET", "/_matrix/client/versions", None, L::None, &C::get_versions},
    {"GET", "/.well-known/matrix/client", None, L::None, &C::get_well_known},
    {"GET", "/_matrix/client/v3/capabilities", AccessToken, L::None, &C::get_capabilities},

    // registration, login, logout, whoami
    {"POST", "/_matrix/client/v3/register", None, L::Registration, &C::register_account},
    {"GET", "/_matrix/client/v3/register/available", None, L::Registration, &C::check_username},
    {"GET", "/_matrix/client/v3/login", None, L::None, &C::get_login_flows},
    {"POST", "/_matrix/client/v3/login", None, L::Login, &C::log_in},
    {"POST", "/_matrix/client/v3/logout", AccessToken, L::None, &C::log_out},
    {"POST", "/_matrix/client/v3/logout/all", AccessToken, L::None, &C::log_out_everywhere},
    {"GET", "/_matrix/client/v3/account/whoami", AccessToken, L::None, &C::get_whoami},

    // create_room, joining, knocking, inviting, leaving, kicking, banning, list_joined_rooms
    {"POST", "/_matrix/client/v3/createRoom", AccessToken, L::Messages, &C::create_room},
    {"POST", "/_matrix/client/v3/rooms/{roomId}/join", AccessToken, L::Joins, &C::join_room},
    {"POST", "/_matrix/client/v3/join/{roomIdOrAlias}", AccessToken, L::Joins, &C::join_room_or_alias},
    {"POST", "/_matrix/client/v3/knock/{roomIdOrAlias}", AccessToken, L::Joins, &C::knock},
    {"POST", "/_matrix/client/v3/rooms/{roomId}/invite", AccessToken, L::Invites, &C::invite},
    {"POST", "/_matrix/client/v3/rooms/{roomId}/leave", AccessToken, L::None, &C::leave},
    {"POST", "/_matrix/client/v3/rooms/{roomId}/forget", AccessToken, L::None, &C::forget},
    {"POST", "/_matrix/client/v3/rooms/{roomId}/kick", AccessToken, L::Messages, &C::kick},
    {"POST", "/_matrix/client/v3/rooms/{roomId}/ban", AccessToken, L::Messages, &C::ban},
    {"POST", "/_matrix/client/v3/rooms/{roomId}/unban", AccessToken, L::Messages, &C::unban},
    {"GET", "/_matrix/client/v3/joined_rooms", AccessToken, L::None, &C::get_joined_rooms},

    // room_upgrades
    {"POST", "/_matrix/client/v3/rooms/{roomId}/upgrade", AccessToken, L::Messages, &C::upgrade_room},

    // directory, list_public_rooms
    {"GET", "/_matrix/client/v3/publicRooms", AccessTokenOptional, L::None, &C::get_public_rooms},
    {"POST", "/_matrix/client/v3/publicRooms", AccessToken, L::None, &C::query_public_rooms},
    {"GET", "/_matrix/client/v3/directory/list/room/{roomId}", None, L::None, &C::get_room_visibility},
    {"PUT", "/_matrix/client/v3/directory/list/room/{roomId}", AccessToken, L::None, &C::put_room_visibility},
    {"GET", "/_matrix/client/v3/directory/room/{roomAlias}", None, L::None, &C::get_alias},
    {"PUT", "/_matrix/client/v3/directory/room/{roomAlias}", AccessToken, L::None, &C::put_alias},
    {"DELETE", "/_matrix/client/v3/directory/room/{roomAlias}", AccessToken, L::None, &C::delete_alias},
    {"GET", "/_matrix/client/v3/rooms/{roomId}/aliases", AccessToken, L::None, &C::get_room_aliases},

    // rooms, room_state, room_send, redaction, message_pagination
    {"GET", "/_matrix/client/v3/rooms/{roomId}/event/{eventId}", AccessToken, L::None, &C::get_event},
    {"GET", "/_matrix/client/v3/rooms/{roomId}/state", AccessToken, L::None, &C::get_state},
    {"GET", "/_matrix/client/v3/rooms/{roomId}/state/{eventType}", AccessToken, L::None, &C::get_state_event},
    {"GET", "/_matrix/client/v3/rooms/{roomId}/state/{eventType}/", AccessToken, L::None, &C::get_state_event},
    {"GET", "/_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}", AccessToken, L::None, &C::get_state_event},
    {"PUT", "/_matrix/client/v3/rooms/{roomId}/state/{eventType}", AccessToken, L::Messages, &C::put_state_event},
    {"PUT", "/_matrix/client/v3/rooms/{roomId}/state/{eventType}/", AccessToken, L::Messages, &C::put_state_event},
    {"PUT", "/_matrix/client/v3/rooms/{roomId}/state/{eventType}/{stateKey}", AccessToken, L::Messages, &C::put_state_event},
    {"GET", "/_matrix/client/v3/rooms/{roomId}/members", AccessToken, L::None, &C::get_members},
    {"GET", "/_matrix/client/v3/rooms/{roomId}/joined_members", AccessToken, L::None, &C::get_joined_members},
    {"PUT", "/_matrix/client/v3/rooms/{roomId}/send/{eventType}/{txnId}", AccessToken, L::Messages, &C::send_event},
    {"PUT", "/_matrix/client/v3/rooms/{roomId}/redact/{eventId}/{txnId}", AccessToken, L::Messages, &C::redact},
    {"GET", "/_matrix/client/v3/rooms/{roomId}/messages", AccessToken, L::None, &C::get_messages},

    // typing, receipts, read_markers, presence
    {"PUT", "/_matrix/client/v3/rooms/{roomId}/typing/{userId}", AccessToken, L::Messages, &C::put_typing},
    {"POST", "/_matrix/client/v3/rooms/{roomId}/receipt/{receiptType}/{eventId}", AccessToken, L::Messages, &C::post_receipt},
    {"POST", "/_matrix/client/v3/rooms/{roomId}/read_markers", AccessToken, L::Messages, &C::post_read_markers},
    {"GET", "/_matrix/client/v3/presence/{userId}/status", AccessToken, L::None, &C::get_presence},
    {"PUT", "/_matrix/client/v3/presence/{userId}/status", AccessToken, L::Messages, &C::put_presence},

    // sync, filter
    {"GET", "/_matrix/client/v3/sync", AccessToken, L::None, &C::sync},
    {"POST", "/_matrix/client/v3/user/{userId}/filter", AccessToken, L::None, &C::create_filter},
    {"GET", "/_matrix/client/v3/user/{userId}/filter/{filterId}", AccessToken, L::None, &C::get_filter},

    // to_device, keys, cross_signing
    {"PUT", "/_matrix/client/v3/sendToDevice/{eventType}/{txnId}", AccessToken, L::None, &C::send_to_device},
    {"POST", "/_matrix/client/v3/keys/upload", AccessToken, L::None, &C::upload_keys},
    {"POST", "/_matrix/client/v3/keys/query", AccessToken, L::None, &C::query_keys},
    {"POST", "/_matrix/client/v3/keys/claim", AccessToken, L::None, &C::claim_keys},
    {"GET", "/_matrix/client/v3/keys/changes", AccessToken, L::None, &C::get_key_changes},
    {"POST", "/_matrix/client/v3/keys/device_signing/upload", AccessToken, L::None, &C::upload_signing_keys},
    {"POST", "/_matrix/client/v3/keys/signatures/upload", AccessToken, L::None, &C::upload_signatures},

    // device_management
    {"GET", "/_matrix/client/v3/devices", AccessToken, L::None, &C::get_devices},
    {"GET", "/_matrix/client/v3/devices/{deviceId}", AccessToken, L::None, &C::get_device},
    {"PUT", "/_matrix/client/v3/devices/{deviceId}", AccessToken, L::None, &C::put_device},
    {"DELETE", "/_matrix/client/v3/devices/{deviceId}", AccessToken, L::None, &C::delete_device},
    {"POST", "/_matrix/client/v3/delete_devices", AccessToken, L::None, &C::delete_devices},

    // profile
    {"GET", "/_matrix/client/v3/profile/{userId}", None, L::None, &C::get_profile},
    {"GET", "/_matrix/client/v3/profile/{userId}/{keyName}", None, L::None, &C::get_profile_field},
    {"PUT", "/_matrix/client/v3/profile/{userId}/{keyName}", AccessToken, L::None, &C::put_profile_field},
    {"DELETE", "/_matrix/client/v3/profile/{userId}/{keyName}", AccessToken, L::None, &C::delete_profile_field},

    // openid
    {"POST", "/_matrix/client/v3/user/{userId}/openid/request_token", AccessToken, L::None, &C::request_openid_token},

    // For tools that test a server.
    {"GET", "/_synapse/admin/v1/register", None, L::None, &C::get_registration_nonce},
    {"POST", "/_synapse/admin/v1/register", None, L::Registration, &C::register_with_shared_secret},

    // For those who run this server.
    {"GET", "/_refserver/statistics", AdminToken, L::None, &C::get_statistics},

    // server-server
    {"GET", "/.well-known/matrix/server", None, L::None, &F::get_well_known},
    {"GET", "/_matrix/key/v2/server", None, L::None, &F::get_server_keys},
    {"GET", "/_matrix/key/v2/query/{serverName}", None, L::None, &F::get_queried_keys},
    {"POST", "/_matrix/key/v2/query", None, L::None, &F::query_keys},
    {"GET", "/_matrix/federation/v1/version", None, L::None, &F::get_version},
    {"GET", "/_matrix/federation/v1/make_join/{roomId}/{userId}", XMatrix, L::None, &F::make_join},
    {"PUT", "/_matrix/federation/v2/send_join/{roomId}/{eventId}", XMatrix, L::None, &F::send_join},
    {"GET", "/_matrix/federation/v1/make_knock/{roomId}/{userId}", XMatrix, L::None, &F::make_knock},
    {"PUT", "/_matrix/federation/v1/send_knock/{roomId}/{eventId}", XMatrix, L::None, &F::send_knock},
    {"GET", "/_matrix/federation/v1/make_leave/{roomId}/{userId}", XMatrix, L::None, &F::make_leave},
    {"PUT", "/_matrix/federation/v2/send_leave/{roomId}/{eventId}", XMatrix, L::None, &F::send_leave},
    {"PUT", "/_matrix/federation/v2/invite/{roomId}/{eventId}", XMatrix, L::None, &F::invite},
    {"PUT", "/_matrix/federation/v1/invite/{roomId}/{eventId}", XMatrix, L::None, &F::invite_v1},
    {"PUT", "/_matrix/federation/v1/send/{txnId}", XMatrix, L::None, &F::send_transaction},
    {"GET", "/_matrix/federation/v1/event/{eventId}", XMatrix, L::None, &F::get_event},
    {"GET", "/_matrix/federation/v1/state/{roomId}", XMatrix, L::None, &F::get_state},
    {"GET", "/_matrix/federation/v1/state_ids/{roomId}", XMatrix, L::None, &F::get_state_ids},
    {"GET", "/_matrix/federation/v1/event_auth/{roomId}/{eventId}", XMatrix, L::None, &F::get_event_auth},
    {"GET", "/_matrix/federation/v1/backfill/{roomId}", XMatrix, L::None, &F::backfill},
    {"POST", "/_matrix/federation/v1/get_missing_events/{roomId}", XMatrix, L::None, &F::get_missing_events},
    {"GET", "/_matrix/federation/v1/query/profile", XMatrix, L::None, &F::query_profile},
    {"GET", "/_matrix/federation/v1/query/directory", XMatrix, L::None, &F::query_directory},
    {"GET", "/_matrix/federation/v1/query/{queryType}", XMatrix, L::None, &F::query_other},
    {"GET", "/_matrix/federation/v1/publicRooms", XMatrix, L::None, &F::get_public_rooms},
    {"POST", "/_matrix/federation/v1/publicRooms", XMatrix, L::None, &F::query_public_rooms},
    {"GET", "/_matrix/federation/v1/hierarchy/{roomId}", XMatrix, L::None, &F::get_hierarchy},
    {"GET", "/_matrix/federation/v1/timestamp_to_event/{roomId}", XMatrix, L::None, &F::get_event_by_timestamp},
    {"GET", "/_matrix/federation/v1/openid/userinfo", None, L::None, &F::get_openid_userinfo},
    {"PUT", "/_matrix/federation/v1/exchange_third_party_invite/{roomId}", XMatrix, L::None, &F::exchange_third_party_invite},
    {"PUT", "/_matrix/federation/v1/3pid/onbind", None, L::None, &F::take_binding},
    {"GET", "/_matrix/federation/v1/user/devices/{userId}", XMatrix, L::None, &F::get_user_devices},
    {"POST", "/_matrix/federation/v1/user/keys/query", XMatrix, L::None, &F::query_user_keys},
    {"POST", "/_matrix/federation/v1/user/keys/claim", XMatrix, L::None, &F::claim_user_keys},
    {"GET", "/_matrix/federation/v1/media/download/{mediaId}", XMatrix, L::None, &F::download_media},
    {"GET", "/_matrix/federation/v1/media/thumbnail/{mediaId}", XMatrix, L::None, &F::download_thumbnail},
    {"GET", "/.well-known/matrix/policy_server", None, L::None, &F::get_policy_keys},
    {"POST", "/_matrix/policy/v1/sign", XMatrix, L::None, &F::sign_by_policy},

    // inspection: for those who run the server
    {"GET", "/_refserver/server", AdminToken, L::None, &I::get_server},
    {"GET", "/_refserver/metrics", AdminToken, L::None, &I::get_metrics},
    {"POST", "/_refserver/snapshot", AdminToken, L::None, &I::post_snapshot},
    {"GET", "/_refserver/queues", AdminToken, L::None, &I::get_queues},
    {"GET", "/_refserver/peers", AdminToken, L::None, &I::get_peers},
    {"GET", "/_refserver/keys/{serverName}", AdminToken, L::None, &I::get_keys},
    {"GET", "/_refserver/users/{userId}/devices", AdminToken, L::None, &I::get_devices},
    {"GET", "/_refserver/rooms", AdminToken, L::None, &I::list_rooms},
    {"GET", "/_refserver/rooms/{roomId}", AdminToken, L::None, &I::get_room},
    {"GET", "/_refserver/rooms/{roomId}/events", AdminToken, L::None, &I::get_graph},
    {"GET", "/_refserver/rooms/{roomId}/events/{eventId}", AdminToken, L::None, &I::get_event},
    {"GET", "/_refserver/rooms/{roomId}/events/{eventId}/state", AdminToken, L::None, &I::get_state},
    {"GET", "/_refserver/rooms/{roomId}/events/{eventId}/auth_chain", AdminToken, L::None, &I::get_auth_chain},
    {"GET", "/_refserver/rooms/{roomId}/refused", AdminToken, L::None, &I::list_refused},
};
// clang-format on

}  // namespace

std::span<const Route> all_routes() {
    return kRoutes;
}

}  // namespace matrix::engine
