// Servers that a room does not allow.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#server-access-control-lists-acls

#include "conformance/server_server/shared_room.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kServerAclPlace = "server-server-api/#server-access-control-lists-acls";

class ServerAcl : public TargetRoomTest {
protected:
    // The server's name is matched without its port.
    void deny_peer() const {
        const auto name = split_server_name(peer.name());
        alice.send_state(room,
                         "m.room.server_acl",
                         "",
                         {{"allow", {"*"}}, {"allow_ip_literals", true}, {"deny", {name->host}}});
    }
};

struct ProtectedEndpoint {
    std::string_view name;
    Response (*ask)(Peer& peer, const RoomId& room, const EventId& event);
};
const ProtectedEndpoint kProtectedEndpoints[] = {
    {"make_join",
     [](Peer& peer, const RoomId& room, const EventId&) {
         return peer.make_join(room, peer.user("carol"));
     }},
    {"make_leave",
     [](Peer& peer, const RoomId& room, const EventId&) {
         return peer.make_leave(room, peer.user("bob"));
     }},
    {"state",
     [](Peer& peer, const RoomId& room, const EventId& event) { return peer.state(room, event); }},
    {"state_ids",
     [](Peer& peer, const RoomId& room, const EventId& event) {
         return peer.state_ids(room, event);
     }},
    {"backfill",
     [](Peer& peer, const RoomId& room, const EventId& event) {
         return peer.backfill(room, {event}, 5);
     }},
    {"event_auth",
     [](Peer& peer, const RoomId& room, const EventId& event) {
         return peer.event_auth(room, event);
     }},
    {"get_missing_events",
     [](Peer& peer, const RoomId& room, const EventId& event) {
         return peer.missing_events(room, {}, {event});
     }},
};

}  // namespace

CONFORMANCE_TEST(ServerAcl,
                 {.id = "ss/server_acl/denied-server-is-403",
                  .place = kServerAclPlace,
                  .text = "A server that the room denies is answered 403 M_FORBIDDEN.",
                  .rows = rows_of(kProtectedEndpoints)}) {
    const EventId event = alice.send_message(room, "before");
    const auto ask = row_of(kProtectedEndpoints).ask;
    ASSERT_TRUE(has_status(ask(peer, room, event), 200));

    deny_peer();

    EXPECT_TRUE(is_error(ask(peer, room, event), 403, "M_FORBIDDEN"));
}

CONFORMANCE_TEST(ServerAcl,
                 {.id = "ss/server_acl/denied-server-brings-no-join",
                  .place = kServerAclPlace,
                  .text = "A join by /send_join of a server that the room denies is 403 "
                          "M_FORBIDDEN."}) {
    const Pdu carols = peer.sign(peer.join_template(room, "carol"));
    const Pdu daves = peer.sign(peer.join_template(room, "dave"));
    ASSERT_TRUE(has_status(peer.send_join(carols), 200));

    deny_peer();

    EXPECT_TRUE(is_error(peer.send_join(daves), 403, "M_FORBIDDEN"));
    EXPECT_NE(alice.membership(room, peer.user("dave")), "join");
}

CONFORMANCE_TEST(ServerAcl,
                 {.id = "ss/server_acl/denied-server-s-events-are-ignored",
                  .place = kServerAclPlace,
                  .text = "A PDU from a server that the room denies is ignored, with an error for "
                          "its event id in the response."}) {
    const Json content = {{"msgtype", "m.text"}, {"body", "hello"}};
    const Pdu before = peer.send(copy, bob, "m.room.message", content);
    alice.sync_until_event(room, before.id());
    deny_peer();
    const Pdu after = peer.sign(copy.draft(bob, "m.room.message", content));

    const Response response = peer.send_transaction({after});

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_FALSE(string_at(response.at({"pdus", after.id().view()}), {"error"}).empty())
        << response;
    const EventId marker = alice.send_message(room, "marker");
    alice.sync_until_event(room, marker);
    EXPECT_TRUE(alice.get(room_path(room, {"event", after.id().view()})).is_error());
}

CONFORMANCE_TEST(ServerAcl,
                 {.id = "ss/server_acl/denied-server-brings-no-leave-and-no-invite",
                  .place = kServerAclPlace,
                  .text = "/send_leave and /invite of a server that the room denies are 403 "
                          "M_FORBIDDEN."}) {
    const Client carol = target.make_user("carol");
    const Client dave = target.make_user("dave");
    const auto invite = [&](const Client& user) {
        return peer.send_invite(peer.sign(copy.draft_member(bob, user.user(), "invite")),
                                to_json(copy.current_state()));
    };
    const auto draft_leave = [&](std::string_view user) {
        const Response response = peer.make_leave(room, peer.user(user));
        expect_step("asking for a leave", response);
        Pdu leave{response.at({"event"}), &copy.rules()};
        leave["origin_server_ts"] = copy.draft(bob, "m.x", Json::object())["origin_server_ts"];
        return peer.sign(leave);
    };
    ASSERT_TRUE(has_status(peer.send_join(peer.sign(peer.join_template(room, "erin"))), 200));
    ASSERT_TRUE(has_status(invite(carol), 200));
    const Pdu late = draft_leave("bob");
    ASSERT_TRUE(has_status(peer.send_leave(draft_leave("erin")), 200));

    deny_peer();

    EXPECT_TRUE(is_error(invite(dave), 403, "M_FORBIDDEN"));
    EXPECT_TRUE(is_error(peer.send_leave(late), 403, "M_FORBIDDEN"));
    EXPECT_EQ(alice.membership(room, bob), "join");
}

namespace {

std::string in_capitals(const std::string& text) {
    std::string capitals = text;
    for (char& c : capitals) {
        if (c >= 'a' && c <= 'z') c = static_cast<char>(c - 'a' + 'A');
    }
    return capitals;
}

// A way to write the peer's host into an access control list.
struct AclGlob {
    std::string_view name;
    std::string_view text;
    std::string (*make)(const std::string& host);
};
const AclGlob kMatchingGlobs[] = {
    {"capitals", "Names are compared without regard to case (security-cases.tsv 17).", in_capitals},
    {"capitals_and_star",
     "Globs are compared without regard to case (security-cases.tsv 17).",
     [](const std::string& host) { return in_capitals(host.substr(0, 3)) + "*"; }},
    {"question_mark",
     "`?` stands for exactly one character.",
     [](const std::string& host) { return "?" + host.substr(1); }},
    {"star_for_nothing",
     "`*` stands also for no character.",
     [](const std::string& host) { return host + "*"; }},
};

}  // namespace

CONFORMANCE_TEST(ServerAcl,
                 {.id = "ss/server_acl/globs-match-the-name",
                  .place = "client-server-api/#mroomserver_acl",
                  .text = "A server is denied if its name without the port matches a glob.",
                  .rows = rows_of(kMatchingGlobs)}) {
    const std::string host = split_server_name(peer.name())->host;
    const auto deny = [&](const std::string& glob) {
        alice.send_state(room,
                         "m.room.server_acl",
                         "",
                         {{"allow", {"*"}}, {"allow_ip_literals", true}, {"deny", {glob}}});
    };
    deny("x" + host);
    ASSERT_TRUE(has_status(peer.make_join(room, peer.user("carol")), 200));
    deny(host + "?");
    ASSERT_TRUE(has_status(peer.make_join(room, peer.user("carol")), 200));

    deny(row_of(kMatchingGlobs).make(host));

    EXPECT_TRUE(is_error(peer.make_join(room, peer.user("carol")), 403, "M_FORBIDDEN"));
}

CONFORMANCE_TEST(
    ServerAcl,
    {.id = "ss/server_acl/long-list-costs-little",
     .level = Level::Should,
     .place = kServerAclPlace,
     .text = "A list that fills an event with globs does not hold up the room's events "
             "(security-cases.tsv 68)."}) {
    Json globs = Json::array();
    for (int i = 0; i < 1200; ++i)
        globs.push_back("*" + std::to_string(i) + "*a*b*c*d*e*f*g*h*i*.example.org");
    alice.send_state(room,
                     "m.room.server_acl",
                     "",
                     {{"allow", {"*"}}, {"allow_ip_literals", true}, {"deny", globs}});
    std::vector<Pdu> messages;
    for (int i = 0; i < 50; ++i) {
        messages.push_back(peer.append(
            copy, bob, "m.room.message", {{"msgtype", "m.text"}, {"body", std::to_string(i)}}));
    }

    const Response response = peer.send_transaction(messages);

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_TRUE(is_accepted(response, messages.back().id()));
    EXPECT_LT(response.duration, std::chrono::seconds(5)) << "for fifty events";
}

}  // namespace matrix::conformance
