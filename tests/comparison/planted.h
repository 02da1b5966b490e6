// Judges the judges: bugs are planted in the oracle, one at a time, and must be noticed.
#pragma once

#include <iosfwd>
#include <optional>
#include <span>
#include <vector>

#include "conformance/oracle/vectors.h"
#include "tests/comparison/comparison.h"

namespace matrix::comparison {

/// Which case noticed a planted bug.
struct Kill {
    std::uint64_t cases = 0;  ///< How many cases it took, this one included.
    std::string seen_in;      ///< What differed there and in which room, or the vector's name.
};

struct PlantedRow {
    oracle::DeviationRow deviation;
    std::optional<Kill> by_vector;  ///< The first vector whose resolved state differs.
    std::optional<Kill> v2;         ///< The resolved state differs, in versions 2 to 11.
    std::optional<Kill> v2_1;       ///< Likewise in version 12.
    std::optional<Kill> by_trace;   ///< The first difference of any kind, in either.

    /// Did the state that comes out betray the bug anywhere?
    bool is_killed() const { return by_vector.has_value() || v2.has_value() || v2_1.has_value(); }
};

struct PlantedOptions {
    std::uint64_t seed = 1;
    std::uint64_t cases_max = 5000;  ///< Resolutions per algorithm.
};

/// One row per deviation of the oracle: asked about `vectors`, and about random disputes.
std::vector<PlantedRow> try_planted_deviations(const PlantedOptions& options,
                                               std::span<const oracle::ResolutionCase> vectors);

std::ostream& operator<<(std::ostream& out, const std::vector<PlantedRow>& rows);

}  // namespace matrix::comparison
