#include "refserver/engine/client/device_list_changes.h"

namespace matrix::engine {

DeviceListChanges::DeviceListChanges(Services services,
                                     UserId user,
                                     StreamPosition since,
                                     StreamPosition up_to)
    : services_(services), user_(std::move(user)), since_(since), up_to_(up_to) {
    for (UserId& other : services_.lists.list_changed(since_, up_to_)) {
        if (other == user_ || services_.rooms.shares_room(user_, other)) {
            changed_.insert(std::move(other));
        }
    }
    for (UserId& other : services_.keys.list_signed_by(user_, since_, up_to_))
        changed_.insert(std::move(other));
}

void DeviceListChanges::add_room(const MembershipChange& newest) {
    const auto before = services_.rooms.membership_at(newest.room, user_, since_);
    const bool was_in = before && before->membership == Membership::Join;
    const bool is_in = newest.membership == Membership::Join;
    if (!was_in && !is_in) return;
    const auto room = services_.rooms.find(newest.room);
    if (!room) return;
    if (was_in && is_in) {
        add_states(**room, (*room)->state_at(since_), (*room)->state_at(up_to_));
    } else if (is_in) {
        add_entered(**room);
    } else {
        for (const UserId& other : (*room)->list_members(Membership::Join))
            add_gone(other);
    }
}

namespace {

bool is_join(const Room& room, const std::optional<EventId>& id) {
    const auto stored = id ? room.find_event(*id) : nullptr;
    return stored && stored->event->membership() == Membership::Join;
}

}  // namespace

void DeviceListChanges::add_states(const Room& room, const State& known, const State& end) {
    if (known == end) return;
    for (const StateDifference& difference : diff(known, end)) {
        if (difference.key.type != "m.room.member") continue;
        const bool was_in = is_join(room, difference.before);
        const bool is_in = is_join(room, difference.after);
        const UserId other(difference.key.state_key);
        if (!was_in && is_in) add_come(other);
        if (was_in && !is_in) add_gone(other);
    }
}

void DeviceListChanges::add_entered(const Room& room) {
    for (const UserId& other : room.list_members(Membership::Join))
        add_come(other);
}

void DeviceListChanges::add_come(const UserId& other) {
    if (other != user_) changed_.insert(other);
}

void DeviceListChanges::add_gone(const UserId& other) {
    if (other != user_ && !services_.rooms.shares_room(user_, other)) left_.insert(other);
}

json::Object DeviceListChanges::finish() const {
    json::Array changed;
    for (const UserId& other : changed_) {
        if (!left_.contains(other)) changed.emplace_back(other.text());
    }
    json::Array left;
    for (const UserId& other : left_)
        left.emplace_back(other.text());
    return {{"changed", std::move(changed)}, {"left", std::move(left)}};
}

}  // namespace matrix::engine
