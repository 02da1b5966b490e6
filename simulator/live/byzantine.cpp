#include "simulator/live/byzantine.h"

#include <algorithm>
#include <array>
#include <chrono>

#include "conformance/harness/steps.h"
#include "refserver/base/assert.h"
#include "refserver/protocol/base64.h"
#include "refserver/protocol/x_matrix.h"

namespace matrix::live {
namespace {

constexpr const char* kMember = "mallory";
constexpr const char* kBanned = "banned";
constexpr const char* kStranger = "stranger";
constexpr std::size_t kOversizedBytes = 70'000;
constexpr const char* kDeniedHost = "127.0.0.1";
constexpr const char* kOtherSeed = "a seed that the peer has not got";  // 32 bytes.

constexpr std::array kBehaviours = {Behaviour::BadSignature,
                                    Behaviour::BadHash,
                                    Behaviour::Stranger,
                                    Behaviour::UnknownAuthEvents,
                                    Behaviour::ForeignAuthEvents,
                                    Behaviour::Oversized,
                                    Behaviour::Backdated,
                                    Behaviour::Equivocation,
                                    Behaviour::Withheld,
                                    Behaviour::WrongState,
                                    Behaviour::AclEvasion};

std::int64_t now_ms() {
    using namespace std::chrono;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

// An id that no event has, in the form of the room version.
EventId made_up_id(runtime::Random& random, const RoomRules& rules, const ServerName& server) {
    if (rules.event_id_encoding == EventIdEncoding::Opaque) {
        return EventId("$" + random.text(18, runtime::kLetters) + ":" + server.text());
    }
    return EventId("$" + random.text(42, runtime::kLetters) + "A");
}

Json ids_of(const std::vector<conformance::Pdu>& events) {
    Json ids = Json::array();
    for (const conformance::Pdu& event : events)
        ids.push_back(event.id().text());
    return ids;
}

}  // namespace

std::string_view name_of(Behaviour behaviour) {
    switch (behaviour) {
        case Behaviour::BadSignature:
            return "bad signature";
        case Behaviour::BadHash:
            return "bad hash";
        case Behaviour::Stranger:
            return "sender who never joined";
        case Behaviour::UnknownAuthEvents:
            return "unknown auth events";
        case Behaviour::ForeignAuthEvents:
            return "auth events of another room";
        case Behaviour::Oversized:
            return "oversized event";
        case Behaviour::Backdated:
            return "backdated event of a banned user";
        case Behaviour::Equivocation:
            return "equivocation";
        case Behaviour::Withheld:
            return "withheld event";
        case Behaviour::WrongState:
            return "wrong state answers";
        case Behaviour::AclEvasion:
            return "server shut out by an ACL";
    }
    unreachable();
}

Byzantine::Byzantine(Arena& arena)
    : arena_(arena),
      random_source_(arena.options().plan.seed),
      random_(random_source_.stream("byzantine")),
      denied_identity_(arena.session().identity()) {
    peer_ =
        std::make_unique<Peer>(arena.session().identity(), arena.target(), arena.session().log());
    // Names with IP addresses can be told apart from others of this machine by an ACL.
    denied_identity_.host = kDeniedHost;
    denied_identity_.signer = make_ed25519_signer(KeyId("ed25519:denied"), kOtherSeed);
    denied_ = std::make_unique<Peer>(denied_identity_, arena.target(), arena.session().log());
    keep_silent_about_states(*peer_);
    keep_silent_about_states(*denied_);
    for (int server = 0; server < arena.ours().count(); ++server) {
        to_ours_.push_back(std::make_unique<conformance::HttpClient>(
            conformance::HttpOptions{.base_url = arena.ours().federation_url(server),
                                     .ca_file = arena.target().description().ca_file,
                                     .who = "byzantine"},
            arena.session().log()));
    }
}

// The peers call back into this while they live.
Byzantine::~Byzantine() {
    denied_.reset();
    peer_.reset();
}

bool Byzantine::join_all() {
    for (const LiveRoom& room : arena_.rooms()) {
        for (const char* name : {kBanned, kMember}) {
            const auto seat = peer_->try_join(room.id, name);
            if (!seat) {
                arena_.report().say_stuck("a Byzantine peer cannot join: " + seat.error());
                return false;
            }
            seats_[room.id] = {*seat, (*seat)->extremities().front()};
        }
        // The ACL is tried where the target can reach an address of this machine.
        if (arena_.options().host != "localhost") continue;
        const auto seat = denied_->try_join(room.id, kMember);
        if (seat) denied_seats_[room.id] = {*seat, (*seat)->extremities().front()};
    }
    return true;
}

// The rest only where it can be.
std::vector<Behaviour> Byzantine::list_behaviours() const {
    std::vector<Behaviour> list(kBehaviours.begin(), kBehaviours.end());
    if (arena_.rooms().size() < 2) std::erase(list, Behaviour::ForeignAuthEvents);
    if (denied_seats_.empty()) std::erase(list, Behaviour::AclEvasion);
    return list;
}

void Byzantine::misbehave() {
    if (left_.empty()) left_ = list_behaviours();
    const std::size_t place = random_.below(left_.size());
    const Behaviour behaviour = left_[place];
    left_.erase(left_.begin() + static_cast<std::ptrdiff_t>(place));
    const LiveRoom room = arena_.rooms()[random_.below(arena_.rooms().size())];
    perform(behaviour, room);
    arena_.report().count("Byzantine acts");
    prove_attention(behaviour, room);
}

// --- What all behaviours use ---------------------------------------------------------------------

Byzantine::Pdu Byzantine::draft(const LiveRoom& room,
                                std::string_view localpart,
                                const std::string& body,
                                std::vector<EventId> after) {
    const Seat& seat = seats_.at(room.id);
    if (after.empty()) after = {seat.last};
    return seat.room->draft_after(
        after, peer_->user(localpart), "m.room.message", {{"msgtype", "m.text"}, {"body", body}});
}

void Byzantine::plant(Behaviour behaviour,
                      Expectation expectation,
                      const LiveRoom& room,
                      const Pdu& event,
                      const std::string& content_marker) {
    planted_.push_back({behaviour, expectation, room, event.id(), content_marker});
    // Whatever the answer is: a transaction with a bad event may be answered in several ways.
    static_cast<void>(peer_->send_transaction({event}));
}

// A good event after the bad one: the peer is a member, and its events are allowed.
void Byzantine::prove_attention(Behaviour behaviour, const LiveRoom& room) {
    Seat& seat = seats_.at(room.id);
    const Pdu good = peer_->sign(draft(room, kMember, "good " + std::to_string(++number_)));
    seat.last = seat.room->add(good);
    planted_.push_back({behaviour, Expectation::Shown, room, good.id(), ""});
    const Response response = peer_->send_transaction({good});
    if (response.status == 0 || response.status >= 500) {
        arena_.report().add({.check = "answers",
                             .place = "server-server-api/#transactions",
                             .what = "The target does not take a transaction with one good event "
                                     "of a member, after: " +
                                     std::string(name_of(behaviour)) + ".",
                             .evidence = testing::PrintToString(response)});
    }
    const bool is_shown = conformance::eventually(arena_.options().answer_within,
                                                  [&] { return arena_.is_shown(room, good.id()); });
    if (is_shown) {
        arena_.report().count("good events of Byzantine peers shown");
        return;
    }
    arena_.report().add(
        {.check = "byzantine",
         .place = "server-server-api/#checks-performed-on-receipt-of-a-pdu",
         .what = "The target does not show a good event of a member of the room, sent after: " +
                 std::string(name_of(behaviour)) + ".",
         .evidence = good.id().text() + " in " + room.id.text() +
                     "; the transaction was answered " + testing::PrintToString(response)});
}

void Byzantine::send_to_ours(const std::vector<Pdu>& events) {
    for (int server = 0; server < arena_.ours().count(); ++server) {
        const std::string target = "/_matrix/federation/v1/send/" + arena_.next_transaction();
        const Json body = {{"origin", peer_->name().text()},
                           {"origin_server_ts", now_ms()},
                           {"pdus", conformance::to_json(events)}};
        HttpRequest request{.method = "PUT", .target = target};
        request.body = body.dump();
        request.headers.push_back(
            {"Authorization",
             peer_->authorize(
                 "PUT", target, &body, {.destination = arena_.ours().name(server).text()})});
        static_cast<void>(to_ours_[static_cast<std::size_t>(server)]->send(request));
    }
}

// --- The behaviours ------------------------------------------------------------------------------

void Byzantine::perform(Behaviour behaviour, const LiveRoom& room) {
    const std::string text = std::string(name_of(behaviour)) + " " + std::to_string(++number_);
    const auto hide = [&](const Pdu& event) { plant(behaviour, Expectation::Hidden, room, event); };
    switch (behaviour) {
        case Behaviour::BadSignature: {
            const auto other = make_ed25519_signer(peer_->signer().key_id(), kOtherSeed);
            return hide(conformance::sign_pdu(draft(room, kMember, text), peer_->name(), *other));
        }
        case Behaviour::BadHash: {
            Pdu event = peer_->sign(draft(room, kMember, text));
            const std::string altered = "altered " + std::to_string(number_);
            event["content"]["body"] = altered;
            return plant(behaviour, Expectation::ContentHidden, room, event, altered);
        }
        case Behaviour::Stranger:
            return hide(peer_->sign(draft(room, kStranger, text)));
        case Behaviour::UnknownAuthEvents: {
            Pdu event = draft(room, kMember, text);
            std::vector<EventId> cited = event.auth_events();
            cited.push_back(made_up_id(random_, *room.rules, peer_->name()));
            event["auth_events"] = conformance::references_to(cited, *room.rules);
            return hide(peer_->sign(event));
        }
        case Behaviour::ForeignAuthEvents:
            return use_foreign_auth_events(room);
        case Behaviour::Oversized:
            return hide(peer_->sign(draft(room, kMember, std::string(kOversizedBytes, 'x'))));
        case Behaviour::Backdated:
            return go_back_in_time(room);
        case Behaviour::Equivocation:
            return equivocate(room);
        case Behaviour::Withheld:
            return withhold(room);
        case Behaviour::WrongState:
            return lie_about_state(room);
        case Behaviour::AclEvasion:
            return evade_acl(room);
    }
    unreachable();
}

// The auth events are right but for the room that they are of.
void Byzantine::use_foreign_auth_events(const LiveRoom& room) {
    const auto other = std::ranges::find_if(arena_.rooms(),
                                            [&](const LiveRoom& one) { return one.id != room.id; });
    MATRIX_ASSERT(other != arena_.rooms().end());
    Pdu event = draft(room, kMember, "foreign auth events " + std::to_string(number_));
    const Pdu of_other = draft(*other, kMember, "");
    event["auth_events"] = conformance::references_to(of_other.auth_events(), *room.rules);
    plant(Behaviour::ForeignAuthEvents, Expectation::Hidden, room, peer_->sign(event));
}

void Byzantine::go_back_in_time(const LiveRoom& room) {
    const UserId user = peer_->user(kBanned);
    if (!has_banned_[room.id]) {
        const Response banned = arena_.call(
            arena_.target_anchor(), "POST", path_of(room, "/ban"), Json{{"user_id", user.text()}});
        if (!banned.is_ok()) return;
        has_banned_[room.id] = true;
    }
    // The peer's own events know nothing of the ban: it came after those that they follow.
    plant(Behaviour::Backdated,
          Expectation::Hidden,
          room,
          peer_->sign(draft(room, kBanned, "backdated " + std::to_string(number_))));
}

// Two changes of one profile at the same place, one for each side: both are allowed, and all must
// come to the same state.
void Byzantine::equivocate(const LiveRoom& room) {
    const Seat& seat = seats_.at(room.id);
    const UserId user = peer_->user(kMember);
    std::vector<Pdu> faces;
    for (const char* face : {"left", "right"}) {
        Pdu event = seat.room->draft_after(
            {seat.last},
            user,
            "m.room.member",
            {{"membership", "join"}, {"displayname", face + std::to_string(number_)}},
            user.text());
        faces.push_back(peer_->sign(event));
        seat.room->add_outlier(faces.back());
    }
    static_cast<void>(peer_->send_transaction({faces.front()}));
    send_to_ours({faces.back()});
}

// What comes before it is not to be had from anybody; later events must not suffer from that.
void Byzantine::withhold(const LiveRoom& room) {
    const Pdu hidden = peer_->sign(draft(room, kMember, "withheld " + std::to_string(number_)));
    const Pdu shown = draft(room, kMember, "after the withheld", {hidden.id()});
    static_cast<void>(peer_->send_transaction({peer_->sign(shown)}));
}

// By the state that its server tells, a member without power has all of it.
void Byzantine::lie_about_state(const LiveRoom& room) {
    const Seat& seat = seats_.at(room.id);
    const UserId user = peer_->user(kMember);
    const Pdu crown = peer_->sign(seat.room->draft_after(
        {seat.last}, user, "m.room.power_levels", {{"users", {{user.text(), 100}}}}, ""));
    seat.room->add_outlier(crown);
    const EventId nowhere = made_up_id(random_, *room.rules, peer_->name());
    Pdu edict = seat.room->draft_after(
        {seat.last}, user, "m.room.topic", {{"topic", "seized " + std::to_string(number_)}}, "");
    std::vector<EventId> cited;
    for (const EventId& event : edict.auth_events()) {
        const auto known = seat.room->find(event);
        if (known && known->type() == "m.room.power_levels") continue;
        cited.push_back(event);
    }
    cited.push_back(crown.id());
    edict["auth_events"] = conformance::references_to(cited, *room.rules);
    edict["prev_events"] = conformance::references_to({nowhere}, *room.rules);
    edict = peer_->sign(edict);

    std::vector<Pdu> state = seat.room->current_state();
    std::erase_if(state, [](const Pdu& event) { return event.type() == "m.room.power_levels"; });
    state.push_back(crown);
    const std::vector<Pdu> chain = seat.room->auth_chain_of(state);
    // The lie is about that one place; of others this server knows nothing.
    const auto lie_with = [nowhere](const Json& lie) {
        return [nowhere, lie](const conformance::IncomingRequest& request) {
            const bool is_asked = request.query("event_id") == std::vector{nowhere.text()};
            return is_asked ? conformance::respond(200, lie)
                            : conformance::respond_error(404, "M_NOT_FOUND", "not known here");
        };
    };
    const std::string path = "/_matrix/federation/v1/state";
    const std::string behind = "/" + conformance::escape(room.id.view());
    peer_->on("GET",
              path + "_ids" + behind,
              lie_with({{"pdu_ids", ids_of(state)}, {"auth_chain_ids", ids_of(chain)}}));
    peer_->on("GET",
              path + behind,
              lie_with({{"pdus", conformance::to_json(state)},
                        {"auth_chain", conformance::to_json(chain)}}));
    planted_.push_back({Behaviour::WrongState, Expectation::Hidden, room, crown.id(), ""});
    plant(Behaviour::WrongState, Expectation::Hidden, room, edict);
}

void Byzantine::evade_acl(const LiveRoom& room) {
    const auto seat = denied_seats_.find(room.id);
    if (seat == denied_seats_.end()) return;
    const Response acl = arena_.call(
        arena_.target_anchor(),
        "PUT",
        path_of(room, "/state/m.room.server_acl/"),
        Json{{"allow", Json::array({"*"})}, {"deny", Json::array()}, {"allow_ip_literals", false}});
    if (!acl.is_ok()) return;
    const Pdu event = denied_->sign(seat->second.room->draft_after(
        {seat->second.last},
        denied_->user(kMember),
        "m.room.message",
        {{"msgtype", "m.text"}, {"body", "evading " + std::to_string(number_)}}));
    planted_.push_back({Behaviour::AclEvasion, Expectation::Hidden, room, event.id(), ""});
    static_cast<void>(denied_->send_transaction({event}));
    const Response join = denied_->make_join(room.id, denied_->user("more"));
    if (!join.is_ok()) return;
    arena_.report().add({.check = "byzantine",
                         .place = "server-server-api/#server-access-control-lists-acls",
                         .what = "The target answers /make_join of a server that the room's ACL "
                                 "shuts out.",
                         .evidence = testing::PrintToString(join)});
}

}  // namespace matrix::live
