// What one world did under one room version, as numbers.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <map>
#include <set>
#include <span>
#include <string>
#include <utility>

#include "refserver/protocol/state_resolver.h"
#include "simulator/lab/resets.h"

namespace matrix::lab {

/// Nanoseconds of a real clock; empty: nobody measures.
using Stopwatch = std::function<std::int64_t()>;

/// What happened in a world. Times are virtual.
struct WorldFigures {
    std::uint64_t events = 0;             ///< Summed over servers: those that they received.
    std::uint64_t resolutions = 0;        ///< Of states that were not equal.
    std::uint64_t conflicted_events = 0;  ///< Summed: the sizes of the full conflicted sets.
    std::int64_t resolving_ns = 0;        ///< Real time, if somebody measures it.
    /// Values that some server lost, each once for each server.
    std::array<std::uint64_t, kKeyClasses> resets{};
    std::array<std::uint64_t, kKeyClasses> taken_with_reason{};
    std::map<std::string, std::uint64_t> rejections;     ///< By rule.
    std::map<std::string, std::uint64_t> soft_failures;  ///< By rule.
    /// How long two servers that would send the same prev_events had different states.
    std::int64_t split_ms = 0;
    /// How long two servers had different states, events on their way included.
    std::int64_t apart_ms = 0;
    std::int64_t lasted_ms = 0;
    bool is_split_at_end = false;
    /// Resolutions that reset something, by what `find_repair` says of them.
    std::map<std::string, std::uint64_t> repairs;

    std::uint64_t reset_count() const;
    /// Counts a key that was taken back.
    void add(const TakenBack& taken);
    friend bool operator==(const WorldFigures&, const WorldFigures&) = default;
};

/// What one server has lost so far: each value counts once for it.
class Losses {
public:
    /// Counts what was not counted yet. Is a reset among that?
    bool count(std::span<const TakenBack> taken, WorldFigures& figures);

private:
    std::set<std::pair<StateKey, EventId>> counted_;
};

/// Resolves states that are not equal, and counts that.
State resolve_counted(Resolver& resolver,
                      std::span<const State> states,
                      const Stopwatch& stopwatch,
                      WorldFigures& figures);

}  // namespace matrix::lab
