// How the steps of state resolution v2 are done: what an author of a proposal may want to vary.
//
// The defaults are those of v2; v2.1 changes two. The algorithm of room version 1 has no such
// steps.
//
// Spec: https://spec.matrix.org/v1.19/rooms/v2/#state-resolution and
//       https://spec.matrix.org/v1.19/rooms/v12/#state-resolution
#pragma once

namespace matrix {

/// What the iterative auth checks of the power events start from.
enum class InitialState { Unconflicted, Empty };

/// Which events the auth difference is made of.
enum class AuthDifference {
    Exclusive,  ///< The full auth chain of a state has what its events lead to.
    Inclusive,  ///< It has the events of the state too.
    None,       ///< There is no auth difference.
};

/// The state events that are power events. Memberships are named by what they do.
struct PowerEvents {
    bool create = false;
    bool power_levels = true;
    bool join_rules = true;
    bool third_party_invites = false;
    bool kicks = true;  ///< Leaves that another user sent: unbans and withdrawn invites too.
    bool bans = true;
    bool own_leaves = false;
    bool invites = false;
    bool joins = false;
    friend bool operator==(const PowerEvents&, const PowerEvents&) = default;
};

/// With which state key power levels and join rules are power events.
enum class PowerEventKeys { Any, Empty };

/// What is ordered together with a power event: which of the events that authorize it.
enum class PowerEnlargement {
    AuthChain,          ///< Those of its auth chain that are in the full conflicted set.
    ThroughConflicted,  ///< Of these, those that a path inside the set leads to.
    None,
};

/// What comes before what in the reverse topological power ordering.
enum class PowerEdges {
    AuthEvents,    ///< The auth events of an event before it.
    Reachability,  ///< All that its auth chain holds before it.
};

/// What decides between two power events of which neither comes before the other.
enum class PowerTies { LevelTimeId, TimeLevelId, LevelId, TimeId, Id };

/// Which power levels the mainline leads from.
enum class MainlineStart {
    Resolved,                ///< Those of the partially resolved state, or none.
    ResolvedOrUnconflicted,  ///< If it has none, those of the unconflicted state.
    None,                    ///< There is no mainline.
};

/// What decides between two events with the same place on the mainline.
enum class MainlineTies { TimeId, Id };

/// Where an auth check finds the events that it needs.
enum class AuthEntries {
    StateThenCited,  ///< In the state so far, or else among the auth events.
    CitedThenState,
    StateOnly,
};

enum class RejectedEvents {
    Judged,  ///< An event that was rejected is judged like any other.
    Never,   ///< It is never applied.
};

struct ResolutionSteps {
    bool has_conflicted_subgraph = false;
    InitialState initial_state = InitialState::Unconflicted;
    AuthDifference auth_difference = AuthDifference::Exclusive;
    PowerEvents power_events = {};
    PowerEventKeys power_event_keys = PowerEventKeys::Any;
    PowerEnlargement power_enlargement = PowerEnlargement::AuthChain;
    PowerEdges power_edges = PowerEdges::AuthEvents;
    PowerTies power_ties = PowerTies::LevelTimeId;
    MainlineStart mainline_start = MainlineStart::Resolved;
    MainlineTies mainline_ties = MainlineTies::TimeId;
    AuthEntries auth_entries = AuthEntries::StateThenCited;
    RejectedEvents rejected_events = RejectedEvents::Judged;
    friend bool operator==(const ResolutionSteps&, const ResolutionSteps&) = default;
};

inline constexpr ResolutionSteps kStepsV2 = {};
inline constexpr ResolutionSteps kStepsV2_1 = {.has_conflicted_subgraph = true,
                                               .initial_state = InitialState::Empty};

}  // namespace matrix
