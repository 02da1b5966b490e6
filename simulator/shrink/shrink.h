// Shrinking: from a scenario that fails to the smallest one that fails in the same way.
//
// Big things go first (time, rooms, servers, users), then steps, coarse to fine (delta debugging:
// Zeller and Hildebrandt, 2002), then what remains becomes simpler, and chance goes: the seed if it
// can, else all but the decisions that are needed. As long as something helped, all is tried again.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string_view>

#include "simulator/scenario/scenario.h"

namespace matrix::simulator {

/// Gives one candidate after the other; nothing: there are no more.
using Candidates = std::function<std::optional<Scenario>()>;

/// Runs scenarios and says whether they still fail in the same way.
class Judge {
public:
    virtual ~Judge() = default;
    /// The first candidate that fails in the same way: its place among those given (from 0). Which
    /// one that is does not depend on how many are tried at the same time. Nothing: none does, or
    /// there is no time for more.
    struct Accepted {
        std::size_t place = 0;
        Scenario scenario;
    };
    virtual std::optional<Accepted> find_first_failing(const Candidates& candidates) = 0;
    /// What chance decided in a run of this scenario.
    virtual std::optional<ChoiceRecord> record(const Scenario& scenario) = 0;
    /// No more candidates should be tried: the budget is used up, or somebody wants an end.
    virtual bool is_over() = 0;
    /// Tells people what was found.
    virtual void report(const Scenario& smaller, std::string_view how) = 0;
};

/// `failing` fails in the way that the judge knows. The result does, too, and decides everything
/// itself unless the judge was over before: it has no seed.
Scenario shrink(const Scenario& failing, Judge& judge);

}  // namespace matrix::simulator
