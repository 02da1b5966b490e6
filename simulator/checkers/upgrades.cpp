// The checker "upgrades": a room that replaces another says so, the other has said so, and what the
// specification recommends to carry over stands in the new one as it stood in the old.
//
// Looked at is the server whose user replaced the room: it saw the old state when it did so.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#room-upgrades
#include <algorithm>
#include <map>

#include "refserver/protocol/room_rules.h"
#include "simulator/checkers/checkers.h"
#include "simulator/timeline.h"

namespace matrix::simulator {
namespace {

using engine::StoredEvent;

constexpr std::string_view kReplicatedTypes[] = {
    "m.room.server_acl",
    "m.room.encryption",
    "m.room.name",
    "m.room.avatar",
    "m.room.topic",
    "m.room.guest_access",
    "m.room.history_visibility",
};

// The first event of each key in the room's timeline.
std::map<StateKey, EventPtr> list_first_state(const engine::Room& room) {
    std::map<StateKey, EventPtr> first;
    for_each_in_timeline(room, [&](const StoredEvent& stored) {
        const Event& event = *stored.event;
        if (event.state_key)
            first.insert_or_assign(StateKey(event.type, *event.state_key), stored.event);
    });
    return first;
}

EventPtr find_in(const engine::Room& room, const State& state, const StateKey& key) {
    const EventId* id = state.find(key);
    const auto stored = id ? room.find_event(*id) : nullptr;
    return stored ? stored->event : EventPtr();
}

EventPtr find_tombstone(const engine::Room& old, const RoomId& replacement, const UserId& sender) {
    EventPtr found;
    for_each_in_timeline(old, [&](const StoredEvent& stored) {
        const Event& event = *stored.event;
        if (!event.is("m.room.tombstone", "") || event.sender != sender) return;
        const json::Value content(event.parse_content());
        const std::string* named = content.find_string("replacement_room");
        if (named != nullptr && *named == replacement.text()) found = stored.event;
    });
    return found;
}

class UpgradeInspection {
public:
    UpgradeInspection(World& world, const LivingRoom& living) : world_(world), living_(living) {}

    void run() {
        if (!world_.cluster().server(living_.creator.server).is_up()) return;
        engine::Rooms& rooms = world_.cluster().server(living_.creator.server).engine().rooms();
        const auto made = rooms.find(living_.id);
        const auto old = rooms.find(*living_.predecessor);
        if (!made || !old) return find_wrong("one of the two rooms is not there");
        world_.measure("rooms_replaced", 1);
        check_create(**made);
        const EventPtr tombstone = find_tombstone(**old, living_.id, living_.creator.id);
        if (!tombstone) return find_wrong("no tombstone of the old room names it");
        if (const auto before = (*old)->state_before(tombstone->id))
            check_replicated(**old, *before, **made);
    }

private:
    void find_wrong(const std::string& what) {
        if (const auto excuse = world_.find_excuse_of(living_.creator.server))
            return world_.excuse("upgrades: " + *excuse);
        world_.findings().add("upgrades",
                              world_.cluster().time().now_us(),
                              "room " + living_.id.text() + ", which " + living_.creator.id.text() +
                                  " made to replace " + living_.predecessor->text() + ": " + what);
    }

    void check_create(const engine::Room& made) {
        const EventPtr create = made.find_state("m.room.create", "");
        const json::Value content(create ? create->parse_content() : json::Object());
        const json::Value* predecessor = content.find("predecessor");
        const std::string* named = predecessor ? predecessor->find_string("room_id") : nullptr;
        if (named == nullptr || *named != living_.predecessor->text())
            find_wrong("its create event names another predecessor");
        if (made.rules().version != living_.version) find_wrong("it is of another version");
    }

    void check_replicated(const engine::Room& old, const State& before, const engine::Room& made) {
        const auto first = list_first_state(made);
        for (const std::string_view type : kReplicatedTypes) {
            const StateKey key(std::string(type), "");
            const EventPtr wanted = find_in(old, before, key);
            if (!wanted) continue;
            const auto place = first.find(key);
            const bool is_same =
                place != first.end() && place->second->parse_content() == wanted->parse_content();
            if (!is_same) find_wrong(std::string(type) + " is not what it was");
        }
        before.for_each_of_type("m.room.member", [&](const StateKey& key, const EventId& id) {
            const auto member = old.find_event(id);
            const bool is_ban = member && member->event->membership() == Membership::Ban;
            if (!is_ban || key.state_key == living_.creator.id.text()) return;
            const auto place = first.find(key);
            if (place == first.end() || place->second->membership() != Membership::Ban)
                find_wrong(key.state_key + " is not banned any more");
        });
    }

    World& world_;
    const LivingRoom& living_;
};

class UpgradeCheck final : public Check {
public:
    void conclude(World& world) override {
        for (const LivingRoom& room : world.rooms()) {
            if (room.predecessor) UpgradeInspection(world, room).run();
        }
    }
};

}  // namespace

std::unique_ptr<Check> make_upgrade_check() {
    return std::make_unique<UpgradeCheck>();
}

}  // namespace matrix::simulator
