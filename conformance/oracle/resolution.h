// What the algorithms of state resolution share.
//
// Private to the oracle's state_resolution*.cpp.
#pragma once

#include "conformance/oracle/state_resolution.h"

namespace matrix::oracle {

/// The verdict on an event by a state, under `options`.
Verdict judge_event(const RuleState& state, const ReadEvent& event, const Options& options);

Resolution resolve_v1(const Room& room,
                      const std::vector<StateMap>& states,
                      const Options& options);

Resolution resolve_v2(const Room& room,
                      const std::vector<StateMap>& states,
                      const ResolutionSteps& steps,
                      const Options& options);

/// The reverse topological power ordering.
EventList sort_by_power(const Room& room,
                        const EventSet& events,
                        const ResolutionSteps& steps,
                        const Options& options);

/// The mainline of `power_levels`, which may be null: then there is none.
EventList find_mainline(const Room& room, const ReadEvent* power_levels);
/// The mainline ordering based on it.
EventList sort_by_mainline(const Room& room,
                           const EventSet& events,
                           const EventList& mainline,
                           const ResolutionSteps& steps,
                           const Options& options);

}  // namespace matrix::oracle
