#include "refserver/engine/ephemeral/presence.h"

#include <algorithm>
#include <set>
#include <utility>

#include "refserver/base/assert.h"
#include "refserver/base/sometimes.h"
#include "refserver/engine/notifier.h"
#include "refserver/engine/peers/outbox.h"

namespace matrix::engine {
namespace {

/// UNSPECIFIED: the newest so many in one sync.
constexpr std::size_t kPresencePerSyncMax = 1000;
/// Joins that wait to be told to somebody; more are not.
constexpr std::size_t kJoinsMax = 1000;
constexpr runtime::Duration kSweepEach = runtime::seconds(5 * 60);
constexpr std::size_t kSweptMax = 100;  ///< At a time.

bool is_same(const PresenceRow& one, const PresenceRow& other) {
    return one.state == other.state && one.status_message == other.status_message &&
           one.is_currently_active == other.is_currently_active;
}

}  // namespace

std::string_view name_of(PresenceState state) {
    switch (state) {
        case PresenceState::Offline:
            return "offline";
        case PresenceState::Unavailable:
            return "unavailable";
        case PresenceState::Online:
            return "online";
    }
    unreachable();
}

std::optional<PresenceState> parse_presence_state(std::string_view name) {
    for (const PresenceState state :
         {PresenceState::Offline, PresenceState::Unavailable, PresenceState::Online}) {
        if (name == name_of(state)) return state;
    }
    return std::nullopt;
}

Presence::Presence(Services services) : services_(std::move(services)), store_(services_.turns) {
    services_.notifier.on_join(
        [this](const RoomId& room, const UserId& user) { note_join(room, user); });
}

Presence::~Presence() {
    services_.notifier.on_join(nullptr);
}

// Whoever syncs again in time was never away.
void Presence::resume() {
    for (const PresenceRow& row : store_.list_own_awake()) {
        OwnUser& user = find_or_add(row.user);
        user.devices[DeviceId()] = {
            .said = row.state, .syncs = 0, .last_seen = services_.clock.monotonic_now()};
        set_timer(row.user, user);
    }
    if (store_.has_others_awake()) sweep();
}

// --- Users of ours -------------------------------------------------------------------------------

Presence::OwnUser& Presence::find_or_add(const UserId& id) {
    const auto known = own_.find(id);
    if (known != own_.end()) return known->second;
    OwnUser& user = own_[id];
    user.row = store_.find(id).value_or(PresenceRow{.user = id});
    const runtime::Duration inactive =
        services_.clock.now() - runtime::Timestamp{user.row.last_active_ts.value_or(0)};
    const runtime::Timestamp now = services_.clock.monotonic_now();
    user.last_active = {now.value - std::max<std::int64_t>(inactive.value, 0)};
    user.told_at = now;
    return user;
}

PresenceState Presence::state_of(OwnUser& user) const {
    const runtime::Timestamp now = services_.clock.monotonic_now();
    std::erase_if(user.devices, [&](const auto& entry) {
        return entry.second.syncs == 0 && now - entry.second.last_seen >= kSyncGrace;
    });
    PresenceState best = PresenceState::Offline;
    for (const auto& [id, device] : user.devices)
        best = std::max(best, device.said);
    const bool is_idle = now - user.last_active >= kIdleAfter;
    SIM_SOMETIMES(is_idle, "somebody is idle");
    return best == PresenceState::Online && is_idle ? PresenceState::Unavailable : best;
}

bool Presence::update(const UserId& id) {
    OwnUser& user = own_.at(id);
    const runtime::Timestamp now = services_.clock.monotonic_now();
    const runtime::Duration inactive = now - user.last_active;
    PresenceRow next = user.row;
    next.state = state_of(user);
    next.is_currently_active = next.state == PresenceState::Online && inactive < kCurrentlyActive;
    const auto stored = store_.find(id);
    const bool is_changed = !is_same(next, stored.value_or(PresenceRow{}));
    if (is_changed) {
        next.last_active_ts = services_.clock.now().value - inactive.value;
        next.position = services_.turns.next_position();
        store_.put(next);
        user.row = next;
        publish(next);
    }
    const bool is_due = is_changed || (next.state != PresenceState::Offline &&
                                       now - user.told_at >= kPresenceRepeated);
    if (is_due) {
        user.told_at = now;
        tell_servers(user.row, list_servers_of(id));
    }
    set_timer(id, user);
    return is_changed;
}

// When time alone may change something; nobody who is away needs one.
void Presence::set_timer(const UserId& id, OwnUser& user) {
    const runtime::Timestamp now = services_.clock.monotonic_now();
    std::vector<runtime::Timestamp> deadlines;
    bool is_syncing = false;
    for (const auto& [device_id, device] : user.devices) {
        is_syncing = is_syncing || device.syncs > 0;
        if (device.syncs == 0) deadlines.push_back(device.last_seen + kSyncGrace);
    }
    if (user.row.state == PresenceState::Online) deadlines.push_back(user.last_active + kIdleAfter);
    if (user.row.is_currently_active) deadlines.push_back(user.last_active + kCurrentlyActive);
    if (user.row.state != PresenceState::Offline) {
        deadlines.push_back(user.told_at + kPresenceRepeated);
    } else if (!is_syncing) {
        own_.erase(UserId(id));
        return;
    }
    user.timer.reset();
    if (deadlines.empty()) return;
    const runtime::Duration delay =
        std::max(*std::ranges::min_element(deadlines) - now, runtime::milliseconds(1));
    user.timer = services_.clock.call_after(delay, [this, id] {
        // The timer, and this capture with it, may be gone before the end.
        const UserId kept = id;
        if (own_.contains(kept)) update(kept);
    });
}

void Presence::set(const UserId& id,
                   const DeviceId& device_id,
                   PresenceState state,
                   std::optional<std::string> status_message) {
    OwnUser& user = find_or_add(id);
    Device& device = user.devices[device_id];
    device.said = state;
    user.last_active = device.last_seen = services_.clock.monotonic_now();
    user.row.status_message = std::move(status_message);
    update(id);
}

// UNSPECIFIED: a client that says nothing does not take back that it is idle, because then no
// client could say so by PUT /presence while it syncs.
bool Presence::sync_began(const UserId& id,
                          const DeviceId& device_id,
                          std::optional<PresenceState> state) {
    if (state == PresenceState::Offline) return false;
    OwnUser& user = find_or_add(id);
    const runtime::Timestamp now = services_.clock.monotonic_now();
    Device& device = user.devices[device_id];
    device.last_seen = now;
    if (state) {
        device.said = *state;
    } else if (device.said == PresenceState::Offline) {
        device.said = PresenceState::Online;
    }
    ++device.syncs;
    if (user.row.state == PresenceState::Offline && device.said == PresenceState::Online) {
        user.last_active = now;
    }
    return update(id);
}

void Presence::sync_ended(const UserId& id, const DeviceId& device_id) {
    const auto user = own_.find(id);
    if (user == own_.end()) return;
    const auto device = user->second.devices.find(device_id);
    if (device == user->second.devices.end() || device->second.syncs == 0) return;
    --device->second.syncs;
    device->second.last_seen = services_.clock.monotonic_now();
    if (device->second.syncs == 0) set_timer(id, user->second);
}

void Presence::note_activity(const UserId& id) {
    const auto found = own_.find(id);
    if (found == own_.end()) return;
    OwnUser& user = found->second;
    user.last_active = services_.clock.monotonic_now();
    if (user.row.is_currently_active) return;  // The timer looks again.
    for (auto& [device_id, device] : user.devices) {
        if (device.said == PresenceState::Unavailable) device.said = PresenceState::Online;
    }
    update(id);
}

// --- Who is told ---------------------------------------------------------------------------------

void Presence::publish(const PresenceRow& row) {
    services_.notifier.user_changed(row.user, row.position);
    for (const RoomId& room : services_.rooms.list_rooms_of(row.user, Membership::Join))
        services_.notifier.room_changed(room, row.position);
}

std::vector<ServerName> Presence::list_servers_of(const UserId& user) const {
    std::set<ServerName> servers;
    for (const RoomId& id : services_.rooms.list_rooms_of(user, Membership::Join)) {
        const Result<RoomPtr> room = services_.rooms.find(id);
        if (!room) continue;
        for (ServerName& server : (*room)->servers())
            servers.insert(std::move(server));
    }
    return {servers.begin(), servers.end()};
}

void Presence::tell_servers(const PresenceRow& row, const std::vector<ServerName>& servers) {
    json::Object update = content_of(row);
    update.set("user_id", row.user.text());
    services_.outbox.send_edu({.type = "m.presence",
                               .content = json::Object{{"push", json::Array{std::move(update)}}},
                               .keeping = EduKeeping::WhileReachable,
                               .replaces_key = row.user.text()},
                              servers);
}

// Later: the others must have the join before they hear of the user.
void Presence::note_join(const RoomId& room, const UserId& user) {
    const bool is_own = user.server() == services_.server_name;
    const bool is_news = is_own ? own_.contains(user) : !own_.empty();
    if (!is_news || joined_.size() >= kJoinsMax) return;
    joined_.emplace_back(room, user);
    if (joined_.size() > 1) return;
    joined_timer_ = services_.clock.call_after(runtime::milliseconds(1), [this] { tell_joined(); });
}

void Presence::tell_joined() {
    std::map<UserId, std::set<ServerName>> to_tell;
    std::set<std::pair<RoomId, ServerName>> seen;
    for (const auto& [room_id, user] : std::exchange(joined_, {})) {
        const Result<RoomPtr> room = services_.rooms.find(room_id);
        if (!room || (*room)->count_joined() < 2) continue;
        const auto own = own_.find(user);
        if (own != own_.end()) {
            // Also to those on this server, who had nothing to do with him until now.
            own->second.row.position = services_.turns.next_position();
            store_.put(own->second.row);
            services_.notifier.room_changed(room_id, own->second.row.position);
            for (const ServerName& server : (*room)->servers())
                to_tell[user].insert(server);
        } else if (user.server() != services_.server_name &&
                   seen.emplace(room_id, user.server()).second) {
            for (const auto& [member, state] : own_) {
                if ((*room)->membership(member) == Membership::Join) {
                    SIM_SOMETIMES("a server that joins is told who is present");
                    to_tell[member].insert(user.server());
                }
            }
        }
    }
    for (const auto& [user, servers] : to_tell)
        tell_servers(own_.at(user).row, {servers.begin(), servers.end()});
}

// --- Users of others -----------------------------------------------------------------------------

void Presence::receive(PresenceRow row) {
    const std::int64_t now = services_.clock.now().value;
    row.heard_ts = now;
    const auto known = store_.find(row.user);
    const bool is_changed = !is_same(row, known.value_or(PresenceRow{}));
    if (!is_changed && !known) return;  // Away, as is everybody of whom we never heard.
    row.position = is_changed ? services_.turns.next_position() : known->position;
    store_.put(row);
    if (is_changed) publish(row);
    if (!is_sweeping_ && row.state != PresenceState::Offline) sweep();
}

// Their server may be gone without a word.
void Presence::sweep() {
    const std::int64_t now = services_.clock.now().value;
    for (PresenceRow& row : store_.list_unheard(now - kRemotePresenceTimeout.value, kSweptMax)) {
        SIM_SOMETIMES("somebody elsewhere is taken for gone");
        row.state = PresenceState::Offline;
        row.is_currently_active = false;
        row.position = services_.turns.next_position();
        store_.put(row);
        publish(row);
    }
    is_sweeping_ = store_.has_others_awake();
    if (!is_sweeping_) return;
    sweep_timer_ = services_.clock.call_after(kSweepEach, [this] { sweep(); });
}

// --- Readers -------------------------------------------------------------------------------------

PresenceRow Presence::find(const UserId& user) const {
    const auto own = own_.find(user);
    if (own != own_.end()) return own->second.row;
    return store_.find(user).value_or(PresenceRow{.user = user});
}

bool Presence::may_see(const UserId& reader, const UserId& user) const {
    return reader == user || store_.share_room(reader, user);
}

std::vector<PresenceRow> Presence::list_news(const UserId& reader,
                                             std::optional<StreamPosition> after,
                                             StreamPosition up_to,
                                             const std::vector<RoomId>& new_rooms) const {
    std::map<UserId, PresenceRow> news;
    const StreamPosition from = after.value_or(StreamPosition{});
    for (PresenceRow& row : store_.list_changes(reader, from, up_to, kPresencePerSyncMax)) {
        if (after || row.state != PresenceState::Offline) news.emplace(row.user, std::move(row));
    }
    if (after) {
        for (const RoomId& room : new_rooms) {
            for (PresenceRow& row : store_.list_members(room, up_to, kPresencePerSyncMax))
                news.emplace(row.user, std::move(row));
        }
    }
    std::vector<PresenceRow> list;
    for (auto& [user, row] : news)
        list.push_back(std::move(row));
    return list;
}

json::Object Presence::content_of(const PresenceRow& row) const {
    json::Object content{{"presence", name_of(row.state)},
                         {"currently_active", row.is_currently_active}};
    const auto own = own_.find(row.user);
    if (own != own_.end()) {
        content.set("last_active_ago",
                    (services_.clock.monotonic_now() - own->second.last_active).value);
    } else if (row.last_active_ts) {
        const std::int64_t ago_ms = services_.clock.now().value - *row.last_active_ts;
        content.set("last_active_ago", std::max<std::int64_t>(ago_ms, 0));
    }
    if (row.status_message) content.set("status_msg", *row.status_message);
    return content;
}

}  // namespace matrix::engine
