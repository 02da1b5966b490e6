#include "simulator/clients/sync_view.h"

#include <algorithm>

namespace matrix::simulator {
namespace {

/// Members of an object under a path of two keys; none if there is no such object.
template <class Visit>
void for_each_room(const json::Value& answer, std::string_view section, Visit&& visit) {
    const json::Object* rooms = answer.find_object("rooms");
    const json::Value* found = rooms == nullptr ? nullptr : rooms->find(section);
    if (found == nullptr || found->if_object() == nullptr) return;
    for (const json::Member& room : *found->if_object())
        visit(room.key, room.value);
}

/// The `events` of a part of an answer; none if it lacks the part.
const json::Array& events_of(const json::Value& told, std::string_view part) {
    static const json::Array kNone;
    const json::Value* found = told.find(part);
    const json::Array* events = found == nullptr ? nullptr : found->find_array("events");
    return events == nullptr ? kNone : *events;
}

void fold_account_data(std::map<std::string, json::Value>& data, const json::Array& events) {
    for (const json::Value& event : events) {
        const std::string* type = event.find_string("type");
        const json::Value* content = event.find("content");
        if (type != nullptr && content != nullptr) data[*type] = *content;
    }
}

void merge(json::Object& into, const json::Value* told) {
    if (told == nullptr || told->if_object() == nullptr) return;
    for (const json::Member& member : *told->if_object())
        into.set(member.key, member.value);
}

}  // namespace

std::vector<std::string> SyncView::fold(const json::Value& answer) {
    faults_.clear();
    const std::string* next = answer.find_string("next_batch");
    if (next == nullptr) return {"an answer without next_batch"};
    // The same one again is right: nothing has happened.
    if (next_differs(*next) && !tokens_.insert(*next).second)
        faults_.push_back("next_batch is an earlier one, " + *next);
    since_ = *next;

    for_each_room(answer, "join", [&](const std::string& room, const json::Value& told) {
        invited_.erase(room);
        knocking_.erase(room);
        fold_joined(room, told);
    });
    for_each_room(answer, "leave", [&](const std::string& room, const json::Value&) {
        joined_.erase(room);
        invited_.erase(room);
        knocking_.erase(room);
    });
    const auto fold_pending = [&](std::set<std::string>& to, std::set<std::string>& from) {
        return [&](const std::string& room, const json::Value&) {
            joined_.erase(room);
            from.erase(room);
            to.insert(room);
        };
    };
    for_each_room(answer, "invite", fold_pending(invited_, knocking_));
    for_each_room(answer, "knock", fold_pending(knocking_, invited_));
    fold_account_data(account_data_, events_of(answer, "account_data"));
    return std::move(faults_);
}

bool SyncView::next_differs(const std::string& next) const {
    return !since_ || *since_ != next;
}

void SyncView::set_state(RoomView& view, const json::Value& event) {
    const std::string* type = event.find_string("type");
    const std::string* key = event.find_string("state_key");
    const std::string* id = event.find_string("event_id");
    if (type == nullptr || key == nullptr || id == nullptr) return;
    view.state[{*type, *key}] = *id;
    view.overruled.erase({*type, *key});
}

void SyncView::fold_joined(const std::string& room, const json::Value& told) {
    RoomView& view = joined_[room];
    for (const json::Value& event : events_of(told, "state"))
        set_state(view, event);
    const auto before_timeline = view.state;
    fold_timeline(view, room, told);
    for (const auto& [key, id] : view.state) {
        const auto before = before_timeline.find(key);
        if (before == before_timeline.end() || before->second == id) continue;
        view.overruled[key] = before->second;
    }
    // The state at the end of the timeline, where the client asked for that.
    for (const json::Value& event : events_of(told, "state_after"))
        set_state(view, event);
    fold_account_data(view.account_data, events_of(told, "account_data"));
    fold_ephemeral(view, told);
    merge(view.counts, told.find("unread_notifications"));
    // Who the heroes are depends on the order in which a server met them: the counts do not.
    merge(view.summary, told.find("summary"));
    view.summary.erase("m.heroes");
}

void SyncView::fold_timeline(RoomView& view, const std::string& room, const json::Value& told) {
    const json::Value* timeline = told.find("timeline");
    const json::Value* limited = timeline == nullptr ? nullptr : timeline->find("limited");
    if (limited != nullptr && limited->if_boolean() != nullptr && *limited->if_boolean())
        view.timeline.clear();
    const bool tells_state_after = told.find("state_after") != nullptr;
    for (const json::Value& event : events_of(told, "timeline")) {
        const std::string* id = event.find_string("event_id");
        if (id == nullptr) {
            faults_.push_back(room + ": an event without an id");
            continue;
        }
        if (!view.seen.insert(*id).second) faults_.push_back(room + ": " + *id + " comes twice");
        view.timeline.push_back(*id);
        if (!tells_state_after) set_state(view, event);
    }
}

void SyncView::fold_ephemeral(RoomView& view, const json::Value& told) {
    for (const json::Value& event : events_of(told, "ephemeral")) {
        const std::string* type = event.find_string("type");
        const json::Object* content = event.find_object("content");
        if (type == nullptr || *type != "m.receipt" || content == nullptr) continue;
        for (const json::Member& read : *content) {
            if (read.value.if_object() == nullptr) continue;
            for (const json::Member& kind : *read.value.if_object()) {
                if (kind.value.if_object() == nullptr) continue;
                for (const json::Member& user : *kind.value.if_object()) {
                    const std::string* thread = user.value.find_string("thread_id");
                    view.receipts[user.key + " " + kind.key + " " +
                                  (thread == nullptr ? "" : *thread)] = read.key;
                }
            }
        }
    }
}

std::vector<std::string> SyncView::differences(const SyncView& fresh,
                                               std::uint64_t& compared) const {
    std::vector<std::string> found;
    for (const auto& [room, view] : joined_) {
        const auto other = fresh.joined_.find(room);
        if (other == fresh.joined_.end()) {
            found.push_back(room + " is joined for who followed alone");
            continue;
        }
        compare_room(room, view, other->second, found);
        compared += view.state.size() + view.timeline.size();
    }
    for (const auto& [room, view] : fresh.joined_) {
        if (!joined_.contains(room)) found.push_back(room + " is not joined for who followed");
    }
    if (invited_ != fresh.invited_) found.push_back("invitations differ");
    if (knocking_ != fresh.knocking_) found.push_back("knocks differ");
    if (account_data_ != fresh.account_data_) found.push_back("account data differ");
    return found;
}

void SyncView::compare_room(const std::string& room,
                            const RoomView& folded,
                            const RoomView& fresh,
                            std::vector<std::string>& found) {
    // A resolution may take an entry away, and no answer of /sync can say so: what only the
    // follower has is no fault. Nor is, without `state_after`, what a resolution made of an event
    // of the timeline: the state section comes before it, and is overruled.
    for (const auto& [key, id] : fresh.state) {
        const auto own = folded.state.find(key);
        if (own != folded.state.end() && own->second == id) continue;
        const auto overruled = folded.overruled.find(key);
        if (overruled != folded.overruled.end() && overruled->second == id) continue;
        found.push_back(room + ": (" + key.first + ", " + key.second + ") is " + id +
                        ", and who followed has " +
                        (own == folded.state.end() ? "none" : own->second));
    }
    compare_timelines(room, folded, fresh, found);
    if (folded.account_data != fresh.account_data) found.push_back(room + ": account data differ");
    if (folded.receipts != fresh.receipts) found.push_back(room + ": receipts differ");
    if (folded.counts != fresh.counts)
        found.push_back(room + ": unread counts are " + json::write(fresh.counts) +
                        ", and who followed has " + json::write(folded.counts));
    if (folded.summary != fresh.summary)
        found.push_back(room + ": the summary is " + json::write(fresh.summary) +
                        ", and who followed has " + json::write(folded.summary));
}

// Since the last gap that was marked, the follower has everything, in the same order.
void SyncView::compare_timelines(const std::string& room,
                                 const RoomView& folded,
                                 const RoomView& fresh,
                                 std::vector<std::string>& found) {
    const auto count =
        static_cast<std::ptrdiff_t>(std::min(folded.timeline.size(), fresh.timeline.size()));
    const auto own = std::mismatch(
        folded.timeline.rbegin(), folded.timeline.rbegin() + count, fresh.timeline.rbegin());
    if (own.first == folded.timeline.rbegin() + count) return;
    found.push_back(room + ": the timeline has " + *own.second + " where who followed has " +
                    *own.first);
}

}  // namespace matrix::simulator
