#include "refserver/engine/client/sync_answer.h"

#include <limits>
#include <utility>

#include "refserver/base/assert.h"
#include "refserver/engine/client/room_access.h"
#include "refserver/engine/devices/devices.h"

namespace matrix::engine {

SyncAnswer::SyncAnswer(Services services,
                       const Requester& requester,
                       const SyncWish& wish,
                       WaitingMessages messages)
    : services_(services),
      requester_(requester),
      wish_(wish),
      up_to_(messages.up_to),
      messages_(std::move(messages.texts)) {
    if (wish_.since) {
        const DeviceListChanges::Services lists{
            services_.rooms, services_.devices.keys, services_.devices.lists};
        device_lists_.emplace(lists, requester_.user, *wish_.since, up_to_);
    }
    const StreamPosition ever{std::numeric_limits<std::int64_t>::min()};
    for (const MembershipChange& change :
         services_.rooms.membership_changes(requester_.user, ever, up_to_)) {
        add(change);
    }
    add_presence();
}

void SyncAnswer::add_presence() {
    constexpr std::string_view kType = "m.presence";
    const EventFilter& filter = wish_.filter.presence;
    if (!filter.admits_type(kType)) return;
    const auto since = wish_.is_full_state ? std::nullopt : wish_.since;
    for (const PresenceRow& row :
         services_.presence.list_news(requester_.user, since, up_to_, new_rooms_)) {
        if (!filter.admits_sender(row.user)) continue;
        if (filter.limit && std::cmp_less_equal(*filter.limit, presence_.size())) return;
        presence_.push_back(json::write(json::Object{
            {"type", kType},
            {"sender", row.user.text()},
            {"content", services_.presence.content_of(row)},
        }));
    }
}

bool SyncAnswer::is_news(const MembershipChange& change) const {
    return !wish_.since || change.position > *wish_.since;
}

RoomSyncWish SyncAnswer::room_wish(StreamPosition up_to) const {
    return {.since = wish_.since,
            .up_to = up_to,
            .filter = &wish_.filter,
            .is_full_state = wish_.is_full_state,
            .uses_state_after = wish_.uses_state_after};
}

void SyncAnswer::add(const MembershipChange& change) {
    if (change.membership == Membership::Join) joined_rooms_.push_back(change.room);
    const bool is_shown = !change.is_forgotten && wish_.filter.admits_room(change.room);
    // Of joined rooms that are shown, `add_joined` knows the states.
    const bool is_joined_and_shown = is_shown && change.membership == Membership::Join;
    if (device_lists_ && !is_joined_and_shown) device_lists_->add_room(change);
    if (!is_shown) return;
    const auto room = services_.rooms.find(change.room);
    switch (change.membership) {
        case Membership::Join:
            if (room) add_joined(*room, change);
            return;
        case Membership::Invite:
        case Membership::Knock:
            if (is_news(change) || wish_.is_full_state) add_pending(change);
            return;
        case Membership::Leave:
        case Membership::Ban: {
            // Who left between two syncs is told so once; later only who asks for it.
            const bool is_told =
                wish_.since && !wish_.is_full_state ? is_news(change) : wish_.filter.includes_leave;
            const bool is_just_told = is_told || (wish_.since && is_news(change));
            if (!is_just_told) return;
            if (room) {
                add_left(*room, change);
            } else {
                add_outlier_left(change);
            }
            return;
        }
    }
    unreachable();
}

// Typing is never limited, for it is one event; receipts have a limit of their own.
std::vector<std::string> SyncAnswer::list_ephemeral(const RoomId& room,
                                                    std::optional<StreamPosition> since) const {
    std::vector<std::string> events;
    const EventFilter& filter = wish_.filter.ephemeral;
    if (!filter.admits_room(room)) return events;
    const StreamPosition after = since.value_or(StreamPosition{});
    if (filter.admits_type("m.receipt")) {
        for (const json::Object& event :
             services_.receipts.list_events(room, requester_.user, after, up_to_)) {
            events.push_back(json::write(event));
        }
    }
    const Typing::List typing = services_.typing.list(room);
    const bool is_news = typing.position > after && typing.position <= up_to_;
    if (is_news && (since || !typing.users.empty()) && filter.admits_type("m.typing")) {
        json::Array users;
        for (const UserId& user : typing.users)
            users.push_back(user.text());
        json::Object content{{"user_ids", std::move(users)}};
        events.push_back(
            json::write(json::Object{{"type", "m.typing"}, {"content", std::move(content)}}));
    }
    return events;
}

std::vector<std::string> SyncAnswer::list_account_data(const RoomId& room,
                                                       std::optional<StreamPosition> since) const {
    std::vector<std::string> events;
    const EventFilter& filter = wish_.filter.account_data;
    if (!filter.admits_room(room)) return events;
    for (const auto& entry : services_.account_data.list(
             requester_.user, room, since.value_or(StreamPosition{}), up_to_)) {
        if (!filter.admits_type(entry.type)) continue;
        ObjectWriter event;
        event.add("type", entry.type).add_written("content", entry.content);
        events.push_back(event.finish());
    }
    return events;
}

namespace {

std::string write_events_object(const std::vector<std::string>& events) {
    return ObjectWriter().add_written("events", write_array(events)).finish();
}

}  // namespace

void SyncAnswer::add_joined(const RoomPtr& room, const MembershipChange& change) {
    RoomSyncWish wish = room_wish(up_to_);
    if (wish_.since) {
        const auto before =
            services_.rooms.membership_at(change.room, requester_.user, *wish_.since);
        wish.is_newly_joined = !before || before->membership != Membership::Join;
        if (wish.is_newly_joined) {
            wish.since.reset();
            new_rooms_.push_back(change.room);
        }
    }
    const std::vector<std::string> ephemeral = list_ephemeral(change.room, wish.since);
    const std::vector<std::string> account_data = list_account_data(change.room, wish.since);
    const ClientEventWriter writer(*room, requester_, services_.transactions, services_.now);
    const RoomSync sync(room, requester_, writer, wish);
    if (device_lists_ && wish.is_newly_joined) device_lists_->add_entered(*room);
    if (device_lists_ && !wish.is_newly_joined) {
        device_lists_->add_states(*room, sync.known(), sync.end());
    }
    if (sync.is_empty() && ephemeral.empty() && account_data.empty()) return;

    ObjectWriter object;
    sync.write_to(object);
    if (const auto summary = sync.make_summary()) object.add("summary", *summary);
    object.add_written("account_data", write_events_object(account_data));
    object.add_written("ephemeral", write_events_object(ephemeral));
    object.add("unread_notifications",
               json::Object{{"highlight_count", 0}, {"notification_count", 0}});
    join_.add_written(change.room.view(), object.finish());
}

void SyncAnswer::add_left(const RoomPtr& room, const MembershipChange& change) {
    RoomSyncWish wish = room_wish(change.position);
    if (wish_.since) {
        const auto before =
            services_.rooms.membership_at(change.room, requester_.user, *wish_.since);
        if (!before || before->membership != Membership::Join) wish.since.reset();
        // Of full state in a room that was left before: nothing but the state.
        if (wish.since && *wish.since > change.position) wish.since = change.position;
    }
    const auto left = room->find_event(change.event);
    ObjectWriter object;
    if (left && room->may_see(requester_.user, *left)) {
        const ClientEventWriter writer(*room, requester_, services_.transactions, services_.now);
        RoomSync(room, requester_, writer, wish).write_to(object);
        object.add("account_data", json::Object{{"events", json::Array{}}});
        leave_.add_written(change.room.view(), object.finish());
    } else {
        add_outlier_left(change);
    }
}

// An invite that is gone: its room shows nothing else to those who never were in it.
void SyncAnswer::add_outlier_left(const MembershipChange& change) {
    json::Array events;
    const auto outlier = services_.rooms.find_outlier_membership(change.room, requester_.user);
    if (outlier && outlier->event && outlier->event->id == change.event) {
        json::Object event = client_form(*outlier->event);
        event.erase("room_id");
        events.push_back(std::move(event));
    }
    const std::string_view state = wish_.uses_state_after ? "state_after" : "state";
    json::Object timeline{{"events", std::move(events)}, {"limited", false}};
    json::Object room{{"timeline", std::move(timeline)},
                      {"account_data", json::Object{{"events", json::Array{}}}}};
    room.set(state, json::Object{{"events", json::Array{}}});
    leave_.add(change.room.view(), std::move(room));
}

namespace {

bool has_member_of(const json::Array& events, const json::Object& wanted) {
    for (const json::Value& event : events) {
        if (*event.find("type") == *wanted.find("type") &&
            *event.find("state_key") == *wanted.find("state_key")) {
            return true;
        }
    }
    return false;
}

// From the server that invited: what it says, and nothing that is no stripped event.
json::Array clean_stripped_state(const json::Array& given) {
    json::Array events;
    for (const json::Value& value : given) {
        const json::Object* object = value.if_object();
        auto stripped = object ? stripped_form(*object) : std::nullopt;
        if (stripped) events.push_back(*std::move(stripped));
    }
    return events;
}

json::Array known_stripped_state(const Room& room, const Event& event) {
    const auto state = room.state_before(event.id);
    if (!state) return {};
    json::Array events = stripped_state(room, *state);
    const EventId* sender = state->find("m.room.member", event.sender.view());
    const auto stored = sender ? room.find_event(*sender) : nullptr;
    if (stored && event.state_key != event.sender.view()) {
        events.push_back(stripped_form(*stored->event));
    }
    return events;
}

}  // namespace

void SyncAnswer::add_pending(const MembershipChange& change) {
    json::Array events;
    EventPtr event;
    const auto outlier = services_.rooms.find_outlier_membership(change.room, requester_.user);
    const auto room = services_.rooms.find(change.room);
    const auto stored = room ? (*room)->find_event(change.event) : nullptr;
    if (stored) {
        event = stored->event;
        events = known_stripped_state(**room, *event);
    } else if (outlier) {
        event = outlier->event;
        events = clean_stripped_state(outlier->stripped_state);
    }
    if (event) {
        json::Object own = stripped_form(*event);
        if (!has_member_of(events, own)) events.push_back(std::move(own));
    }
    const bool is_invite = change.membership == Membership::Invite;
    json::Object object;
    object.set(is_invite ? "invite_state" : "knock_state",
               json::Object{{"events", std::move(events)}});
    (is_invite ? invite_ : knock_).add(change.room.view(), std::move(object));
}

bool SyncAnswer::is_empty() const {
    return presence_.empty() && join_.empty() && invite_.empty() && knock_.empty() &&
           leave_.empty() && messages_.empty() && (!device_lists_ || device_lists_->is_empty());
}

std::string SyncAnswer::write() const {
    ObjectWriter rooms;
    rooms.add_written("join", join_.finish())
        .add_written("invite", invite_.finish())
        .add_written("knock", knock_.finish())
        .add_written("leave", leave_.finish());
    const json::Object no_events{{"events", json::Array{}}};
    ObjectWriter answer;
    answer.add("next_batch", write_sync_token(up_to_))
        .add_written("rooms", rooms.finish())
        .add("account_data", no_events)
        .add_written("presence", write_events_object(presence_))
        .add_written("to_device", write_events_object(messages_));
    if (device_lists_) answer.add("device_lists", device_lists_->finish());
    json::Object counts;
    for (const auto& [algorithm, count] :
         services_.one_time_keys.count(requester_.user, requester_.device)) {
        counts.set(algorithm, count);
    }
    json::Array unused;
    for (std::string& algorithm :
         services_.one_time_keys.unused_fallbacks(requester_.user, requester_.device)) {
        unused.emplace_back(std::move(algorithm));
    }
    answer.add("device_one_time_keys_count", std::move(counts))
        .add("device_unused_fallback_key_types", std::move(unused));
    return answer.finish();
}

}  // namespace matrix::engine
