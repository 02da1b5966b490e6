// The checker "visibility": membership, access lists and redactions are seen alike by whoever asks.
//
// In the end, of each server: /state, /members, /joined_members and /joined_rooms tell the same of
// who is in a room; who left or was banned reads nothing that came later; what was redacted is
// served redacted. During the run: a server that the room's access list denies learns nothing of
// the room.
#include <algorithm>
#include <array>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "conformance/oracle/auth_rules.h"
#include "refserver/engine/http_api.h"
#include "refserver/protocol/redaction.h"
#include "refserver/protocol/room_rules.h"
#include "refserver/protocol/x_matrix.h"
#include "simulator/checkers/checkers.h"
#include "simulator/checkers/witness.h"
#include "simulator/timeline.h"

namespace matrix::simulator {
namespace {

using engine::EventStatus;
using engine::RoomPtr;
using engine::StoredEvent;
using Members = std::map<std::string, std::string>;  ///< Memberships by user.

/// It should be 403, and another error of the server's own is no answer either.
constexpr int kErrorLeast = 400;

/// Of each server and room, so that one with many does not hold up a run.
constexpr std::size_t kRedactionsAskedMax = 10;

/// Requests that a denied server must not get an answer to; the room is the fifth segment.
/// Spec: server-server-api, "Server Access Control Lists".
constexpr std::array<std::pair<std::string_view, std::string_view>, 11> kProtected = {{
    {"GET", "/_matrix/federation/v1/make_join/*/*"},
    {"GET", "/_matrix/federation/v1/make_leave/*/*"},
    {"GET", "/_matrix/federation/v1/make_knock/*/*"},
    {"PUT", "/_matrix/federation/v2/send_join/*/*"},
    {"PUT", "/_matrix/federation/v2/send_leave/*/*"},
    {"PUT", "/_matrix/federation/v1/send_knock/*/*"},
    {"GET", "/_matrix/federation/v1/state/*"},
    {"GET", "/_matrix/federation/v1/state_ids/*"},
    {"GET", "/_matrix/federation/v1/backfill/*"},
    {"GET", "/_matrix/federation/v1/event_auth/*/*"},
    {"POST", "/_matrix/federation/v1/get_missing_events/*"},
}};

RoomPtr find_room_of(World& world, int server, const RoomId& id) {
    const auto room = world.cluster().server(server).engine().rooms().find(id);
    return room ? *room : nullptr;
}

// By their state events or by the answers of /members, both lists of client events.
Members members_of(const json::Array& events) {
    Members members;
    for (const json::Value& event : events) {
        const std::string* type = event.find_string("type");
        const std::string* user = event.find_string("state_key");
        const json::Object* content = event.find_object("content");
        if (type == nullptr || *type != "m.room.member" || user == nullptr || content == nullptr)
            continue;
        const json::Value* membership = content->find("membership");
        if (membership != nullptr && membership->if_string() != nullptr)
            members[*user] = *membership->if_string();
    }
    return members;
}

std::set<std::string> joined_of(const Members& members) {
    std::set<std::string> joined;
    for (const auto& [user, membership] : members) {
        if (membership == "join") joined.insert(user);
    }
    return joined;
}

class VisibilityCheck final : public Check {
public:
    Hear listen(World& world, const Heard& heard) override {
        if (!heard.is_of_server()) return {};
        const auto is_this = [&](const auto& row) { return heard.is(row.first, row.second); };
        if (!std::ranges::any_of(kProtected, is_this)) return {};
        const auto origin = find_origin(heard);
        const RoomPtr room = find_room_of(world, heard.server, RoomId(heard.path[4]));
        if (!origin || !room || room->is_server_allowed(*origin)) return {};
        return [this,
                &world,
                room,
                origin = *origin,
                server = heard.server,
                target = heard.request.target](const auto& response) {
            ++denials_;
            // The list may have been changed while the request was served.
            if (response.status >= kErrorLeast || room->is_server_allowed(origin)) return;
            report(world,
                   server,
                   "server " + std::to_string(server) + " answers " + origin.text() +
                       ", which the room denies, with " + std::to_string(response.status) + ": " +
                       target);
        };
    }

    Task<void> inquire(World* world) override {
        for (const User& user : world->cluster().users())
            co_await ask_rooms(world, user);
        const std::size_t rooms = world->rooms().size();
        for (std::size_t index = 0; index < rooms; ++index) {
            const RoomId room = world->rooms()[index].id;
            for (int server = 0; server < world->cluster().server_count(); ++server) {
                co_await ask_members(world, server, room);
                co_await ask_redactions(world, server, room);
            }
            for (const User& user : world->cluster().users())
                co_await ask_from_outside(world, user, room);
        }
    }

    void conclude(World& world) override {
        world.measure("visibility_questions", questions_);
        world.measure("visibility_denials", denials_);
    }

private:
    static std::optional<ServerName> find_origin(const Heard& heard) {
        const std::string* header = heard.request.headers.find("Authorization");
        if (header == nullptr) return std::nullopt;
        const auto authorization = parse_x_matrix(*header);
        return authorization ? std::optional(authorization->origin) : std::nullopt;
    }

    static void report(World& world, int server, const std::string& what) {
        hold_against(world, server, "visibility", what);
    }

    Task<Answer> ask(World* world, User user, std::string target) {
        ++questions_;
        return world->cluster().call(std::move(user), "GET", std::move(target));
    }

    static const User* find_joined(World& world, int server, const engine::Room& room) {
        for (const User& user : world.cluster().users()) {
            if (user.server == server && room.membership(user.id) == Membership::Join) return &user;
        }
        return nullptr;
    }

    // --- Membership
    // --------------------------------------------------------------------------------

    Task<void> ask_rooms(World* world, User user) {
        const Answer answer = co_await ask(world, user, "/_matrix/client/v3/joined_rooms");
        const json::Array* told = answer.body.find_array("joined_rooms");
        if (!answer.is_ok() || told == nullptr) co_return;
        std::set<std::string> listed;
        for (const json::Value& room : *told) {
            if (room.if_string() != nullptr) listed.insert(*room.if_string());
        }
        for (const LivingRoom& living : world->rooms()) {
            const RoomPtr room = find_room_of(*world, user.server, living.id);
            const bool is_joined = room && room->membership(user.id) == Membership::Join;
            if (is_joined == listed.contains(living.id.text())) continue;
            report(*world,
                   user.server,
                   user.id.text() + " is " + (is_joined ? "" : "not ") + "in " + living.id.text() +
                       " by its state, and /joined_rooms says otherwise");
        }
    }

    Task<void> ask_members(World* world, int server, RoomId id) {
        const RoomPtr room = find_room_of(*world, server, id);
        const User* found = room ? find_joined(*world, server, *room) : nullptr;
        if (found == nullptr) co_return;
        const User user = *found;
        const Answer state = co_await ask(world, user, room_path(id, "/state"));
        const Answer members = co_await ask(world, user, room_path(id, "/members"));
        const Answer joined = co_await ask(world, user, room_path(id, "/joined_members"));
        const json::Array* events = state.body.if_array();
        const json::Array* chunk = members.body.find_array("chunk");
        const json::Object* map = joined.body.find_object("joined");
        if (events == nullptr || chunk == nullptr || map == nullptr) {
            report(*world,
                   user.server,
                   user.id.text() + ", who is in " + id.text() + ", is answered with " +
                       std::to_string(state.status) + ", " + std::to_string(members.status) + ", " +
                       std::to_string(joined.status));
            co_return;
        }
        std::set<std::string> listed;
        for (const json::Member& member : *map)
            listed.insert(member.key);
        const Members by_state = members_of(*events);
        const auto expect = [&](bool is_same, const char* what) {
            if (is_same) return;
            report(*world,
                   server,
                   "server " + std::to_string(server) + ", room " + id.text() + ": " + what +
                       " and /state differ");
        };
        expect(members_of(*chunk) == by_state, "/members");
        expect(listed == joined_of(by_state), "/joined_members");
    }

    // --- What is not to be seen
    // --------------------------------------------------------------------

    // An event that somebody who is out may not see: he was out before it, and did not come again.
    static std::optional<EventId> find_hidden(const engine::Room& room, const UserId& user) {
        const EventPtr rule = room.find_state("m.room.history_visibility", "");
        if (rule && rule->text.find("world_readable") != std::string::npos) return std::nullopt;
        const auto out = room.membership(user);
        if (out != Membership::Leave && out != Membership::Ban) return std::nullopt;
        for (const EventId& id : room.extremities()) {
            const auto before = room.state_before(id);
            const auto stored = room.find_event(id);
            if (!before || !stored || stored->event->state_key == user.view()) continue;
            const EventId* member = before->find("m.room.member", user.view());
            const auto membership = member ? room.find_event(*member) : nullptr;
            if (!membership) continue;
            const auto then = membership->event->membership();
            if (then == Membership::Leave || then == Membership::Ban) return id;
        }
        return std::nullopt;
    }

    Task<void> ask_from_outside(World* world, User user, RoomId id) {
        const RoomPtr room = find_room_of(*world, user.server, id);
        const auto hidden = room ? find_hidden(*room, user.id) : std::nullopt;
        if (!hidden) co_return;
        const std::string event = engine::percent_encode(hidden->view());
        const Answer one = co_await ask(world, user, room_path(id, "/event/" + event));
        const Answer page = co_await ask(world, user, room_path(id, "/messages?dir=b&limit=20"));
        const json::Array* chunk = page.body.find_array("chunk");
        const bool is_on_page =
            chunk != nullptr && std::ranges::any_of(*chunk, [&](const json::Value& entry) {
                const std::string* told = entry.find_string("event_id");
                return told != nullptr && *told == hidden->view();
            });
        if (!one.is_ok() && !is_on_page) co_return;
        report(*world,
               user.server,
               user.id.text() + ", who is not in " + id.text() + " any more, reads " +
                   hidden->text() + " by " + (one.is_ok() ? "/event" : "/messages"));
    }

    // --- Redactions
    // --------------------------------------------------------------------------------

    // By the literal rule; in versions 1 and 2 the rules of authorization have decided already.
    static bool is_applied(const engine::Room& room,
                           const StoredEvent& redaction,
                           const Event& target) {
        if (room.rules().has_redaction_auth_rule) return true;
        const auto before = room.state_before(redaction.event->id);
        if (!before) return false;
        oracle::Room judged(room.rules());
        oracle::RuleState state;
        for (const char* type : {"m.room.create", "m.room.power_levels"}) {
            const EventId* id = before->find(type, "");
            const auto stored = id ? room.find_event(*id) : nullptr;
            if (!stored) continue;
            judged.add(stored->event);
            state.emplace(oracle::Key(type, ""), judged.find(*id));
        }
        const oracle::ReadEvent event(redaction.event);
        return oracle::may_redact(
            state, event, oracle::ReadEvent(std::make_shared<const Event>(target)));
    }

    static std::vector<EventId> list_redacted(const engine::Room& room) {
        std::vector<EventId> redacted;
        for_each_in_timeline(room, [&](const StoredEvent& stored) {
            if (!stored.event->redacts || redacted.size() == kRedactionsAskedMax) return;
            const auto target = room.find_event(*stored.event->redacts);
            if (!target || target->status != EventStatus::Accepted) return;
            if (is_applied(room, stored, *target->event)) redacted.push_back(target->event->id);
        });
        return redacted;
    }

    Task<void> ask_redactions(World* world, int server, RoomId id) {
        const RoomPtr room = find_room_of(*world, server, id);
        const User* found = room ? find_joined(*world, server, *room) : nullptr;
        if (found == nullptr) co_return;
        const User user = *found;
        for (const EventId& target : list_redacted(*room)) {
            const auto stored = room->find_event(target);
            if (stored && redact(*stored->event).text != stored->event->text) {
                report(*world,
                       server,
                       "server " + std::to_string(server) + " keeps " + target.text() +
                           ", which was redacted, as it was");
            }
            const std::string event = engine::percent_encode(target.view());
            const Answer answer = co_await ask(world, user, room_path(id, "/event/" + event));
            const json::Object* content = answer.body.find_object("content");
            if (!answer.is_ok() || content == nullptr || !stored) continue;
            world->measure("redactions_asked", 1);
            if (!is_redacted_content(*stored->event, *content)) {
                report(*world,
                       server,
                       "server " + std::to_string(server) + " serves " + target.text() +
                           ", which was redacted, with the content " + json::write(*content));
            }
        }
    }

    static bool is_redacted_content(const Event& event, const json::Object& content) {
        const json::Object pdu = redact(event).parse_text();
        const json::Value* kept = pdu.find("content");
        return kept != nullptr && kept->if_object() != nullptr && *kept->if_object() == content;
    }

    std::uint64_t questions_ = 0;
    std::uint64_t denials_ = 0;
};

}  // namespace

std::unique_ptr<Check> make_visibility_check() {
    return std::make_unique<VisibilityCheck>();
}

}  // namespace matrix::simulator
