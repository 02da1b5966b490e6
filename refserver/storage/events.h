// Events and everything about them that is stored: what became of them, their states, the graph.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "refserver/base/index_map.h"
#include "refserver/protocol/event.h"
#include "refserver/protocol/state.h"
#include "refserver/storage/turns.h"

namespace matrix::storage {

/// What became of an event on receipt.
enum class EventStatus {
    Accepted,
    SoftFailed,  ///< Refused by the current state: stored, not sent on, not shown, no extremity.
    Rejected,    ///< Refused by its auth events or by the state before it.
    Outlier,     ///< Known without its place in the graph, for example from an auth chain.
};

struct StoredEvent {
    EventPtr event;
    EventStatus status = EventStatus::Accepted;
    bool is_rejected_outlier = false;
    StreamPosition position;  ///< Where syncs and pages find it; 0 of what is not shown.
    std::optional<State::Hash> state_before;
    std::optional<State::Hash> state_after;
    std::string rule;  ///< Why it was rejected or soft-failed.
    std::string detail;
    std::optional<EventId> redacted_by;  ///< Then `event` is the redacted form.
};

class EventStore;  // See event_store.h.

}  // namespace matrix::storage
