// Why another implementation's answer differs: the smallest set of known quirks that explains it.
#pragma once

#include <optional>
#include <vector>

#include "conformance/oracle/state_resolution.h"

namespace matrix::oracle {

/// The largest set of quirks that is tried.
inline constexpr std::size_t kQuirksTogetherMax = 3;

/// The smallest set of quirks under which the oracle gives `answer` (the sorted event ids of a
/// resolved state): empty if it agrees with the text, nothing if no set of up to
/// `kQuirksTogetherMax` does, which is a new finding.
///
/// Of several sets of one size it is the first in the order of the table. Costs one resolution for
/// each set that is tried: at most 1,351 with 20 quirks.
std::optional<std::vector<Quirk>> classify(const Room& room,
                                           const std::vector<StateMap>& states,
                                           const std::vector<EventId>& answer,
                                           const Options& options = {});

}  // namespace matrix::oracle
