#include "conformance/harness/client.h"

#include <atomic>
#include <random>

#include "conformance/harness/steps.h"

namespace matrix::conformance {
namespace {

// A long poll's answer may take this much longer than its timeout.
constexpr std::chrono::milliseconds kSyncSlack{10'000};
constexpr std::chrono::milliseconds kSyncPoll{1'000};

EventId event_id_of(const std::string& step, const Response& response) {
    expect_step(step, response);
    EventId event(string_at(response.body, {"event_id"}));
    if (event.empty()) fail_step(step + " gave no event_id", response);
    return event;
}

std::string sync_target(const SyncOptions& options) {
    std::string target =
        "/_matrix/client/v3/sync?timeout=" + std::to_string(options.timeout.count());
    if (!options.since.empty()) target += "&since=" + escape(options.since);
    if (!options.filter.empty()) target += "&filter=" + escape(options.filter);
    if (options.full_state) target += "&full_state=true";
    return target;
}

const Json& null_json() {
    static const Json kNull;
    return kNull;
}

}  // namespace

Client::Client(HttpClient& http, UserId user, std::string access_token, DeviceId device)
    : http_(&http),
      user_(std::move(user)),
      access_token_(std::move(access_token)),
      device_(std::move(device)) {}

Client Client::with_token(std::string access_token) const {
    Client other = *this;
    other.access_token_ = std::move(access_token);
    return other;
}

Response Client::get(std::string_view target) const {
    return send({.method = "GET", .target = std::string(target)});
}
Response Client::put(std::string_view target, const Json& body) const {
    return send({.method = "PUT", .target = std::string(target), .body = body.dump()});
}
Response Client::post(std::string_view target, const Json& body) const {
    return send({.method = "POST", .target = std::string(target), .body = body.dump()});
}
Response Client::remove(std::string_view target) const {
    return send({.method = "DELETE", .target = std::string(target)});
}
Response Client::options(std::string_view target) const {
    return send({.method = "OPTIONS", .target = std::string(target)});
}

Response Client::send(HttpRequest request) const {
    if (!access_token_.empty() && find_header(request.headers, "Authorization") == nullptr) {
        request.headers.push_back({"Authorization", "Bearer " + access_token_});
    }
    if (request.who.empty() && !user_.empty()) request.who = user_.text();
    return http_->send(request);
}

std::future<Response> Client::start(HttpRequest request) const {
    return std::async(std::launch::async, [client = *this, request = std::move(request)] {
        return client.send(request);
    });
}

RoomId Client::create_room(Json options) const {
    const Response response = post("/_matrix/client/v3/createRoom", options);
    expect_step("creating a room", response);
    RoomId room(string_at(response.body, {"room_id"}));
    if (room.empty()) fail_step("creating a room gave no room_id", response);
    return room;
}

RoomId Client::create_room_of_version(std::string_view room_version, Json options) const {
    options["room_version"] = room_version;
    return create_room(std::move(options));
}

void Client::join(const RoomId& room, std::string_view server) const {
    std::string target = "/_matrix/client/v3/join/" + escape(room.view());
    if (!server.empty()) {
        // `via` replaced `server_name` in v1.12; servers ignore the one that they do not know.
        target += "?via=" + escape(server) + "&server_name=" + escape(server);
    }
    HttpRequest request{.method = "POST", .target = target, .body = "{}"};
    request.timeout = 3 * kDeadline;  // A join of a remote room asks other servers.
    expect_step(user_.text() + " joining " + room.text(), send(request));
}

void Client::invite(const RoomId& room, const UserId& user) const {
    expect_step("inviting " + user.text(),
                post(room_path(room, {"invite"}), {{"user_id", user.text()}}));
}
void Client::leave(const RoomId& room) const {
    expect_step(user_.text() + " leaving " + room.text(), post(room_path(room, {"leave"})));
}
void Client::kick(const RoomId& room, const UserId& user) const {
    expect_step("kicking " + user.text(),
                post(room_path(room, {"kick"}), {{"user_id", user.text()}}));
}
void Client::ban(const RoomId& room, const UserId& user) const {
    expect_step("banning " + user.text(),
                post(room_path(room, {"ban"}), {{"user_id", user.text()}}));
}

EventId Client::send_message(const RoomId& room, std::string_view text) const {
    return send_event(room, "m.room.message", {{"msgtype", "m.text"}, {"body", text}});
}

EventId Client::send_event(const RoomId& room, std::string_view type, const Json& content) const {
    return event_id_of("sending " + std::string(type),
                       put(room_path(room, {"send", type, make_transaction_id()}), content));
}

EventId Client::send_state(const RoomId& room,
                           std::string_view type,
                           std::string_view state_key,
                           const Json& content) const {
    return event_id_of("sending state " + std::string(type),
                       put(room_path(room, {"state", type, state_key}), content));
}

EventId Client::redact(const RoomId& room, const EventId& event, std::string_view reason) const {
    Json body = Json::object();
    if (!reason.empty()) body["reason"] = reason;
    return event_id_of("redacting " + event.text(),
                       put(room_path(room, {"redact", event.view(), make_transaction_id()}), body));
}

Json Client::state(const RoomId& room, std::string_view type, std::string_view state_key) const {
    const Response response = get(room_path(room, {"state", type, state_key}));
    expect_step("reading state " + std::string(type), response);
    return response.body;
}

Json Client::event(const RoomId& room, const EventId& event) const {
    const Response response = get(room_path(room, {"event", event.view()}));
    expect_step("reading event " + event.text(), response);
    return response.body;
}

std::string Client::membership(const RoomId& room, const UserId& user) const {
    const Response response = get(room_path(room, {"state", "m.room.member", user.view()}));
    return response.is_ok() ? string_at(response.body, {"membership"}) : std::string();
}

Response Client::sync(SyncOptions options) const {
    HttpRequest request{.method = "GET", .target = sync_target(options)};
    request.timeout = options.timeout + kSyncSlack;
    return send(request);
}

Response Client::sync_until(const std::function<bool(const Response&)>& is_done,
                            SyncOptions options,
                            std::chrono::milliseconds deadline) const {
    using std::chrono::steady_clock;
    const auto end = steady_clock::now() + deadline;
    while (true) {
        const Response response = sync(options);
        expect_step("syncing", response);
        if (is_done(response)) return response;
        const auto now = steady_clock::now();
        if (now >= end)
            fail_step("not synced within the deadline, the last response was", response);
        const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - now);
        options.since = string_at(response.body, {"next_batch"});
        options.timeout = std::min(left, kSyncPoll);
    }
}

Json Client::sync_until_event(const RoomId& room,
                              const EventId& event,
                              std::string_view since,
                              std::chrono::milliseconds deadline) const {
    const Response response = sync_until(
        [&](const Response& sync) { return !find_event(timeline_of(sync, room), event).is_null(); },
        {.since = std::string(since)},
        deadline);
    return find_event(timeline_of(response, room), event);
}

std::string Client::sync_token() const {
    const Response response = sync();
    expect_step("syncing", response);
    return string_at(response.body, {"next_batch"});
}

std::string Client::make_transaction_id() {
    static const std::string kRun = std::to_string(std::random_device()());
    static std::atomic<std::uint64_t> next = 1;
    return "t" + kRun + "." + std::to_string(next++);
}

std::ostream& operator<<(std::ostream& out, const Client& client) {
    return out << (client.user().empty() ? "nobody" : client.user().text());
}

std::string room_path(const RoomId& room, std::initializer_list<std::string_view> segments) {
    std::string path = "/_matrix/client/v3/rooms/" + escape(room.view());
    for (const std::string_view segment : segments)
        path += "/" + escape(segment);
    return path;
}

const Json& joined_room(const Response& sync, const RoomId& room) {
    return sync.at({"rooms", "join", room.view()});
}
const Json& timeline_of(const Response& sync, const RoomId& room) {
    return at_path(joined_room(sync, room), {"timeline", "events"});
}

const Json& ephemeral_event(const Response& sync, const RoomId& room, std::string_view type) {
    for (const Json& event : at_path(joined_room(sync, room), {"ephemeral", "events"})) {
        if (string_at(event, {"type"}) == type) return event;
    }
    return null_json();
}

const Json& find_event(const Json& events, const EventId& id) {
    if (!events.is_array()) return null_json();
    for (const Json& event : events) {
        if (string_at(event, {"event_id"}) == id.text()) return event;
    }
    return null_json();
}

const Json& find_state_event(const Json& events,
                             std::string_view type,
                             std::string_view state_key) {
    if (!events.is_array()) return null_json();
    for (const Json& event : events) {
        const Json& key = at_path(event, {"state_key"});
        if (string_at(event, {"type"}) == type && key.is_string() && key == state_key) return event;
    }
    return null_json();
}

}  // namespace matrix::conformance
