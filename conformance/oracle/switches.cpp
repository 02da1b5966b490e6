// The tables of quirks and deviations.

#include "conformance/oracle/switches.h"

#include <array>

namespace matrix::oracle {
namespace {

constexpr std::array kQuirks = {
    QuirkRow{Quirk::InclusiveChains,
             "inclusive-chains",
             "S1",
             "Synapse",
             "The auth chain of a state holds the events of the state too."},
    QuirkRow{Quirk::EnlargeThroughConflicted,
             "enlarge-through-conflicted",
             "S2",
             "Synapse, Ruma, tuwunel",
             "Power events are enlarged along auth events inside the full conflicted set only."},
    QuirkRow{Quirk::ReachabilityEdges,
             "reachability-edges",
             "S3",
             "nobody known",
             "Power events are also ordered by auth chains that leave their set and come back."},
    QuirkRow{Quirk::NewestFirstKahn,
             "newest-first-kahn",
             "S4",
             "gomatrixserverlib",
             "Kahn's algorithm takes the largest event that none cites and puts it last."},
    QuirkRow{Quirk::EventForItself,
             "event-for-itself",
             "S5",
             "nobody known",
             "An event whose own key is not resolved is checked against itself."},
    QuirkRow{Quirk::CreateIsPowerEvent,
             "create-is-power-event",
             "S6",
             "Synapse, Ruma, tuwunel",
             "m.room.create counts as a power event."},
    QuirkRow{Quirk::PowerEventEmptyKey,
             "power-event-empty-key",
             "S7",
             "Synapse, Ruma, tuwunel, gomatrixserverlib",
             "Power levels and join rules are power events with an empty state key only."},
    QuirkRow{Quirk::NoMainlineIsOldest,
             "no-mainline-is-oldest",
             "S9",
             "Ruma before 0.17",
             "An event without mainline ancestor stands where the oldest power levels do."},
    QuirkRow{
        Quirk::DropWhatLacksAuthEvents,
        "drop-what-lacks-auth-events",
        "S10",
        "Ruma, tuwunel",
        "A remaining event is dropped if an auth event is missing on its way to the mainline."},
    QuirkRow{Quirk::NoLevelsIsZero,
             "no-levels-is-zero",
             "S11",
             "gomatrixserverlib",
             "Without power levels among the auth events every sender sorts with level 0."},
    QuirkRow{Quirk::CreatorFromContent,
             "creator-from-content",
             "S12",
             "older Synapse",
             "In v11 the creator that sorts is content.creator, not the sender of the create."},
    QuirkRow{Quirk::RejectedNotApplied,
             "rejected-not-applied",
             "S13",
             "Synapse",
             "A rejected event is never applied, also if it passes now."},
    QuirkRow{Quirk::RejectedAuthorizes,
             "rejected-authorizes",
             "S14",
             "older Synapse",
             "A rejected auth event stands in for what the state lacks."},
    QuirkRow{Quirk::RejectedStateUnused,
             "rejected-state-unused",
             "S15",
             "Synapse",
             "A rejected event in the state is passed over for the event's own auth event."},
    QuirkRow{Quirk::EnlargeByConflictedState,
             "enlarge-by-conflicted-state",
             "S16",
             "gomatrixserverlib",
             "Power events are enlarged by members of the conflicted state set only."},
    QuirkRow{Quirk::PairwiseFolding,
             "pairwise-folding",
             "S17",
             "tuwunel, Conduit",
             "Of several states two are resolved, the result with the third, and so on."},
    QuirkRow{Quirk::V2_1Everywhere,
             "v2.1-everywhere",
             "S18",
             "tuwunel",
             "Version 2.1 of the algorithm resolves rooms of versions 2 to 11 too."},
    QuirkRow{Quirk::UnconflictedMainline,
             "unconflicted-mainline",
             "S27",
             "nobody known",
             "Where no power levels are resolved, the unconflicted ones make the mainline."},
    QuirkRow{Quirk::ChangingState,
             "changing-state",
             "V1a",
             "the letter of the text",
             "v1: each key is judged by what the keys of its own type resolved to before it."},
    QuirkRow{Quirk::LeastDepth,
             "least-depth",
             "V1b",
             "Synapse",
             "v1: if no candidate of another key passes, the one of least depth is taken."},
};

constexpr std::array kDeviations = {
    DeviationRow{Deviation::ChainsIncludeState,
                 "chains-include-state",
                 "auth chains include the state events"},
    DeviationRow{Deviation::EnlargeThroughConflicted,
                 "enlarge-through-conflicted",
                 "X is enlarged through the full conflicted set only"},
    DeviationRow{Deviation::NotEnlarged, "not-enlarged", "X is not enlarged"},
    DeviationRow{Deviation::NoAuthDifference, "no-auth-difference", "there is no auth difference"},
    DeviationRow{
        Deviation::UnconflictedNotRestored, "unconflicted-not-restored", "step 5 is skipped"},
    DeviationRow{Deviation::NoSubgraph, "no-subgraph", "v2.1 has no conflicted state subgraph"},
    DeviationRow{Deviation::StartsFromUnconflicted,
                 "starts-from-unconflicted",
                 "v2.1 starts from the unconflicted state map"},
    DeviationRow{Deviation::AlgorithmsSwapped, "algorithms-swapped", "v2 and v2.1 are swapped"},
    DeviationRow{
        Deviation::KahnFromNewest, "kahn-from-newest", "Kahn's algorithm starts from the newest"},
    DeviationRow{Deviation::EdgesByReachability,
                 "edges-by-reachability",
                 "edges of the power ordering are by reachability"},
    DeviationRow{
        Deviation::PowerIgnored, "power-ignored", "the power ordering ignores power levels"},
    DeviationRow{Deviation::MainlineIgnored, "mainline-ignored", "the mainline is ignored"},
    DeviationRow{Deviation::MainlineReversed, "mainline-reversed", "the mainline is reversed"},
    DeviationRow{Deviation::IdBeforeTime, "id-before-time", "the event id decides before the time"},
    DeviationRow{Deviation::JoinRulesNoPowerEvent,
                 "join-rules-no-power-event",
                 "join rules are no power event"},
    DeviationRow{Deviation::KickAndBanNoPowerEvents,
                 "kick-and-ban-no-power-events",
                 "kicks and bans are no power events"},
    DeviationRow{Deviation::SelfLeaveIsPowerEvent,
                 "self-leave-is-power-event",
                 "leaving by oneself is a power event"},
    DeviationRow{Deviation::CreateIsPowerEvent,
                 "create-is-power-event",
                 "the create event is a power event"},
    DeviationRow{Deviation::NoFallback,
                 "no-fallback",
                 "auth events do not stand in for what the state lacks"},
    DeviationRow{Deviation::AuthEventsBeforeState,
                 "auth-events-before-state",
                 "auth events are preferred to the state"},
    DeviationRow{Deviation::JoinOfBanned, "join-of-banned", "a join is not checked for a ban"},
    DeviationRow{Deviation::EqualMayBeDemoted,
                 "equal-may-be-demoted",
                 "users of the sender's own level may be demoted"},
};

}  // namespace

std::span<const QuirkRow> quirk_table() {
    return kQuirks;
}

std::string_view name_of(Quirk quirk) {
    return kQuirks[static_cast<std::size_t>(quirk)].name;
}

std::expected<Quirk, std::string> find_quirk(std::string_view name) {
    std::string names;
    for (const QuirkRow& row : kQuirks) {
        if (row.name == name) return row.quirk;
        names += (names.empty() ? "" : ", ") + std::string(row.name);
    }
    return std::unexpected("no quirk is named \"" + std::string(name) + "\"; there are " + names);
}

std::span<const DeviationRow> deviation_table() {
    return kDeviations;
}

}  // namespace matrix::oracle
