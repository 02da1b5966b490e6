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
    services.dropped.note_many(id, kept.dropped);
    EventsById found;
    for (Event& event : kept.events) {
        const EventId event_id = event.id;
        if (!find_placed(event_id)) found.try_emplace(event_id, std::move(event));
    }
    co_return found;
}

namespace {

/// Whom to ask for what is missing before an event: who brought it, then the servers of the events
/// that follow, which were in the room then, then those that are in it now.
std::optional<ServerName> next_gap_server(const EventsById& found,
                                          const std::vector<ServerName>& residents,
                                          const ServerName& us,
                                          const std::set<ServerName>& asked) {
    if (asked.size() >= kGapServersMax) return std::nullopt;
    for (const auto& [event_id, event] : found) {
        const ServerName server = event.sender.server();
        if (server != us && !asked.contains(server)) return server;
    }
    for (const ServerName& server : residents) {
        if (!asked.contains(server)) return server;
    }
    return std::nullopt;
}

}  // namespace

// Those that wait here already, of what `event` and `found` follow.
void Room::Data::add_waiting(const Event& event, EventsById& found) const {
    if (services.unplaced.count() == 0) return;
    std::vector<EventId> pending = event.prev_events;
    for (const auto& [event_id, known] : found)
        pending.insert(pending.end(), known.prev_events.begin(), known.prev_events.end());
    while (!pending.empty() && found.size() < kGapEventsMax) {
        const EventId next = std::move(pending.back());
        pending.pop_back();
        auto waiting = found.contains(next) ? std::nullopt : find_unplaced(next);
        if (!waiting) continue;
        pending.insert(pending.end(), waiting->prev_events.begin(), waiting->prev_events.end());
        found.try_emplace(next, *std::move(waiting));
    }
}

Task<std::vector<Event>> Room::Data::fetch_gap(Event event, ServerName from) {
    EventsById found;
    const auto is_missing = [&](const EventId& event_id) {
        return !found.contains(event_id) && !find_placed(event_id);
    };
    std::set<ServerName> asked{from};
    for (std::size_t round = 0; round < kGapRoundsMax; ++round) {
        SIM_SOMETIMES(round > 1, "a gap is filled in several rounds");
        add_waiting(event, found);
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
            services.log.write("gap_left",
                               {{"room", id.view()},
                                {"event", event.id.view()},
                                {"server", from.view()},
                                {"why", answer.error().message}});
        }
        const std::size_t before = found.size();
        EventsById more;
        if (answer) more = co_await take_unplaced(*std::move(answer));
        more.erase(event.id);
        for (auto& [event_id, missing] : more) {
            if (found.size() >= kGapEventsMax) break;
            found.try_emplace(event_id, std::move(missing));
        }
        if (found.size() != before) continue;
        SIM_SOMETIMES("a server fills a gap with nothing");
        const auto next =
            next_gap_server(found, list_backfill_servers(), services.server_name, asked);
        if (!next) break;
        from = *next;
        asked.insert(from);
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
    co_await store_outliers(*std::move(events));
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
    for (std::size_t i = 0; i < pdus.size(); ++i) {
        json::Object* object = pdus[i].if_object();
        const auto event_id = object ? event_id_of(*object, *rules) : std::unexpected(EventError());
        if (event_id && !services.events.is_known(*event_id)) {
            unknown.push_back(std::move(*object));
        }
        if (i % kRowsPerSlice == kRowsPerSlice - 1) co_await end_turn();
    }
    auto kept = co_await services.keys.keep_events(std::move(unknown), id, rules);
    services.dropped.note_many(id, kept.dropped);
    co_await store_outliers(std::move(kept.events));
}

Task<void> Room::Data::store_outliers(std::vector<Event> events) {
    if (events.empty()) co_return;
    const auto ordered = co_await services.workers.run<std::vector<EventPtr>>(
        runtime::Lane::Signatures,
        [events = std::move(events)]() mutable { return order_by_citation(std::move(events)); });
    for (std::size_t first = 0; first < ordered.size(); first += kRowsPerSlice) {
        if (first != 0) co_await end_written_slice(&services);
        const auto begin = ordered.begin() + static_cast<std::ptrdiff_t>(first);
        const std::size_t count = std::min(kRowsPerSlice, ordered.size() - first);
        store_outlier_slice({begin, begin + static_cast<std::ptrdiff_t>(count)});
    }
}

void Room::Data::store_outlier_slice(std::vector<EventPtr> events) {
    refresh();
    if (!check_is_stored()) return;
    std::erase_if(events, [&](const EventPtr& event) {
        return find_cited(event->id).event || !check_id_is_free(event->id);
    });
    for (CheckedOutlier& checked : check_in_order(std::move(events), checks())) {
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

/// A state with its nodes, children first.
struct BuiltState {
    State state;
    std::vector<State::StoredNode> nodes;
};

}  // namespace

// Of a large room this is much: looked up, built on a worker, and stored bit by bit, so that the
// event before which it holds finds it stored.
Task<Result<GivenState>> Room::Data::make_state(std::vector<EventId> ids) {
    std::map<StateKey, EventId> entries;
    std::size_t missing_count = 0;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (i % kRowsPerSlice == kRowsPerSlice - 1) co_await end_turn();
        const auto stored = find_event(ids[i]);
        // UNSPECIFIED: what the rules refuse, and what nobody could give us, is no state; Synapse
        // does the same. What is missing may be had later.
        if (!stored) ++missing_count;
        if (!stored || stored->is_rejected()) {
            SIM_SOMETIMES("a fetched state holds what is refused or missing");
            continue;
        }
        const Event& event = *stored->event;
        if (!event.is_state()) {
            co_return bad_gateway("the state holds an event that is no state");
        }
        const auto [entry, is_new] =
            entries.try_emplace(StateKey{event.type, *event.state_key}, ids[i]);
        if (!is_new && entry->second != ids[i]) {
            co_return bad_gateway("the state holds two events of one key");
        }
    }
    const auto built = co_await services.workers.run<BuiltState>(
        runtime::Lane::Signatures, [entries = std::move(entries)] {
            BuiltState made{State::make({entries.begin(), entries.end()}), {}};
            made.nodes = made.state.list_new_nodes([](const State::Hash&) { return false; });
            return made;
        });
    for (std::size_t i = 0; i < built.nodes.size(); ++i) {
        services.states.put_node(built.nodes[i]);
        if (i % kRowsPerSlice == kRowsPerSlice - 1) co_await end_written_slice(&services);
    }
    co_return GivenState{built.state, missing_count};
}

// UNSPECIFIED: the peer's view of the state before the event stands as it is; what we know of some
// of the previous events is part of that view, because the peer knows them too.
Task<Result<GivenState>> Room::Data::fetch_state_before(EventId at, ServerName from) {
    auto ids = co_await services.federation.get_state_ids(from, id, at);
    if (!ids) co_return std::unexpected(std::move(ids).error());
    if (ids->state.size() > kStateEventsMax || ids->auth_chain.size() > kAuthChainMax) {
        SIM_SOMETIMES("a server gives a state that is too large");
        co_return bad_gateway(from.text() + " gave a state that is too large");
    }
    std::vector<EventId> missing = co_await gather_unknown(ids->state);
    if (!missing.empty()) {
        CO_RETURN_IF_ERROR(co_await fetch_state_events(std::move(missing), at, from));
    }
    co_return co_await make_state(std::move(ids->state));
}

Task<Result<GivenState>> Room::Data::fetch_before(Event event, ServerName from) {
    const std::uint64_t failed_before = services.turns.failed_commits();
    CO_RETURN_IF_ERROR(co_await fetch_auth_events(event, from));
    refresh();
    co_await prepare_resolution(event.prev_events);
    if (auto before = state_after_all(event.prev_events)) co_return GivenState{*std::move(before)};
    SIM_SOMETIMES("the state before an event has to be fetched");
    auto fetched = co_await fetch_state_from_any(event.id, from);
    // What was stored on the way may be lost.
    if (services.turns.failed_commits() != failed_before) {
        co_return internal_error("the storage failed while the state was fetched");
    }
    co_return fetched;
}

Task<Result<GivenState>> Room::Data::fetch_state_from_any(EventId at, ServerName from) {
    Result<GivenState> state = co_await fetch_state_before(at, from);
    for (const ServerName& server : list_backfill_servers()) {
        if (state) break;
        if (server != from) {
            SIM_SOMETIMES("another server is asked for a state");
            state = co_await fetch_state_before(at, server);
        }
    }
    co_return state;
}

// A few events each by itself; many, and what the peer does not give so, with the whole state: it
// may hold events that came to it as state alone, and that it shows to nobody by themselves.
Task<Result<void>> Room::Data::fetch_state_events(std::vector<EventId> missing,
                                                  EventId at,
                                                  ServerName from) {
    const bool is_little = missing.size() <= kStateEventsOneByOneMax;
    if (is_little && !SIM_FAULT_POINT("a state of which little is missing is fetched as a whole")) {
        SIM_SOMETIMES("the events of a state are fetched one by one");
        co_await fetch_outliers(missing, from);
        missing = list_unknown(missing, *this);
        if (missing.empty()) co_return Result<void>();
    }
    SIM_SOMETIMES("a whole state is fetched");
    auto answer = co_await services.federation.get_state(from, id, at);
    if (!answer) co_return std::unexpected(std::move(answer).error());
    json::Array pdus = std::move(answer->auth_chain);
    pdus.insert(pdus.end(),
                std::make_move_iterator(answer->state.begin()),
                std::make_move_iterator(answer->state.end()));
    co_await add_outliers(std::move(pdus));

    missing = co_await gather_unknown(std::move(missing));
    for (const ServerName& server : list_backfill_servers()) {
        if (missing.empty() || missing.size() > kStateEventsOneByOneMax) break;
        if (server == from) continue;
        co_await fetch_outliers(missing, server);
        missing = list_unknown(missing, *this);
    }
    if (!missing.empty()) {
        services.log.write("state_incomplete",
                           {{"room", id.view()},
                            {"event", at.view()},
                            {"server", from.view()},
                            {"count", missing.size()}});
    }
    co_return Result<void>();
}

Task<void> Room::Data::fetch_outliers(std::vector<EventId> ids, ServerName from) {
    auto events = co_await fetch_events(std::move(ids), from);
    if (events) co_await store_outliers(*std::move(events));
}

}  // namespace matrix::engine
