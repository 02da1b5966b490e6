#include "refserver/engine/rooms/room.h"

#include <map>
#include <utility>

#include "refserver/base/sometimes.h"
#include "refserver/engine/rooms/room_data.h"

namespace matrix::engine {

Room::Data::Data(RoomServices& services_, RoomId id_, storage::RoomRow row)
    : services(services_),
      id(std::move(id_)),
      rules(row.rules),
      number(row.number),
      queue(services_.executor) {
    is_stale = !load(row);
}

bool Room::Data::load(const storage::RoomRow& row) {
    auto state = services.states.load(row.current_state);
    if (!state) return false;
    number = row.number;
    current = *std::move(state);
    extremities = row.extremities;
    joined_servers_.reset();
    resolved_.clear();
    resolver_.reset();
    return true;
}

void Room::Data::refresh() {
    if (!is_stale || is_gone) return;
    if (const auto row = services.rooms.find(id)) {
        SIM_SOMETIMES("a room is read again after a failed commit");
        is_stale = !load(*row);
    } else {
        SIM_SOMETIMES("a room is gone with a failed commit");
        is_gone = !services.turns.database().has_failed();
    }
}

Result<void> Room::Data::check_is_stored() const {
    if (is_stale || is_gone) return internal_error("the room could not be read from the database");
    return {};
}

StoredEventPtr Room::Data::find_event(const EventId& event_id) const {
    StoredEventPtr stored = services.events.find(event_id);
    if (stored && stored->event->room_id != id) return nullptr;
    return stored;
}

StoredEventPtr Room::Data::find_placed(const EventId& event_id) const {
    StoredEventPtr stored = find_event(event_id);
    if (stored && !stored->is_placed()) return nullptr;
    return stored;
}

// Of any room: a rule of its own refuses what cites events of another one.
auth::CitedEvent Room::Data::find_cited(const EventId& event_id) const {
    const StoredEventPtr stored = services.events.find(event_id);
    if (!stored) return {};
    return {stored->event, stored->is_rejected()};
}

FindEvent Room::Data::finder() const {
    return [this](const EventId& event_id) { return find_cited(event_id); };
}

EventPtr Room::Data::create() const {
    const EventId* event_id = current.find("m.room.create", "");
    return event_id ? services.events.find_event(*event_id) : nullptr;
}

CheckContext Room::Data::checks() const {
    return {create(), finder(), services.verifier};
}

std::map<ServerName, std::size_t>& Room::Data::joined_servers() {
    if (!joined_servers_) joined_servers_ = services.rooms.list_joined_servers(number);
    return *joined_servers_;
}

std::optional<Membership> membership_in(const State& state,
                                        const UserId& user,
                                        const FindEvent& find_event) {
    const EventId* id = state.find("m.room.member", user.view());
    const EventPtr event = id ? find_event(*id).event : nullptr;
    return event ? event->membership() : std::nullopt;
}

Room::Room(std::unique_ptr<Data> data) : data_(std::move(data)) {}
Room::~Room() = default;

Room::Data& Room::data() const {
    data_->refresh();
    return *data_;
}

const RoomId& Room::id() const {
    return data_->id;
}

const RoomRules& Room::rules() const {
    return *data_->rules;
}

const State& Room::current_state() const {
    return data().current;
}

EventPtr Room::find_state(std::string_view type, std::string_view state_key) const {
    const EventId* event_id = data().current.find(type, state_key);
    return event_id ? data_->services.events.find_event(*event_id) : nullptr;
}

std::vector<EventPtr> Room::list_state() const {
    return load_events(data().current);
}

std::optional<Membership> Room::membership(const UserId& user) const {
    return membership_in(data().current, user, data_->finder());
}

std::vector<UserId> Room::list_members(Membership membership) const {
    return data().services.rooms.list_members(data_->number, membership);
}

std::vector<ServerName> Room::servers() const {
    std::vector<ServerName> servers;
    for (const auto& [server, users] : data().joined_servers())
        servers.push_back(server);
    return servers;
}

std::int64_t Room::count_joined() const {
    std::size_t users = 0;
    for (const auto& [server, count] : data().joined_servers())
        users += count;
    return static_cast<std::int64_t>(users);
}

Room::MemberCounts Room::count_members(const State& state) const {
    const Data& room = data();
    MemberCounts counts{count_joined(),
                        room.services.rooms.count_members(room.number, Membership::Invite)};
    const auto add = [&](const std::optional<EventId>& id, std::int64_t number) {
        const EventPtr event = id ? room.services.events.find_event(*id) : nullptr;
        const auto membership = event ? event->membership() : std::nullopt;
        if (membership == Membership::Join) counts.joined += number;
        if (membership == Membership::Invite) counts.invited += number;
    };
    for (const StateDifference& difference : diff(room.current, state)) {
        if (difference.key.type != "m.room.member") continue;
        add(difference.before, -1);
        add(difference.after, 1);
    }
    return counts;
}

bool Room::is_server_joined(const ServerName& server) const {
    return data().joined_servers().contains(server);
}

const std::vector<EventId>& Room::extremities() const {
    return data().extremities;
}

HeldAuthState Room::power_levels() const {
    HeldAuthState selected;
    selected.set(auth::Role::Create, find_state("m.room.create", ""));
    selected.set(auth::Role::PowerLevels, find_state("m.room.power_levels", ""));
    return selected;
}

StoredEventPtr Room::find_event(const EventId& event_id) const {
    return data().find_event(event_id);
}

std::optional<State> Room::state_before(const EventId& event_id) const {
    const auto stored = data().find_placed(event_id);
    if (!stored) return std::nullopt;
    return data_->services.states.load(*stored->state_before);
}

std::optional<State> Room::state_after(const EventId& event_id) const {
    const auto stored = data().find_placed(event_id);
    if (!stored) return std::nullopt;
    return data_->services.states.load(*stored->state_after);
}

std::vector<EventPtr> Room::load_events(const State& state) const {
    std::vector<EventPtr> events;
    state.for_each([&](const StateKey&, const EventId& event_id) {
        if (EventPtr event = data_->services.events.find_event(event_id)) {
            events.push_back(std::move(event));
        }
    });
    return events;
}

std::vector<EventPtr> Room::auth_chain(const std::vector<EventId>& ids) const {
    ChainWalk walk;
    for (const EventId& event_id : ids) {
        if (const EventPtr event = data_->services.events.find_event(event_id)) walk.follow(*event);
    }
    std::vector<EventPtr> chain;
    while (!walk.pending.empty()) {
        EventPtr event = data_->services.events.find_event(walk.take_next());
        if (!event) continue;
        walk.follow(*event);
        chain.push_back(std::move(event));
    }
    return chain;
}

}  // namespace matrix::engine
