// Reading many events of a room, as joining servers ask for: some of them in each turn of the loop.

#include <utility>

#include "refserver/engine/rooms/room_data.h"
#include "refserver/protocol/state_walk.h"

namespace matrix::engine {
namespace {

/// Each may have to be read from the database and parsed.
constexpr std::size_t kEventsPerTurn = 64;
/// Events in memory, whose citations are looked at.
constexpr std::size_t kCitingEventsPerTurn = 1000;
/// Ids that are looked for in an index.
constexpr std::size_t kLookUpsPerTurn = 256;

}  // namespace

Task<std::vector<EventId>> Room::gather_ids(State state, IsWanted is_wanted) const {
    const std::shared_ptr<const Room> self = shared_from_this();
    std::vector<EventId> ids;
    StateWalk walk(std::move(state));
    for (std::size_t passed = 1; const auto item = walk.next(); ++passed) {
        if (!is_wanted || is_wanted(item->key)) ids.push_back(item->event_id);
        if (passed % kLookUpsPerTurn == 0) co_await data_->end_turn();
    }
    co_return ids;
}

Task<std::vector<EventPtr>> Room::gather_events(std::vector<EventId> ids) const {
    const std::shared_ptr<const Room> self = shared_from_this();
    std::vector<EventPtr> events;
    for (const EventId& event_id : ids) {
        if (EventPtr event = data_->services.events.find_event(event_id)) {
            events.push_back(std::move(event));
        }
        if (events.size() % kEventsPerTurn == 0) co_await data_->end_turn();
    }
    co_return events;
}

Task<std::vector<EventPtr>> Room::gather_auth_chain(std::vector<EventPtr> events) const {
    const std::shared_ptr<const Room> self = shared_from_this();
    ChainWalk walk;
    for (std::size_t i = 0; i < events.size(); ++i) {
        walk.follow(*events[i]);
        if (i % kCitingEventsPerTurn == kCitingEventsPerTurn - 1) co_await data_->end_turn();
    }
    std::vector<EventPtr> chain;
    while (!walk.pending.empty()) {
        EventPtr event = data_->services.events.find_event(walk.take_next());
        if (!event) continue;
        walk.follow(*event);
        chain.push_back(std::move(event));
        if (chain.size() % kEventsPerTurn == 0) co_await data_->end_turn();
    }
    co_return chain;
}

Task<std::vector<EventId>> Room::Data::gather_unknown(std::vector<EventId> ids) const {
    std::vector<EventId> unknown;
    for (std::size_t i = 0; i < ids.size(); ++i) {
        if (!services.events.is_known(ids[i])) unknown.push_back(ids[i]);
        if (i % kLookUpsPerTurn == kLookUpsPerTurn - 1) co_await end_turn();
    }
    co_return unknown;
}

namespace {

/// How long one who writes much waits for the log to be moved into the database, at most.
constexpr int kLogWaitsMax = 1000;

}  // namespace

Task<void> end_written_slice(const RoomServices* services) {
    co_await services->clock.sleep(runtime::milliseconds(0));
    for (int waits = 0; services->turns.is_log_long() && waits < kLogWaitsMax; ++waits)
        co_await services->clock.sleep(runtime::milliseconds(1));
}

runtime::Completion<bool> Room::Data::end_turn() const {
    return services.clock.sleep(runtime::milliseconds(0));
}

}  // namespace matrix::engine
