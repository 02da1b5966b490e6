// The peer as a server: keys, joins, invites, transactions and the events of its rooms.

#include <algorithm>

#include "conformance/harness/peer.h"
#include "refserver/protocol/server_keys.h"

namespace matrix::conformance {
namespace {

constexpr std::int64_t kKeyLifetimeMs = std::int64_t{24} * 60 * 60 * 1000;
constexpr std::size_t kBackfillMax = 100;

std::int64_t served_at_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

Json ids_of_pdus(const std::vector<Pdu>& pdus) {
    Json ids = Json::array();
    for (const Pdu& pdu : pdus)
        ids.push_back(pdu.id().text());
    return ids;
}

std::vector<EventId> read_event_ids(const Json& array) {
    std::vector<EventId> ids;
    if (!array.is_array()) return ids;
    for (const Json& id : array) {
        if (id.is_string()) ids.emplace_back(id.get<std::string>());
    }
    return ids;
}

std::size_t read_limit(const std::string& text) {
    return std::min(static_cast<std::size_t>(std::max(std::atoi(text.c_str()), 0)), kBackfillMax);
}

OutgoingResponse not_found(std::string_view what) {
    return respond_error(404, "M_NOT_FOUND", std::string(what) + " is not known to this peer");
}

OutgoingResponse transaction_with(const ServerName& origin, const std::vector<Pdu>& pdus) {
    return respond(
        200,
        {{"origin", origin.text()}, {"origin_server_ts", served_at_ms()}, {"pdus", to_json(pdus)}});
}

}  // namespace

// One request; the segments are those behind /_matrix/federation/vN.
class PeerServer {
public:
    PeerServer(Peer& peer, const IncomingRequest& request)
        : peer_(peer), request_(request), segments_(request.segments()) {}

    OutgoingResponse answer() {
        if (segments_.size() < 3 || segments_[0] != "_matrix") return unrecognized();
        if (segments_[1] == "key") return answer_keys();
        if (segments_[1] != "federation" || segments_.size() < 4) return unrecognized();
        const std::string& endpoint = segments_[3];
        if (endpoint == "version") {
            return respond(200, {{"server", {{"name", "Touchstone peer"}, {"version", "1"}}}});
        }
        if (endpoint == "send" && segments_.size() == 5) return answer_send();
        if (endpoint == "invite" && segments_.size() == 6) return answer_invite();
        if (endpoint == "event" && segments_.size() == 5) return answer_event();
        if (segments_.size() < 5) return unrecognized();
        PeerRoom* room = peer_.find_room(RoomId(segments_[4]));
        if (room == nullptr) return not_found("the room");
        return answer_in_room(endpoint, *room);
    }

private:
    static OutgoingResponse unrecognized() {
        return respond_error(404, "M_UNRECOGNIZED", "no such endpoint");
    }

    // Both the server's own keys and queries for them.
    OutgoingResponse answer_keys() {
        const Json keys = from_protocol(
            make_server_keys(peer_.name(), peer_.signer(), served_at_ms() + kKeyLifetimeMs));
        const bool is_query = segments_.size() > 3 && segments_[3] == "query";
        return respond(200, is_query ? Json{{"server_keys", Json::array({keys})}} : keys);
    }

    OutgoingResponse answer_send() {
        const Json transaction = request_.json();
        Json results = Json::object();
        const std::lock_guard lock(peer_.mutex_);
        const Json& pdus = at_path(transaction, {"pdus"});
        for (const Json& json : pdus.is_array() ? pdus : Json::array()) {
            peer_.pdus_.push_back(json);
            const std::optional<Pdu> pdu = peer_.as_pdu(json);
            if (!pdu) continue;
            results[pdu->id().text()] = Json::object();
            peer_.rooms_.at(pdu->room())->add(*pdu);
        }
        const Json& edus = at_path(transaction, {"edus"});
        for (const Json& edu : edus.is_array() ? edus : Json::array())
            peer_.edus_.push_back(edu);
        return respond(200, {{"pdus", results}});
    }

    // Every invite is accepted: signed and given back.
    OutgoingResponse answer_invite() {
        const Json body = request_.json();
        const bool is_v2 = segments_[2] == "v2";
        const RoomRules* rules =
            find_room_rules(is_v2 ? string_at(body, {"room_version"}) : std::string("1"));
        if (rules == nullptr) {
            return respond_error(400, "M_INCOMPATIBLE_ROOM_VERSION", "unknown room version");
        }
        const Pdu invite{is_v2 ? at_path(body, {"event"}) : body, rules};
        const Json event = add_signature(invite, peer_.name(), peer_.signer()).json;
        const Json body_of_v2 = {{"event", event}};
        return respond(200, is_v2 ? body_of_v2 : Json::array({200, body_of_v2}));
    }

    OutgoingResponse answer_event() {
        const EventId id(segments_[4]);
        std::optional<Pdu> found;
        {
            const std::lock_guard lock(peer_.mutex_);
            for (const auto& [room_id, room] : peer_.rooms_) {
                if (!found) found = room->find(id);
            }
        }
        return found ? transaction_with(peer_.name(), {*found}) : not_found("the event");
    }

    OutgoingResponse answer_in_room(const std::string& endpoint, PeerRoom& room) {
        const bool names_an_event = segments_.size() == 6;
        if (endpoint == "make_join" && names_an_event) return answer_make(room, "join");
        if (endpoint == "make_leave" && names_an_event) return answer_make(room, "leave");
        if (endpoint == "make_knock" && names_an_event) return answer_make(room, "knock");
        if (endpoint == "send_join" && names_an_event) return answer_send_join(room);
        if (endpoint == "send_leave" && names_an_event) return answer_send_leave(room);
        if (endpoint == "send_knock" && names_an_event) return answer_send_knock(room);
        if (endpoint == "state" || endpoint == "state_ids") return answer_state(endpoint, room);
        if (endpoint == "event_auth" && names_an_event) return answer_event_auth(room);
        if (endpoint == "backfill") return answer_backfill(room);
        if (endpoint == "get_missing_events") return answer_missing_events(room);
        return unrecognized();
    }

    OutgoingResponse answer_make(PeerRoom& room, std::string_view membership) {
        const UserId user(segments_[5]);
        const std::vector<std::string> versions = request_.query("ver");
        if (membership != "leave" && !std::ranges::count(versions, room.version())) {
            Json error = {{"errcode", "M_INCOMPATIBLE_ROOM_VERSION"},
                          {"error", "the room has another version"},
                          {"room_version", room.version()}};
            return respond(400, error);
        }
        Json event = room.draft_member(user, user, membership).json;
        return respond(200, {{"room_version", room.version()}, {"event", std::move(event)}});
    }

    OutgoingResponse answer_send_join(PeerRoom& room) {
        const Pdu join{request_.json(), &room.rules()};
        if (!join.json.is_object()) return respond_error(400, "M_BAD_JSON", "no event");
        room.add(join);
        const std::vector<Pdu> state = room.state_before(join.id());
        std::vector<Pdu> with_join = state;
        with_join.push_back(join);
        const Json body = {{"origin", peer_.name().text()},
                           {"event", join.json},
                           {"state", to_json(state)},
                           {"auth_chain", to_json(room.auth_chain_of(with_join))},
                           {"members_omitted", false}};
        return segments_[2] == "v1" ? respond(200, Json::array({200, body})) : respond(200, body);
    }

    OutgoingResponse answer_send_leave(PeerRoom& room) {
        const Pdu leave{request_.json(), &room.rules()};
        if (!leave.json.is_object()) return respond_error(400, "M_BAD_JSON", "no event");
        room.add(leave);
        return respond(200,
                       segments_[2] == "v1" ? Json::array({200, Json::object()}) : Json::object());
    }

    // What the peer shows of the room is all of its state but the members.
    OutgoingResponse answer_send_knock(PeerRoom& room) {
        const Pdu knock{request_.json(), &room.rules()};
        if (!knock.json.is_object()) return respond_error(400, "M_BAD_JSON", "no event");
        room.add(knock);
        std::vector<Pdu> state = room.current_state();
        std::erase_if(state, [](const Pdu& event) { return event.type() == "m.room.member"; });
        return respond(200, {{"knock_room_state", to_json(state)}});
    }

    OutgoingResponse answer_state(const std::string& endpoint, PeerRoom& room) {
        const std::vector<std::string> ids = request_.query("event_id");
        if (ids.size() != 1) return respond_error(400, "M_MISSING_PARAM", "event_id is missing");
        const EventId at(ids.front());
        if (!room.find(at)) return not_found("the event");
        const std::vector<Pdu> state = room.state_before(at);
        const std::vector<Pdu> auth_chain = room.auth_chain_of(state);
        if (endpoint == "state") {
            return respond(200, {{"pdus", to_json(state)}, {"auth_chain", to_json(auth_chain)}});
        }
        return respond(
            200, {{"pdu_ids", ids_of_pdus(state)}, {"auth_chain_ids", ids_of_pdus(auth_chain)}});
    }

    OutgoingResponse answer_event_auth(PeerRoom& room) {
        const std::optional<Pdu> event = room.find(EventId(segments_[5]));
        if (!event) return not_found("the event");
        return respond(200, {{"auth_chain", to_json(room.auth_chain_of({*event}))}});
    }

    OutgoingResponse answer_backfill(PeerRoom& room) {
        std::vector<EventId> from;
        for (const std::string& id : request_.query("v"))
            from.emplace_back(id);
        const std::vector<std::string> limit = request_.query("limit");
        const std::size_t count = limit.empty() ? kBackfillMax : read_limit(limit.front());
        return transaction_with(peer_.name(), room.backfill(from, count));
    }

    OutgoingResponse answer_missing_events(PeerRoom& room) {
        constexpr std::size_t kLimitDefault = 10;
        const Json body = request_.json();
        const Json& limit = at_path(body, {"limit"});
        const std::size_t count =
            limit.is_number_unsigned() ? limit.get<std::size_t>() : kLimitDefault;
        const std::vector<Pdu> events =
            room.missing_between(read_event_ids(at_path(body, {"earliest_events"})),
                                 read_event_ids(at_path(body, {"latest_events"})),
                                 count);
        return respond(200, {{"events", to_json(events)}});
    }

    Peer& peer_;
    const IncomingRequest& request_;
    const std::vector<std::string> segments_;
};

OutgoingResponse Peer::answer(const IncomingRequest& request) {
    const auto begin = std::chrono::steady_clock::now();
    const OutgoingResponse response = answer_by_handler(request);
    {
        const std::lock_guard lock(mutex_);
        requests_.push_back(request);
    }
    arrived_.notify_all();

    records::Exchange exchange{.who = "target",
                               .method = request.method,
                               .url = "https://" + name_.text() + request.target,
                               .request_body = request.body,
                               .status = response.status,
                               .response_body = response.body};
    for (const Header& header : request.headers) {
        exchange.request_headers.emplace_back(header.name, header.value);
    }
    exchange.duration_ms = std::chrono::duration_cast<std::chrono::milliseconds>(
                               std::chrono::steady_clock::now() - begin)
                               .count();
    log_.add(std::move(exchange));
    return response;
}

OutgoingResponse Peer::answer_by_handler(const IncomingRequest& request) {
    Handler handler;
    {
        const std::lock_guard lock(mutex_);
        const auto route = std::ranges::find_if(routes_, [&](const Route& one) {
            return one.method == request.method && request.path().starts_with(one.path_prefix);
        });
        if (route != routes_.end()) handler = route->handler;
    }
    return handler ? handler(request) : PeerServer(*this, request).answer();
}

}  // namespace matrix::conformance
