// A Matrix client: nobody, or one device of one user.
//
// `get`, `put`, `post`, `remove` return what came. The named steps (`create_room`, `send_message`)
// are what a test builds on: if one is refused, the test ends there with the exchange in its
// report.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/
#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/harness/http_client.h"
#include "refserver/protocol/identifiers.h"

namespace matrix::conformance {

/// How long a step or `sync_until` waits for what must come. Tests give shorter or longer ones.
inline constexpr std::chrono::milliseconds kDeadline{10'000};

struct SyncOptions {
    std::string since = {};
    std::chrono::milliseconds timeout{0};  ///< The long poll's; 0 answers at once.
    std::string filter = {};               ///< A filter's id or its JSON.
    bool full_state = false;
};

class Client {
public:
    /// Nobody: requests carry no access token.
    explicit Client(HttpClient& http) : http_(&http) {}
    Client(HttpClient& http, UserId user, std::string access_token, DeviceId device);

    const UserId& user() const { return user_; }
    const DeviceId& device() const { return device_; }
    const std::string& access_token() const { return access_token_; }
    const std::string& password() const { return password_; }  ///< Empty if unknown.
    void set_password(std::string password) { password_ = std::move(password); }
    /// The same device with another token, for example a wrong one.
    Client with_token(std::string access_token) const;

    // Requests. `target` is the raw path and query, `escape`d where needed.

    Response get(std::string_view target) const;
    Response put(std::string_view target, const Json& body) const;
    Response post(std::string_view target, const Json& body = Json::object()) const;
    Response remove(std::string_view target) const;  ///< DELETE.
    Response options(std::string_view target) const;
    /// Anything: the access token is added unless the request has an Authorization header.
    Response send(HttpRequest request) const;
    /// `send` on another thread, for requests that wait, as a long poll does.
    std::future<Response> start(HttpRequest request) const;

    // Steps: a refusal ends the test.

    /// `options` is the body of /createRoom. Default: public, so that others can join.
    RoomId create_room(Json options = {{"preset", "public_chat"}}) const;
    RoomId create_room_of_version(std::string_view room_version,
                                  Json options = {{"preset", "public_chat"}}) const;
    /// `server` is given for rooms of other servers.
    void join(const RoomId& room, std::string_view server = "") const;
    void invite(const RoomId& room, const UserId& user) const;
    void leave(const RoomId& room) const;
    void kick(const RoomId& room, const UserId& user) const;
    void ban(const RoomId& room, const UserId& user) const;
    EventId send_message(const RoomId& room, std::string_view text) const;
    EventId send_event(const RoomId& room, std::string_view type, const Json& content) const;
    EventId send_state(const RoomId& room,
                       std::string_view type,
                       std::string_view state_key,
                       const Json& content) const;
    EventId redact(const RoomId& room, const EventId& event, std::string_view reason = "") const;
    Json state(const RoomId& room, std::string_view type, std::string_view state_key = "") const;
    Json event(const RoomId& room, const EventId& event) const;
    /// The `membership` of `user` as this client sees it; empty if there is none.
    std::string membership(const RoomId& room, const UserId& user) const;
    /// Syncs until `is_done`, following `next_batch`, and returns the response that was; ends the
    /// test at the deadline.
    Response sync_until(const std::function<bool(const Response&)>& is_done,
                        SyncOptions options = {},
                        std::chrono::milliseconds deadline = kDeadline) const;
    /// Until `event` is in the timeline of `room`; returns the event as this client gets it.
    Json sync_until_event(const RoomId& room,
                          const EventId& event,
                          std::string_view since = "",
                          std::chrono::milliseconds deadline = kDeadline) const;
    /// An initial sync's `next_batch`: "now".
    std::string sync_token() const;

    /// One request; refusals are returned.
    Response sync(SyncOptions options = {}) const;

    /// A transaction id that this run has not used.
    static std::string make_transaction_id();

private:
    HttpClient* http_;
    UserId user_;
    std::string access_token_;
    DeviceId device_;
    std::string password_;
};
std::ostream& operator<<(std::ostream& out, const Client& client);

/// `/_matrix/client/v3/rooms/{room}` and the escaped segments behind it.
std::string room_path(const RoomId& room, std::initializer_list<std::string_view> segments = {});

/// The timeline, state or invite state of one room in a sync response; null if it is not there.
const Json& joined_room(const Response& sync, const RoomId& room);
const Json& timeline_of(const Response& sync, const RoomId& room);
/// The first ephemeral event of this type; null if it is not there.
const Json& ephemeral_event(const Response& sync, const RoomId& room, std::string_view type);
/// The element of an array of events that has this id; null if it is not there.
const Json& find_event(const Json& events, const EventId& id);
/// The element with this type and state key; null if it is not there.
const Json& find_state_event(const Json& events, std::string_view type, std::string_view state_key);

}  // namespace matrix::conformance
