// The checker "acknowledged": nothing that a server acknowledged is lost.
//
// An event for which a client or another server got a success is in that server's database until
// the end; whatever became of it there, for a rejected event is kept as well. An event of a client
// reaches besides every server that was in the room at that moment and never left it again.
#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "refserver/engine/http_api.h"
#include "refserver/storage/audit.h"
#include "simulator/checkers/checkers.h"
#include "simulator/checkers/witness.h"

namespace matrix::simulator {
namespace {

using engine::RoomPtr;
using storage::StreamPosition;

// --- What answers acknowledge --------------------------------------------------------------------

/// Requests whose answer has the event's id.
constexpr std::array<std::string_view, 4> kAnsweredById = {
    "/_matrix/client/v3/rooms/*/send/*/*",
    "/_matrix/client/v3/rooms/*/state/*/*",
    "/_matrix/client/v3/rooms/*/state/*",
    "/_matrix/client/v3/rooms/*/redact/*/*",
};

/// Requests that change a membership: the room's event is found by user and membership.
struct MembershipRequest {
    std::string_view pattern;
    Membership membership;
    bool is_of_target;  ///< `user_id` of the body; else who asks.
};
constexpr std::array kMembershipRequests = {
    MembershipRequest{"/_matrix/client/v3/join/*", Membership::Join, false},
    MembershipRequest{"/_matrix/client/v3/rooms/*/join", Membership::Join, false},
    MembershipRequest{"/_matrix/client/v3/rooms/*/leave", Membership::Leave, false},
    MembershipRequest{"/_matrix/client/v3/rooms/*/kick", Membership::Leave, true},
    MembershipRequest{"/_matrix/client/v3/rooms/*/unban", Membership::Leave, true},
    MembershipRequest{"/_matrix/client/v3/rooms/*/ban", Membership::Ban, true},
    MembershipRequest{"/_matrix/client/v3/rooms/*/invite", Membership::Invite, true},
};

/// Requests of servers whose path ends with the event's id, all of them handshakes.
constexpr std::array<std::string_view, 3> kHandshakes = {
    "/_matrix/federation/v2/send_join/*/*",
    "/_matrix/federation/v2/send_leave/*/*",
    "/_matrix/federation/v1/send_knock/*/*",
};

const UserId* requester_of(Cluster& cluster, const Heard& heard) {
    const std::string* header = heard.request.headers.find("Authorization");
    if (header == nullptr) return nullptr;
    const auto owner = std::ranges::find_if(cluster.users(), [&](const User& user) {
        const std::string token =
            cluster.server(user.server).token_of(user.id.text(), user.access_token);
        return user.server == heard.server && *header == "Bearer " + token;
    });
    return owner == cluster.users().end() ? nullptr : &owner->id;
}

/// Events of a transaction about which the answer says nothing bad.
std::vector<EventId> list_taken(const json::Value& answer) {
    std::vector<EventId> taken;
    const json::Object* results = answer.find_object("pdus");
    if (results == nullptr) return taken;
    for (const json::Member& result : *results) {
        if (result.value.find("error") == nullptr) taken.emplace_back(result.key);
    }
    return taken;
}

// --- The record ----------------------------------------------------------------------------------

/// Where a server was in its stream when it was in the room.
struct Presence {
    int server = 0;
    StreamPosition position;
};

struct Promise {
    std::string request;
    std::int64_t at_us = 0;
    std::optional<RoomId> room;     ///< Nothing: the answer did not say.
    std::vector<Presence> reached;  ///< Who must get it too; who promised it is the first.
};

class AcknowledgedCheck final : public Check {
public:
    Hear listen(World& world, const Heard& heard) override {
        if (heard.request.method == "GET") return {};
        if (heard.is_of_server()) return listen_to_server(world, heard);
        return heard.is_of_client() ? listen_to_client(world, heard) : Hear();
    }

    void conclude(World& world) override {
        read_entries(world);
        for (const auto& [key, promise] : promises_) {
            const auto& [server, event] = key;
            world.measure("acknowledgements", 1);
            check_kept(world, server, event, promise);
            check_reached(world, server, event, promise);
        }
    }

private:
    Hear listen_to_server(World& world, const Heard& heard) {
        const std::string request = heard.request.method + " " + heard.request.target;
        if (heard.is("PUT", "/_matrix/federation/v1/send/*")) {
            return [this, &world, server = heard.server, request](const auto& response) {
                if (response.status != 200) return;
                const auto answer = json::parse(response.body);
                if (!answer) return;
                for (const EventId& id : list_taken(*answer))
                    promise(world, server, id, {.request = request});
            };
        }
        const bool is_handshake = std::ranges::any_of(
            kHandshakes, [&](std::string_view pattern) { return heard.is("PUT", pattern); });
        if (!is_handshake) return {};
        return [this,
                &world,
                server = heard.server,
                request,
                room = RoomId(heard.path[4]),
                id = EventId(heard.path[5])](const auto& response) {
            if (response.status == 200)
                promise(world, server, id, {.request = request, .room = room});
        };
    }

    Hear listen_to_client(World& world, const Heard& heard) {
        const std::string request = heard.request.method + " " + heard.request.target;
        const bool has_id = std::ranges::any_of(
            kAnsweredById, [&](std::string_view pattern) { return heard.is("PUT", pattern); });
        if (has_id) {
            return [this, &world, server = heard.server, request, room = RoomId(heard.path[4])](
                       const auto& response) {
                const auto answer = json::parse(response.body);
                const std::string* id = answer ? answer->find_string("event_id") : nullptr;
                if (response.status != 200 || id == nullptr) return;
                promise_to_client(world, server, EventId(*id), {.request = request, .room = room});
            };
        }
        if (heard.is("POST", "/_matrix/client/v3/createRoom"))
            return listen_to_creation(world, heard);
        for (const MembershipRequest& row : kMembershipRequests) {
            if (heard.is("POST", row.pattern)) return listen_to_membership(world, heard, row);
        }
        return {};
    }

    Hear listen_to_creation(World& world, const Heard& heard) {
        return [this, &world, server = heard.server](const auto& response) {
            const auto answer = json::parse(response.body);
            const std::string* id = answer ? answer->find_string("room_id") : nullptr;
            if (response.status != 200 || id == nullptr) return;
            const auto room = find_room(world, server, RoomId(*id));
            if (!room) return;
            for (const EventPtr& event : room->list_state())
                promise(world, server, event->id, {.request = "createRoom", .room = room->id()});
        };
    }

    Hear listen_to_membership(World& world, const Heard& heard, const MembershipRequest& row) {
        const UserId* sender = requester_of(world.cluster(), heard);
        if (sender == nullptr) return {};
        std::string target = sender->text();
        if (row.is_of_target) {
            const auto body = json::parse(heard.request.body);
            const std::string* named = body ? body->find_string("user_id") : nullptr;
            if (named == nullptr) return {};
            target = *named;
        }
        // A join says in its answer which room it was; other paths name it.
        // "/_matrix/client/v3/join/{room}" or "/_matrix/client/v3/rooms/{room}/...": both at one
        // place.
        return [this,
                &world,
                &row,
                server = heard.server,
                request = heard.request.method + " " + heard.request.target,
                sender = *sender,
                target = std::move(target),
                room = RoomId(heard.path[4])](const auto& response) {
            if (response.status != 200) return;
            const auto known = find_room(world, server, room);
            const EventPtr event = known ? known->find_state("m.room.member", target) : nullptr;
            // Another change may have come in between, or the room is elsewhere alone.
            const bool is_its =
                event && event->sender == sender && event->membership() == row.membership;
            if (!is_its) return world.measure("acknowledgements_unidentified", 1);
            promise_to_client(world, server, event->id, {.request = request, .room = room});
        };
    }

    void promise(World& world, int server, const EventId& event, Promise promise) {
        promise.at_us = world.cluster().time().now_us();
        promises_.try_emplace({server, event}, std::move(promise));
    }

    void promise_to_client(World& world, int server, const EventId& event, Promise given) {
        Cluster& cluster = world.cluster();
        const RoomPtr room = find_room(world, server, *given.room);
        const auto add = [&](int number) {
            const RoomPtr own = find_room(world, number, *given.room);
            if (!own || !own->is_server_joined(cluster.server(number).name())) return;
            engine::Server& engine = cluster.server(number).engine();
            given.reached.push_back({number, engine.turns().durable_position()});
        };
        if (room) {
            add(server);
            for (int number = 0; number < cluster.server_count(); ++number) {
                if (number == server || !room->is_server_joined(cluster.server(number).name()))
                    continue;
                add(number);
            }
        }
        promise(world, server, event, std::move(given));
    }

    // --- The end ---------------------------------------------------------------------------------

    void read_entries(World& world) {
        for (int number = 0; number < world.cluster().server_count(); ++number) {
            engine::Server* server = find_server(world, number);
            if (server == nullptr) continue;
            storage::Audit audit(server->turns().database());
            for (const auto& entry : audit.list_entries())
                last_entries_[{number, RoomId(entry.room_id)}] = {entry.position};
        }
    }

    static bool has_event(World& world, int server, const EventId& event, const Promise& promise) {
        if (promise.room) {
            const RoomPtr room = find_room(world, server, *promise.room);
            if (room && room->find_event(event)) return true;
        }
        storage::Audit audit(find_server(world, server)->turns().database());
        return audit.find_event(event.view()).has_value();
    }

    static std::string describe(int server, const EventId& event, const Promise& promise) {
        return event.text() + ", which server " + std::to_string(server) + " acknowledged at " +
               std::to_string(promise.at_us / 1000) + " ms (" + promise.request + ")";
    }

    // Is it about a user who was invited to a room that the server is not in? It takes note that
    // the invitation is over, and does not keep the event.
    static bool is_from_outside(World& world, int server, const EventId& event) {
        Cluster& cluster = world.cluster();
        for (int number = 0; number < cluster.server_count(); ++number) {
            engine::Server* other = find_server(world, number);
            if (other == nullptr) continue;
            storage::Audit audit(other->turns().database());
            const auto row = audit.find_event(event.view());
            if (!row) continue;
            const auto pdu = json::parse(row->text, json::Numbers::Any);
            const std::string* user = pdu ? pdu->find_string("state_key") : nullptr;
            const json::Object* content = pdu ? pdu->find_object("content") : nullptr;
            if (user == nullptr || content == nullptr) return false;
            const json::Value* membership = content->find("membership");
            return membership != nullptr && membership->if_string() != nullptr &&
                   *membership->if_string() != "join" &&
                   UserId(*user).server() == cluster.server(server).name();
        }
        return false;
    }

    void check_kept(World& world, int server, const EventId& event, const Promise& promise) {
        if (find_server(world, server) == nullptr) return;
        if (has_event(world, server, event, promise)) return;
        if (is_from_outside(world, server, event)) {
            return world.measure("acknowledgements_from_outside", 1);
        }
        hold_against(world, server, "acknowledged", "gone is " + describe(server, event, promise));
    }

    // Was this server in the room all the time, by its own view?
    bool has_stayed(World& world, const Presence& presence, const RoomPtr& room) {
        const auto entry = last_entries_.find({presence.server, room->id()});
        const bool came_later = entry != last_entries_.end() && entry->second > presence.position;
        return !came_later &&
               room->is_server_joined(world.cluster().server(presence.server).name());
    }

    void check_reached(World& world, int server, const EventId& event, const Promise& promise) {
        if (promise.reached.empty() || promise.reached.front().server != server) return;
        const RoomPtr source = find_room(world, server, *promise.room);
        if (!source || !has_stayed(world, promise.reached.front(), source)) return;
        for (const Presence& presence : promise.reached) {
            if (presence.server == server) continue;
            const RoomPtr room = find_room(world, presence.server, *promise.room);
            if (!room || !has_stayed(world, presence, room) ||
                !may_exchange(world, server, presence.server, *source, *room))
                continue;
            world.measure("acknowledgements_followed", 1);
            if (room->find_event(event)) continue;
            // What the sender lost, it cannot have sent.
            const int blamed = world.find_excuse_of(server) ? server : presence.server;
            hold_against(world,
                         blamed,
                         "acknowledged",
                         "server " + std::to_string(presence.server) +
                             ", in the room all the time, never got " +
                             describe(server, event, promise));
        }
    }

    static bool may_exchange(
        World& world, int from, int to, const engine::Room& source, const engine::Room& target) {
        Cluster& cluster = world.cluster();
        return source.is_server_allowed(cluster.server(to).name()) &&
               target.is_server_allowed(cluster.server(from).name());
    }

    std::map<std::pair<int, EventId>, Promise> promises_;
    std::map<std::pair<int, RoomId>, StreamPosition> last_entries_;
};

}  // namespace

std::unique_ptr<Check> make_acknowledged_check() {
    return std::make_unique<AcknowledgedCheck>();
}

}  // namespace matrix::simulator
