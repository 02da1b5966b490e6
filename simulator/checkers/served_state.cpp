// The checker "served_state": what a server rejected or soft-failed is never served as state.
//
// Looks at answers on the wire, to servers and to clients, and asks the server that gave them what
// it thinks of each event. A soft-failed event may be state behind an accepted one that follows it:
// then the state before that one has it, by the rules of resolution.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#rejection and #soft-failure
#include <algorithm>
#include <array>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "refserver/engine/http_api.h"
#include "refserver/protocol/room_rules.h"
#include "simulator/checkers/checkers.h"
#include "simulator/checkers/witness.h"

namespace matrix::simulator {
namespace {

using engine::EventStatus;
using engine::RoomPtr;
using engine::StoredEvent;

/// Where an answer holds state: events, or their ids.
struct StateAnswer {
    std::string_view method;
    std::string_view pattern;
    std::size_t room_place;   ///< Of the room id among the path's segments.
    std::string_view member;  ///< Empty: the answer itself is the list.
};
constexpr std::array kStateAnswers = {
    StateAnswer{"GET", "/_matrix/federation/v1/state/*", 4, "pdus"},
    StateAnswer{"GET", "/_matrix/federation/v1/state_ids/*", 4, "pdu_ids"},
    StateAnswer{"PUT", "/_matrix/federation/v2/send_join/*/*", 4, "state"},
    StateAnswer{"GET", "/_matrix/client/v3/rooms/*/state", 4, ""},
    StateAnswer{"GET", "/_matrix/client/v3/rooms/*/members", 4, "chunk"},
};

// Did a peer tell the state before this event, and is `sought` in it? Then it is state on the part
// of the graph that the server does not have.
bool is_in_told_state(const engine::Room& room, const Event& event, const Event& sought) {
    if (!sought.state_key) return false;
    const bool is_told = std::ranges::any_of(event.prev_events, [&](const EventId& id) {
        const auto previous = room.find_event(id);
        return !previous || !previous->is_placed();
    });
    const auto before = is_told ? room.state_before(event.id) : std::nullopt;
    const EventId* entry = before ? before->find(sought.type, *sought.state_key) : nullptr;
    return entry != nullptr && *entry == sought.id;
}

// Is `sought` behind one of `fronts`, or one of them?
bool is_behind(const engine::Room& room, std::vector<EventId> fronts, const Event& sought) {
    std::set<EventId> seen;
    std::vector<EventId> pending = std::move(fronts);
    while (!pending.empty()) {
        const EventId id = std::move(pending.back());
        pending.pop_back();
        if (id == sought.id) return true;
        if (!seen.insert(id).second) continue;
        const auto stored = room.find_event(id);
        if (!stored) continue;
        if (is_in_told_state(room, *stored->event, sought)) return true;
        const auto& previous = stored->event->prev_events;
        pending.insert(pending.end(), previous.begin(), previous.end());
    }
    return false;
}

class ServedStateCheck final : public Check {
public:
    Hear listen(World& world, const Heard& heard) override {
        if (heard.is("GET", "/_matrix/client/v3/sync")) {
            return [this, &world, server = heard.server](const auto& response) {
                if (response.status == 200) look_at_sync(world, server, response.body);
            };
        }
        for (const StateAnswer& row : kStateAnswers) {
            if (!heard.is(row.method, row.pattern)) continue;
            return [this,
                    &world,
                    question = Question{heard.server,
                                        RoomId(heard.path[row.room_place]),
                                        event_of(heard),
                                        std::string(row.pattern)},
                    member = row.member](const auto& response) {
                if (response.status == 200) look_at(world, question, member, response.body);
            };
        }
        return {};
    }

    void conclude(World& world) override { world.measure("state_served", looked_at_); }

private:
    struct Question {
        int server;
        RoomId room;
        std::optional<EventId> event;  ///< Before which the state was asked for.
        std::string where;
    };

    static std::optional<EventId> event_of(const Heard& heard) {
        const std::string_view target = heard.request.target;
        const std::size_t begin = target.find('?');
        if (begin == std::string_view::npos) return std::nullopt;
        const auto query = engine::decode_query(target.substr(begin + 1));
        const auto place = query ? query->find("event_id") : engine::Query::const_iterator();
        if (!query || place == query->end()) return std::nullopt;
        return EventId(place->second);
    }

    void look_at(World& world,
                 const Question& question,
                 std::string_view member,
                 const std::string& body) {
        const RoomPtr room = find_room(world, question.server, question.room);
        const auto answer = json::parse(body, json::Numbers::Any);
        if (!room || !answer) return;
        const json::Array* list = member.empty() ? answer->if_array() : answer->find_array(member);
        if (list != nullptr) look_at_list(world, question, *room, *list);
    }

    void look_at_sync(World& world, int server, const std::string& body) {
        const auto answer = json::parse(body, json::Numbers::Any);
        const json::Object* rooms = answer ? answer->find_object("rooms") : nullptr;
        if (rooms == nullptr) return;
        for (const char* section : {"join", "leave"}) {
            const json::Value* found = rooms->find(section);
            if (found == nullptr || found->if_object() == nullptr) continue;
            for (const json::Member& member : *found->if_object()) {
                const RoomPtr room = find_room(world, server, RoomId(member.key));
                if (room) look_at_synced(world, server, *room, member.value);
            }
        }
    }

    void look_at_synced(World& world,
                        int server,
                        const engine::Room& room,
                        const json::Value& told) {
        for (const char* part : {"state", "state_after", "timeline"}) {
            const json::Value* found = told.find(part);
            const json::Array* events = found == nullptr ? nullptr : found->find_array("events");
            const Question question{server, room.id(), std::nullopt, std::string("sync, ") + part};
            if (events != nullptr) look_at_list(world, question, room, *events);
        }
    }

    // PDUs of most room versions do not say their ids.
    static std::optional<EventId> id_of(const json::Value& entry, const engine::Room& room) {
        if (const std::string* id = entry.if_string()) return EventId(*id);
        if (const std::string* id = entry.find_string("event_id")) return EventId(*id);
        if (entry.if_object() == nullptr) return std::nullopt;
        const auto event = parse_event(*entry.if_object(), room.rules());
        return event ? std::optional(event->id) : std::nullopt;
    }

    void look_at_list(World& world,
                      const Question& question,
                      const engine::Room& room,
                      const json::Array& list) {
        for (const json::Value& entry : list) {
            const auto id = id_of(entry, room);
            const auto stored = id ? room.find_event(*id) : nullptr;
            if (!stored) continue;
            ++looked_at_;
            if (stored->is_rejected()) {
                report(world, question, *stored, "rejected by " + stored->rule);
            } else if (stored->status == EventStatus::SoftFailed &&
                       !is_followed(question, room, *stored->event)) {
                report(world, question, *stored, "soft-failed by " + stored->rule);
            }
        }
    }

    // By the front of the room, or by the event that the question was about, which may be on a
    // branch of soft-failed ones alone. Once followed by the front, always followed.
    bool is_followed(const Question& question, const engine::Room& room, const Event& event) {
        if (followed_.contains({question.server, event.id})) return true;
        if (is_behind(room, room.extremities(), event)) {
            followed_.emplace(question.server, event.id);
            return true;
        }
        const auto asked = question.event ? room.find_event(*question.event) : nullptr;
        return asked && is_behind(room, asked->event->prev_events, event);
    }

    void report(World& world,
                const Question& question,
                const StoredEvent& stored,
                const std::string& verdict) {
        const EventId& id = stored.event->id;
        if (!reported_.emplace(question.server, id).second) return;
        hold_against(world,
                     question.server,
                     "served_state",
                     "server " + std::to_string(question.server) + " serves " + id.text() + " (" +
                         stored.event->type + "), which it has " + verdict + ", in " +
                         question.where);
    }

    std::uint64_t looked_at_ = 0;
    std::set<std::pair<int, EventId>> followed_;
    std::set<std::pair<int, EventId>> reported_;
};

}  // namespace

std::unique_ptr<Check> make_served_state_check() {
    return std::make_unique<ServedStateCheck>();
}

}  // namespace matrix::simulator
