#include "refserver/engine/rooms/remote_rooms.h"

#include <algorithm>

#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/engine/peers/federation_client.h"
#include "refserver/engine/peers/key_ring.h"
#include "refserver/engine/rooms/room_preview.h"
#include "refserver/protocol/base64.h"
#include "refserver/protocol/event_hash.h"
#include "refserver/protocol/redaction.h"
#include "refserver/protocol/sha256.h"
#include "refserver/runtime/clock.h"
#include "refserver/runtime/log.h"

namespace matrix::engine {
namespace {

/// How many servers are asked before a join or a leave fails.
constexpr std::size_t kServersTriedMax = 5;
/// How many events a server may show to one who knocks.
constexpr std::size_t kKnockStateMax = 100;

// --- What a resident offers, and what we make of it ----------------------------------------------

const std::string* find_text(const json::Object& object, std::string_view field) {
    const json::Value* value = object.find(field);
    return value ? value->if_string() : nullptr;
}

std::unexpected<Error> bad_template(const ServerName& server, std::string_view what) {
    SIM_SOMETIMES("a resident offers another event than was asked for");
    return bad_gateway(server.text() +
                       " offers another event than was asked for: " + std::string(what));
}

// Spec: "the server MUST verify that" these are what was asked for.
Result<void> check_template(const FederationClient::MadeEvent& made,
                            const ServerName& server,
                            const RoomId& room,
                            const UserId& user,
                            Membership membership) {
    const auto is = [&](std::string_view field, std::string_view expected) {
        const std::string* text = find_text(made.event, field);
        return text && *text == expected;
    };
    if (!is("type", "m.room.member")) return bad_template(server, "type");
    if (!is("room_id", room.view())) return bad_template(server, "room_id");
    if (!is("sender", user.view())) return bad_template(server, "sender");
    if (!is("state_key", user.view())) return bad_template(server, "state_key");
    const json::Value* content = made.event.find("content");
    const std::string* offered = content ? content->find_string("membership") : nullptr;
    if (!offered || *offered != name_of(membership)) return bad_template(server, "membership");
    return {};
}

Result<std::vector<EventId>> take_references(const FederationClient::MadeEvent& made,
                                             const ServerName& server,
                                             std::string_view field,
                                             std::size_t count_max) {
    const json::Value* value = made.event.find(field);
    const json::Array* entries = value ? value->if_array() : nullptr;
    if (!entries || entries->size() > count_max) return bad_template(server, field);
    std::vector<EventId> ids;
    for (const json::Value& entry : *entries) {
        const json::Array* pair = entry.if_array();
        const json::Value& named = pair && !pair->empty() ? pair->front() : entry;
        const auto id = parse_event_id(named.if_string() ? *named.if_string() : "");
        if (!id) return bad_template(server, field);
        ids.push_back(*id);
    }
    return ids;
}

/// What we ask for.
struct Wanted {
    RoomId room;
    UserId user;
    Membership membership = Membership::Join;
    json::Object content;  ///< Beside `membership`.
};

// The event that we sign: built anew, with nothing of the template in it but where it stands in the
// graph, what authorizes it, and who vouches for it.
Result<EventTemplate> adopt_template(const FederationClient::MadeEvent& made,
                                     const ServerName& server,
                                     const Wanted& wanted) {
    RETURN_IF_ERROR(check_template(made, server, wanted.room, wanted.user, wanted.membership));
    EventTemplate event;
    event.room_id = wanted.room;
    event.sender = wanted.user;
    event.type = "m.room.member";
    event.state_key = wanted.user.text();
    event.content = wanted.content;
    event.content.erase("join_authorised_via_users_server");
    event.content.set("membership", name_of(wanted.membership));
    const json::Object& offered = *made.event.find("content")->if_object();
    const std::string* authoriser = find_text(offered, "join_authorised_via_users_server");
    if (authoriser && wanted.membership == Membership::Join) {
        const auto user = parse_user_id(*authoriser);
        if (!user) return bad_template(server, "join_authorised_via_users_server");
        event.content.set("join_authorised_via_users_server", user->text());
    }
    ASSIGN_OR_RETURN(event.prev_events,
                     take_references(made, server, "prev_events", kPrevEventsMax));
    ASSIGN_OR_RETURN(event.auth_events,
                     take_references(made, server, "auth_events", kAuthEventsMax));
    const json::Value* depth = made.event.find("depth");
    if (!depth || !depth->if_integer()) return bad_template(server, "depth");
    event.depth = *depth->if_integer();
    return event;
}

Result<const RoomRules*> rules_of(const FederationClient::MadeEvent& made) {
    if (const RoomRules* rules = find_room_rules(made.room_version)) return rules;
    return incompatible_room_version(made.room_version);
}

Result<SignedEvent> complete_template(EventTemplate event,
                                      const ServerName& us,
                                      const Signer& signer,
                                      const RoomRules& rules) {
    std::optional<EventId> id;
    if (rules.event_id_encoding == EventIdEncoding::Opaque) {
        // Two events of one user at one place of the graph and one moment are the same event.
        const std::string named = json::write(make_pdu(event, rules, EventId("$:" + us.text())));
        id = EventId("$" + encode_base64_url(view(sha256(named))) + ":" + us.text());
    }
    json::Object pdu = make_pdu(event, rules, id);
    hash_and_sign_event(pdu, us, signer, rules);
    auto parsed = parse_event(pdu, rules);
    if (!parsed) return bad_gateway("the template: " + error_of(parsed.error()).message);
    return SignedEvent{*std::move(parsed), std::move(pdu)};
}

// What a resident offers becomes the event that we ask it to take.
Result<SignedEvent> sign_offer(const FederationClient::MadeEvent& made,
                               const ServerName& server,
                               const Wanted& wanted,
                               const RemoteRooms::Services& services) {
    ASSIGN_OR_RETURN(const RoomRules* rules, rules_of(made));
    ASSIGN_OR_RETURN(EventTemplate event, adopt_template(made, server, wanted));
    event.origin_server_ts = services.clock.now().value;
    return complete_template(std::move(event), services.server_name, services.signer, *rules);
}

// Each server once, ours left out, no more than we try.
std::vector<ServerName> candidates(const std::vector<ServerName>& servers, const ServerName& us) {
    std::vector<ServerName> list;
    for (const ServerName& server : servers) {
        if (server == us || std::ranges::find(list, server) != list.end()) continue;
        if (list.size() == kServersTriedMax) break;
        list.push_back(server);
    }
    return list;
}

// Is it of no use to ask another server? An answer about the user or the room holds everywhere.
bool is_final(const Error& error) {
    return error.status == 403 || error.errcode == "M_INCOMPATIBLE_ROOM_VERSION";
}

}  // namespace

RemoteRooms::RemoteRooms(Services services)
    : services_(std::move(services)),
      unfinished_(services_.turns),
      random_(services_.random.stream("remote rooms")) {}

template <typename Answer, typename Attempt>
Task<Result<Answer>> RemoteRooms::ask_each(std::vector<ServerName> servers,
                                           std::string what,
                                           Refusal refusal,
                                           Attempt attempt) {
    Error last = not_found("no other server is known to be in the room").error();
    for (const ServerName& server : candidates(servers, services_.server_name)) {
        Result<Answer> answer = co_await attempt(server);
        if (answer) co_return answer;
        last = std::move(answer).error();
        SIM_SOMETIMES(is_final(last), "a resident refuses for the whole room");
        services_.log.write("resident_failed",
                            {{"server", server.view()}, {"doing", what}, {"why", last.message}});
        SIM_SOMETIMES(!is_final(last), "a resident does not help, and another one is asked");
        if (refusal == Refusal::Final && is_final(last)) break;
    }
    co_return std::unexpected(std::move(last));
}

StreamPosition RemoteRooms::known_membership(const RoomId& room, const UserId& user) const {
    const auto known = services_.rooms.membership_at(room, user, services_.turns.newest());
    return known ? known->position : StreamPosition{};
}

template <typename Answer>
Task<Result<Answer>> RemoteRooms::run_recorded(ServerName resident,
                                               SignedEvent own,
                                               Task<Result<Answer>> rest) {
    const Event& event = own.event;
    storage::UnfinishedHandshake handshake{
        .event = event.id,
        .resident = std::move(resident),
        .room = event.room_id,
        .user = event.sender,
        .room_version = std::string(event.rules->version),
        .pdu = json::write(own.pdu),
        .known_at = known_membership(event.room_id, event.sender)};
    unfinished_.put(handshake);
    if (!co_await services_.turns.durable()) co_return storage_failed(services_.turns);
    const std::uint64_t failed_before = services_.turns.failed_commits();
    Result<Answer> answer = co_await std::move(rest);
    // Within the unit of work that stores the outcome: there is always one of the two. What fails
    // with the storage is no outcome.
    if (services_.turns.failed_commits() == failed_before) {
        unfinished_.remove_handshake(event.id);
        if (co_await services_.turns.durable()) co_return answer;
    }
    SIM_SOMETIMES("a commit fails during a handshake with a resident");
    tasks_.start(finish_later(std::move(handshake)));
    co_return storage_failed(services_.turns);
}

// --- Joining -------------------------------------------------------------------------------------

Task<Result<RoomPtr>> RemoteRooms::join(RoomId room,
                                        UserId user,
                                        std::vector<ServerName> servers,
                                        json::Object content) {
    const auto through = [this, room, user, content](const ServerName& server) {
        return join_through(server, room, user, content);
    };
    co_return co_await ask_each<RoomPtr>(
        std::move(servers), "joining " + room.text(), Refusal::Final, through);
}

Task<Result<RoomPtr>> RemoteRooms::join_through(ServerName server,
                                                RoomId room,
                                                UserId user,
                                                json::Object content) {
    ASSIGN_OR_CO_RETURN(const auto made,
                        co_await services_.federation.make_join(server, room, user));
    const Wanted wanted{room, user, Membership::Join, std::move(content)};
    ASSIGN_OR_CO_RETURN(const SignedEvent join, sign_offer(made, server, wanted, services_));
    co_return co_await run_recorded(server, join, finish_join(server, join));
}

Task<Result<RoomPtr>> RemoteRooms::finish_join(ServerName server, SignedEvent join) {
    const RoomRules* rules = join.event.rules;
    const RoomId room = join.event.room_id;
    const StreamPosition known_at = known_membership(room, join.event.sender);
    ASSIGN_OR_CO_RETURN(
        auto sent, co_await services_.federation.send_join(server, room, join.event.id, join.pdu));
    // The resident may have added its signature, and nothing else.
    if (!sent.event.empty()) {
        SIM_SOMETIMES("a resident returns a join");
        auto returned = parse_event(sent.event, *rules);
        if (!returned || returned->id != join.event.id) {
            SIM_SOMETIMES("a resident returns another event than it was sent");
            co_return bad_gateway(server.text() + " returned another event than it was sent");
        }
        CO_RETURN_IF_ERROR(co_await services_.keys.verify_event(sent.event, rules));
        if (!has_valid_content_hash(sent.event)) {
            co_return bad_gateway(server.text() + " changed the join");
        }
        join.event = *std::move(returned);
    }
    JoinedRoom joined;
    joined.known_at = known_at;
    joined.join = std::make_shared<const Event>(std::move(join.event));
    const std::size_t state_count = sent.state.size();
    joined.state = co_await keep_verified(std::move(sent.state), room, rules);
    joined.resident = server;
    joined.is_state_whole = joined.state.size() == state_count;
    joined.auth_chain = co_await keep_verified(std::move(sent.auth_chain), room, rules);
    CO_RETURN_IF_ERROR(check_create(joined, server, *rules));
    co_return co_await services_.rooms.enter(std::move(joined));
}

// The events among `pdus` that are of the room and whose signatures are good; those whose hash is
// not are redacted.
Task<std::vector<Event>> RemoteRooms::keep_verified(json::Array pdus,
                                                    RoomId room,
                                                    const RoomRules* rules) {
    std::vector<json::Object> objects;
    objects.reserve(pdus.size());
    for (json::Value& pdu : pdus) {
        if (json::Object* object = pdu.if_object()) objects.push_back(std::move(*object));
    }
    auto kept = co_await services_.keys.keep_events(std::move(objects), room, rules);
    SIM_SOMETIMES(kept.dropped != 0, "a resident sends events that are not kept");
    services_.rooms.dropped().note_many(room, kept.dropped);
    co_return std::move(kept.events);
}

// A room has exactly one beginning, of the version that the resident claims.
Result<void> RemoteRooms::check_create(const JoinedRoom& joined,
                                       const ServerName& server,
                                       const RoomRules& rules) {
    const Event* create = nullptr;
    for (const Event& event : joined.state) {
        if (!event.is("m.room.create", "")) continue;
        if (create && create->id != event.id) {
            SIM_SOMETIMES("a resident sends a state with two create events");
            return bad_gateway(server.text() + " sent a state with two create events");
        }
        create = &event;
    }
    if (!create) {
        SIM_SOMETIMES("a resident sends a state without a create event");
        return bad_gateway(server.text() + " sent a state without a create event");
    }
    const auto* content = create->find_content<CreateContent>();
    // Spec: m.room.create, "The version of the room. Defaults to 1 if the key does not exist."
    std::string version = "1";
    if (!content) {
        version.clear();
    } else if (content->has_room_version) {
        version = content->room_version.value_or("");
    }
    if (version != rules.version) {
        SIM_SOMETIMES("a resident lies about the room version");
        return bad_gateway(server.text() + " sent a create event of another room version");
    }
    return {};
}

// --- Knocking ------------------------------------------------------------------------------------

Task<Result<void>> RemoteRooms::knock(RoomId room,
                                      UserId user,
                                      std::vector<ServerName> servers,
                                      json::Object content) {
    const auto through = [this, room, user, content](const ServerName& server) {
        return knock_through(server, room, user, content);
    };
    co_return co_await ask_each<void>(
        std::move(servers), "knocking on " + room.text(), Refusal::Final, through);
}

Task<Result<void>> RemoteRooms::knock_through(ServerName server,
                                              RoomId room,
                                              UserId user,
                                              json::Object content) {
    ASSIGN_OR_CO_RETURN(const auto made,
                        co_await services_.federation.make_knock(server, room, user));
    const Wanted wanted{room, user, Membership::Knock, std::move(content)};
    ASSIGN_OR_CO_RETURN(const SignedEvent knock, sign_offer(made, server, wanted, services_));
    co_return co_await run_recorded(server, knock, finish_knock(server, knock));
}

Task<Result<void>> RemoteRooms::finish_knock(ServerName server, SignedEvent knock) {
    SIM_SOMETIMES("a knock goes through another server");
    const RoomId room = knock.event.room_id;
    const UserId user = knock.event.sender;
    ASSIGN_OR_CO_RETURN(
        json::Array state,
        co_await services_.federation.send_knock(server, room, knock.event.id, knock.pdu));
    if (state.size() > kKnockStateMax) state.resize(kKnockStateMax);
    json::Array stripped;
    for (const Event& event : co_await keep_verified(std::move(state), room, knock.event.rules)) {
        if (event.is_state()) stripped.push_back(stripped_form(event));
    }
    services_.rooms.put_outlier_membership(
        {.room = room,
         .user = user,
         .event = std::make_shared<const Event>(std::move(knock.event)),
         .stripped_state = std::move(stripped)});
    co_return Result<void>{};
}

// --- Leaving -------------------------------------------------------------------------------------

Task<Result<void>> RemoteRooms::leave(RoomId room, UserId user, std::vector<ServerName> servers) {
    const auto through = [this, room, user](const ServerName& server) {
        return leave_through(server, room, user);
    };
    co_return co_await ask_each<void>(
        std::move(servers), "leaving " + room.text(), Refusal::OfOneServer, through);
}

Task<Result<void>> RemoteRooms::leave_through(ServerName server, RoomId room, UserId user) {
    ASSIGN_OR_CO_RETURN(const auto made,
                        co_await services_.federation.make_leave(server, room, user));
    const Wanted wanted{room, user, Membership::Leave, {}};
    ASSIGN_OR_CO_RETURN(const SignedEvent leave, sign_offer(made, server, wanted, services_));
    co_return co_await run_recorded(server, leave, finish_leave(server, leave));
}

Task<Result<void>> RemoteRooms::finish_leave(ServerName server, SignedEvent leave) {
    SIM_SOMETIMES("an invite is rejected through another server");
    const RoomId room = leave.event.room_id;
    const UserId user = leave.event.sender;
    CO_RETURN_IF_ERROR(
        co_await services_.federation.send_leave(server, room, leave.event.id, leave.pdu));
    const auto entered = services_.rooms.find(room);
    if (entered && (*entered)->is_server_joined(services_.server_name)) {
        // A join that began later was done first, and nobody sends us an event of ours.
        SIM_SOMETIMES("a room is entered while a leave of it goes through another server");
        const auto received =
            co_await (*entered)->receive_verified(std::move(leave.event), std::move(server));
        if (!received) co_return std::unexpected(received.error());
        co_return Result<void>{};
    }
    services_.rooms.put_outlier_membership(
        {.room = room,
         .user = user,
         .event = std::make_shared<const Event>(std::move(leave.event)),
         .stripped_state = {}});
    co_return Result<void>{};
}

// --- Inviting ------------------------------------------------------------------------------------

namespace {

// Adds to our event what the other server signed; whatever else it sent is left.
void copy_signatures(const json::Object& from, const ServerName& server, json::Object& to) {
    const json::Value* all = from.find("signatures");
    const json::Value* theirs = all ? all->find(server.view()) : nullptr;
    if (theirs && theirs->is_object()) to["signatures"].if_object()->set(server.view(), *theirs);
}

}  // namespace

namespace {

storage::UnfinishedInvite record_of(const RoomId& room, const NewEvent& invite) {
    return {.room = room,
            .invited = UserId(invite.state_key.value_or("")),
            .sender = invite.sender,
            .content = json::write(invite.content)};
}

}  // namespace

void RemoteRooms::plan_invite(const RoomId& room, const NewEvent& invite) {
    unfinished_.put(record_of(room, invite));
}

Task<Result<StoredEvent>> RemoteRooms::invite(RoomPtr room, NewEvent invite) {
    storage::UnfinishedInvite planned = record_of(room->id(), invite);
    unfinished_.put(planned);
    if (!co_await services_.turns.durable()) co_return storage_failed(services_.turns);
    const std::uint64_t failed_before = services_.turns.failed_commits();
    auto sent = co_await send_invite(room, std::move(invite));
    // As above.
    if (services_.turns.failed_commits() == failed_before) {
        unfinished_.remove_invite(planned.room, planned.invited);
        if (co_await services_.turns.durable()) co_return sent;
    }
    SIM_SOMETIMES("a commit fails during an invite");
    tasks_.start(invite_later(std::move(planned)));
    co_return storage_failed(services_.turns);
}

Task<Result<StoredEvent>> RemoteRooms::send_invite(RoomPtr room, NewEvent invite) {
    const UserId invited(invite.state_key.value_or(""));
    const ServerName server = invited.server();
    const RoomRules* rules = &room->rules();
    ASSIGN_OR_CO_RETURN(const EventTemplate made, room->make_template(invite));
    // An invite that we would not send is not shown to others.
    CO_RETURN_IF_ERROR(room->check_template(made));
    ASSIGN_OR_CO_RETURN(Event ours, room->sign(made));
    ASSIGN_OR_CO_RETURN(ours, co_await room->ask_policy_server(std::move(ours)));
    json::Object pdu = ours.parse_text();

    ASSIGN_OR_CO_RETURN(
        const json::Object theirs,
        co_await services_.federation.invite(server,
                                             room->id(),
                                             ours.id,
                                             std::string(rules->version),
                                             pdu,
                                             make_preview_state(*room, invite.sender)));
    copy_signatures(theirs, server, pdu);
    const Result<void> is_signed = co_await services_.keys.verify_signature_of(server, pdu, rules);
    if (!is_signed) {
        SIM_SOMETIMES("an invite comes back without a signature");
        co_return bad_gateway(server.text() +
                              " did not sign the invite: " + is_signed.error().message);
    }
    auto complete = parse_event(pdu, *rules);
    if (!complete) co_return bad_gateway(server.text() + ": " + complete.error().what);
    co_return room->accept_own(*std::move(complete));
}

}  // namespace matrix::engine
