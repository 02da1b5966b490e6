// The two orderings of state resolution v2 and v2.1.
//
// Spec: https://spec.matrix.org/v1.19/rooms/v12/#definitions

#include <algorithm>
#include <limits>

#include "conformance/oracle/auth_check.h"
#include "conformance/oracle/resolution.h"

namespace matrix::oracle {
namespace {

// "origin_server_ts is less, or the same and the event_id is less."
bool is_earlier(const ReadEvent& x, const ReadEvent& y, bool has_times, const Options& options) {
    if (!has_times || options.has(Deviation::IdBeforeTime)) return x.id() < y.id();
    if (x.event->origin_server_ts != y.event->origin_server_ts) {
        return x.event->origin_server_ts < y.event->origin_server_ts;
    }
    return x.id() < y.id();
}

// The power level of the sender, "when looking at their respective auth_events".
// UNSPECIFIED: without power levels there, as in a room that has none.
Level sender_level_of(const Room& room, const ReadEvent& event, const Options& options) {
    const std::string_view sender = event.event->sender.view();
    const ReadEvent* create = room.create_of(event);
    const ReadEvent* power_levels = room.auth_event(event, "m.room.power_levels", "");
    if (!power_levels && options.has(Quirk::NoLevelsIsZero)) return {};
    if (!power_levels && options.has(Quirk::CreatorFromContent) && create &&
        create->version(&RoomRules::has_creator_in_content) == 11) {
        return {.value = create->find_string("creator") == sender ? 100 : 0};
    }
    return level_of(sender, create, power_levels);
}

class PowerOrdering {
public:
    PowerOrdering(const Room& room,
                  const EventSet& events,
                  const ResolutionSteps& steps,
                  const Options& options)
        : room_(room), steps_(steps), options_(options), open_(events) {
        for (const ReadEvent* event : events)
            levels_[event] = sender_level_of(room, *event, options);
    }

    // "At each step select, among all the candidate vertices, the smallest." Events on a claimed
    // cycle never become candidates, nor does what depends on them.
    EventList sort() {
        EventList sorted;
        while (const ReadEvent* next = smallest_candidate()) {
            sorted.push_back(next);
            open_.erase(next);
        }
        return sorted;
    }

    // The quirk: at each step the largest of those that no open event depends on, put in front.
    EventList sort_from_newest() {
        EventList sorted;
        while (const ReadEvent* next = largest_sink()) {
            sorted.insert(sorted.begin(), next);
            open_.erase(next);
        }
        return sorted;
    }

private:
    bool is_less(const ReadEvent* x, const ReadEvent* y) const {
        const PowerTies ties = steps_.power_ties;
        const Level& x_level = levels_.at(x);
        const Level& y_level = levels_.at(y);
        const std::int64_t x_time = x->event->origin_server_ts;
        const std::int64_t y_time = y->event->origin_server_ts;
        if (ties == PowerTies::TimeLevelId && x_time != y_time) return x_time < y_time;
        const bool has_levels = ties != PowerTies::TimeId && ties != PowerTies::Id &&
                                !options_.has(Deviation::PowerIgnored);
        if (has_levels && x_level != y_level) return x_level > y_level;
        const bool has_times = ties == PowerTies::LevelTimeId || ties == PowerTies::TimeId;
        return is_earlier(*x, *y, has_times, options_);
    }

    // UNSPECIFIED: "the DAG formed by auth events" of a set has the auth events that are in the
    // set as its edges; paths through other events do not count.
    bool depends_on(const ReadEvent* event, const ReadEvent* other) const {
        if (steps_.power_edges == PowerEdges::Reachability ||
            options_.has_either(Quirk::ReachabilityEdges, Deviation::EdgesByReachability)) {
            return room_.auth_chain(*event).contains(other);
        }
        return std::ranges::find(room_.auth_events(*event), other) !=
               room_.auth_events(*event).end();
    }

    const ReadEvent* smallest_candidate() const {
        const ReadEvent* smallest = nullptr;
        for (const ReadEvent* event : open_) {
            const bool is_candidate = std::ranges::none_of(
                open_, [&](const ReadEvent* other) { return depends_on(event, other); });
            if (is_candidate && (!smallest || is_less(event, smallest))) smallest = event;
        }
        return smallest;
    }

    const ReadEvent* largest_sink() const {
        const ReadEvent* largest = nullptr;
        for (const ReadEvent* event : open_) {
            const bool is_sink = std::ranges::none_of(
                open_, [&](const ReadEvent* other) { return depends_on(other, event); });
            if (is_sink && (!largest || is_less(largest, event))) largest = event;
        }
        return largest;
    }

    const Room& room_;
    const ResolutionSteps& steps_;
    const Options& options_;
    EventSet open_;
    std::map<const ReadEvent*, Level, ById> levels_;
};

}  // namespace

EventList sort_by_power(const Room& room,
                        const EventSet& events,
                        const ResolutionSteps& steps,
                        const Options& options) {
    PowerOrdering ordering(room, events, steps, options);
    if (options.has_either(Quirk::NewestFirstKahn, Deviation::KahnFromNewest)) {
        return ordering.sort_from_newest();
    }
    return ordering.sort();
}

// "Repeatedly fetch P_{i+1}, the m.room.power_levels event in the auth_events of P_i."
EventList find_mainline(const Room& room, const ReadEvent* power_levels) {
    EventList mainline;
    EventSet seen;
    while (power_levels && seen.insert(power_levels).second) {
        mainline.push_back(power_levels);
        power_levels = room.auth_event(*power_levels, "m.room.power_levels", "");
    }
    return mainline;
}

namespace {

constexpr std::size_t kInfinity = std::numeric_limits<std::size_t>::max();

// "The smallest index j >= 1 for which e_j belongs to the mainline": e itself is not asked.
std::size_t mainline_position(const Room& room,
                              const ReadEvent& event,
                              const EventList& mainline,
                              const Options& options) {
    const ReadEvent* e = room.auth_event(event, "m.room.power_levels", "");
    EventSet seen;
    while (e && seen.insert(e).second) {
        const auto place = std::ranges::find(mainline, e);
        if (place != mainline.end()) return static_cast<std::size_t>(place - mainline.begin());
        e = room.auth_event(*e, "m.room.power_levels", "");
    }
    const bool is_oldest = options.has(Quirk::NoMainlineIsOldest) && !mainline.empty();
    return is_oldest ? mainline.size() - 1 : kInfinity;
}

// The quirk of those who look at the auth events one by one until they find power levels, and give
// the event up when one is unknown.
bool lacks_auth_event(const Room& room, const ReadEvent& event, const EventList& mainline) {
    EventSet seen;
    const ReadEvent* e = &event;
    while (e && seen.insert(e).second) {
        if (std::ranges::find(mainline, e) != mainline.end()) return false;
        const ReadEvent* next = nullptr;
        for (const EventId& id : e->event->auth_events) {
            const ReadEvent* cited = room.find(id);
            if (!cited) return true;
            if (!cited->has_key("m.room.power_levels", "")) continue;
            next = cited;
            break;
        }
        e = next;
    }
    return false;
}

}  // namespace

EventList sort_by_mainline(const Room& room,
                           const EventSet& events,
                           const EventList& mainline,
                           const ResolutionSteps& steps,
                           const Options& options) {
    const bool has_times = steps.mainline_ties == MainlineTies::TimeId;
    std::map<const ReadEvent*, std::size_t, ById> positions;
    EventList sorted;
    for (const ReadEvent* event : events) {
        if (options.has(Quirk::DropWhatLacksAuthEvents) &&
            lacks_auth_event(room, *event, mainline)) {
            continue;
        }
        positions[event] = mainline_position(room, *event, mainline, options);
        sorted.push_back(event);
    }
    std::ranges::sort(sorted, [&](const ReadEvent* x, const ReadEvent* y) {
        const std::size_t x_position = positions.at(x);
        const std::size_t y_position = positions.at(y);
        if (x_position != y_position && !options.has(Deviation::MainlineIgnored)) {
            return options.has(Deviation::MainlineReversed) ? x_position < y_position
                                                            : x_position > y_position;
        }
        return is_earlier(*x, *y, has_times, options);
    });
    return sorted;
}

}  // namespace matrix::oracle
