// What a received event needs and this server lacks: events before it, events that authorize it,
// the state before it. All of it is bounded, and none of it is believed unchecked.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#retrieving-events

#include <algorithm>
#include <set>
#include <utility>

#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/engine/peers/federation_client.h"
#include "refserver/engine/peers/key_ring.h"
#include "refserver/engine/rooms/event_order.h"
#include "refserver/engine/rooms/room_data.h"
#include "refserver/protocol/event_hash.h"
#include "refserver/protocol/redaction.h"
#include "refserver/runtime/fault_point.h"

namespace matrix::engine {
Task<EventsById> Room::Data::take_unplaced(json::Array pdus) const {
    std::vector<json::Object> unplaced;
    for (json::Value& pdu : pdus) {
        json::Object* object = pdu.if_object();
        const auto event_id = object ? event_id_of(*object, *rules) : std::unexpected(EventError());
        if (event_id && !find_placed(*event_id)) unplaced.push_back(std::move(*object));
    }
    auto kept = co_await services.keys.keep_events(std::move(unplaced), id, rules);
    EventsById found;
    for (Event& event : kept.events) {
        const EventId event_id = event.id;
        if (!find_placed(event_id)) found.try_emplace(event_id, std::move(event));
    }
    co_return found;
}

Task<std::vector<Event>> Room::Data::fetch_gap(Event event, ServerName from) const {
    EventsById found;
    const auto is_missing = [&](const EventId& event_id) {
        return !found.contains(event_id) && !find_placed(event_id);
    };
    for (std::size_t round = 0; round < kGapRoundsMax; ++round) {
        SIM_SOMETIMES(round > 1, "a gap is filled in several rounds");
        std::vector<EventId> latest;
        if (std::ranges::any_of(event.prev_events, is_missing)) latest.push_back(event.id);
        for (const auto& [event_id, known] : found) {
            if (std::ranges::any_of(known.prev_events, is_missing)) latest.push_back(event_id);
        }
        SIM_SOMETIMES(found.size() >= kGapEventsMax, "a gap is too large to be filled");
        if (latest.empty() || found.size() >= kGapEventsMax) break;
        if (SIM_FAULT_POINT("a gap is not filled")) break;
        auto answer = co_await services.federation.get_missing_events(
            from,
            id,
            extremities,
            std::move(latest),
            SIM_FAULT_POINT("a gap is filled by one event at a time") ? 1 : kGapEventsPerRound,
            0);
        if (!answer) {
            SIM_SOMETIMES("a server does not say what lies in a gap");
            break;
        }
        const std::size_t before = found.size();
        EventsById more = co_await take_unplaced(*std::move(answer));
        more.erase(event.id);
        for (auto& [event_id, missing] : more) {
            if (found.size() >= kGapEventsMax) break;
            found.try_emplace(event_id, std::move(missing));
        }
        if (found.size() == before) {
            SIM_SOMETIMES("a server fills a gap with nothing");
            break;
        }
    }
    SIM_SOMETIMES(!found.empty(), "missing previous events are fetched");
    co_return order_by_graph(std::move(found), event.prev_events);
}

namespace {

std::vector<EventId> list_unknown(const std::vector<EventId>& ids, const Room::Data& room) {
    std::vector<EventId> unknown;
    for (const EventId& id : ids) {
        if (!room.find_cited(id).event) unknown.push_back(id);
    }
    return unknown;
}

}  // namespace

// What the peer does not have counts as not there, and the check refuses the event. What it could
// not be asked for drops the event, which may come again.
Task<Result<void>> Room::Data::fetch_auth_events(Event event, ServerName from) {
    if (list_unknown(event.auth_events, *this).empty()) co_return Result<void>();
    SIM_SOMETIMES("an event cites auth events that are not here");
    if (!SIM_FAULT_POINT("auth events are fetched one by one at once")) {
        auto chain = co_await services.federation.get_event_auth(from, id, event.id);
        if (chain && chain->size() <= kAuthChainMax) co_await add_outliers(*std::move(chain));
    }

    std::vector<EventId> missing = list_unknown(event.auth_events, *this);
    if (missing.empty()) co_return Result<void>();
    SIM_SOMETIMES("an auth chain does not hold what an event cites");
    auto events = co_await fetch_events(std::move(missing), from);
    if (!events) co_return std::unexpected(std::move(events).error());
    store_outliers(*std::move(events));
    co_return Result<void>();
}

// With those that authorize them, as far as they are unknown.
Task<Result<std::vector<Event>>> Room::Data::fetch_events(std::vector<EventId> ids,
                                                          ServerName from) const {
    std::vector<Event> events;
    std::set<EventId> asked(ids.begin(), ids.end());
    while (!ids.empty() && events.size() < kAuthEventsFetchedMax) {
        const EventId next = std::move(ids.back());
        ids.pop_back();
        auto pdu = co_await services.federation.get_event(from, next);
        if (!pdu) {
            if (pdu.error().status == 404) {
                SIM_SOMETIMES("a server does not have what it cites");
                continue;
            }
            co_return bad_gateway(from.text() + " did not give " + next.text() + ": " +
                                  pdu.error().message);
        }
        auto event = co_await verify(*std::move(pdu));
        if (!event || event->id != next) continue;
        for (const EventId& cited : list_unknown(event->auth_events, *this)) {
            if (asked.insert(cited).second) ids.push_back(cited);
        }
        events.push_back(*std::move(event));
    }
    co_return events;
}

// Many signatures at a time, for this may be the state of a large room.
Task<void> Room::Data::add_outliers(json::Array pdus) {
    std::vector<json::Object> unknown;
    for (json::Value& pdu : pdus) {
        json::Object* object = pdu.if_object();
        const auto event_id = object ? event_id_of(*object, *rules) : std::unexpected(EventError());
        if (event_id && !find_cited(*event_id).event) unknown.push_back(std::move(*object));
    }
    auto kept = co_await services.keys.keep_events(std::move(unknown), id, rules);
    store_outliers(std::move(kept.events));
}

void Room::Data::store_outliers(std::vector<Event> events) {
    refresh();
    if (!check_is_stored()) return;
    std::erase_if(events, [&](const Event& event) {
        return find_cited(event.id).event || !check_id_is_free(event.id);
    });
    for (CheckedOutlier& checked : check_outliers(std::move(events), checks())) {
        StoredEvent stored;
        stored.event = std::move(checked.event);
        stored.status = EventStatus::Outlier;
        if (!checked.verdict) {
            SIM_SOMETIMES("an outlier is rejected");
            stored.is_rejected_outlier = true;
            stored.rule = checked.verdict.error().rule;
            stored.detail = auth::describe(checked.verdict.error());
        }
        services.events.put(number, stored);
        apply_early_redactions(stored.event->id);
    }
}

namespace {

Result<State> make_state(const std::vector<EventId>& ids, const Room::Data& room) {
    State state;
    for (const EventId& id : ids) {
        const auto stored = room.find_event(id);
        // UNSPECIFIED: what the rules refuse, and what nobody could give us, is no state; Synapse
        // does the same.
        if (!stored || stored->is_rejected()) {
            SIM_SOMETIMES("a fetched state holds what is refused or missing");
            continue;
        }
        const Event& event = *stored->event;
        if (!event.is_state()) return bad_gateway("the state holds an event that is no state");
        const StateKey key{event.type, *event.state_key};
        const EventId* other = state.find(key);
        if (other && *other != id) return bad_gateway("the state holds two events of one key");
        state = state.with(key, id);
    }
    return state;
}

}  // namespace

// UNSPECIFIED: the peer's view of the state before the event stands as it is; what we know of some
// of the previous events is part of that view, because the peer knows them too.
Task<Result<State>> Room::Data::fetch_state_before(EventId at, ServerName from) {
    auto ids = co_await services.federation.get_state_ids(from, id, at);
    if (!ids) co_return std::unexpected(std::move(ids).error());
    if (ids->state.size() > kStateEventsMax || ids->auth_chain.size() > kAuthChainMax) {
        SIM_SOMETIMES("a server gives a state that is too large");
        co_return bad_gateway(from.text() + " gave a state that is too large");
    }
    std::vector<EventId> missing = list_unknown(ids->state, *this);
    if (!missing.empty()) {
        CO_RETURN_IF_ERROR(co_await fetch_state_events(std::move(missing), at, from));
    }
    co_return make_state(ids->state, *this);
}

Task<Result<State>> Room::Data::fetch_state_from_any(EventId at, ServerName from) {
    Result<State> state = co_await fetch_state_before(at, from);
    for (const ServerName& server : list_backfill_servers()) {
        if (state) break;
        if (server != from) {
            SIM_SOMETIMES("another server is asked for a state");
            state = co_await fetch_state_before(at, server);
        }
    }
    co_return state;
}

Task<Result<void>> Room::Data::fetch_state_events(std::vector<EventId> missing,
                                                  EventId at,
                                                  ServerName from) {
    const bool is_little = missing.size() <= kStateEventsOneByOneMax;
    if (is_little && !SIM_FAULT_POINT("a state of which little is missing is fetched as a whole")) {
        SIM_SOMETIMES("the events of a state are fetched one by one");
        auto events = co_await fetch_events(std::move(missing), from);
        if (!events) co_return std::unexpected(std::move(events).error());
        store_outliers(*std::move(events));
        co_return Result<void>();
    }
    SIM_SOMETIMES("a whole state is fetched");
    auto answer = co_await services.federation.get_state(from, id, at);
    if (!answer) co_return std::unexpected(std::move(answer).error());
    json::Array pdus = std::move(answer->auth_chain);
    pdus.insert(pdus.end(),
                std::make_move_iterator(answer->state.begin()),
                std::make_move_iterator(answer->state.end()));
    co_await add_outliers(std::move(pdus));
    co_return Result<void>();
}

}  // namespace matrix::engine
