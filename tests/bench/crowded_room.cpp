#include "tests/bench/crowded_room.h"

#include <utility>

#include "refserver/protocol/signatures.h"

namespace matrix::bench {

using conformance::IncomingRequest;
using conformance::OutgoingResponse;

namespace {

constexpr std::int64_t kCreatedTs = 1'767'225'600'000;

void append_event(std::string& list, const Event& event) {
    if (!list.empty()) list += ',';
    list += event.text;
}

json::Object make_power_levels(const UserId& creator) {
    return {{"users", json::Object{{creator.text(), 100}}},
            {"users_default", 0},
            {"events_default", 0},
            {"state_default", 0}};
}

}  // namespace

CrowdedRoom::CrowdedRoom(conformance::Peer& peer, std::size_t members)
    : peer_(peer), rules_(*find_room_rules("11")), room_("!crowd:" + peer.name().text()) {
    const UserId creator = peer_.user("creator");
    const EventId create =
        add("m.room.create", "", creator, json::Object{{"room_version", "11"}}, {});
    const EventId join = add(
        "m.room.member", creator.view(), creator, json::Object{{"membership", "join"}}, {create});
    const EventId levels =
        add("m.room.power_levels", "", creator, make_power_levels(creator), {create, join});
    const EventId rule = add("m.room.join_rules",
                             "",
                             creator,
                             json::Object{{"join_rule", "public"}},
                             {create, levels, join});
    auth_chain_ = state_;
    join_authority_ = {create, levels, rule};
    add_members(members);
    peer_.on("GET", "/_matrix/federation/v1/make_join/", [this](const IncomingRequest& request) {
        return make_join(UserId(request.segments().back()));
    });
    peer_.on("PUT", "/_matrix/federation/v2/send_join/", [this](const IncomingRequest& request) {
        return send_join(request.body);
    });
}

void CrowdedRoom::add_members(std::size_t members) {
    for (std::size_t member = 0; member < members; ++member) {
        const UserId user = peer_.user("member" + std::to_string(member));
        add("m.room.member",
            user.view(),
            user,
            json::Object{{"membership", "join"},
                         {"displayname", "Member " + std::to_string(member)},
                         {"avatar_url", "mxc://example.org/abcdefghijklmnopqrstuvwx"}},
            join_authority_);
    }
}

EventId CrowdedRoom::add(std::string_view type,
                         std::string_view state_key,
                         const UserId& sender,
                         json::Object content,
                         std::vector<EventId> auth_events) {
    EventTemplate made;
    made.room_id = room_;
    made.sender = sender;
    made.type = type;
    made.state_key = std::string(state_key);
    made.content = std::move(content);
    made.auth_events = std::move(auth_events);
    made.depth = ++depth_;
    made.origin_server_ts = kCreatedTs + depth_;
    if (depth_ > 1) made.prev_events.push_back(last_);
    json::Object pdu = make_pdu(made, rules_);
    hash_and_sign_event(pdu, peer_.name(), peer_.signer(), rules_);
    const Event event = parse_event(pdu, rules_).value();
    append_event(state_, event);
    last_ = event.id;
    return event.id;
}

OutgoingResponse CrowdedRoom::make_join(const UserId& user) const {
    EventTemplate made;
    made.room_id = room_;
    made.sender = user;
    made.type = "m.room.member";
    made.state_key = user.text();
    made.content = json::Object{{"membership", "join"}};
    made.auth_events = join_authority_;
    made.prev_events = {last_};
    made.depth = depth_ + 1;
    made.origin_server_ts = kCreatedTs;
    return {.body =
                "{\"room_version\":\"11\",\"event\":" + json::write(make_pdu(made, rules_)) + "}"};
}

OutgoingResponse CrowdedRoom::send_join(const std::string& join) const {
    return {.body = "{\"auth_chain\":[" + auth_chain_ + "],\"event\":" + join +
                    ",\"members_omitted\":false,\"origin\":\"" + peer_.name().text() +
                    "\",\"servers_in_room\":[\"" + peer_.name().text() + "\"],\"state\":[" +
                    state_ + "]}"};
}

}  // namespace matrix::bench
