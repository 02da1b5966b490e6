// An event together with what this server knows about it.
#pragma once

#include <iosfwd>
#include <memory>
#include <optional>
#include <string>

#include "refserver/base/strong.h"
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
std::ostream& operator<<(std::ostream& out, EventStatus status);

/// A room's number in this database.
using RoomNumber = Strong<struct RoomNumberTag>;

struct StoredEvent {
    EventPtr event;
    EventStatus status = EventStatus::Accepted;
    bool is_rejected_outlier = false;  ///< Refused by its auth events, before it found its place.
    StreamPosition position;           ///< Where syncs and pages find it; 0 of what is not shown.
    std::optional<State::Hash> state_before;  ///< Nothing for outliers.
    std::optional<State::Hash> state_after;
    std::string rule;  ///< Why it was rejected or soft-failed.
    std::string detail;
    std::optional<EventId> redacted_by;  ///< Then `event` is the redacted form.

    /// May no event cite it to be authorized?
    bool is_rejected() const { return status == EventStatus::Rejected || is_rejected_outlier; }
    /// Does it have a place in the graph, and so states before and after it?
    bool is_placed() const { return status != EventStatus::Outlier; }
};

/// As it was when it was looked for: what is learned of the event later is in another one.
using StoredEventPtr = std::shared_ptr<const StoredEvent>;

}  // namespace matrix::storage
