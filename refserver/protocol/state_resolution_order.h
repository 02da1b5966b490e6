// The two orders in which a resolution applies events.
//
// Private to state_resolution*.cpp.
#pragma once

#include <limits>
#include <span>
#include <vector>

#include "refserver/protocol/auth_index.h"
#include "refserver/protocol/index_queue.h"
#include "refserver/protocol/stamped_map.h"
#include "refserver/protocol/state_resolution_conflict.h"

namespace matrix::resolution {

/// The power events of the full conflicted set with what authorizes them and is in that set, and
/// the reverse topological power ordering of these.
class PowerOrder {
public:
    explicit PowerOrder(AuthIndex& index) : index_(index) {}

    void sort(const Conflict& conflict, const ResolutionSteps& steps);
    /// Earliest first; without those that claim to be on a cycle.
    std::span<const Index> events() const { return sorted_; }
    /// What is in the full conflicted set and was not chosen, in no order.
    std::span<const Index> remaining() const { return remaining_; }
    /// As `Conflict::make_room`.
    bool make_room(std::size_t events) {
        const bool has_grown = is_chosen_.make_room(events);
        const bool has_grown_more = is_walked_.make_room(events);
        return places_.make_room(events) || has_grown || has_grown_more;
    }

private:
    /// What orders two events that do not authorize each other: the smaller is earlier.
    struct PowerKey {
        std::int64_t first;   ///< By the text the level, turned round: more power is earlier.
        std::int64_t second;  ///< By the text the time.
        std::uint64_t id_prefix;
        std::uint32_t place;  ///< Among the chosen events.
    };
    void choose(const Conflict& conflict, const ResolutionSteps& steps);
    void reach_ancestors(const Conflict& conflict, const ResolutionSteps& steps);
    void link(PowerEdges edges);
    void link_reachable(std::uint32_t place, Index oldest);
    void add_edge(std::uint32_t parent_place, std::uint32_t place);
    bool is_earlier(const PowerKey& a, const PowerKey& b) const;
    PowerKey make_key(std::uint32_t place, PowerTies ties);
    void add_candidate(std::uint32_t place, PowerTies ties);
    std::uint32_t take_first_candidate();

    AuthIndex& index_;
    StampedMap<bool> is_chosen_;
    StampedMap<bool> is_walked_;
    IndexQueue pending_;
    std::vector<Index> chosen_;
    std::vector<Index> remaining_;
    std::vector<Index> sorted_;
    StampedMap<std::uint32_t> places_;       ///< Of the chosen events.
    std::vector<std::uint32_t> open_count_;  ///< Parents that are chosen and not sorted yet.
    std::vector<std::uint32_t> newest_child_;
    std::vector<ChildEdge> child_edges_;  ///< Between places.
    std::vector<PowerKey> candidates_;    ///< A heap.
};

/// The power levels that led to some power levels, and the order of events relative to them.
class MainlineOrder {
public:
    explicit MainlineOrder(AuthIndex& index) : index_(index) {}

    /// `kNone` as `newest` makes an empty mainline, on which no event has a position.
    void sort(std::span<const Index> events, Index newest, MainlineTies ties);
    /// Earliest first.
    std::span<const Index> events() const { return sorted_; }
    /// Did positions (and not time or id alone) order two of the events?
    bool was_decided_by_position() const { return was_decided_by_position_; }
    /// The whole mainline, the newest first.
    std::vector<Index> list_mainline();
    /// As `Conflict::make_room`.
    bool make_room(std::size_t events) { return positions_.make_room(events); }

private:
    static constexpr std::uint32_t kNowhere = std::numeric_limits<std::uint32_t>::max();
    struct MainlineKey {
        std::uint32_t position;  ///< Greater is earlier.
        std::int64_t origin_server_ts;
        std::uint64_t id_prefix;
        Index event;
    };
    std::uint32_t position(Index event);
    void extend_to(Index oldest);
    bool is_earlier_by_time(const MainlineKey& a, const MainlineKey& b) const;

    AuthIndex& index_;
    Index newest_ = kNone;
    Index next_ = kNone;  ///< The power levels that come next on the mainline.
    std::uint32_t length_ = 0;
    StampedMap<std::uint32_t> positions_;  ///< Of power levels; all of them met so far.
    std::vector<Index> walked_;
    std::vector<MainlineKey> keys_;
    std::vector<Index> sorted_;
    bool was_decided_by_position_ = false;
};

}  // namespace matrix::resolution
