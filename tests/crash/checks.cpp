#include "tests/crash/checks.h"

#include <algorithm>
#include <limits>
#include <map>
#include <memory>
#include <optional>
#include <sstream>
#include <utility>

#include "refserver/engine/fsck/fsck.h"
#include "refserver/engine/http_api.h"
#include "simulator/cluster.h"
#include "simulator/simulated_crypto.h"

namespace matrix::crash {
namespace {

using engine::RoomPtr;
using engine::Rooms;
using storage::StreamPosition;

constexpr StreamPosition kFirst{std::numeric_limits<std::int64_t>::min()};
constexpr StreamPosition kLast{std::numeric_limits<std::int64_t>::max()};
constexpr std::size_t kTimelineMax = 1'000'000;

void add(Findings& findings, std::string finding) {
    if (findings.size() < kFindingsMax) findings.push_back(std::move(finding));
}

Task<void> keep_answer(Task<std::optional<Answer>> call,
                       std::shared_ptr<std::optional<Answer>> slot) {
    *slot = co_await std::move(call);
    if (!*slot) slot->emplace(Answer{});
}

/// A request to home, with all that happens meanwhile; status 0 when home died of it.
Answer ask_now(CrashWorld& world,
               std::string user,
               std::string method,
               std::string target,
               json::Value body = {}) {
    auto slot = std::make_shared<std::optional<Answer>>();
    world.tasks().start(keep_answer(
        world.call(
            Side::Home, std::move(user), std::move(method), std::move(target), std::move(body)),
        slot));
    while (!*slot && world.home().is_alive())
        world.step();
    return slot->value_or(Answer{});
}

// --- After each crash ----------------------------------------------------------------------------

void check_events(Rooms& rooms,
                  const std::map<EventId, RoomId>& expected,
                  const std::string& who,
                  Findings& findings) {
    for (const auto& [event, room_id] : expected) {
        const auto room = rooms.find(room_id);
        const auto stored = room ? (*room)->find_event(event) : nullptr;
        if (!stored || !stored->is_placed()) {
            add(findings, "lost: " + event.text() + ", of which " + who + " was told");
        }
    }
}

void check_peer_has_no_more(Rooms& rooms, const Ledger& ledger, Findings& findings) {
    for (const auto& [room_id, event] : ledger.seen_by_peer) {
        const auto room = rooms.find(room_id);
        if (!room || !(*room)->find_event(event)) {
            add(findings, "lost: " + event.text() + ", which the peer has");
        }
    }
}

std::string state_text(const RoomPtr& room, std::string_view type, std::string_view member) {
    const auto event = room->find_state(type, "");
    if (!event) return "";
    const json::Object pdu = event->parse_text();
    const json::Value* content = pdu.find("content");
    const std::string* text = content ? content->find_string(member) : nullptr;
    return text ? *text : "";
}

/// A room that exists at all has its first events, and the alias that it says it has.
void check_whole(CrashWorld& world, const RoomId& id, Findings& findings) {
    const RoomPtr room = world.home().engine().rooms().find(id).value();
    for (const std::string_view type :
         {"m.room.create", "m.room.power_levels", "m.room.join_rules"}) {
        if (room->find_state(type, "")) continue;
        add(findings, "half a room: " + id.text() + " has no " + std::string(type));
    }
    if (room->list_members(Membership::Join).empty()) {
        add(findings, "half a room: nobody is in " + id.text());
    }
    const std::string alias = state_text(room, "m.room.canonical_alias", "alias");
    if (alias.empty()) return;
    const Answer found = ask_now(
        world, "", "GET", "/_matrix/client/v3/directory/room/" + engine::percent_encode(alias));
    if (found.status != 0 && found.string("room_id") != id.text()) {
        add(findings, "half a room: " + alias + " does not lead to " + id.text());
    }
}

void check_rooms(CrashWorld& world, Findings& findings) {
    Rooms& rooms = world.home().engine().rooms();
    for (const auto& [id, made] : world.ledger().rooms) {
        const auto room = rooms.find(id);
        if (!room || state_text(*room, "m.room.name", "name") != made.name ||
            state_text(*room, "m.room.canonical_alias", "alias") != made.alias ||
            (*room)->membership(UserId(made.creator)) != Membership::Join) {
            add(findings, "lost: the room " + id.text() + " or a part of it");
        }
    }
    for (const RoomId& id : rooms.list()) {
        if (!world.home().is_alive()) return;
        check_whole(world, id, findings);
    }
}

void check_values(CrashWorld& world, Findings& findings) {
    engine::Server& home = world.home().engine();
    for (const std::string& localpart : world.ledger().localparts) {
        const UserId user("@" + localpart + ":" + home.name().text());
        if (!home.accounts().exists(user)) add(findings, "lost: the account " + user.text());
    }
    for (const auto& [user, value] : world.ledger().names) {
        const auto field = home.accounts().profile_field(UserId(user), "displayname");
        const std::string* name = field ? field->if_string() : nullptr;
        if (!value.allows(name ? *name : "")) add(findings, "lost: the name of " + user);
    }
    for (const auto& [who, value] : world.ledger().memberships) {
        const UserId user(who.first);
        if (user.server() != home.name()) continue;
        const auto membership = home.rooms().membership(who.second, user);
        if (!value.allows(membership ? std::string(name_of(*membership)) : "")) {
            add(findings, "lost: the membership of " + user.text());
        }
    }
}

void check_repeated(CrashWorld& world, std::size_t sends_from, Findings& findings) {
    const std::vector<AcknowledgedSend>& sends = world.ledger().sends;
    const std::size_t end = sends.size();
    for (std::size_t place = sends_from; place < end && world.home().is_alive(); ++place) {
        const AcknowledgedSend send = sends[place];
        const Answer again = ask_now(world, send.user, "PUT", send.target, send.content);
        if (again.status == 0 || (again.is_ok() && again.string("event_id") == send.event.text())) {
            continue;
        }
        add(findings, "repeated, " + send.target + " is another event, or refused");
    }
}

/// Hashes, signatures, verdicts and states: all of the database, recomputed.
void check_database_of(CrashWorld& world, Findings& findings) {
    engine::FsckOptions options{.server_name = CrashWorld::name_of(Side::Home),
                                .now_ts = world.now().value,
                                .make_signer = simulator::make_simulated_signer,
                                .verifier = &simulator::simulated_verifier(),
                                .on_breach = [&](const engine::Breach& breach) {
                                    std::ostringstream text;
                                    text << "fsck: " << breach;
                                    add(findings, text.str());
                                }};
    engine::check_database(world.home().engine().turns().database(), options);
}

// --- When all is quiet ---------------------------------------------------------------------------

/// The ends of a room, with what became of them on the other side.
std::string describe_ends(const RoomPtr& room, const RoomPtr& other) {
    std::ostringstream text;
    for (const EventId& end : room->extremities()) {
        const auto event = room->find_event(end);
        const auto there = other->find_event(end);
        text << event->event->type << ' ' << end.view() << " of " << event->event->sender.view()
             << ", there ";
        if (there) {
            text << there->status << ' ' << there->detail;
        } else {
            text << "unknown";
        }
        text << ". ";
    }
    return text.str();
}

/// A room that both servers never leave.
void check_same_room(CrashWorld& world, const RoomId& id, Findings& findings) {
    const auto here = world.home().engine().rooms().find(id);
    const auto there = world.peer().rooms().find(id);
    if (!here || !there) return add(findings, "a server does not know " + id.text());
    if ((*here)->extremities() != (*there)->extremities()) {
        add(findings,
            "the servers see other ends of " + id.text() + ": home " +
                describe_ends(*here, *there) + "; the peer " + describe_ends(*there, *here));
    }
    if ((*here)->current_state().root() != (*there)->current_state().root()) {
        add(findings, "the servers see other states of " + id.text());
    }
}

/// Does each server say the same of the other's users, as invited, joined or gone?
void check_same_members(CrashWorld& world, const RoomId& id, Side resident, Findings& findings) {
    const Side other = resident == Side::Home ? Side::Peer : Side::Home;
    const RoomPtr room = world.server(resident).rooms().find(id).value();
    for (int number = 0; number < 3; ++number) {
        const UserId user = CrashWorld::user(other, number);
        const auto here = room->membership(user).value_or(Membership::Leave);
        const auto there =
            world.server(other).rooms().membership(id, user).value_or(Membership::Leave);
        if (here == there) continue;
        add(findings,
            user.text() + " in " + id.text() + ": \"" + std::string(name_of(here)) +
                "\" says its resident, \"" + std::string(name_of(there)) + "\" its own server");
    }
}

std::map<std::string, int> count_bodies(const RoomPtr& room) {
    std::map<std::string, int> count;
    for (const auto& stored : room->recent(kFirst, kLast, kTimelineMax).events) {
        const json::Object pdu = stored.event->parse_text();
        const json::Value* content = pdu.find("content");
        const std::string* body = content ? content->find_string("body") : nullptr;
        if (body) ++count[*body];
    }
    return count;
}

/// Everything that was sent is there once, though it was asked for again and again.
void check_sent_once(CrashWorld& world, const RoomId& id, Findings& findings) {
    for (const Side side : {Side::Home, Side::Peer}) {
        const RoomPtr room = world.server(side).rooms().find(id).value();
        const auto counts = count_bodies(room);
        for (const auto& [body, count] : counts) {
            if (count > 1) add(findings, body + " is in " + id.text() + " more than once");
        }
        for (const AcknowledgedSend& send : world.ledger().sends) {
            if (!send.target.starts_with(room_path(id, "/"))) continue;
            if (!room->find_event(send.event)) {
                add(findings, CrashWorld::name_of(side).text() + " has no " + send.event.text());
            }
        }
    }
}

void check_order(CrashWorld& world, Findings& findings) {
    std::map<RoomId, StreamPosition> last;
    for (const auto& [room_id, event] : world.ledger().seen_by_peer) {
        const auto room = world.home().engine().rooms().find(room_id);
        const auto stored = room ? (*room)->find_event(event) : nullptr;
        if (!stored) continue;  // Another check says so.
        if (stored->position < last[room_id]) {
            add(findings, event.text() + " came to the peer too late");
        }
        last[room_id] = std::max(last[room_id], stored->position);
    }
}

}  // namespace

void check_acknowledged(CrashWorld& world, std::size_t sends_from, Findings& findings) {
    const Ledger& ledger = world.ledger();
    world.home().turn([&] {
        Rooms& rooms = world.home().engine().rooms();
        check_events(rooms, ledger.told_to_clients, "a client", findings);
        check_events(rooms, ledger.taken_from_peer, "the peer", findings);
        check_peer_has_no_more(rooms, ledger, findings);
        check_values(world, findings);
    });
    // Nothing was asked of this process yet: what is found is what the earlier ones left.
    if (world.home().is_alive()) check_database_of(world, findings);
    check_rooms(world, findings);
    check_repeated(world, sends_from, findings);
}

void check_agreement(CrashWorld& world, const SharedRooms& rooms, Findings& findings) {
    check_same_room(world, rooms.of_home, findings);
    check_same_room(world, rooms.of_peer, findings);
    for (const RoomId& room : world.home().engine().rooms().list()) {
        if (room != rooms.of_peer && room != rooms.visit_at_peer) {
            check_same_members(world, room, Side::Home, findings);
        }
    }
    for (const RoomId& room : world.peer().rooms().list()) {
        if (room != rooms.of_home && room != rooms.visit_at_home) {
            check_same_members(world, room, Side::Peer, findings);
        }
    }
    check_sent_once(world, rooms.of_home, findings);
    check_sent_once(world, rooms.of_peer, findings);
    check_order(world, findings);
}

}  // namespace matrix::crash
