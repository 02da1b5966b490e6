// POST /keys/upload, /keys/query and /keys/claim, GET /keys/changes.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#key-management-api

#include <algorithm>
#include <limits>

#include "refserver/base/result_macros.h"
#include "refserver/engine/client/device_list_changes.h"
#include "refserver/engine/client/room_access.h"
#include "refserver/engine/client_server.h"
#include "refserver/engine/devices/devices.h"
#include "refserver/engine/devices/gather.h"
#include "refserver/engine/devices/key_checks.h"
#include "refserver/engine/devices/key_requests.h"

namespace matrix::engine {
namespace {

/// UNSPECIFIED: how many one-time keys of one algorithm a device may have here; clients keep 50.
constexpr std::int64_t kOneTimeKeysMax = 1000;
constexpr std::size_t kOneTimeKeyBytesMax = 4096;
/// How many servers one request may have us ask; clients ask for 250 users at once.
constexpr std::size_t kServersMax = 1000;
constexpr std::int64_t kRemoteTimeoutMs = 10'000;
constexpr std::int64_t kRemoteTimeoutMaxMs = 60'000;

// UNSPECIFIED: the signature of a one-time key is left to those who claim it, who must not trust us
// anyway.
Result<std::vector<storage::OneTimeKey>> parse_one_time_keys(const json::Object& body,
                                                             const std::string& field) {
    ASSIGN_OR_RETURN(const auto given, optional_object(body, field));
    std::vector<storage::OneTimeKey> keys;
    for (const json::Member& member : given.value_or(json::Object{})) {
        const std::string name = field + "." + member.key;
        const std::size_t colon = member.key.find(':');
        if (colon == std::string::npos || colon == 0 || colon + 1 == member.key.size() ||
            member.key.size() > kIdBytesMax) {
            return invalid_param(name + ": expected ALGORITHM:KEY_ID as the name of a key");
        }
        const bool is_object = member.value.is_object();
        if (!member.value.if_string() && !(is_object && member.value.find_string("key"))) {
            return bad_json(name + ": expected a string, or an object with `key`");
        }
        std::string algorithm = member.key.substr(0, colon);
        if (algorithm.starts_with("signed_") &&
            !(is_object && member.value.find_object("signatures"))) {
            return bad_json(name + ": expected an object with `signatures`");
        }
        if (json::write(member.value).size() > kOneTimeKeyBytesMax) {
            return too_large(name + ": expected at most 4096 bytes");
        }
        keys.push_back({std::move(algorithm), member.key.substr(colon + 1), member.value});
    }
    if (keys.size() > kOneTimeKeysMax) return invalid_param(field + ": expected at most 1000");
    return keys;
}

Result<void> check_fallback_keys(const std::vector<storage::OneTimeKey>& keys) {
    std::set<std::string> algorithms;
    for (const storage::OneTimeKey& key : keys) {
        if (algorithms.insert(key.algorithm).second) continue;
        return invalid_param("fallback_keys: expected at most one of " + key.algorithm);
    }
    return {};
}

json::Object write_counts(const std::map<std::string, std::int64_t>& counts) {
    json::Object object;
    for (const auto& [algorithm, count] : counts)
        object.set(algorithm, count);
    return object;
}

}  // namespace

// --- Uploading -----------------------------------------------------------------------------------

Result<void> ClientServer::check_one_time_keys(const Requester& requester,
                                               const std::vector<storage::OneTimeKey>& keys) const {
    auto counts = one_time_keys_.count(requester.user, requester.device);
    for (const storage::OneTimeKey& key : keys) {
        const auto known =
            one_time_keys_.find(requester.user, requester.device, key.algorithm, key.id);
        // UNSPECIFIED: another key under the id of one that is there is refused, because its device
        // would wait in vain for messages to it.
        if (known && *known != key.key) {
            return invalid_param("one_time_keys." + key.algorithm + ":" + key.id +
                                 ": expected the key that was uploaded under this id");
        }
        if (!known && ++counts[key.algorithm] > kOneTimeKeysMax) {
            return invalid_param("one_time_keys: expected at most 1000 of " + key.algorithm);
        }
    }
    return {};
}

void ClientServer::publish_device_keys(const Requester& requester, json::Object keys) {
    keys.erase("unsigned");
    const auto known = device_keys_.find(requester.user, requester.device);
    if (known && known->keys == keys) return;
    if (known && !is_same_but_for_signatures(known->keys, keys)) {
        // A new login under an old name: nobody has vouched for it, and the one-time keys are the
        // old one's.
        key_signatures_.remove_on({requester.user, requester.device.text()});
        one_time_keys_.remove(requester.user, requester.device);
    }
    device_keys_.put(requester.user, requester.device, keys);
    services_.devices.lists.device_changed(requester.user, requester.device);
}

Task<Result<Reply>> ClientServer::upload_keys(Request request) {
    const Requester& requester = request.requester;
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body());
    ASSIGN_OR_CO_RETURN(auto device_keys, optional_object(body, "device_keys"));
    if (device_keys) {
        CO_RETURN_IF_ERROR(check_device_keys(
            *device_keys, requester.user, requester.device, *services_.options.verifier));
        if (services_.accounts.is_signing_key(requester.user, requester.device.view())) {
            co_return forbidden("device_keys.device_id: it is a cross-signing key of yours");
        }
    }
    ASSIGN_OR_CO_RETURN(const auto one_time, parse_one_time_keys(body, "one_time_keys"));
    ASSIGN_OR_CO_RETURN(const auto fallback, parse_one_time_keys(body, "fallback_keys"));
    CO_RETURN_IF_ERROR(check_fallback_keys(fallback));
    const auto known = device_keys_.find(requester.user, requester.device);
    const bool is_another =
        known && device_keys && !is_same_but_for_signatures(known->keys, *device_keys);
    if (!is_another) {
        CO_RETURN_IF_ERROR(check_one_time_keys(requester, one_time));
    }

    if (device_keys) publish_device_keys(requester, *std::move(device_keys));
    if (!one_time.empty()) one_time_keys_.add(requester.user, requester.device, one_time);
    for (const storage::OneTimeKey& key : fallback)
        one_time_keys_.put_fallback(requester.user, requester.device, key);
    co_return Reply{.body = json::Object{
                        {"one_time_key_counts",
                         write_counts(one_time_keys_.count(requester.user, requester.device))}}};
}

// --- Asking --------------------------------------------------------------------------------------

namespace {

Result<runtime::Duration> parse_remote_timeout(const json::Object& body) {
    ASSIGN_OR_RETURN(const auto timeout, optional_integer(body, "timeout"));
    return runtime::milliseconds(
        std::clamp<std::int64_t>(timeout.value_or(kRemoteTimeoutMs), 1, kRemoteTimeoutMaxMs));
}

template <class Asked>
Result<void> check_server_count(const std::map<ServerName, Asked>& by_server) {
    if (by_server.size() <= kServersMax) return {};
    return invalid_param("expected users of at most 1000 servers");
}

json::Object failure_of(const std::optional<Error>& error) {
    if (!error) {
        return {{"errcode", "M_UNKNOWN"}, {"error", "the server did not answer in time"}};
    }
    return {{"errcode", error->errcode}, {"error", error->message}};
}

void add_members(const json::Object& from, json::Object& into) {
    for (const json::Member& member : from)
        into.set(member.key, member.value);
}

}  // namespace

QueriedKeys ClientServer::query_local_keys(const std::vector<DeviceQuery>& queries,
                                           const UserId& viewer) const {
    using enum storage::CrossSigningUsage;
    const PublishedKeys& published = services_.devices.keys;
    QueriedKeys keys;
    for (const DeviceQuery& query : queries) {
        if (!services_.accounts.exists(query.user)) continue;
        const std::string_view user = query.user.view();
        keys.device_keys.set(user, published.find_devices(query.user, query.devices, viewer));
        if (auto key = published.find_signing_key(query.user, Master, viewer)) {
            keys.master_keys.set(user, *std::move(key));
        }
        if (auto key = published.find_signing_key(query.user, SelfSigning, viewer)) {
            keys.self_signing_keys.set(user, *std::move(key));
        }
    }
    return keys;
}

Task<Result<Reply>> ClientServer::query_keys(Request request) {
    const UserId& viewer = request.requester.user;
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body());
    ASSIGN_OR_CO_RETURN(const runtime::Duration timeout, parse_remote_timeout(body));
    ASSIGN_OR_CO_RETURN(const std::vector<DeviceQuery> queries, parse_device_queries(body));
    std::map<ServerName, std::vector<DeviceQuery>> by_server;
    for (const DeviceQuery& query : queries)
        by_server[query.user.server()].push_back(query);
    CO_RETURN_IF_ERROR(check_server_count(by_server));

    const std::vector<DeviceQuery> local = std::move(by_server[services_.options.server_name]);
    by_server.erase(services_.options.server_name);
    QueriedKeys keys = query_local_keys(local, viewer);
    std::map<ServerName, Task<QueriedKeys>> tasks;
    for (const auto& [server, of_server] : by_server) {
        tasks.emplace(server, services_.devices.remote.query(server, of_server, viewer, timeout));
    }
    const auto answers = co_await gather(
        services_.devices.remote.tasks(), services_.clock, std::move(tasks), timeout);

    json::Object failures;
    for (const auto& [server, of_server] : by_server) {
        const auto answer = answers.find(server);
        if (answer == answers.end() || answer->second.failure) {
            failures.set(
                server.view(),
                failure_of(answer == answers.end() ? std::nullopt : answer->second.failure));
        }
        if (answer == answers.end()) continue;
        add_members(answer->second.device_keys, keys.device_keys);
        add_members(answer->second.master_keys, keys.master_keys);
        add_members(answer->second.self_signing_keys, keys.self_signing_keys);
    }
    json::Object user_signing_keys;
    const bool asks_for_own =
        std::ranges::find(queries, viewer, &DeviceQuery::user) != queries.end();
    auto own = services_.devices.keys.find_signing_key(
        viewer, storage::CrossSigningUsage::UserSigning, viewer);
    if (asks_for_own && own) user_signing_keys.set(viewer.view(), *std::move(own));
    co_return Reply{.body = json::Object{{"device_keys", std::move(keys.device_keys)},
                                         {"failures", std::move(failures)},
                                         {"master_keys", std::move(keys.master_keys)},
                                         {"self_signing_keys", std::move(keys.self_signing_keys)},
                                         {"user_signing_keys", std::move(user_signing_keys)}}};
}

// --- Claiming ------------------------------------------------------------------------------------

namespace {

/// What was asked for of what a peer gave.
void add_claimed(const std::vector<KeyClaim>& claims,
                 const json::Object& answer,
                 json::Object& into) {
    const json::Value* given = answer.find("one_time_keys");
    for (const KeyClaim& claim : claims) {
        const json::Value* by_device = given ? given->find(claim.user.view()) : nullptr;
        const json::Value* keys = by_device ? by_device->find(claim.device.view()) : nullptr;
        if (!keys || !keys->is_object()) continue;
        json::Object of_algorithm;
        for (const json::Member& key : *keys->if_object()) {
            if (key.key.starts_with(claim.algorithm + ":")) of_algorithm.set(key.key, key.value);
        }
        if (!of_algorithm.empty()) {
            set_below(into, claim.user.view(), claim.device.view(), std::move(of_algorithm));
        }
    }
}

json::Object write_claims(const std::vector<KeyClaim>& claims) {
    json::Object asked;
    for (const KeyClaim& claim : claims)
        set_below(asked, claim.user.view(), claim.device.view(), claim.algorithm);
    return asked;
}

}  // namespace

Task<Result<Reply>> ClientServer::claim_keys(Request request) {
    ASSIGN_OR_CO_RETURN(const json::Object body, request.object_body());
    ASSIGN_OR_CO_RETURN(const runtime::Duration timeout, parse_remote_timeout(body));
    ASSIGN_OR_CO_RETURN(const std::vector<KeyClaim> claims, parse_key_claims(body));
    std::map<ServerName, std::vector<KeyClaim>> by_server;
    for (const KeyClaim& claim : claims)
        by_server[claim.user.server()].push_back(claim);
    CO_RETURN_IF_ERROR(check_server_count(by_server));

    json::Object claimed =
        engine::claim_keys(one_time_keys_, by_server[services_.options.server_name]);
    by_server.erase(services_.options.server_name);
    std::map<ServerName, Task<Result<json::Object>>> tasks;
    for (const auto& [server, of_server] : by_server) {
        tasks.emplace(
            server, services_.federation.claim_user_keys(server, write_claims(of_server), timeout));
    }
    const auto answers = co_await gather(
        services_.devices.remote.tasks(), services_.clock, std::move(tasks), timeout);

    json::Object failures;
    for (const auto& [server, of_server] : by_server) {
        const auto answer = answers.find(server);
        if (answer == answers.end()) {
            failures.set(server.view(), failure_of(std::nullopt));
        } else if (!answer->second) {
            failures.set(server.view(), failure_of(answer->second.error()));
        } else {
            add_claimed(of_server, *answer->second, claimed);
        }
    }
    co_return Reply{.body = json::Object{{"one_time_keys", std::move(claimed)},
                                         {"failures", std::move(failures)}}};
}

// --- Changes -------------------------------------------------------------------------------------

Task<Result<Reply>> ClientServer::get_key_changes(Request request) {
    const UserId& user = request.requester.user;
    const std::string* from_text = request.find_query("from");
    const std::string* to_text = request.find_query("to");
    if (!from_text) co_return missing_param("from: the parameter is required");
    if (!to_text) co_return missing_param("to: the parameter is required");
    ASSIGN_OR_CO_RETURN(const StreamPosition from, parse_sync_token(*from_text, "from"));
    ASSIGN_OR_CO_RETURN(const StreamPosition to, parse_sync_token(*to_text, "to"));

    DeviceListChanges changes(
        {services_.rooms, services_.devices.keys, services_.devices.lists}, user, from, to);
    const StreamPosition ever{std::numeric_limits<std::int64_t>::min()};
    for (const MembershipChange& change : services_.rooms.membership_changes(user, ever, to))
        changes.add_room(change);
    co_return Reply{.body = changes.finish()};
}

}  // namespace matrix::engine
