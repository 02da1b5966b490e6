// The adapter's operations on authorization rules.

#include <set>
#include <utility>

#include "refserver/base/result_macros.h"
#include "refserver/commands/adapter_request.h"
#include "refserver/commands/event_auth.h"
#include "refserver/commands/given_event.h"
#include "refserver/commands/resolution.h"

namespace matrix::commands::adapter {
namespace {

std::unexpected<RequestError> reject(const auth::Failure& failure) {
    return std::unexpected(
        RequestError{ErrorClass::Rejected, auth::describe(failure), "", std::string(failure.rule)});
}

std::unexpected<RequestError> reject(const oracle::Refusal& refusal) {
    return std::unexpected(RequestError{ErrorClass::Rejected, refusal.why, "", refusal.rule});
}

/// The events of a request about one event.
struct AuthRequest {
    EventPtr event;
    EventMap known;  ///< Those of `auth_events` and of `state`.
    State state;
    bool has_auth_events = false;
    bool has_state = false;
};

Result<AuthRequest> read_auth_request(const json::Object& request) {
    AuthRequest read;
    ASSIGN_OR_RETURN(const RoomRules* rules, read_rules(request));
    ASSIGN_OR_RETURN(const json::Object pdu, read_event_pdu(request));
    ASSIGN_OR_RETURN(const auto auth_pdus, read_pdus(request, "auth_events"));
    ASSIGN_OR_RETURN(const auto state_pdus, read_pdus(request, "state"));
    read.has_auth_events = request.contains("auth_events");
    read.has_state = request.contains("state");

    std::vector<const json::Object*> pdus{&pdu};
    for (const json::Object& other : auth_pdus)
        pdus.push_back(&other);
    for (const json::Object& other : state_pdus)
        pdus.push_back(&other);
    const RoomId room = default_room_of(pdus, *rules);
    ASSIGN_OR_RETURN(read.event, make_event(pdu, *rules, room, "event"));
    for (const json::Object& other : auth_pdus) {
        ASSIGN_OR_RETURN(EventPtr event, make_event(other, *rules, room, "auth_events"));
        read.known.add(std::move(event));
    }
    for (const json::Object& other : state_pdus) {
        ASSIGN_OR_RETURN(EventPtr event, make_event(other, *rules, room, "state"));
        if (!event->is_state()) return refuse_request("state", "events with a state_key");
        const StateKey key{event->type, *event->state_key};
        if (const EventId* known = read.state.find(key); known && *known != event->id) {
            return refuse_request("state", "one event for each type and state key");
        }
        read.state = read.state.with(key, event->id);
        read.known.add(std::move(event));
    }
    ASSIGN_OR_RETURN(const auto rejected, read_event_ids(request, "rejected"));
    for (const EventId& id : rejected)
        read.known.reject(id);
    return read;
}

}  // namespace

Answer list_auth_types(const json::Object& request) {
    ASSIGN_OR_RETURN(const RoomRules* rules, read_rules(request));
    ASSIGN_OR_RETURN(const json::Object pdu, read_event_pdu(request));
    const json::Object* const pdus[] = {&pdu};
    ASSIGN_OR_RETURN(const EventPtr event,
                     make_event(pdu, *rules, default_room_of(pdus, *rules), "event"));
    std::set<StateKey> keys;
    for (const auto& [role, type, state_key] : auth::required_state(*event))
        keys.insert({std::string(type), std::string(state_key)});
    json::Array types;
    for (const StateKey& key : keys)
        types.push_back(json::Array{key.type, key.state_key});
    return json::Object{{"auth_types", std::move(types)}};
}

namespace {

Result<void> ask_fast(const AuthRequest& read) {
    const EventPtr create = find_create(*read.event, read.known);
    if (read.has_auth_events) {
        const auto verdict = check_by_auth_events(*read.event, read.known, create);
        if (!verdict) return reject(verdict.error());
    }
    if (read.has_state) {
        const auto verdict = check_by_state(*read.event, read.state, read.known, create);
        if (!verdict) return reject(verdict.error());
    }
    return {};
}

// The state that is judged by, as the oracle has it; from v12 on with the create event.
oracle::RuleState rule_state(const std::vector<const oracle::ReadEvent*>& events,
                             const oracle::ReadEvent* create) {
    oracle::RuleState state;
    for (const oracle::ReadEvent* event : events) {
        if (event && event->is_state()) state.emplace(event->key(), event);
    }
    if (create) state.insert_or_assign(create->key(), create);
    return state;
}

Result<void> ask_oracle(const AuthRequest& read) {
    oracle::Room room(*read.event->rules);
    for (const auto& [id, event] : read.known.events()) {
        room.add(event,
                 read.known.rejected().contains(id) ? oracle::Standing::Rejected
                                                    : oracle::Standing::Accepted);
    }
    const oracle::ReadEvent event(read.event);
    const EventPtr named = find_create(*read.event, read.known);
    const oracle::ReadEvent* create = named ? room.find(named->id) : nullptr;
    std::vector<const oracle::ReadEvent*> cited;
    for (const EventId& id : read.event->auth_events)
        cited.push_back(room.find(id));
    std::vector<const oracle::ReadEvent*> state;
    for (const EventId& id : list_ids(read.state))
        state.push_back(room.find(id));

    if (read.has_auth_events) {
        if (const auto passed = oracle::check_cited(event, cited, create); !passed) {
            return reject(passed.error());
        }
        const auto verdict =
            oracle::check_against(rule_state(cited, create), event, ed25519_verifier());
        if (!verdict) return reject(verdict.error());
    }
    if (read.has_state) {
        const auto verdict =
            oracle::check_against(rule_state(state, create), event, ed25519_verifier());
        if (!verdict) return reject(verdict.error());
    }
    return {};
}

}  // namespace

Answer authorize(const json::Object& request) {
    ASSIGN_OR_RETURN(AuthRequest read, read_auth_request(request));
    if (!read.has_auth_events && !read.has_state) {
        return refuse_request("auth_events", "the events that it cites, or `state`, or both");
    }
    ASSIGN_OR_RETURN(const bool by_oracle, uses_oracle(request, false));
    RETURN_IF_ERROR(by_oracle ? ask_oracle(read) : ask_fast(read));
    return json::Object{{"allowed", true}};
}

}  // namespace matrix::commands::adapter
