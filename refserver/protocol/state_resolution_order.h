// The two orders in which a resolution applies events.
//
// Private to state_resolution*.cpp.
#pragma once

#include <limits>
#include <map>

#include "refserver/protocol/state_resolution_graph.h"

namespace matrix::resolution {

/// The power events of the full conflicted set, and what authorizes them and is in that set.
std::vector<Index> select_power_events(std::span<const Index> full_conflicted_set,
                                       AuthGraph& graph);

/// The reverse topological power ordering of `events`, earliest first.
std::vector<Index> sort_by_power(std::span<const Index> events, AuthGraph& graph);

/// The power levels that led to some power levels, and where events stand relative to them.
class Mainline {
public:
    /// Nothing as `newest` makes an empty mainline, on which no event has a position.
    Mainline(std::optional<Index> newest, AuthGraph& graph);

    /// From the newest to the oldest.
    const std::vector<Index>& events() const { return events_; }
    /// 0 for events that cite the newest power levels; `kNowhere` for those that lead to none.
    std::uint32_t position(Index event);

    static constexpr std::uint32_t kNowhere = std::numeric_limits<std::uint32_t>::max();

private:
    AuthGraph& graph_;
    std::vector<Index> events_;
    std::map<Index, std::uint32_t> positions_;  ///< Of power levels as e_j; all of them met so far.
};

/// The mainline ordering of `events`, earliest first.
std::vector<Index> sort_by_mainline(std::span<const Index> events,
                                    Mainline& mainline,
                                    const AuthGraph& graph);
/// The same events by time and id alone.
std::vector<Index> sort_by_time(std::span<const Index> events, const AuthGraph& graph);

}  // namespace matrix::resolution
