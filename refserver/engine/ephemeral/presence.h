// Presence: which users are there, from what their devices and their servers say.
//
// A device is there while it syncs, and for a while after; a user is in the best state of his
// devices, idle after some minutes without activity. Those who share a room with him learn of each
// change, and so do their servers.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#presence
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "refserver/engine/rooms/rooms.h"
#include "refserver/runtime/clock.h"
#include "refserver/runtime/pending.h"
#include "refserver/storage/presence.h"

namespace matrix::engine {

using storage::PresenceRow;
using storage::PresenceState;

// UNSPECIFIED: all but the third, for which the specification gives an example.
/// A device that does not sync is there for so long.
inline constexpr runtime::Duration kSyncGrace = runtime::seconds(30);
/// After activity a user is "currently active".
inline constexpr runtime::Duration kCurrentlyActive = runtime::seconds(60);
/// After that without activity he is "unavailable".
inline constexpr runtime::Duration kIdleAfter = runtime::seconds(5 * 60);
/// Other servers are told again of users who are not offline ...
inline constexpr runtime::Duration kPresenceRepeated = runtime::seconds(20 * 60);
/// ... and a user of whom nothing is heard for so long is offline.
inline constexpr runtime::Duration kRemotePresenceTimeout = runtime::seconds(45 * 60);

std::string_view name_of(PresenceState state);
std::optional<PresenceState> parse_presence_state(std::string_view name);

class Presence {
public:
    struct Services {
        ServerName server_name;
        Rooms& rooms;
        storage::Turns& turns;
        runtime::Clock& clock;
        Notifier& notifier;
        Outbox& outbox;
    };
    explicit Presence(Services services);
    Presence(const Presence&) = delete;
    Presence& operator=(const Presence&) = delete;
    ~Presence();

    /// Takes up what an earlier process left.
    void resume();

    // What users of ours do.

    /// What a client says of itself, and the user's status message.
    void set(const UserId& user,
             const DeviceId& device,
             PresenceState state,
             std::optional<std::string> status_message);
    /// A sync begins that says `state`, or nothing; each is followed by `sync_ended`. Gives whether
    /// something has changed by it.
    bool sync_began(const UserId& user, const DeviceId& device, std::optional<PresenceState> state);
    void sync_ended(const UserId& user, const DeviceId& device);
    /// The user did something, as sending a message. Costs nothing while he is active.
    void note_activity(const UserId& user);

    /// What the user's server says; only of one who shares a room with us.
    void receive(PresenceRow row);

    /// Would anybody here see the state of this user of another server?
    bool is_of_interest(const UserId& user) const { return store_.is_in_some_room(user); }

    PresenceRow find(const UserId& user) const;
    bool may_see(const UserId& reader, const UserId& user) const;
    /// Of the reader and those who share a room with him, in (after, up_to]; nothing as `after`:
    /// all who are not offline. Of rooms that are `new_rooms` to him likewise.
    std::vector<PresenceRow> list_news(const UserId& reader,
                                       std::optional<StreamPosition> after,
                                       StreamPosition up_to,
                                       const std::vector<RoomId>& new_rooms) const;
    /// The content of m.presence, with times as they are now.
    json::Object content_of(const PresenceRow& row) const;

private:
    struct Device {
        PresenceState said = PresenceState::Offline;
        int syncs = 0;
        runtime::Timestamp last_seen;  // Monotonic, as all of these.
    };
    struct OwnUser {
        std::map<DeviceId, Device> devices;
        runtime::Timestamp last_active;
        runtime::Timestamp told_at;
        PresenceRow row;  ///< As it is stored.
        runtime::Pending timer;
    };

    OwnUser& find_or_add(const UserId& user);
    PresenceState state_of(OwnUser& user) const;
    bool update(const UserId& user);
    void set_timer(const UserId& id, OwnUser& user);
    void publish(const PresenceRow& row);
    void tell_servers(const PresenceRow& row, const std::vector<ServerName>& servers);
    std::vector<ServerName> list_servers_of(const UserId& user) const;
    void note_join(const RoomId& room, const UserId& user);
    void tell_joined();
    void sweep();

    Services services_;
    storage::PresenceStore store_;
    std::map<UserId, OwnUser> own_;                  ///< Only those who are not offline.
    std::vector<std::pair<RoomId, UserId>> joined_;  ///< And nobody was told yet.
    runtime::Pending joined_timer_;
    bool is_sweeping_ = false;
    runtime::Pending sweep_timer_;
};

}  // namespace matrix::engine
