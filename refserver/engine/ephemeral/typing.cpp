#include "refserver/engine/ephemeral/typing.h"

#include <algorithm>

#include "refserver/base/sometimes.h"
#include "refserver/engine/notifier.h"
#include "refserver/engine/peers/outbox.h"

namespace matrix::engine {
namespace {

/// So often other servers are told again of somebody who goes on typing.
constexpr runtime::Duration kTypingRepeated = runtime::seconds(30);
constexpr std::size_t kTypistsMax = 1000;  ///< In one room; more are not shown.

}  // namespace

void Typing::start(const Room& room, const UserId& user, runtime::Duration timeout) {
    const runtime::Timestamp now = services_.clock.monotonic_now();
    Typists& typists = rooms_[room.id()];
    const auto known = typists.users.find(user);
    if (known != typists.users.end()) {
        known->second.until = now + timeout;
        set_timer(room.id(), user, known->second);
        return;
    }
    if (typists.users.size() >= kTypistsMax) return;
    Typist& typist = typists.users[user];
    typist.until = now + timeout;
    typist.told_at = now;
    set_timer(room.id(), user, typist);
    note_change(room, typists);
    tell_others(room, user, true);
}

void Typing::stop(const Room& room, const UserId& user) {
    const auto typists = rooms_.find(room.id());
    if (typists == rooms_.end() || typists->second.users.erase(user) == 0) return;
    note_change(room, typists->second);
    tell_others(room, user, false);
}

Typing::List Typing::list(const RoomId& room) const {
    const auto typists = rooms_.find(room);
    if (typists == rooms_.end()) return {};
    List list{.users = {}, .position = typists->second.position};
    for (const auto& [user, typist] : typists->second.users)
        list.users.push_back(user);
    return list;
}

void Typing::note_change(const Room& room, Typists& typists) {
    typists.position = services_.turns.next_position();
    services_.notifier.room_changed(room.id(), typists.position);
}

void Typing::tell_others(const Room& room, const UserId& user, bool is_typing) {
    if (user.server() != services_.server_name) return;
    const json::Object content{
        {"room_id", room.id().text()}, {"user_id", user.text()}, {"typing", is_typing}};
    services_.outbox.send_edu({.type = "m.typing",
                               .content = content,
                               .keeping = EduKeeping::WhileReachable,
                               .replaces_key = room.id().text() + ' ' + user.text()},
                              room.servers());
}

void Typing::set_timer(const RoomId& room, const UserId& user, Typist& typist) {
    const runtime::Timestamp now = services_.clock.monotonic_now();
    runtime::Timestamp next = typist.until;
    if (user.server() == services_.server_name) {
        next = std::min(next, typist.told_at + kTypingRepeated);
    }
    const runtime::Duration delay = std::max(next - now, runtime::Duration{0});
    typist.timer = services_.clock.call_after(delay, [this, room, user] {
        // The timer, and these captures with it, may be gone before the end.
        look_after(RoomId(room), UserId(user));
    });
}

void Typing::look_after(const RoomId& room_id, const UserId& user) {
    Typists& typists = rooms_[room_id];
    const auto entry = typists.users.find(user);
    if (entry == typists.users.end()) return;
    Typist& typist = entry->second;
    const runtime::Timestamp now = services_.clock.monotonic_now();
    const Result<RoomPtr> room = services_.rooms.find(room_id);
    if (!room) {
        typists.users.erase(entry);
        return;
    }
    if (now >= typist.until || (*room)->membership(user) != Membership::Join) {
        SIM_SOMETIMES("somebody stops typing without a word");
        stop(**room, user);
        return;
    }
    if (now - typist.told_at >= kTypingRepeated) {
        SIM_SOMETIMES("somebody goes on typing for long");
        typist.told_at = now;
        tell_others(**room, user, true);
    }
    set_timer(room_id, user, typist);
}

}  // namespace matrix::engine
