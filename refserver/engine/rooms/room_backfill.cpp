// History from before this server was in the room, or from a time that it missed: fetched when a
// client pages back to where ours ends.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#backfilling-and-retrieving-missing-events

#include <algorithm>
#include <set>
#include <utility>

#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/engine/peers/federation_client.h"
#include "refserver/engine/peers/key_ring.h"
#include "refserver/engine/rooms/event_order.h"
#include "refserver/engine/rooms/room_data.h"

namespace matrix::engine {

std::vector<EventId> Room::list_missing_before(const std::vector<StoredEvent>& events) const {
    std::set<EventId> missing;
    for (const StoredEvent& stored : events) {
        for (const EventId& previous : stored.event->prev_events) {
            if (missing.size() == kBackfillTipsMax) break;
            if (!data().find_placed(previous)) missing.insert(previous);
        }
    }
    return {missing.begin(), missing.end()};
}

Task<bool> Room::backfill(std::vector<EventId> missing) {
    const RoomPtr self = shared_from_this();
    const runtime::Timestamp now = data().services.clock.monotonic_now();
    std::erase_if(missing, [&](const EventId& event_id) {
        const runtime::Timestamp* asked = data_->backfills_asked.find(event_id.view());
        return asked && (now - *asked).value < kBackfillAgainMs;
    });
    if (missing.empty()) {
        SIM_SOMETIMES("a hole in the history is not asked for again so soon");
        co_return false;
    }
    if (missing.size() > kBackfillTipsMax) missing.resize(kBackfillTipsMax);
    co_await data_->fetch_history(missing, data_->list_backfill_servers());
    const bool is_richer = std::ranges::any_of(
        missing, [&](const EventId& event_id) { return data().find_placed(event_id) != nullptr; });
    if (is_richer) {
        SIM_SOMETIMES("history is fetched");
        co_return true;
    }
    SIM_SOMETIMES("nobody gives what is missing in the history");
    for (const EventId& event_id : missing)
        data_->backfills_asked.put(event_id.view(), now);
    co_return false;
}

Task<bool> Room::fill_gap(EventId missing, ServerName origin) {
    const RoomPtr self = shared_from_this();
    std::vector<ServerName> servers = data().list_backfill_servers();
    std::erase(servers, origin);
    servers.insert(servers.begin(), std::move(origin));
    std::vector<EventId> next{missing};
    for (int round = 0; round < kGapFillRoundsMax && !next.empty(); ++round)
        next = list_missing_before(co_await data_->fetch_history(std::move(next), servers));
    co_return data().find_placed(missing) != nullptr;
}

Task<std::vector<StoredEvent>> Room::Data::fetch_history(std::vector<EventId> missing,
                                                         std::vector<ServerName> servers) {
    std::vector<StoredEvent> placed;
    for (const ServerName& server : servers) {
        auto pdus = co_await services.federation.backfill(server, id, missing, kBackfillEventsMax);
        if (!pdus) {
            SIM_SOMETIMES("a server gives no history");
            continue;
        }
        EventsById found = co_await take_unplaced(*std::move(pdus));
        // The room's other events wait no longer than for the placing.
        if (!co_await queue.enter(server)) break;
        placed = co_await place_history(order_by_graph(std::move(found), missing), server);
        queue.leave();
        const bool is_richer = std::ranges::any_of(
            missing, [&](const EventId& event_id) { return find_placed(event_id) != nullptr; });
        if (is_richer) break;
    }
    co_return placed;
}

// Those with the most users first: they are likely to have been there for long.
std::vector<ServerName> Room::Data::list_backfill_servers() {
    std::vector<std::pair<std::size_t, ServerName>> by_users;
    for (const auto& [server, count] : joined_servers()) {
        if (server != services.server_name) by_users.emplace_back(count, server);
    }
    std::ranges::sort(by_users, [](const auto& a, const auto& b) {
        return a.first != b.first ? a.first > b.first : a.second < b.second;
    });
    std::vector<ServerName> servers;
    for (auto& [count, server] : by_users) {
        if (servers.size() == kBackfillServersMax) break;
        servers.push_back(std::move(server));
    }
    return servers;
}

Task<std::vector<StoredEvent>> Room::Data::place_history(std::vector<Event> events,
                                                         ServerName from) {
    std::vector<StoredEvent> all;
    std::size_t states_fetched = 0;
    // What fills a gap may take an extremity away.
    co_await prepare_resolution(extremities);
    for (Event& event : events) {
        const EventId event_id = event.id;
        refresh();
        co_await prepare_resolution(event.prev_events);
        // What stands above a hole has to be asked for.
        if (!state_after_all(event.prev_events) && ++states_fetched > kBackfillStatesMax) continue;
        Result<StoredEvent> placed = co_await place_historic(std::move(event), from);
        if (placed) {
            all.push_back(*std::move(placed));
            continue;
        }
        SIM_SOMETIMES("an event of the history is dropped");
        services.dropped.note(
            {.room = id, .event = event_id, .server = from, .why = placed.error().message});
    }
    co_return all;
}

// Steps 4 and 5 of the checks on receipt. The current state has no say in what came before it.
Task<Result<StoredEvent>> Room::Data::place_historic(Event event, ServerName from) {
    CO_RETURN_IF_ERROR(check_id_is_free(event.id));
    CO_RETURN_IF_ERROR(check_is_only_create(event));
    CO_RETURN_IF_ERROR(co_await fetch_auth_events(event, from));
    GivenState before;
    if (auto known = state_after_all(event.prev_events)) {
        before.state = *std::move(known);
    } else {
        SIM_SOMETIMES("history has a hole above which a state is fetched");
        ASSIGN_OR_CO_RETURN(before, co_await fetch_state_before(event.id, from));
    }
    // From here to the end nothing waits: what was read is still true.
    refresh();
    CO_RETURN_IF_ERROR(check_is_stored());
    if (const StoredEventPtr known = find_placed(event.id)) co_return *known;
    const Judgement judgement = judge(event, before.state, before.state, checks());
    ++services.counters.events_backfilled;
    const EventId event_id = event.id;
    StoredEvent placed = place(std::make_shared<const Event>(std::move(event)),
                               before.state,
                               judgement,
                               EventOrigin::History);
    if (before.missing_count > 0) keep_incomplete(event_id, from);
    co_return placed;
}

}  // namespace matrix::engine
