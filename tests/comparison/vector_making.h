// Test vectors from random rooms: as small as they can be, and confirmed by both implementations.
#pragma once

#include <expected>
#include <string>
#include <vector>

#include "conformance/oracle/vectors.h"
#include "tests/comparison/comparison.h"

namespace matrix::comparison {

/// A vector, and what is special about it.
struct MadeCase {
    oracle::ResolutionCase vector;
    bool has_conflict = false;
    std::vector<std::string> features;  ///< "quirk inclusive-chains", "rule v12 5.3.3", ...
    std::size_t bytes = 0;              ///< As JSON.
};

/// The vector of a dispute: only the events that it is about. Fails if the implementations differ.
///
/// The result is `acceptable` where it depends on what we chose because the text is silent.
std::expected<MadeCase, std::string> make_case(const generators::Room& room,
                                               const Dispute& dispute,
                                               const std::string& name);

/// The room that a vector's events make, to be asked of the fast resolver.
generators::Room room_of(const oracle::ResolutionCase& vector);
/// Nothing if both implementations resolve a vector as it says, also under its quirks.
std::optional<std::string> find_fault(const oracle::ResolutionCase& vector);

struct VectorOptions {
    StateResolution algorithm = StateResolution::V2;
    std::uint64_t seed = 1;
    Shard shard = {};  ///< Only the rooms with its numbers.
};

/// The first `count` disputes with a conflict.
std::expected<std::vector<oracle::ResolutionCase>, std::string> make_vectors(
    const VectorOptions& options, std::size_t count);

/// About `count` vectors of all versions, chosen for diversity: for each version the smallest that
/// shows each known deviation and each rule that refuses, then the smallest of each mixture. The
/// more rooms are tried, the smaller they are.
std::expected<std::vector<oracle::ResolutionCase>, std::string> choose_vectors(
    std::uint64_t seed, std::size_t count, std::size_t rooms_per_version);

}  // namespace matrix::comparison
