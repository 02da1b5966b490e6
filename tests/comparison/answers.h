// What the fast resolver and the oracle say about one dispute, in one form.
#pragma once

#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "conformance/oracle/state_resolution.h"
#include "refserver/protocol/state_resolver.h"
#include "tests/generators/room.h"

namespace matrix::comparison {

/// States to resolve, and what the resolving server lacks.
struct Dispute {
    std::vector<State> states;
    std::set<EventId> missing;
};

/// A verdict on one event: "allowed", or the rule that refuses.
using JudgedEvent = std::pair<EventId, std::string>;

/// An answer with everything that two implementations must agree about.
struct Answer {
    oracle::StateMap state;
    bool has_conflict = false;  ///< If not, nothing below says anything.
    bool has_orders = true;     ///< Room version 1 knows neither a set nor these orders.
    std::vector<EventId> full_conflicted_set;
    std::vector<EventId> power_order;
    std::vector<EventId> mainline;
    std::vector<EventId> remaining_order;
    std::vector<JudgedEvent> steps;
};

/// Nothing if the answers agree; else a few lines for people: in what, and both versions.
std::optional<std::string> find_difference(const Answer& fast, const Answer& literal);

/// The states as the oracle takes them.
std::vector<oracle::StateMap> state_maps_of(std::span<const State> states);
/// The events of `room` but those that are missing.
oracle::Room oracle_room_of(const generators::Room& room, const std::set<EventId>& missing = {});

/// By a resolver that knows nothing yet.
Answer ask_fast(const generators::Room& room, const Dispute& dispute);
/// By one that may have answered before.
Answer ask_resolver(Resolver& resolver, std::span<const State> states);
/// `literal` is `oracle_room_of` the same room and missing events.
Answer ask_oracle(const oracle::Room& literal,
                  std::span<const State> states,
                  const oracle::Options& options = {});

/// The room and the states as text, to be read beside a difference.
std::string describe(const generators::Room& room, const Dispute& dispute);

}  // namespace matrix::comparison
