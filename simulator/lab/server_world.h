// A world of whole servers: one run of the simulator, looked at for resets.
//
// Slower than a model world (world.h) and nearer to the truth: the engine fetches, receives and
// resolves as it does in the field. What servers resolved is read from what they stored: the
// states after the events that an event follows on, and the state before it.
#pragma once

#include <cstdint>

#include "simulator/lab/figures.h"
#include "simulator/lab/world.h"

namespace matrix::lab {

inline constexpr int kWholeServers = 4;
inline constexpr std::int64_t kWholeServersMinutes = 10;

/// A power struggle of two users on each server, cut in two halves for a while; the same steps for
/// the same seed under every room version.
WorldFigures run_servers(std::uint64_t seed, const RoomRules& rules, const WorldOptions& options);

}  // namespace matrix::lab
