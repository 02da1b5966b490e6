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

    void sort(const Conflict& conflict, const RoomRules& rules);
    /// Earliest first; without those that claim to be on a cycle.
    std::span<const Index> events() const { return sorted_; }
    /// What is in the full conflicted set and was not chosen, in no order.
    std::span<const Index> remaining() const { return remaining_; }

private:
    /// What orders two events that do not authorize each other.
    struct PowerKey {
        std::int64_t level;
        std::int64_t origin_server_ts;
        std::uint64_t id_prefix;
        std::uint32_t place;  ///< Among the chosen events.
    };
    void choose(const Conflict& conflict, const RoomRules& rules);
    void reach_ancestors(const Conflict& conflict, const RoomRules& rules);
    void link();
    bool is_earlier(const PowerKey& a, const PowerKey& b) const;
    void add_candidate(std::uint32_t place);
    std::uint32_t take_first_candidate();

    AuthIndex& index_;
    StampedMap<bool> is_chosen_;
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
    void sort(std::span<const Index> events, Index newest);
    /// Earliest first.
    std::span<const Index> events() const { return sorted_; }
    /// Did positions (and not time or id alone) order two of the events?
    bool was_decided_by_position() const { return was_decided_by_position_; }
    /// The whole mainline, the newest first.
    std::vector<Index> list_mainline();

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
