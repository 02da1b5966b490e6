// State resolution, versions 1, 2 and 2.1, sentence by sentence, in the order of the text.
//
// The slow judge of the fast implementation: it uses sets where the text has sets, and walks every
// auth chain to its end. What the text leaves open is decided as refserver/protocol/README.md says.
//
// Spec: https://spec.matrix.org/v1.19/rooms/v1/#state-resolution,
//       https://spec.matrix.org/v1.19/rooms/v2/#state-resolution (v2 to v11) and
//       https://spec.matrix.org/v1.19/rooms/v12/#state-resolution
#pragma once

#include <functional>
#include <map>
#include <set>
#include <vector>

#include "conformance/oracle/auth_rules.h"
#include "conformance/oracle/room.h"
#include "conformance/oracle/switches.h"

namespace matrix::oracle {

/// Judges an event by the state that a resolution gathered for it.
using JudgeEvent = std::function<Verdict(const RuleState& state, const ReadEvent& event)>;

struct Options {
    Quirks quirks = {};
    Deviations deviations = {};
    const Verifier* verifier = &ed25519_verifier();
    /// The authorization rules; the oracle's own if empty. Others do not know the deviations of
    /// rules.
    JudgeEvent judge = {};

    bool has(Quirk quirk) const { return quirks.contains(quirk); }
    bool has(Deviation deviation) const { return deviations.contains(deviation); }
    bool has_either(Quirk quirk, Deviation deviation) const { return has(quirk) || has(deviation); }
};

/// One check by the authorization rules, in the order in which they were made.
struct Step {
    const ReadEvent* event = nullptr;
    Verdict verdict;
    RuleState auth_state;  ///< What it was judged by.
};

/// How a resolution came to its result. Events belong to the room that was given.
///
/// Version 1 has no such words: there `full_conflicted_set` holds the conflicting events,
/// `power_order` what was tried of power levels, join rules and memberships, and `remaining_order`
/// what was tried of the rest; `steps` lacks the first event of a list, which is not checked.
struct Trace {
    std::set<Key> conflicted_keys;
    StateMap unconflicted;
    EventSet conflicted_state;
    std::vector<EventSet> auth_chains;  ///< Of each state, in the order given.
    EventSet auth_difference;
    EventSet conflicted_subgraph;  ///< v2.1 only.
    EventSet full_conflicted_set;  ///< Without what is no state event.
    EventSet power_events;         ///< X: the power events and their enlargement.
    EventList power_order;         ///< X as it was applied; without events on a claimed cycle.
    StateMap partially_resolved;   ///< The result of step 2.
    EventList mainline;            ///< From the resolved power levels to the oldest.
    EventList remaining_order;
    std::vector<Step> steps;
    std::set<Key> restored_keys;  ///< Where step 5 put back what was unconflicted.
};

struct Resolution {
    StateMap state;
    Trace trace;
};

/// The resolved state of `states`, by the algorithm of the room's version.
///
/// Never fails: unknown events count as absent, and events that claim to authorize each other are
/// left out. Costs about the product of events and states.
Resolution resolve(const Room& room,
                   const std::vector<StateMap>& states,
                   const Options& options = {});

/// The events of a state, sorted: how vectors and adapters write a result.
std::vector<EventId> list_event_ids(const StateMap& state);
std::vector<EventId> list_event_ids(const EventSet& events);
std::vector<EventId> list_event_ids(const EventList& events);

}  // namespace matrix::oracle
