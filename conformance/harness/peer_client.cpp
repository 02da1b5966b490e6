// The peer as a client: requests to the target, signed.

#include "conformance/harness/peer.h"
#include "refserver/protocol/x_matrix.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kV1 = "/_matrix/federation/v1/";
constexpr std::string_view kV2 = "/_matrix/federation/v2/";

std::string federation_path(std::string_view version,
                            std::string_view endpoint,
                            std::initializer_list<std::string_view> segments) {
    std::string path = std::string(version) + std::string(endpoint);
    for (const std::string_view segment : segments)
        path += "/" + escape(segment);
    return path;
}

Json ids_of(const std::vector<EventId>& events) {
    Json ids = Json::array();
    for (const EventId& event : events)
        ids.push_back(event.text());
    return ids;
}

std::string version_query(const std::vector<std::string>& versions) {
    std::string query;
    for (const std::string& version : versions)
        query += (query.empty() ? "?ver=" : "&ver=") + escape(version);
    return query;
}

std::int64_t wall_clock_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

}  // namespace

std::string Peer::authorize(std::string_view method,
                            std::string_view target,
                            const Json* body,
                            const XMatrixOptions& options) const {
    if (options.header) return *options.header;
    const Json* signed_body = options.signed_body ? &*options.signed_body : body;
    const json::Value content = signed_body != nullptr ? to_protocol(*signed_body) : json::Value();
    return authorize_request(method,
                             target,
                             ServerName(options.origin.value_or(name_.text())),
                             ServerName(options.destination.value_or(target_.server_name().text())),
                             signed_body != nullptr ? &content : nullptr,
                             options.signer != nullptr ? *options.signer : signer());
}

Response Peer::request(std::string_view method,
                       std::string_view target,
                       const Json* body,
                       const XMatrixOptions& options) {
    HttpRequest request{.method = std::string(method), .target = std::string(target)};
    const std::string authorization = authorize(method, target, body, options);
    if (!authorization.empty()) request.headers.push_back({"Authorization", authorization});
    if (body != nullptr) request.body = body->dump();
    // The target may ask this peer for keys and events before it answers.
    request.timeout = 3 * kDeadline;
    return send_unsigned(std::move(request));
}

Response Peer::send_unsigned(HttpRequest request) {
    if (request.who.empty()) request.who = "peer " + name_.text();
    return target_.federation_http().send(request);
}

Response Peer::get(std::string_view target, const XMatrixOptions& options) {
    return request("GET", target, nullptr, options);
}
Response Peer::put(std::string_view target, const Json& body, const XMatrixOptions& options) {
    return request("PUT", target, &body, options);
}
Response Peer::post(std::string_view target, const Json& body, const XMatrixOptions& options) {
    return request("POST", target, &body, options);
}

Response Peer::make_join(const RoomId& room,
                         const UserId& user,
                         const std::vector<std::string>& versions) {
    return get(federation_path(kV1, "make_join", {room.view(), user.view()}) +
               version_query(versions));
}

Response Peer::make_knock(const RoomId& room,
                          const UserId& user,
                          const std::vector<std::string>& versions) {
    return get(federation_path(kV1, "make_knock", {room.view(), user.view()}) +
               version_query(versions));
}

Pdu Peer::join_template(const RoomId& room, std::string_view localpart) {
    auto join = try_join_template(room, localpart);
    if (!join) fail_step(join.error());
    return *std::move(join);
}

std::expected<Pdu, std::string> Peer::try_join_template(const RoomId& room,
                                                        std::string_view localpart) {
    const Response response = make_join(room, user(localpart));
    const auto refuse = [&](const std::string& why) {
        return std::unexpected("asking for a join of " + room.text() + " by /make_join: " + why +
                               testing::PrintToString(response));
    };
    if (!response.is_ok()) return refuse("");
    // Without a version the room has version 1.
    std::string version = string_at(response.body, {"room_version"});
    if (version.empty()) version = "1";
    const RoomRules* rules = find_room_rules(version);
    if (rules == nullptr) return refuse("unknown room version " + version + ": ");
    Pdu join{response.at({"event"}), rules};
    if (!join.json.is_object()) return refuse("`event` is missing: ");
    join["origin_server_ts"] = wall_clock_ms();
    return join;
}

Response Peer::make_leave(const RoomId& room, const UserId& user) {
    return get(federation_path(kV1, "make_leave", {room.view(), user.view()}));
}

Response Peer::send_join(const Pdu& join) {
    return put(federation_path(kV2, "send_join", {join.room().view(), join.id().view()}),
               join.json);
}

Response Peer::send_leave(const Pdu& leave) {
    return put(federation_path(kV2, "send_leave", {leave.room().view(), leave.id().view()}),
               leave.json);
}

Response Peer::send_knock(const Pdu& knock) {
    return put(federation_path(kV1, "send_knock", {knock.room().view(), knock.id().view()}),
               knock.json);
}

Response Peer::send_invite(const Pdu& invite, const Json& invite_room_state) {
    return put(federation_path(kV2, "invite", {invite.room().view(), invite.id().view()}),
               {{"room_version", invite.rules->version},
                {"event", invite.json},
                {"invite_room_state", invite_room_state}});
}

Response Peer::send_transaction(const std::vector<Pdu>& pdus, const Json& edus) {
    return put(federation_path(kV1, "send", {Client::make_transaction_id()}),
               {{"origin", name_.text()},
                {"origin_server_ts", wall_clock_ms()},
                {"pdus", to_json(pdus)},
                {"edus", edus}});
}

Response Peer::event(const EventId& event) {
    return get(federation_path(kV1, "event", {event.view()}));
}
Response Peer::state(const RoomId& room, const EventId& at) {
    return get(federation_path(kV1, "state", {room.view()}) + "?event_id=" + escape(at.view()));
}
Response Peer::state_ids(const RoomId& room, const EventId& at) {
    return get(federation_path(kV1, "state_ids", {room.view()}) + "?event_id=" + escape(at.view()));
}
Response Peer::event_auth(const RoomId& room, const EventId& event) {
    return get(federation_path(kV1, "event_auth", {room.view(), event.view()}));
}

Response Peer::backfill(const RoomId& room, const std::vector<EventId>& from, int limit) {
    std::string target = federation_path(kV1, "backfill", {room.view()});
    target += "?limit=" + std::to_string(limit);
    for (const EventId& event : from)
        target += "&v=" + escape(event.view());
    return get(target);
}

Response Peer::missing_events(const RoomId& room,
                              const std::vector<EventId>& earliest,
                              const std::vector<EventId>& latest,
                              int limit) {
    return post(federation_path(kV1, "get_missing_events", {room.view()}),
                {{"limit", limit},
                 {"earliest_events", ids_of(earliest)},
                 {"latest_events", ids_of(latest)}});
}

}  // namespace matrix::conformance
