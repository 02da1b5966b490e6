// Reverse topological power ordering and mainline ordering.

#include "refserver/protocol/state_resolution_order.h"

#include <algorithm>
#include <utility>

#include "refserver/base/sometimes.h"

namespace matrix::resolution {

void PowerOrder::sort(const Conflict& conflict, const RoomRules& rules) {
    choose(conflict, rules);
    link();
    sorted_.clear();
    candidates_.clear();
    for (std::uint32_t place = 0; place < chosen_.size(); ++place) {
        if (open_count_[place] == 0) add_candidate(place);
    }
    // Kahn's algorithm: of the events whose auth events are all placed, the smallest is next.
    while (!candidates_.empty()) {
        const std::uint32_t place = take_first_candidate();
        sorted_.push_back(chosen_[place]);
        for (std::uint32_t edge = newest_child_[place]; edge != kNone;
             edge = child_edges_[edge].next) {
            if (--open_count_[child_edges_[edge].child] == 0) {
                add_candidate(child_edges_[edge].child);
            }
        }
    }
}

void PowerOrder::choose(const Conflict& conflict, const RoomRules& rules) {
    is_chosen_.clear();
    pending_.start(index_.size());
    for (const Index event : conflict.full_set()) {
        if (!index_[event].is_power_event) continue;
        is_chosen_.set(event, true);
        pending_.insert(event);
    }
    reach_ancestors(conflict, rules);
    chosen_.clear();
    remaining_.clear();
    for (const Index event : conflict.full_set())
        (is_chosen_.find(event) ? chosen_ : remaining_).push_back(event);
}

// Down from the power events through all that they lead to. In v2.1 what lies between two events of
// the full conflicted set is in it, so that nothing else needs to be looked at.
void PowerOrder::reach_ancestors(const Conflict& conflict, const RoomRules& rules) {
    const bool is_closed =
        rules.state_resolution == StateResolution::V2_1 && index_.is_topological();
    Index oldest = 0;
    if (index_.is_topological() && !conflict.full_set().empty()) {
        oldest = std::ranges::min(conflict.full_set());
    }
    while (!pending_.empty()) {
        for (const Index parent : index_.parents(pending_.take_greatest())) {
            if (parent < oldest || is_chosen_.find(parent)) continue;
            if (is_closed && !conflict.is_in_full_set(parent)) continue;
            is_chosen_.set(parent, true);
            pending_.insert(parent);
        }
    }
}

// UNSPECIFIED: the edges are the auth events within the set; paths that leave it and come back do
// not order. Events on a cycle, which only ids of room versions 1 and 2 can claim, are left out.
void PowerOrder::link() {
    places_.clear();
    for (std::uint32_t place = 0; place < chosen_.size(); ++place)
        places_.set(chosen_[place], place);
    open_count_.assign(chosen_.size(), 0);
    newest_child_.assign(chosen_.size(), kNone);
    child_edges_.clear();
    for (std::uint32_t place = 0; place < chosen_.size(); ++place) {
        for (const Index parent : index_.parents(chosen_[place])) {
            const std::uint32_t* parent_place = places_.find(parent);
            if (!parent_place) continue;
            const auto edge = static_cast<std::uint32_t>(child_edges_.size());
            child_edges_.push_back({place, std::exchange(newest_child_[*parent_place], edge)});
            ++open_count_[place];
        }
    }
}

// More power, then less time, then the smaller id.
bool PowerOrder::is_earlier(const PowerKey& a, const PowerKey& b) const {
    if (a.level != b.level) {
        SIM_SOMETIMES("power events are ordered by their senders' levels");
        return a.level > b.level;
    }
    if (a.origin_server_ts != b.origin_server_ts) {
        SIM_SOMETIMES("power events are ordered by their times");
        return a.origin_server_ts < b.origin_server_ts;
    }
    SIM_SOMETIMES("power events are ordered by their ids");
    if (a.id_prefix != b.id_prefix) return a.id_prefix < b.id_prefix;
    return index_.id_of(chosen_[a.place]) < index_.id_of(chosen_[b.place]);
}

void PowerOrder::add_candidate(std::uint32_t place) {
    const Index event = chosen_[place];
    const std::int64_t level = index_.sender_level(event);
    candidates_.push_back({level, index_[event].origin_server_ts, index_[event].id_prefix, place});
    std::ranges::push_heap(candidates_,
                           [&](const PowerKey& a, const PowerKey& b) { return is_earlier(b, a); });
}

std::uint32_t PowerOrder::take_first_candidate() {
    std::ranges::pop_heap(candidates_,
                          [&](const PowerKey& a, const PowerKey& b) { return is_earlier(b, a); });
    const std::uint32_t place = candidates_.back().place;
    candidates_.pop_back();
    return place;
}

void MainlineOrder::sort(std::span<const Index> events, Index newest) {
    newest_ = next_ = newest;
    length_ = 0;
    positions_.clear();
    keys_.clear();
    // Without an order of events to rely on, all of the mainline is walked before anything else.
    if (!index_.is_topological()) extend_to(0);
    for (const Index event : events) {
        const AuthRow& row = index_[event];
        keys_.push_back({position(event), row.origin_server_ts, row.id_prefix, event});
    }
    std::ranges::sort(keys_, [&](const MainlineKey& a, const MainlineKey& b) {
        if (a.position != b.position) return a.position > b.position;
        return is_earlier_by_time(a, b);
    });
    was_decided_by_position_ = !std::ranges::is_sorted(
        keys_,
        [&](const MainlineKey& a, const MainlineKey& b) { return is_earlier_by_time(a, b); });
    sorted_.clear();
    for (const MainlineKey& key : keys_)
        sorted_.push_back(key.event);
}

bool MainlineOrder::is_earlier_by_time(const MainlineKey& a, const MainlineKey& b) const {
    if (a.origin_server_ts != b.origin_server_ts) return a.origin_server_ts < b.origin_server_ts;
    SIM_SOMETIMES("other events are ordered by their ids");
    if (a.id_prefix != b.id_prefix) return a.id_prefix < b.id_prefix;
    return index_.id_of(a.event) < index_.id_of(b.event);
}

// 0 for events that cite the newest power levels; `kNowhere` for those that lead to none.
std::uint32_t MainlineOrder::position(Index event) {
    walked_.clear();
    std::uint32_t found = kNowhere;
    for (Index next = index_[event].power_levels; next != kNone; next = index_[next].power_levels) {
        extend_to(next);
        if (const std::uint32_t* known = positions_.find(next)) {
            found = *known;
            break;
        }
        // What is being walked counts as nowhere, so that a claimed cycle ends the walk.
        positions_.set(next, kNowhere);
        walked_.push_back(next);
    }
    SIM_SOMETIMES(found == kNowhere, "an event leads to no power levels of the mainline");
    for (const Index levels : walked_)
        positions_.set(levels, found);
    return found;
}

// Walks the mainline as far as it can hold `oldest`: its power levels get older and older.
void MainlineOrder::extend_to(Index oldest) {
    while (next_ != kNone && next_ >= oldest) {
        if (positions_.find(next_)) {
            SIM_SOMETIMES("a mainline runs in a circle");
            next_ = kNone;  // A claimed cycle.
            break;
        }
        positions_.set(next_, length_++);
        SIM_SOMETIMES(length_ > 1, "the mainline holds several power levels");
        next_ = index_[next_].power_levels;
    }
}

std::vector<Index> MainlineOrder::list_mainline() {
    extend_to(0);
    std::vector<Index> mainline;
    for (Index next = newest_; next != kNone && mainline.size() < length_;
         next = index_[next].power_levels) {
        mainline.push_back(next);
    }
    return mainline;
}

}  // namespace matrix::resolution
