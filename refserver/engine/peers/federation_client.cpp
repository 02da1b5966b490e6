#include "refserver/engine/peers/federation_client.h"

#include <algorithm>
#include <array>
#include <utility>

#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/engine/http_api.h"
#include "refserver/protocol/x_matrix.h"
#include "refserver/runtime/fault_point.h"

namespace matrix::engine {

namespace {

constexpr std::size_t kEventAnswerBytesMax = 4 * kPduBytesMax;
/// Whole rooms: 100,000 members with small events each.
/// Parsing more takes more than a millisecond, and is left to a worker.
constexpr std::size_t kBytesParsedInTurnMax = 128 * 1024;
constexpr std::size_t kStateAnswerBytesMax = 256 * 1024 * 1024;
constexpr std::size_t kKeysAnswerBytesMax = 64 * 1024;
constexpr std::size_t kNotaryAnswerBytesMax = 1024 * 1024;
/// Of as many users as one request may name.
constexpr std::size_t kUserKeysAnswerBytesMax = 16 * 1024 * 1024;
constexpr std::size_t kNotaryDocumentsMax = 16;
constexpr std::size_t kServersInRoomMax = 100'000;
constexpr std::size_t kErrorTextBytesMax = 200;
/// Of a fault point: many peers are too slow for it.
constexpr runtime::Duration kImpatientTimeout = runtime::milliseconds(100);

// A path below /_matrix/federation/, from its literal and its variable segments.
std::string target_of(std::string_view prefix, std::initializer_list<std::string_view> segments) {
    std::string target = "/_matrix/federation/" + std::string(prefix);
    for (const std::string_view segment : segments)
        target += '/' + percent_encode(segment);
    return target;
}

std::unexpected<Error> bad_answer(const ServerName& server, std::string_view what) {
    return bad_gateway(server.text() + " answered wrongly: expected " + std::string(what));
}

Result<json::Object> take_object(const ServerName& server,
                                 const json::Object& answer,
                                 std::string_view field) {
    const json::Value* value = answer.find(field);
    if (value && value->is_object()) return *value->if_object();
    return bad_answer(server, std::string(field) + ": an object");
}

Result<json::Array> take_objects(const ServerName& server,
                                 json::Object& answer,
                                 std::string_view field) {
    json::Value* value = answer.find(field);
    json::Array* events = value ? value->if_array() : nullptr;
    if (!events) return bad_answer(server, std::string(field) + ": an array");
    std::erase_if(*events, [](const json::Value& event) { return !event.is_object(); });
    return std::move(*events);
}

Result<std::vector<EventId>> take_event_ids(const ServerName& server,
                                            const json::Object& answer,
                                            std::string_view field) {
    const json::Value* value = answer.find(field);
    const json::Array* entries = value ? value->if_array() : nullptr;
    if (!entries) return bad_answer(server, std::string(field) + ": an array");
    std::vector<EventId> ids;
    ids.reserve(entries->size());
    for (const json::Value& entry : *entries) {
        const std::string* text = entry.if_string();
        auto id = text ? parse_event_id(*text) : std::unexpected(IdentifierError{});
        if (!id) return bad_answer(server, std::string(field) + ": event ids");
        ids.push_back(*std::move(id));
    }
    return ids;
}

json::Array array_of(const std::vector<EventId>& ids) {
    json::Array array;
    for (const EventId& id : ids)
        array.emplace_back(id.text());
    return array;
}

}  // namespace

// --- One request ---------------------------------------------------------------------------------

namespace {

// Errors of a peer that our client can do something with, with the status that belongs to each.
struct RelayedError {
    std::string_view errcode;
    int status;
};
constexpr std::array kRelayedErrors{
    RelayedError{"M_FORBIDDEN", 403},
    RelayedError{"M_INVITE_BLOCKED", 403},
    RelayedError{"M_NOT_FOUND", 404},
    RelayedError{"M_INCOMPATIBLE_ROOM_VERSION", 400},
    RelayedError{"M_UNABLE_TO_AUTHORISE_JOIN", 400},
    RelayedError{"M_UNABLE_TO_GRANT_JOIN", 400},
};

std::string text_of(const json::Object& body, std::string_view field) {
    const json::Value* value = body.find(field);
    const std::string* text = value ? value->if_string() : nullptr;
    if (!text) return "";
    // Not within a character of several bytes.
    std::size_t end = std::min(text->size(), kErrorTextBytesMax);
    while (end < text->size() && end > 0 && (static_cast<unsigned char>((*text)[end]) >> 6) == 2)
        --end;
    return text->substr(0, end);
}

}  // namespace

Error error_of_answer(const ServerName& server, const runtime::HttpResponse& response) {
    const auto parsed = json::parse(response.body, json::Numbers::Any, {.bytes_max = 64 * 1024});
    const json::Object empty;
    const json::Object& body = parsed && parsed->is_object() ? *parsed->if_object() : empty;
    const std::string errcode = text_of(body, "errcode");
    std::string message = server.text() + " answered " + std::to_string(response.status) + " " +
                          errcode + ": " + text_of(body, "error");
    const auto relayed = std::ranges::find_if(kRelayedErrors, [&](const RelayedError& error) {
        return error.errcode == errcode && error.status == response.status;
    });
    SIM_SOMETIMES(relayed != kRelayedErrors.end(), "a server's refusal is passed on");
    if (relayed == kRelayedErrors.end()) return bad_gateway(std::move(message)).error();

    Error error{relayed->status, errcode, std::move(message), {}};
    if (errcode == "M_INCOMPATIBLE_ROOM_VERSION") {
        error.extra.set("room_version", text_of(body, "room_version"));
    }
    return error;
}

Result<runtime::HttpRequest> FederationClient::make_message(const Call& call) const {
    if (!split_server_name(call.server))
        return bad_gateway("no server name: " + call.server.text());
    if (call.server == services_.server_name) return bad_gateway("that server is this one");
    runtime::HttpRequest message;
    message.method = call.method;
    message.target = call.target;
    message.headers.add("Accept", "application/json");
    if (call.content) {
        message.headers.add("Content-Type", "application/json");
        message.body = json::write(*call.content);
    }
    if (call.is_signed) {
        const json::Value* content = call.content ? &*call.content : nullptr;
        message.headers.add("Authorization",
                            authorize_request(call.method,
                                              call.target,
                                              services_.server_name,
                                              call.server,
                                              content,
                                              services_.signer));
    }
    return message;
}

Task<runtime::Network::Result> FederationClient::send(ServerName server,
                                                      runtime::OutgoingRequest request) {
    const ServerDiscovery::Found places = co_await services_.discovery.find(server);
    if (!places) co_return std::unexpected(places.error());
    const runtime::Timestamp deadline = services_.clock.monotonic_now() + request.timeout;
    for (std::size_t i = 0;; ++i) {
        request.destination = (*places)[i];
        request.timeout = deadline - services_.clock.monotonic_now();
        const bool is_last = i + 1 == places->size();
        runtime::Network::Result answer = co_await services_.network.fetch(
            is_last ? std::move(request) : runtime::OutgoingRequest(request));
        if (answer || !is_before_sending(answer.error().kind)) {
            if (i > 0) {
                SIM_SOMETIMES("a server answers at its second place");
                services_.discovery.prefer(server, (*places)[i]);
            }
            co_return answer;
        }
        if (answer.error().kind == runtime::NetworkErrorKind::Forbidden) {
            ++services_.counters.outgoing_refused_addresses;
        }
        if (is_last || services_.clock.monotonic_now() >= deadline) {
            SIM_SOMETIMES("a server answers at none of its places");
            services_.discovery.forget(server);
            co_return answer;
        }
    }
}

Task<std::expected<json::Value, json::ParseError>> FederationClient::parse_answer(
    std::string body, std::size_t bytes_max) {
    using Parsed = std::expected<json::Value, json::ParseError>;
    const bool is_small = body.size() <= kBytesParsedInTurnMax;
    auto parse = [body = std::move(body), bytes_max]() -> Parsed {
        return json::parse(body, json::Numbers::Any, {.bytes_max = bytes_max});
    };
    if (is_small) co_return parse();
    SIM_SOMETIMES("a large answer is read by a worker");
    co_return co_await services_.workers.run<Parsed>(runtime::Lane::Signatures, std::move(parse));
}

Task<Result<json::Value>> FederationClient::request_value(Call call) {
    runtime::OutgoingRequest outgoing;
    ASSIGN_OR_CO_RETURN(outgoing.message, make_message(call));
    outgoing.timeout = call.timeout;
    if (SIM_FAULT_POINT("a request gives up early")) outgoing.timeout = kImpatientTimeout;
    outgoing.body_bytes_max = call.answer_bytes_max;
    ASSIGN_OR_CO_RETURN(const PeerHealth::Attempt attempt,
                        services_.health.begin(call.server, call.insistence));

    const bool is_durable = co_await services_.turns.durable();
    if (!is_durable) {
        SIM_SOMETIMES("a request is not sent because a commit failed");
        services_.health.withdraw(attempt);
        co_return storage_failed(services_.turns);
    }
    runtime::Network::Result answer = co_await send(call.server, std::move(outgoing));
    if (!answer) {
        const std::string_view failure = name_of(answer.error().kind);
        services_.health.end_badly(attempt, failure);
        co_return bad_gateway(call.server.text() + ": " + std::string(failure) + ": " +
                              answer.error().what);
    }
    services_.health.end_well(attempt);
    if (answer->status < 200 || answer->status > 299) {
        if (call.refused_with) *call.refused_with = answer->status;
        co_return std::unexpected(call.error_of(call.server, *answer));
    }
    auto body = co_await parse_answer(std::move(answer->body), call.answer_bytes_max);
    if (!body) {
        SIM_SOMETIMES("a server's answer is no JSON");
        co_return bad_answer(call.server, "JSON, with " + body.error().what);
    }
    co_return *std::move(body);
}

Task<Result<json::Object>> FederationClient::request(Call call) {
    const ServerName server = call.server;
    ASSIGN_OR_CO_RETURN(json::Value body, co_await request_value(std::move(call)));
    if (!body.is_object()) co_return bad_answer(server, "an object");
    co_return std::move(*body.if_object());
}

// --- Joining, leaving, inviting ------------------------------------------------------------------

Task<Result<FederationClient::MadeEvent>> FederationClient::make_event(ServerName server,
                                                                       std::string target) {
    Call call{.server = server, .method = "GET", .target = std::move(target)};
    call.answer_bytes_max = kEventAnswerBytesMax;
    ASSIGN_OR_CO_RETURN(const json::Object answer, co_await request(std::move(call)));
    MadeEvent made;
    ASSIGN_OR_CO_RETURN(made.event, take_object(server, answer, "event"));
    // Spec: make_join, "If not provided, the room version is assumed to be either 1 or 2."
    const json::Value* version = answer.find("room_version");
    if (version && !version->if_string()) co_return bad_answer(server, "room_version: a string");
    made.room_version = version ? *version->if_string() : "1";
    co_return made;
}

namespace {

// Of the room versions that fit, the query "?ver=...&ver=...".
std::string list_versions(bool (*fits)(const RoomRules& rules)) {
    std::string query;
    for (const RoomRules& rules : all_room_rules()) {
        if (!fits(rules)) continue;
        query += (query.empty() ? "?ver=" : "&ver=") + percent_encode(rules.version);
    }
    return query;
}

// The members of an array that are names of servers, as many as may be in one room.
std::vector<ServerName> take_servers(const json::Object& answer, std::string_view field) {
    std::vector<ServerName> servers;
    const json::Value* value = answer.find(field);
    const json::Array* names = value ? value->if_array() : nullptr;
    for (const json::Value& name : names ? *names : json::Array()) {
        if (servers.size() == kServersInRoomMax) break;
        auto parsed = parse_server_name(name.if_string() ? *name.if_string() : "");
        if (parsed) servers.push_back(*std::move(parsed));
    }
    return servers;
}

}  // namespace

Task<Result<FederationClient::MadeEvent>> FederationClient::make_join(ServerName server,
                                                                      RoomId room,
                                                                      UserId user) {
    const std::string versions = list_versions([](const RoomRules&) { return true; });
    return make_event(std::move(server),
                      target_of("v1/make_join", {room.view(), user.view()}) + versions);
}

Task<Result<FederationClient::SentJoin>> FederationClient::send_join(ServerName server,
                                                                     RoomId room,
                                                                     EventId id,
                                                                     json::Object pdu) {
    Call call{.server = server, .method = "PUT"};
    call.target = target_of("v2/send_join", {room.view(), id.view()});
    call.content = std::move(pdu);
    call.timeout = runtime::seconds(120);
    call.answer_bytes_max = kStateAnswerBytesMax;
    ASSIGN_OR_CO_RETURN(json::Object answer, co_await request(std::move(call)));
    SentJoin sent;
    if (answer.contains("event")) {
        ASSIGN_OR_CO_RETURN(sent.event, take_object(server, answer, "event"));
    }
    ASSIGN_OR_CO_RETURN(sent.state, take_objects(server, answer, "state"));
    ASSIGN_OR_CO_RETURN(sent.auth_chain, take_objects(server, answer, "auth_chain"));
    sent.servers_in_room = take_servers(answer, "servers_in_room");
    co_return sent;
}

Task<Result<FederationClient::MadeEvent>> FederationClient::make_knock(ServerName server,
                                                                       RoomId room,
                                                                       UserId user) {
    const std::string versions =
        list_versions([](const RoomRules& rules) { return rules.has_knock; });
    return make_event(std::move(server),
                      target_of("v1/make_knock", {room.view(), user.view()}) + versions);
}

Task<Result<json::Array>> FederationClient::send_knock(ServerName server,
                                                       RoomId room,
                                                       EventId id,
                                                       json::Object pdu) {
    Call call{.server = server, .method = "PUT"};
    call.target = target_of("v1/send_knock", {room.view(), id.view()});
    call.content = std::move(pdu);
    ASSIGN_OR_CO_RETURN(json::Object answer, co_await request(std::move(call)));
    co_return take_objects(server, answer, "knock_room_state");
}

Task<Result<FederationClient::MadeEvent>> FederationClient::make_leave(ServerName server,
                                                                       RoomId room,
                                                                       UserId user) {
    return make_event(std::move(server), target_of("v1/make_leave", {room.view(), user.view()}));
}

Task<Result<void>> FederationClient::send_leave(ServerName server,
                                                RoomId room,
                                                EventId id,
                                                json::Object pdu) {
    Call call{.server = std::move(server), .method = "PUT"};
    call.target = target_of("v2/send_leave", {room.view(), id.view()});
    call.content = std::move(pdu);
    CO_RETURN_IF_ERROR(co_await request(std::move(call)));
    co_return Result<void>{};
}

Task<Result<json::Object>> FederationClient::invite(ServerName server,
                                                    RoomId room,
                                                    EventId id,
                                                    std::string room_version,
                                                    json::Object pdu,
                                                    json::Array stripped_state) {
    const std::string path = "/" + percent_encode(room.view()) + "/" + percent_encode(id.view());
    const bool has_v1 = room_version == "1" || room_version == "2";
    json::Object pdu_of_v1;
    if (has_v1) {
        pdu_of_v1 = pdu;
        pdu_of_v1.set("unsigned", json::Object{{"invite_room_state", stripped_state}});
    }
    Call call{.server = server, .method = "PUT"};
    call.target = "/_matrix/federation/v2/invite" + path;
    call.content = json::Object{{"event", std::move(pdu)},
                                {"invite_room_state", std::move(stripped_state)},
                                {"room_version", std::move(room_version)}};
    int refused_with = 0;
    call.refused_with = &refused_with;
    Result<json::Object> answer = co_await request(std::move(call));
    if (answer) co_return take_object(server, *answer, "event");
    const bool may_be_older = refused_with == 400 || refused_with == 404;
    if (!may_be_older || !has_v1) co_return std::unexpected(std::move(answer).error());
    co_return co_await invite_v1(std::move(server), path, std::move(pdu_of_v1));
}

// Its answer is a pair, of a status that means nothing and what v2 answers.
Task<Result<json::Object>> FederationClient::invite_v1(ServerName server,
                                                       std::string path,
                                                       json::Object pdu) {
    Call call{.server = server, .method = "PUT"};
    call.target = "/_matrix/federation/v1/invite" + path;
    call.content = std::move(pdu);
    ASSIGN_OR_CO_RETURN(json::Value answer, co_await request_value(std::move(call)));
    json::Array* pair = answer.if_array();
    json::Object* body = pair && pair->size() == 2 ? (*pair)[1].if_object() : nullptr;
    if (!body) co_return bad_answer(server, "an array of a status and an object");
    co_return take_object(server, *body, "event");
}

Task<Result<void>> FederationClient::exchange_third_party_invite(ServerName server,
                                                                 RoomId room,
                                                                 json::Object event) {
    Call call{.server = std::move(server), .method = "PUT"};
    call.target = target_of("v1/exchange_third_party_invite", {room.view()});
    call.content = std::move(event);
    CO_RETURN_IF_ERROR(co_await request(std::move(call)));
    co_return Result<void>{};
}

namespace {

/// Every event of a room that uses a policy server waits for it.
constexpr runtime::Duration kPolicyTimeout = runtime::seconds(10);

// Spec: server-server-api, "Validating Policy Server signatures": "that error SHOULD be provided to
// the client verbatim". Only refusals are: anything else would be taken for our own answer.
Error refusal_of_policy(const ServerName& server, const runtime::HttpResponse& response) {
    auto body = json::parse(response.body, json::Numbers::Any, {.bytes_max = 64 * 1024});
    const std::string* errcode = body ? body->find_string("errcode") : nullptr;
    const bool is_refusal =
        errcode &&
        (((response.status == 400 || response.status == 403) && *errcode == "M_FORBIDDEN") ||
         (response.status == 429 && *errcode == "M_LIMIT_EXCEEDED"));
    if (!is_refusal) return error_of_answer(server, response);
    Error error{response.status, *errcode, "", std::move(*body->if_object())};
    if (const json::Value* text = error.extra.find("error"); text && text->if_string()) {
        error.message = *text->if_string();
    }
    error.extra.erase("errcode");
    error.extra.erase("error");
    return error;
}

}  // namespace

Task<Result<json::Object>> FederationClient::ask_policy_server(ServerName server,
                                                               json::Object pdu) {
    Call call{.server = std::move(server), .method = "POST"};
    call.target = "/_matrix/policy/v1/sign";
    call.content = std::move(pdu);
    call.timeout = kPolicyTimeout;
    call.answer_bytes_max = kEventAnswerBytesMax;
    call.error_of = refusal_of_policy;
    return request(std::move(call));
}

// --- Events --------------------------------------------------------------------------------------

Task<Result<json::Object>> FederationClient::send_transaction(ServerName server,
                                                              std::string transaction_id,
                                                              json::Object transaction) {
    Call call{.server = server, .method = "PUT"};
    call.target = target_of("v1/send", {transaction_id});
    call.content = std::move(transaction);
    // A peer may have to fetch what it missed before it can answer.
    call.timeout = runtime::seconds(120);
    call.insistence = Insistence::Insistent;  // The outbox has waited.
    ASSIGN_OR_CO_RETURN(const json::Object answer, co_await request(std::move(call)));
    // The transaction was taken; what the peer says of each event is for the log alone.
    const json::Value* pdus = answer.find("pdus");
    co_return pdus && pdus->is_object() ? *pdus->if_object() : json::Object();
}

Task<Result<json::Object>> FederationClient::get_event(ServerName server, EventId id) {
    Call call{.server = server, .method = "GET"};
    call.target = target_of("v1/event", {id.view()});
    call.answer_bytes_max = kEventAnswerBytesMax;
    ASSIGN_OR_CO_RETURN(json::Object answer, co_await request(std::move(call)));
    ASSIGN_OR_CO_RETURN(json::Array pdus, take_objects(server, answer, "pdus"));
    if (pdus.size() != 1) co_return bad_answer(server, "pdus: one event");
    co_return std::move(*pdus.front().if_object());
}

Task<Result<json::Array>> FederationClient::get_missing_events(ServerName server,
                                                               RoomId room,
                                                               std::vector<EventId> earliest,
                                                               std::vector<EventId> latest,
                                                               std::int64_t limit,
                                                               std::int64_t min_depth) {
    Call call{.server = server, .method = "POST"};
    call.target = target_of("v1/get_missing_events", {room.view()});
    call.content = json::Object{{"earliest_events", array_of(earliest)},
                                {"latest_events", array_of(latest)},
                                {"limit", limit},
                                {"min_depth", min_depth}};
    call.answer_bytes_max = static_cast<std::size_t>(limit + 1) * 2 * kPduBytesMax;
    ASSIGN_OR_CO_RETURN(json::Object answer, co_await request(std::move(call)));
    ASSIGN_OR_CO_RETURN(json::Array events, take_objects(server, answer, "events"));
    if (std::cmp_greater(events.size(), limit)) events.resize(static_cast<std::size_t>(limit));
    co_return events;
}

Task<Result<FederationClient::StateIds>> FederationClient::get_state_ids(ServerName server,
                                                                         RoomId room,
                                                                         EventId at) {
    Call call{.server = server, .method = "GET"};
    call.target =
        target_of("v1/state_ids", {room.view()}) + "?event_id=" + percent_encode(at.view());
    call.timeout = runtime::seconds(120);
    call.answer_bytes_max = kStateAnswerBytesMax;
    ASSIGN_OR_CO_RETURN(const json::Object answer, co_await request(std::move(call)));
    StateIds ids;
    ASSIGN_OR_CO_RETURN(ids.state, take_event_ids(server, answer, "pdu_ids"));
    ASSIGN_OR_CO_RETURN(ids.auth_chain, take_event_ids(server, answer, "auth_chain_ids"));
    co_return ids;
}

Task<Result<FederationClient::StateEvents>> FederationClient::get_state(ServerName server,
                                                                        RoomId room,
                                                                        EventId at) {
    Call call{.server = server, .method = "GET"};
    call.target = target_of("v1/state", {room.view()}) + "?event_id=" + percent_encode(at.view());
    call.timeout = runtime::seconds(120);
    call.answer_bytes_max = kStateAnswerBytesMax;
    ASSIGN_OR_CO_RETURN(json::Object answer, co_await request(std::move(call)));
    StateEvents events;
    ASSIGN_OR_CO_RETURN(events.state, take_objects(server, answer, "pdus"));
    ASSIGN_OR_CO_RETURN(events.auth_chain, take_objects(server, answer, "auth_chain"));
    co_return events;
}

Task<Result<json::Array>> FederationClient::get_event_auth(ServerName server,
                                                           RoomId room,
                                                           EventId id) {
    Call call{.server = server, .method = "GET"};
    call.target = target_of("v1/event_auth", {room.view(), id.view()});
    call.answer_bytes_max = kStateAnswerBytesMax;
    ASSIGN_OR_CO_RETURN(json::Object answer, co_await request(std::move(call)));
    co_return take_objects(server, answer, "auth_chain");
}

Task<Result<json::Array>> FederationClient::backfill(ServerName server,
                                                     RoomId room,
                                                     std::vector<EventId> from,
                                                     std::int64_t limit) {
    Call call{.server = server, .method = "GET"};
    call.target = target_of("v1/backfill", {room.view()}) + "?limit=" + std::to_string(limit);
    for (const EventId& id : from)
        call.target += "&v=" + percent_encode(id.view());
    call.answer_bytes_max = static_cast<std::size_t>(limit + 1) * 2 * kPduBytesMax;
    ASSIGN_OR_CO_RETURN(json::Object answer, co_await request(std::move(call)));
    ASSIGN_OR_CO_RETURN(json::Array pdus, take_objects(server, answer, "pdus"));
    if (std::cmp_greater(pdus.size(), limit)) pdus.resize(static_cast<std::size_t>(limit));
    co_return pdus;
}

// --- Directories, keys and profiles --------------------------------------------------------------

Task<Result<FederationClient::AliasedRoom>> FederationClient::query_directory(ServerName server,
                                                                              RoomAlias alias) {
    Call call{.server = server, .method = "GET"};
    call.target =
        target_of("v1/query/directory", {}) + "?room_alias=" + percent_encode(alias.view());
    ASSIGN_OR_CO_RETURN(const json::Object answer, co_await request(std::move(call)));
    auto room = parse_room_id(text_of(answer, "room_id"));
    if (!room) co_return bad_answer(server, "room_id: a room id");
    co_return AliasedRoom{*std::move(room), take_servers(answer, "servers")};
}

Task<Result<json::Object>> FederationClient::query_public_rooms(ServerName server,
                                                                json::Object body) {
    Call call{.server = server, .method = "POST"};
    call.target = target_of("v1/publicRooms", {});
    call.content = std::move(body);
    ASSIGN_OR_CO_RETURN(json::Object answer, co_await request(std::move(call)));
    ASSIGN_OR_CO_RETURN(json::Array chunk, take_objects(server, answer, "chunk"));
    answer.set("chunk", std::move(chunk));
    co_return answer;
}

Task<Result<ServerKeys>> FederationClient::get_keys(ServerName server) {
    Call call{.server = server, .method = "GET", .target = "/_matrix/key/v2/server"};
    call.timeout = runtime::seconds(10);
    call.answer_bytes_max = kKeysAnswerBytesMax;
    call.is_signed = false;
    ASSIGN_OR_CO_RETURN(const json::Object answer, co_await request(std::move(call)));
    auto keys = parse_server_keys(answer, services_.verifier);
    if (!keys) co_return bad_answer(server, keys.error().field + ": " + keys.error().what);
    if (keys->server != server) co_return bad_answer(server, "server_name: its own");
    co_return *std::move(keys);
}

Task<Result<std::vector<ServerKeys>>> FederationClient::query_keys(ServerName notary,
                                                                   ServerName server) {
    Call call{.server = notary, .method = "GET"};
    call.target = "/_matrix/key/v2/query/" + percent_encode(server.view());
    call.timeout = runtime::seconds(20);  // It may have to ask the server itself.
    call.answer_bytes_max = kNotaryAnswerBytesMax;
    call.is_signed = false;
    ASSIGN_OR_CO_RETURN(json::Object answer, co_await request(std::move(call)));
    ASSIGN_OR_CO_RETURN(const json::Array documents, take_objects(notary, answer, "server_keys"));
    std::vector<ServerKeys> found;
    for (const json::Value& document : documents) {
        if (found.size() == kNotaryDocumentsMax) break;
        auto keys = parse_server_keys(*document.if_object(), services_.verifier);
        if (keys && keys->server == server) found.push_back(*std::move(keys));
    }
    co_return found;
}

Task<Result<json::Object>> FederationClient::query_user_keys(ServerName server,
                                                             json::Object asked,
                                                             runtime::Duration timeout) {
    Call call{.server = std::move(server), .method = "POST"};
    call.target = target_of("v1/user/keys/query", {});
    call.content = json::Object{{"device_keys", std::move(asked)}};
    call.timeout = timeout;
    call.answer_bytes_max = kUserKeysAnswerBytesMax;
    return request(std::move(call));
}

Task<Result<json::Object>> FederationClient::claim_user_keys(ServerName server,
                                                             json::Object asked,
                                                             runtime::Duration timeout) {
    Call call{.server = std::move(server), .method = "POST"};
    call.target = target_of("v1/user/keys/claim", {});
    call.content = json::Object{{"one_time_keys", std::move(asked)}};
    call.timeout = timeout;
    call.answer_bytes_max = kUserKeysAnswerBytesMax;
    return request(std::move(call));
}

Task<Result<json::Object>> FederationClient::get_user_devices(UserId user) {
    Call call{.server = user.server(), .method = "GET"};
    call.target = target_of("v1/user/devices", {user.view()});
    call.answer_bytes_max = kUserKeysAnswerBytesMax;
    return request(std::move(call));
}

Task<Result<json::Object>> FederationClient::get_profile(ServerName server,
                                                         UserId user,
                                                         std::string field) {
    Call call{.server = std::move(server), .method = "GET"};
    call.target = target_of("v1/query/profile", {}) + "?user_id=" + percent_encode(user.view());
    if (!field.empty()) call.target += "&field=" + percent_encode(field);
    return request(std::move(call));
}

}  // namespace matrix::engine
