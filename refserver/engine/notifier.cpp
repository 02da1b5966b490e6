#include "refserver/engine/notifier.h"

#include <algorithm>

#include "refserver/base/assert.h"
#include "refserver/base/sometimes.h"
#include "refserver/runtime/fault_point.h"

namespace matrix::engine {

using storage::StreamPosition;

/// A sync that waits; lives in the frame of its coroutine.
struct Notifier::Parked {
    Parked(Notifier& notifier_, UserId user_, std::vector<RoomId> rooms_)
        : notifier(notifier_),
          id(notifier.next_parked_++),
          user(std::move(user_)),
          rooms(std::move(rooms_)) {
        notifier.parked_.emplace(id, this);
        notifier.parked_by_user_[user].insert(id);
        for (const RoomId& room : rooms)
            notifier.parked_by_room_[room].insert(id);
    }
    Parked(const Parked&) = delete;
    Parked& operator=(const Parked&) = delete;
    ~Parked() {
        notifier.parked_.erase(id);
        remove_from(notifier.parked_by_user_, user);
        for (const RoomId& room : rooms)
            remove_from(notifier.parked_by_room_, room);
    }

    /// Resumes the coroutine, which destroys this.
    void finish(bool is_changed) {
        if (auto resume = std::exchange(done, nullptr)) resume(is_changed);
    }

    Notifier& notifier;
    std::uint64_t id;
    UserId user;
    std::vector<RoomId> rooms;
    runtime::Completion<bool>::Done done;

private:
    template <class Key>
    void remove_from(std::map<Key, std::set<std::uint64_t>>& index, const Key& key) {
        const auto entry = index.find(key);
        if (entry == index.end()) return;  // A room that was named twice.
        entry->second.erase(id);
        if (entry->second.empty()) index.erase(entry);
    }
};

Notifier::Notifier(storage::Turns& turns, runtime::Clock& clock) : turns_(turns), clock_(clock) {
    turns_.on_durable([this] { wake(); });
}

void Notifier::room_changed(const RoomId& room, StreamPosition position) {
    if (position.value <= 0) return;  // Backfilled: no sync shows it.
    rooms_[room] = std::max(rooms_[room], position);
    fresh_rooms_.insert(room);
}

void Notifier::user_changed(const UserId& user, StreamPosition position) {
    if (position.value <= 0) return;
    users_[user] = std::max(users_[user], position);
    fresh_users_.insert(user);
}

namespace {

// Moves the ids of those who wait for a key whose change is durable from `fresh` to `woken`.
template <class Key>
void take_durable(std::set<Key>& fresh,
                  const std::map<Key, StreamPosition>& changes,
                  const std::map<Key, std::set<std::uint64_t>>& waiting,
                  StreamPosition durable,
                  std::set<std::uint64_t>& woken) {
    std::erase_if(fresh, [&](const Key& key) {
        if (changes.at(key) > durable) return false;
        const auto ids = waiting.find(key);
        if (ids != waiting.end()) woken.insert(ids->second.begin(), ids->second.end());
        return true;
    });
}

}  // namespace

void Notifier::wake() {
    std::set<std::uint64_t> woken;
    const StreamPosition durable = turns_.durable_position();
    take_durable(fresh_rooms_, rooms_, parked_by_room_, durable, woken);
    take_durable(fresh_users_, users_, parked_by_user_, durable, woken);
    for (const std::uint64_t id : woken) {
        // One that was woken before may have ended another.
        const auto parked = parked_.find(id);
        if (parked != parked_.end()) parked->second->finish(true);
    }
}

bool Notifier::has_changed(const UserId& user,
                           const std::vector<RoomId>& rooms,
                           StreamPosition since) const {
    const StreamPosition durable = turns_.durable_position();
    const auto is_news = [&](const auto& changes, const auto& key) {
        const auto change = changes.find(key);
        return change != changes.end() && change->second > since && change->second <= durable;
    };
    return is_news(users_, user) ||
           std::ranges::any_of(rooms, [&](const RoomId& room) { return is_news(rooms_, room); });
}

runtime::Task<bool> Notifier::wait(UserId user,
                                   std::vector<RoomId> rooms,
                                   StreamPosition since,
                                   runtime::Duration timeout) {
    if (has_changed(user, rooms, since)) {
        SIM_SOMETIMES("news comes while a sync looks for it");
        co_return true;
    }
    if (SIM_FAULT_POINT("a sync wakes for nothing")) timeout = runtime::milliseconds(1);
    Parked parked(*this, std::move(user), std::move(rooms));
    co_return co_await runtime::Completion<bool>([&](runtime::Completion<bool>::Done done) {
        parked.done = std::move(done);
        return clock_.call_after(timeout, [&parked] { parked.finish(false); });
    });
}

std::size_t Notifier::parked() const {
    return parked_.size();
}

}  // namespace matrix::engine
