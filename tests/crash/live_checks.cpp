#include "tests/crash/live_checks.h"

#include <algorithm>
#include <map>
#include <utility>

#include "conformance/harness/steps.h"

namespace matrix::crash {

using conformance::escape;
using conformance::string_at;

namespace {

constexpr std::size_t kFindingsMax = 20;
/// The peer's first retry comes after seconds; a queue of thousands takes some more.
constexpr std::chrono::milliseconds kDrainDeadline{60'000};

}  // namespace

void LiveChecks::expect(bool is_so, const std::string& finding) {
    ++checked_;
    if (!is_so && findings_.size() < kFindingsMax) findings_.push_back(finding);
}

void LiveChecks::expect_event(const std::string& user,
                              const std::string& room,
                              const std::string& event) {
    const Response found = load_.call(user, "GET", live_room_path(room, "/event/" + escape(event)));
    expect(found.is_ok(), "lost: " + event + ": " + testing::PrintToString(found));
}

void LiveChecks::check_new() {
    check(load_.copy_ledger());
}

void LiveChecks::check(const LiveLedger& ledger) {
    check_sends(ledger);
    check_events(ledger);
    check_rooms(ledger);
    check_accounts(ledger);
    check_transactions(ledger);
    check_joined_rooms(ledger);
}

void LiveChecks::check_sends(const LiveLedger& ledger) {
    for (; marks_.sends < ledger.sends.size(); ++marks_.sends) {
        const LiveLedger::Send& send = ledger.sends[marks_.sends];
        expect_event(send.user, load_.shared_room(), send.event);
        const Response again = load_.call(send.user, "PUT", send.target, send.content);
        expect(string_at(again.body, {"event_id"}) == send.event,
               "repeated, " + send.target + " is another event: " + again.text);
    }
}

void LiveChecks::check_events(const LiveLedger& ledger) {
    for (; marks_.events < ledger.events.size(); ++marks_.events) {
        const LiveLedger::Event& event = ledger.events[marks_.events];
        expect_event(event.user, event.room, event.event);
    }
    for (; marks_.seen_by_peer < ledger.seen_by_peer.size(); ++marks_.seen_by_peer) {
        expect_event(load_.user(0), load_.shared_room(), ledger.seen_by_peer[marks_.seen_by_peer]);
    }
}

void LiveChecks::check_rooms(const LiveLedger& ledger) {
    for (; marks_.rooms < ledger.rooms.size(); ++marks_.rooms) {
        const LiveLedger::Room& room = ledger.rooms[marks_.rooms];
        const Response name =
            load_.call(load_.user(2), "GET", live_room_path(room.room, "/state/m.room.name"));
        expect(string_at(name.body, {"name"}) == room.name, "lost: the room " + room.room);
        const Response alias =
            load_.call("", "GET", "/_matrix/client/v3/directory/room/" + escape(room.alias));
        expect(string_at(alias.body, {"room_id"}) == room.room, "lost: the alias " + room.alias);
    }
}

void LiveChecks::check_accounts(const LiveLedger& ledger) {
    for (; marks_.accounts < ledger.accounts.size(); ++marks_.accounts) {
        const LiveLedger::Account& account = ledger.accounts[marks_.accounts];
        // Nobody has a user id that looks like this token: it is sent as it stands.
        const Response who = load_.call(account.token, "GET", "/_matrix/client/v3/account/whoami");
        expect(string_at(who.body, {"user_id"}) == account.user, "lost: " + account.user);
    }
}

// The newest one alone: of a peer that keeps the order, no other is repeated.
void LiveChecks::check_transactions(const LiveLedger& ledger) {
    if (marks_.transactions == ledger.transactions.size()) return;
    marks_.transactions = ledger.transactions.size();
    const LiveLedger::Transaction& newest = ledger.transactions.back();
    const Response again = load_.put_as_peer(newest.target, newest.body);
    expect(again.text == newest.answer, "repeated, " + newest.target + " answers " + again.text);
}

void LiveChecks::check_joined_rooms(const LiveLedger& ledger) {
    const Response joined = load_.call(load_.user(2), "GET", "/_matrix/client/v3/joined_rooms");
    std::set<std::string> rooms;
    for (const Json& room : joined.at({"joined_rooms"}))
        rooms.insert(room.get<std::string>());
    for (; marks_.peer_rooms < ledger.peer_rooms.size(); ++marks_.peer_rooms) {
        const std::string& room = ledger.peer_rooms[marks_.peer_rooms];
        expect(rooms.contains(room), "lost: the join of " + room);
    }
    for (const std::string& room : rooms) {
        if (whole_rooms_.insert(room).second) check_whole(room);
    }
}

/// A room in which a user is has its first events, and its alias leads to it.
void LiveChecks::check_whole(const std::string& room) {
    const Response state = load_.call(load_.user(2), "GET", live_room_path(room, "/state"));
    std::set<std::string> types;
    std::string alias;
    for (const Json& event : state.body.is_array() ? state.body : Json::array()) {
        const std::string type = string_at(event, {"type"});
        types.insert(type);
        if (type == "m.room.canonical_alias") alias = string_at(event, {"content", "alias"});
    }
    for (const char* type : {"m.room.create", "m.room.power_levels", "m.room.join_rules"})
        expect(types.contains(type), "half a room: " + room + " has no " + type);
    if (alias.empty()) return;
    const Response found =
        load_.call("", "GET", "/_matrix/client/v3/directory/room/" + escape(alias));
    expect(string_at(found.body, {"room_id"}) == room, "half a room: " + room + ", " + alias);
}

void LiveChecks::check_all() {
    const auto has_all = [&] {
        const LiveLedger ledger = load_.copy_ledger();
        return std::ranges::all_of(ledger.sends, [&](const LiveLedger::Send& send) {
            return ledger.peer_has.contains(send.event);
        });
    };
    expect(conformance::eventually(kDrainDeadline, has_all), "the peer does not get all events");
    marks_ = {};
    whole_rooms_.clear();
    const LiveLedger ledger = load_.copy_ledger();
    check(ledger);
    check_guests();
    check_timeline(ledger);
}

/// Each room that was made invited a guest of the peer: at once, or by the process that came next.
void LiveChecks::check_guests() {
    for (const std::string& room : whole_rooms_) {
        const Response alias =
            load_.call(load_.user(2), "GET", live_room_path(room, "/state/m.room.canonical_alias"));
        if (!alias.is_ok()) continue;  // A room of the peer.
        const std::string target =
            live_room_path(room, "/state/m.room.member/" + escape(load_.guest()));
        const bool is_invited = conformance::eventually(kDrainDeadline, [&] {
            const Response member = load_.call(load_.user(2), "GET", target);
            return string_at(member.body, {"membership"}) == "invite";
        });
        expect(is_invited, "half a room: " + room + " has not invited its guest");
    }
}

/// Everything is in the room once, and came to the peer in the order of the room.
void LiveChecks::check_timeline(const LiveLedger& ledger) {
    std::vector<std::string> ours;
    std::map<std::string, int> bodies;
    std::string from;
    do {
        const Response page =
            load_.call(load_.user(0),
                       "GET",
                       live_room_path(load_.shared_room(),
                                      "/messages?dir=f&limit=500" +
                                          (from.empty() ? "" : "&from=" + escape(from))));
        expect(page.is_ok(), "no timeline: " + page.text);
        for (const Json& event : page.at({"chunk"})) {
            const std::string id = string_at(event, {"event_id"});
            const std::string body = string_at(event, {"content", "body"});
            if (!body.empty()) ++bodies[body];
            if (ledger.peer_has.contains(id)) ours.push_back(id);
        }
        from = string_at(page.body, {"end"});
    } while (!from.empty() && findings_.empty());
    for (const auto& [body, count] : bodies)
        expect(count == 1, body + " is in the room more than once");
    expect(ours == ledger.seen_by_peer, "the peer got our events in another order");
}

}  // namespace matrix::crash
