#include "refserver/engine/client/sync_room.h"

#include <algorithm>
#include <limits>

#include "refserver/base/sometimes.h"
#include "refserver/engine/client/room_access.h"
#include "refserver/runtime/fault_point.h"

namespace matrix::engine {
namespace {

constexpr std::int64_t kTimelineDefault = 10;
constexpr std::int64_t kTimelineMax = 100;
/// How many events are looked at for one timeline, when a filter or the visibility hides most.
constexpr std::size_t kTimelineScannedMax = 1000;

constexpr std::string_view kMember = "m.room.member";

}  // namespace

RoomSync::RoomSync(RoomPtr room,
                   const Requester& requester,
                   const ClientEventWriter& writer,
                   RoomSyncWish wish)
    : room_(std::move(room)),
      requester_(requester),
      writer_(writer),
      wish_(wish),
      known_(wish_.since ? room_->state_at(*wish_.since) : State()),
      end_(room_->state_at(wish_.up_to)) {
    find_timeline();
    for (const StateDifference& change : diff(known_, end_))
        has_member_changes_ = has_member_changes_ || change.key.type == kMember;
    const bool is_all_news = !wish_.since || wish_.is_full_state;
    if (is_all_news || has_member_changes_) summary_ = summarize(*room_, end_, requester_.user);
    // Most rooms have nothing to tell in most syncs.
    if (is_all_news || !timeline_.empty() || !(known_ == end_)) find_state();
}

void RoomSync::find_timeline() {
    const EventFilter& filter = wish_.filter->timeline;
    const std::int64_t most = SIM_FAULT_POINT("a timeline shows one event") ? 1 : kTimelineMax;
    const auto limit =
        static_cast<std::size_t>(std::min(filter.limit.value_or(kTimelineDefault), most));
    is_limited_ = wish_.is_newly_joined;
    if (!filter.admits_room(room_->id())) return;

    const StreamPosition after = wish_.since.value_or(StreamPosition{});
    StreamPosition up_to = wish_.up_to;
    for (std::size_t scanned = 0; scanned < kTimelineScannedMax;) {
        const Room::Recent recent = room_->recent(after, up_to, limit + 1);
        for (auto event = recent.events.rbegin(); event != recent.events.rend(); ++event) {
            if (!filter.admits(*event->event)) continue;
            if (!room_->may_see(requester_.user, *event)) continue;
            if (timeline_.size() == limit) {
                SIM_SOMETIMES("a timeline is limited");
                is_limited_ = true;
                std::ranges::reverse(timeline_);
                return;
            }
            timeline_.push_back(*event);
        }
        if (!recent.is_limited) {
            std::ranges::reverse(timeline_);
            return;
        }
        scanned += recent.events.size();
        up_to = {recent.events.front().position.value - 1};
    }
    is_limited_ = true;  // There is more than one look can take in.
    std::ranges::reverse(timeline_);
}

bool RoomSync::needs_member(const StateKey& key, bool is_changed) const {
    if (!wish_.filter->state.lazy_loads_members || key.type != kMember) return true;
    // What changed in a gap is always told: nothing else would.
    const bool is_all_news = !wish_.since || wish_.is_full_state;
    if (is_changed && !is_all_news) return true;
    if (is_all_news && key.state_key == requester_.user.view()) return true;
    const UserId member(key.state_key);
    return std::ranges::find(summary_.heroes, member) != summary_.heroes.end() ||
           std::ranges::any_of(timeline_, [&](const StoredEvent& stored) {
               return stored.event->sender == member;
           });
}

void RoomSync::find_state() {
    const State base = wish_.is_full_state ? State() : known_;
    const StreamPosition first =
        timeline_.empty() ? StreamPosition{wish_.up_to.value + 1} : timeline_.front().position;
    const State start = wish_.uses_state_after ? end_ : room_->state_at({first.value - 1});
    for (const StateDifference& change : diff(base, start)) {
        if (change.after && needs_member(change.key, true)) told_[change.key] = *change.after;
    }
    // Members whose messages are shown are told even if they did not change.
    for (const StoredEvent& stored : timeline_) {
        const StateKey key{std::string(kMember), stored.event->sender.text()};
        const EventId* member = start.find(key);
        if (member && wish_.filter->state.lazy_loads_members) told_[key] = *member;
    }
    if (wish_.uses_state_after) return;

    // A resolution, or an event that the filter hides, may have changed the state without an event
    // of the timeline that says so; then the state section says it.
    State folded = start;
    for (const StoredEvent& stored : timeline_) {
        const Event& event = *stored.event;
        if (event.is_state()) folded = folded.with({event.type, *event.state_key}, event.id);
    }
    SIM_SOMETIMES(!(folded == end_),
                  "a resolution changes a state between the events of a timeline");
    for (const StateDifference& change : diff(folded, end_)) {
        if (change.after && needs_member(change.key, true)) told_[change.key] = *change.after;
    }
}

bool RoomSync::is_empty() const {
    const bool has_news = !timeline_.empty() || !told_.empty() || is_limited_;
    return !has_news && wish_.since && !wish_.is_full_state;
}

std::string RoomSync::previous_batch() const {
    // Pages walk by depth, syncs by position: the place is behind both the event that is first here
    // and the newest one that is not, so that a page before it misses nothing.
    const StreamPosition before =
        timeline_.empty() ? wish_.up_to : StreamPosition{timeline_.front().position.value - 1};
    const Room::Recent older = room_->recent({std::numeric_limits<std::int64_t>::min()}, before, 1);
    TimelinePoint place = timeline_.empty() ? TimelinePoint{} : place_before(timeline_.front());
    if (!older.events.empty()) place = std::max(place, place_after(older.events.back()));
    return write_timeline_token(place);
}

std::string RoomSync::write_state() const {
    const EventFilter& filter = wish_.filter->state;
    std::vector<std::string> events;
    for (const auto& [key, id] : told_) {
        const auto stored = room_->find_event(id);
        if (stored && filter.admits(*stored->event) && filter.admits_room(room_->id())) {
            events.push_back(writer_.write(*stored, RoomIdMember::LeftOut));
        }
    }
    return ObjectWriter().add_written("events", write_array(events)).finish();
}

void RoomSync::write_to(ObjectWriter& room) const {
    std::vector<std::string> events;
    for (const StoredEvent& stored : timeline_)
        events.push_back(writer_.write(stored, RoomIdMember::LeftOut));
    ObjectWriter timeline;
    timeline.add_written("events", write_array(events))
        .add("limited", is_limited_)
        .add("prev_batch", previous_batch());
    room.add_written("timeline", timeline.finish());
    room.add_written(wish_.uses_state_after ? "state_after" : "state", write_state());
}

std::optional<json::Object> RoomSync::make_summary() const {
    if (wish_.since && !has_member_changes_ && !wish_.is_full_state) return std::nullopt;
    json::Object summary{{"m.joined_member_count", summary_.joined},
                         {"m.invited_member_count", summary_.invited}};
    if (!summary_.is_named) {
        json::Array heroes;
        for (const UserId& hero : summary_.heroes)
            heroes.push_back(hero.text());
        summary.set("m.heroes", std::move(heroes));
    }
    return summary;
}

}  // namespace matrix::engine
