// GET /sync: what is new, now or as soon as there is something.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3sync

#include <algorithm>

#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/engine/client/room_access.h"
#include "refserver/engine/client/sync_answer.h"
#include "refserver/engine/client_server.h"
#include "refserver/engine/devices/devices.h"

namespace matrix::engine {
namespace {

/// UNSPECIFIED: the longest wait, because nothing on the way keeps a connection open for longer.
constexpr std::int64_t kSyncTimeoutMaxMs = 10 * 60 * 1000;

}  // namespace

Result<SyncFilter> ClientServer::parse_filter_of_sync(const Request& request) const {
    const std::string* text = request.find_query("filter");
    if (!text) return SyncFilter();
    if (!text->starts_with('{')) {
        const auto stored = load_filter(request.requester.user, *text);
        if (!stored) return invalid_param("filter: you have no filter of this id");
        return parse_sync_filter(*stored);
    }
    const auto parsed = json::parse(*text, json::Numbers::Any);
    if (!parsed) return invalid_param("filter: expected an id or a JSON object");
    return parse_sync_filter(*parsed->if_object());
}

Result<SyncWish> ClientServer::parse_sync_wish(const Request& request) const {
    SyncWish wish;
    ASSIGN_OR_RETURN(wish.filter, parse_filter_of_sync(request));
    const std::string* since = request.find_query("since");
    // UNSPECIFIED: an empty token is none, because clients in use send it so.
    if (since && !since->empty()) {
        ASSIGN_OR_RETURN(wish.since, parse_sync_token(*since, "since"));
    }
    ASSIGN_OR_RETURN(const std::int64_t timeout, request.integer_query("timeout", 0));
    wish.timeout = runtime::milliseconds(std::min(timeout, kSyncTimeoutMaxMs));
    ASSIGN_OR_RETURN(wish.is_full_state, request.boolean_query("full_state", false));
    ASSIGN_OR_RETURN(wish.uses_state_after, request.boolean_query("use_state_after", false));
    return wish;
}

// So many messages may wait that one answer cannot hold them: then it ends where they do, and the
// next sync goes on from there.
WaitingMessages ClientServer::find_messages(const Requester& requester,
                                            std::optional<StreamPosition> since) const {
    WaitingMessages found{.up_to = services_.turns.durable_position()};
    auto messages = inbox_.list(requester.user,
                                requester.device,
                                since.value_or(StreamPosition{}),
                                found.up_to,
                                DeviceMessages::kPerSyncMax + 1);
    if (messages.size() > DeviceMessages::kPerSyncMax) {
        SIM_SOMETIMES("messages to a device do not fit into one sync");
        messages.pop_back();
        found.up_to = messages.back().position;
    }
    for (auto& message : messages)
        found.texts.push_back(std::move(message.text));
    return found;
}

namespace {

Result<std::optional<PresenceState>> read_set_presence(const Request& request) {
    const std::string* name = request.find_query("set_presence");
    if (!name) return std::nullopt;
    const auto state = parse_presence_state(*name);
    if (!state) {
        return invalid_param("set_presence: expected \"online\", \"offline\" or \"unavailable\"");
    }
    return state;
}

}  // namespace

Task<Result<Reply>> ClientServer::sync(Request request) {
    ASSIGN_OR_CO_RETURN(const SyncWish wish, parse_sync_wish(request));
    ASSIGN_OR_CO_RETURN(const auto set_presence, read_set_presence(request));
    const auto [user, device, token, is_admin] = request.requester;
    // Whoever knows a position has all messages up to it.
    if (wish.since) inbox_.acknowledge(user, device, *wish.since);
    // So that the user sees that he is there with this sync, and not by another at once.
    if (services_.presence.sync_began(user, device, set_presence)) {
        co_await services_.turns.durable();
    }
    std::string answer = co_await find_news(request, wish);
    if (set_presence != PresenceState::Offline) services_.presence.sync_ended(user, device);
    co_return Reply{.written_body = std::move(answer)};
}

Task<std::string> ClientServer::find_news(Request request, SyncWish wish) {
    const runtime::Timestamp deadline = services_.clock.monotonic_now() + wish.timeout;
    for (;;) {
        WaitingMessages messages = find_messages(request.requester, wish.since);
        const StreamPosition up_to = messages.up_to;
        const SyncAnswer answer({.rooms = services_.rooms,
                                 .transactions = transactions_,
                                 .account_data = account_data_,
                                 .one_time_keys = one_time_keys_,
                                 .typing = services_.typing,
                                 .receipts = services_.receipts,
                                 .presence = services_.presence,
                                 .devices = services_.devices,
                                 .now = services_.clock.now()},
                                request.requester,
                                wish,
                                std::move(messages));
        const runtime::Duration left = deadline - services_.clock.monotonic_now();
        const bool may_wait = wish.since && !wish.is_full_state && answer.is_empty();
        if (!may_wait || left <= runtime::Duration{}) co_return answer.write();
        SIM_SOMETIMES("a sync waits for news");
        co_await services_.notifier.wait(
            request.requester.user, answer.joined_rooms(), up_to, left);
    }
}

}  // namespace matrix::engine
