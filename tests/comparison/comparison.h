// Random resolutions, each by the fast resolver and by the oracle, counted by what decided them.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <optional>
#include <string>

#include "tests/comparison/answers.h"
#include "tests/comparison/shard.h"

namespace matrix::comparison {

struct ComparisonOptions {
    StateResolution algorithm = StateResolution::V2;
    const RoomRules* rules = nullptr;  ///< Only this version, whatever its algorithm.
    std::uint64_t count = 10'000;      ///< Of resolutions.
    std::uint64_t seed = 1;            ///< Of the first room.
    Shard shard = {};                  ///< Only the rooms with its numbers.
    generators::Realism realism = generators::Realism::Abstract;
    /// Called every thousand resolutions.
    std::function<void(std::uint64_t done)> on_progress = {};
};

/// What the resolutions were about; a resolution counts under each that fits.
struct ComparisonCounts {
    std::uint64_t resolutions = 0;
    std::uint64_t rooms = 0;
    std::uint64_t with_conflict = 0;
    std::uint64_t with_power_events = 0;  ///< Two or more, whose order may decide.
    std::uint64_t with_mainline = 0;      ///< Mainline positions that differ among the rest.
    std::uint64_t with_refusals = 0;
    std::uint64_t with_missing_events = 0;
    std::uint64_t with_lost_keys = 0;        ///< A key of all states is in no result.
    std::uint64_t with_other_values = 0;     ///< A key has a value that no state had.
    std::uint64_t differing_algorithms = 0;  ///< v2 and v2.1 do not give the same state.
    std::uint64_t compared_algorithms = 0;   ///< Of how many: these cost a second resolution.
    generators::Acceptance acceptance;
};
std::ostream& operator<<(std::ostream& out, const ComparisonCounts& counts);
void add_counts(ComparisonCounts& sum, const ComparisonCounts& counts);

/// The room of a number, and its disputes: the same for the same seed and number.
struct SeededRoom {
    generators::Room room;
    std::vector<Dispute> disputes;
};
/// The versions of the algorithm take turns, unless one was chosen. One room in fifty is an
/// adversarial one, one dispute in fifty lacks events.
SeededRoom make_seeded_room(const ComparisonOptions& options, std::uint64_t number);

struct ComparisonResult {
    ComparisonCounts counts;
    /// The first difference: the room's number, in what they differ, and the smallest room with a
    /// difference that was found near it. Nothing if there was none.
    std::optional<std::string> difference;
};
ComparisonResult compare_resolutions(const ComparisonOptions& options);

/// "v1", "v2", "v2.1".
std::string_view name_of(StateResolution algorithm);
std::optional<StateResolution> find_algorithm(std::string_view name);

}  // namespace matrix::comparison
