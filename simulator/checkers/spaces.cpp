// The checker "spaces": every server in a space tells a stranger the same of it: the same children,
// and of each child that several know the same.
//
// The stranger is a server that is in no room and asks over federation; children that are open to
// him must be told by whoever is in them.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#spaces
#include <algorithm>
#include <map>
#include <optional>
#include <utility>

#include "refserver/engine/http_api.h"
#include "refserver/engine/rooms/room_description.h"
#include "refserver/protocol/server_keys.h"
#include "refserver/protocol/x_matrix.h"
#include "simulator/byzantine/byzantine_host.h"
#include "simulator/checkers/checkers.h"

namespace matrix::simulator {
namespace {

/// What one server tells of a space.
struct Told {
    int server = 0;
    json::Object space;
    std::map<std::string, json::Object> children;  ///< By room id.
};

std::map<std::string, json::Object> by_room(const json::Value& body) {
    std::map<std::string, json::Object> children;
    const json::Array* listed = body.find_array("children");
    if (listed == nullptr) return children;
    for (const json::Value& child : *listed) {
        const std::string* id = child.find_string("room_id");
        if (id != nullptr) children.emplace(*id, *child.if_object());
    }
    return children;
}

class SpaceComparison {
public:
    SpaceComparison(World& world, ByzantineHost& stranger)
        : world_(world), cluster_(world.cluster()), stranger_(stranger) {}

    Task<void> run() {
        for (const LivingRoom& room : world_.rooms()) {
            const RoomId id = room.id;
            if (is_space(id)) co_await compare(id);
        }
    }

private:
    engine::RoomPtr find_joined(int server, const RoomId& id) {
        if (!cluster_.server(server).is_up()) return nullptr;
        const auto room = cluster_.server(server).engine().rooms().find(id);
        const bool is_in = room && (*room)->is_server_joined(cluster_.server(server).name());
        return is_in ? *room : nullptr;
    }

    // Do both hold each other to be in the room? Else one of them hears no news of it.
    bool are_companions(const RoomId& id, int one, int other) {
        const auto admits = [&](int server, int guest) {
            const engine::RoomPtr room = find_joined(server, id);
            const ServerName& name = cluster_.server(guest).name();
            return room && room->is_server_joined(name) && room->is_server_allowed(name);
        };
        return admits(one, other) && admits(other, one);
    }

    bool is_space(const RoomId& id) {
        for (int server = 0; server < cluster_.server_count(); ++server) {
            const engine::RoomPtr room = find_joined(server, id);
            if (room && engine::room_type(*room) == "m.space") return true;
        }
        return false;
    }

    void find_wrong(const RoomId& space, int server, const std::string& what) {
        if (const auto doubt = world_.find_doubt_of(space))
            return world_.excuse("spaces: " + *doubt);
        for (int other = 0; other < cluster_.server_count(); ++other) {
            if (const auto excuse = world_.find_excuse_of(other))
                return world_.excuse("spaces: " + *excuse);
        }
        world_.findings().add(
            "spaces",
            cluster_.time().now_us(),
            "space " + space.text() + ", server " + std::to_string(server) + ": " + what);
    }

    Task<void> compare(RoomId space) {
        std::vector<Told> told;
        for (int server = 0; server < cluster_.server_count(); ++server) {
            if (!find_joined(server, space)) continue;
            const Answer answer = co_await stranger_.ask(
                server,
                "GET",
                "/_matrix/federation/v1/hierarchy/" + engine::percent_encode(space.view()));
            const json::Object* described = answer.body.find_object("room");
            if (!answer.is_ok() || described == nullptr) continue;
            told.push_back({server, *described, by_room(answer.body)});
            world_.measure("spaces_read", 1);
            check_complete(space, told.back());
        }
        for (std::size_t other = 1; other < told.size(); ++other)
            check_same(space, told.front(), told[other]);
    }

    // Of the children that the space names now, those that anybody may join.
    void check_complete(const RoomId& space, const Told& told) {
        const engine::RoomPtr room = find_joined(told.server, space);
        room->current_state().for_each_of_type(
            "m.space.child", [&](const StateKey& key, const EventId& id) {
                const auto stored = room->find_event(id);
                if (!stored || !stored->event->parse_content().contains("via")) return;
                const engine::RoomPtr child = find_joined(told.server, RoomId(key.state_key));
                if (!child || !is_public(*child) || told.children.contains(key.state_key)) return;
                find_wrong(space, told.server, key.state_key + " is not told of");
            });
    }

    static bool is_public(const engine::Room& room) {
        const EventPtr rules = room.find_state("m.room.join_rules", "");
        if (!rules) return false;
        const json::Value content(rules->parse_content());
        const std::string* rule = content.find_string("join_rule");
        return rule != nullptr && *rule == "public";
    }

    void check_same(const RoomId& space, const Told& one, const Told& other) {
        if (!are_companions(space, one.server, other.server)) return;
        const std::string rival = " than server " + std::to_string(one.server);
        if (one.space != other.space)
            find_wrong(space, other.server, "it says something else of it" + rival);
        for (const auto& [id, described] : one.children) {
            const auto place = other.children.find(id);
            if (place == other.children.end() || place->second == described) continue;
            if (!are_companions(RoomId(id), one.server, other.server)) continue;
            find_wrong(space, other.server, "it says something else of " + id + rival);
        }
    }

    World& world_;
    Cluster& cluster_;
    ByzantineHost& stranger_;
};

class SpaceCheck final : public Check {
public:
    void conclude(World& world) override {
        const bool has_space = std::ranges::any_of(
            world.scenario().rooms, [](const RoomPlan& room) { return room.type == "m.space"; });
        if (!has_space) return;
        // As long as the network knows of it, it must be there.
        stranger_ = std::make_unique<ByzantineHost>(world.cluster(), "stranger.test");
        comparison_ = std::make_unique<SpaceComparison>(world, *stranger_);
        ask_to_the_end(world, "spaces", comparison_->run());
    }

private:
    std::unique_ptr<ByzantineHost> stranger_;
    std::unique_ptr<SpaceComparison> comparison_;
};

}  // namespace

std::unique_ptr<Check> make_space_check() {
    return std::make_unique<SpaceCheck>();
}

}  // namespace matrix::simulator
