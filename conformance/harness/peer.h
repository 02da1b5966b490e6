// A federation peer: a homeserver that does what a test wants.
//
// As a server it answers for its rooms, keeps what the target sends, and obeys handlers that a test
// puts in front. As a client it signs requests and events, rightly or deliberately wrongly.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/
#pragma once

#include <chrono>
#include <condition_variable>
#include <expected>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "conformance/harness/http_client.h"
#include "conformance/harness/http_listener.h"
#include "conformance/harness/peer_room.h"
#include "conformance/harness/requirement.h"
#include "conformance/harness/steps.h"
#include "conformance/harness/target.h"

namespace matrix::conformance {

/// What the peers of one run share.
struct PeerIdentity {
    TlsIdentity authority;
    TlsIdentity certificate;  ///< For `host` and for 127.0.0.1.
    std::string bind_address = "127.0.0.1:0";
    std::string name;  ///< --peer-name; empty: `HOST:PORT`, a fresh port each.
    std::string host = "localhost";
    std::shared_ptr<Signer> signer;
};
/// A new identity with a key id that no earlier run has used; without an authority it gets a new
/// one.
PeerIdentity make_peer_identity(std::string bind_address,
                                std::string name,
                                std::optional<TlsIdentity> authority = std::nullopt);

/// How a room of the peer begins.
struct PeerRoomOptions {
    std::string version = "11";
    std::string creator = "creator";
    std::string join_rule = "public";
    std::string history_visibility = "shared";
    Json create_content = Json::object();  ///< Beside `room_version` and `creator`.
    Json power_levels = Json::object();    ///< Replaces members of the usual content.
};

/// How a federation request is authorised, for requests that are wrong on purpose.
struct XMatrixOptions {
    std::optional<std::string> origin = std::nullopt;       ///< Instead of the peer's name.
    std::optional<std::string> destination = std::nullopt;  ///< Instead of the target's.
    const Signer* signer = nullptr;                         ///< Instead of the peer's key.
    /// The whole Authorization header; "" sends none.
    std::optional<std::string> header = std::nullopt;
    /// What is signed instead of the body that is sent.
    std::optional<Json> signed_body = std::nullopt;
};

class Peer {
public:
    using Handler = std::function<OutgoingResponse(const IncomingRequest&)>;

    Peer(const PeerIdentity& identity, Target& target, ExchangeLog& log);
    ~Peer();
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    /// Why it does not listen; empty if it does.
    const std::string& failure() const { return listener_->failure(); }
    const ServerName& name() const { return name_; }
    const Signer& signer() const { return *identity_.signer; }
    UserId user(std::string_view localpart) const;

    // Rooms of which this peer is resident.

    /// create, the creator's join, power levels, join rules, history visibility: all signed.
    PeerRoom& create_room(PeerRoomOptions options = {});
    /// Joins a room of the target with make_join and send_join, as a server does, and keeps the
    /// state that it got. Ends the test if that is refused.
    PeerRoom& join(const RoomId& room, std::string_view localpart);
    /// The same, where there is no test to end: the room, or why it was not joined.
    std::expected<PeerRoom*, std::string> try_join(const RoomId& room, std::string_view localpart);
    /// A room with this state, for example from a /send_join that the test made itself.
    PeerRoom& adopt_room(const RoomId& room,
                         const RoomRules& rules,
                         const std::vector<Pdu>& state,
                         const std::vector<Pdu>& auth_chain);
    /// Null if the peer knows no such room.
    PeerRoom* find_room(const RoomId& room);

    /// Content hash and signature by this peer.
    Pdu sign(Pdu pdu) const { return sign_pdu(std::move(pdu), name_, signer()); }
    /// Drafts, signs and adds an event to a room; it is not sent.
    Pdu append(PeerRoom& room,
               const UserId& sender,
               std::string_view type,
               Json content,
               std::optional<std::string> state_key = std::nullopt);
    /// The same, and sends it to the target. Ends the test unless the target accepts it.
    Pdu send(PeerRoom& room,
             const UserId& sender,
             std::string_view type,
             Json content,
             std::optional<std::string> state_key = std::nullopt);

    // Requests to the target, signed. Refusals are returned.

    Response get(std::string_view target, const XMatrixOptions& options = {});
    Response put(std::string_view target, const Json& body, const XMatrixOptions& options = {});
    Response post(std::string_view target, const Json& body, const XMatrixOptions& options = {});
    /// Without an Authorization header and with whatever headers and body the request has.
    Response send_unsigned(HttpRequest request);

    /// GET /make_join; by default with all room versions.
    Response make_join(const RoomId& room,
                       const UserId& user,
                       const std::vector<std::string>& versions = list_room_versions());
    /// The template of a good /make_join answer, with the time and all else that a server fills in.
    /// Ends the test if it is refused.
    Pdu join_template(const RoomId& room, std::string_view localpart);
    std::expected<Pdu, std::string> try_join_template(const RoomId& room,
                                                      std::string_view localpart);
    Response make_leave(const RoomId& room, const UserId& user);
    /// GET /make_knock; by default with all room versions.
    Response make_knock(const RoomId& room,
                        const UserId& user,
                        const std::vector<std::string>& versions = list_room_versions());
    /// PUT /v2/send_join with the event's own room and id.
    Response send_join(const Pdu& join);
    Response send_leave(const Pdu& leave);
    Response send_knock(const Pdu& knock);
    /// PUT /v2/invite; `invite_room_state` are events in stripped form.
    Response send_invite(const Pdu& invite, const Json& invite_room_state = Json::array());
    /// PUT /send with a fresh transaction id.
    Response send_transaction(const std::vector<Pdu>& pdus, const Json& edus = Json::array());
    Response event(const EventId& event);
    Response state(const RoomId& room, const EventId& at);
    Response state_ids(const RoomId& room, const EventId& at);
    Response event_auth(const RoomId& room, const EventId& event);
    Response backfill(const RoomId& room, const std::vector<EventId>& from, int limit);
    Response missing_events(const RoomId& room,
                            const std::vector<EventId>& earliest,
                            const std::vector<EventId>& latest,
                            int limit = 10);

    // What the target sends.

    /// Requests of `method` whose raw path begins with `path_prefix` go to `handler` from now on;
    /// the one added last is asked first.
    void on(std::string method, std::string path_prefix, Handler handler);
    /// Waits for an event in a transaction. Nothing at the deadline.
    std::optional<Pdu> wait_for_event(const EventId& event,
                                      std::chrono::milliseconds deadline = kDeadline);
    /// Waits for any event that fits.
    std::optional<Json> wait_for_pdu(const std::function<bool(const Json&)>& fits,
                                     std::chrono::milliseconds deadline = kDeadline);
    /// Waits for an EDU of this type whose content fits; gives the content.
    std::optional<Json> wait_for_edu(
        std::string_view edu_type,
        const std::function<bool(const Json&)>& fits = [](const Json&) { return true; },
        std::chrono::milliseconds deadline = kDeadline);
    /// The contents of all EDUs of this type so far, in their order.
    std::vector<Json> received_edus(std::string_view edu_type) const;
    /// Waits for a request of `method` whose raw path begins with `path_prefix`.
    std::optional<IncomingRequest> wait_for_request(std::string_view method,
                                                    std::string_view path_prefix,
                                                    std::chrono::milliseconds deadline = kDeadline);
    /// Has this event come, by now? For what must not come: after a later marker event has.
    bool has_received(const EventId& event) const;
    /// All PDUs that came in transactions, in their order.
    std::vector<Json> received_pdus() const;
    /// All requests so far, in their order.
    std::vector<IncomingRequest> received_requests() const;

    /// The X-Matrix header of a request of this peer's.
    std::string authorize(std::string_view method,
                          std::string_view target,
                          const Json* body,
                          const XMatrixOptions& options = {}) const;

private:
    friend class PeerServer;
    Response request(std::string_view method,
                     std::string_view target,
                     const Json* body,
                     const XMatrixOptions& options);
    /// On another free port each time.
    void listen();
    OutgoingResponse answer(const IncomingRequest& request);
    OutgoingResponse answer_by_handler(const IncomingRequest& request);
    std::optional<Pdu> as_pdu(const Json& json) const;

    struct Route {
        std::string method;
        std::string path_prefix;
        Handler handler;
    };

    const PeerIdentity& identity_;
    Target& target_;
    ExchangeLog& log_;
    ServerName name_;

    mutable std::mutex mutex_;
    std::condition_variable arrived_;
    std::list<Route> routes_;
    std::map<RoomId, std::unique_ptr<PeerRoom>> rooms_;
    std::vector<IncomingRequest> requests_;
    std::vector<Json> pdus_;
    std::vector<Json> edus_;

    std::unique_ptr<HttpListener> listener_;  ///< Last: stops before what it serves goes away.
};

}  // namespace matrix::conformance
