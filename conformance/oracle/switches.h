// Where the oracle can be told to err: as other implementations do, or as a bad programmer would.
//
// A quirk is a known behaviour of an implementation in use that differs from the text: with it the
// oracle says what that implementation would say. A deviation is a planted bug, for tests that must
// notice it; no command offers them.
#pragma once

#include <expected>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace matrix::oracle {

/// Named by what it does; `quirk_table` has the rest.
enum class Quirk {
    InclusiveChains,
    EnlargeThroughConflicted,
    ReachabilityEdges,
    NewestFirstKahn,
    EventForItself,
    CreateIsPowerEvent,
    PowerEventEmptyKey,
    NoMainlineIsOldest,
    DropWhatLacksAuthEvents,
    NoLevelsIsZero,
    CreatorFromContent,
    RejectedNotApplied,
    RejectedAuthorizes,
    RejectedStateUnused,
    EnlargeByConflictedState,
    PairwiseFolding,
    V2_1Everywhere,
    UnconflictedMainline,
    ChangingState,
    LeastDepth,
};

/// The deviations of the mutation suite (v2 and v2.1, and two of the authorization rules).
enum class Deviation {
    ChainsIncludeState,
    EnlargeThroughConflicted,
    NotEnlarged,
    NoAuthDifference,
    UnconflictedNotRestored,
    NoSubgraph,
    StartsFromUnconflicted,
    AlgorithmsSwapped,
    KahnFromNewest,
    EdgesByReachability,
    PowerIgnored,
    MainlineIgnored,
    MainlineReversed,
    IdBeforeTime,
    JoinRulesNoPowerEvent,
    KickAndBanNoPowerEvents,
    SelfLeaveIsPowerEvent,
    CreateIsPowerEvent,
    NoFallback,
    AuthEventsBeforeState,
    JoinOfBanned,
    EqualMayBeDemoted,
};

/// A few of the values of an enumeration.
template <class Switch>
class SwitchSet {
public:
    SwitchSet() = default;
    SwitchSet(std::initializer_list<Switch> switches) {
        for (const Switch one : switches)
            insert(one);
    }
    void insert(Switch one) { bits_ |= bit(one); }
    bool contains(Switch one) const { return (bits_ & bit(one)) != 0; }
    bool empty() const { return bits_ == 0; }
    friend bool operator==(const SwitchSet&, const SwitchSet&) = default;

private:
    static unsigned long long bit(Switch one) { return 1ULL << static_cast<unsigned>(one); }
    unsigned long long bits_ = 0;
};
using Quirks = SwitchSet<Quirk>;
using Deviations = SwitchSet<Deviation>;

/// What the commands, the adapter and the README say about a quirk.
struct QuirkRow {
    Quirk quirk;
    std::string_view name;      ///< For example "inclusive-chains".
    std::string_view number;    ///< In the catalogue of differences, for example "S1".
    std::string_view who;       ///< Who does so.
    std::string_view sentence;  ///< What is done instead of what the text says.
};
/// All quirks, in the order of the enumeration.
std::span<const QuirkRow> quirk_table();
std::string_view name_of(Quirk quirk);
/// The quirk of this name; else a sentence that lists the names there are.
std::expected<Quirk, std::string> find_quirk(std::string_view name);

struct DeviationRow {
    Deviation deviation;
    std::string_view name;      ///< For example "chains-include-state".
    std::string_view sentence;  ///< The bug.
};
/// All deviations, in the order of the enumeration.
std::span<const DeviationRow> deviation_table();

}  // namespace matrix::oracle
