// Typing: who is typing in which room, of our users and of others; in memory alone.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#typing-notifications
#pragma once

#include <map>
#include <vector>

#include "refserver/engine/rooms/rooms.h"
#include "refserver/runtime/clock.h"
#include "refserver/runtime/pending.h"

namespace matrix::engine {

/// UNSPECIFIED: how long a user of another server types when nothing more is heard, because servers
/// in use say it again every 40 seconds.
inline constexpr runtime::Duration kRemoteTypingTimeout = runtime::seconds(60);
/// UNSPECIFIED: how long a user of ours types at most, whatever his client asks for.
inline constexpr runtime::Duration kTypingTimeoutMax = runtime::seconds(10 * 60);

class Typing {
public:
    struct Services {
        ServerName server_name;
        Rooms& rooms;
        storage::Turns& turns;
        runtime::Clock& clock;
        Notifier& notifier;
        Outbox& outbox;
    };
    explicit Typing(Services services) : services_(std::move(services)) {}
    Typing(const Typing&) = delete;
    Typing& operator=(const Typing&) = delete;

    /// The user is a member of the room. Other servers learn of a user of ours.
    void start(const Room& room, const UserId& user, runtime::Duration timeout);
    void stop(const Room& room, const UserId& user);

    struct List {
        std::vector<UserId> users;
        StreamPosition position;  ///< Of its last change; 0: there was none.
    };
    List list(const RoomId& room) const;

private:
    struct Typist {
        runtime::Timestamp until;  // Monotonic, as the next.
        runtime::Timestamp told_at;
        runtime::Pending timer;
    };
    struct Typists {
        std::map<UserId, Typist> users;
        StreamPosition position;
    };

    void note_change(const Room& room, Typists& typists);
    void tell_others(const Room& room, const UserId& user, bool is_typing);
    void set_timer(const RoomId& room, const UserId& user, Typist& typist);
    void look_after(const RoomId& room, const UserId& user);

    Services services_;
    std::map<RoomId, Typists> rooms_;
};

}  // namespace matrix::engine
