// Events that have not found their place yet, or whose state has holes, are tried again: after a
// pause that grows, soon after what they cite has come, and after a restart. So a server that could
// ask nobody for a while ends with the same events as the others.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#retrieving-events

#include <algorithm>

#include "refserver/base/assert.h"
#include "refserver/engine/rooms/room_data.h"

namespace matrix::engine {
namespace {

constexpr int kRetriesMax = 10;  ///< In some four hours.
constexpr std::int64_t kRetryPauseLeastMs = 30'000;
constexpr std::int64_t kRetryPauseMostMs = 3'600'000;
/// What becomes due meanwhile waits no longer than this.
constexpr std::int64_t kRetryLookAgainMs = 30'000;

}  // namespace

std::int64_t Room::Data::draw_retry_pause_ms(int attempts) const {
    const std::int64_t most_ms = std::min(kRetryPauseLeastMs << attempts, kRetryPauseMostMs);
    const auto half = static_cast<std::uint64_t>(most_ms / 2);
    runtime::Random& random = services.random.stream("unplaced events");
    return static_cast<std::int64_t>(half + random.below(half + 1));
}

void Room::Data::keep_unplaced(const Event& event, const ServerName& from, const Error& why) {
    services.log.write("event_unplaced",
                       {{"room", id.view()},
                        {"event", event.id.view()},
                        {"server", from.view()},
                        {"why", why.message}});
    services.unplaced.put({.id = event.id,
                           .room = id,
                           .origin = from,
                           .text = event.text,
                           .prev_events = event.prev_events,
                           .due_ts = services.clock.now().value + draw_retry_pause_ms(0)});
    services.retry_unplaced();
}

void Room::Data::keep_gaps(const Event& event, const ServerName& from) {
    for (const EventId& previous : event.prev_events) {
        if (find_placed(previous)) continue;
        services.unplaced.put({.id = previous,
                               .room = id,
                               .origin = from,
                               .text = "",
                               .due_ts = services.clock.now().value + draw_retry_pause_ms(0)});
        services.retry_unplaced();
    }
}

void Room::Data::keep_incomplete(const EventId& event, const ServerName& from) {
    services.unplaced.put({.id = event,
                           .room = id,
                           .origin = from,
                           .text = "",
                           .due_ts = services.clock.now().value + draw_retry_pause_ms(0)});
    services.retry_unplaced();
}

std::optional<Event> Room::Data::find_unplaced(const EventId& event_id) const {
    const auto waiting = services.unplaced.find(event_id);
    if (!waiting || waiting->is_gap() || waiting->room != id) return std::nullopt;
    auto event = parse_event(waiting->text, *rules);
    MATRIX_ASSERT(event);  // We wrote it.
    return *std::move(event);
}

void Rooms::retry_unplaced() {
    if (is_retrying_) return;
    is_retrying_ = true;
    tasks_.start(retry_all());
}

// One after the other, for as long as something waits: those that fail wait for each other's peers.
Task<void> Rooms::retry_all() {
    while (true) {
        auto next = services_.unplaced.find_next();
        const bool has_failed = services_.turns.database().has_failed();
        if (!next && !has_failed) break;
        const std::int64_t due_in_ms =
            next ? next->due_ts - services_.clock.now().value : kRetryLookAgainMs;
        if (due_in_ms > 0) {
            co_await services_.clock.sleep(
                runtime::milliseconds(std::min(due_in_ms, kRetryLookAgainMs)));
        } else {
            co_await retry(*std::move(next));
        }
    }
    is_retrying_ = false;
}

Task<void> Rooms::retry(storage::UnplacedEvent event) {
    storage::UnplacedEventStore& unplaced = services_.unplaced;
    const auto room = find(event.room);
    if (!room || !(*room)->is_server_joined(services_.server_name)) {
        unplaced.remove(event.id);
        co_return;
    }
    // Before the attempt, so that one which ends the process is not made again at once.
    const int attempts = event.attempts + 1;
    const std::int64_t pause_ms = (*room)->data().draw_retry_pause_ms(attempts);
    unplaced.postpone(event.id, attempts, services_.clock.now().value + pause_ms);

    bool is_placed = false;
    if ((*room)->data().find_placed(event.id)) {
        is_placed = !event.is_gap() || co_await (*room)->complete_state(event.id, event.origin);
    } else if (event.is_gap()) {
        is_placed = co_await (*room)->fill_gap(event.id, event.origin);
    } else if (auto known = (*room)->data().find_unplaced(event.id)) {
        is_placed =
            (co_await (*room)->receive_verified(*std::move(known), event.origin)).has_value();
    }
    if (!is_placed && attempts < kRetriesMax) co_return;
    if (is_placed) {
        services_.log.write(
            "event_placed_late",
            {{"room", event.room.view()}, {"event", event.id.view()}, {"attempts", attempts}});
    } else {
        services_.log.write(
            "event_given_up",
            {{"room", event.room.view()}, {"event", event.id.view()}, {"attempts", attempts}});
    }
    // If it was placed with a state that has holes, it waits anew.
    const auto left = unplaced.find(event.id);
    if (left && left->attempts == attempts) unplaced.remove(event.id);
}

}  // namespace matrix::engine
