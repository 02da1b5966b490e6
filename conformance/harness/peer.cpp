#include "conformance/harness/peer.h"

#include <algorithm>
#include <set>

#include <sodium.h>

#include "refserver/base/assert.h"
#include "refserver/protocol/base64.h"

namespace matrix::conformance {
namespace {

std::string random_bytes(std::size_t size) {
    std::string bytes(size, '\0');
    randombytes_buf(bytes.data(), size);
    return bytes;
}

std::string lower_case_token() {
    static constexpr std::string_view kAlphabet = "abcdefghijklmnopqrstuvwxyz0123456789";
    std::string token;
    for (int i = 0; i < 8; ++i)
        token += kAlphabet[randombytes_uniform(kAlphabet.size())];
    return token;
}

}  // namespace

PeerIdentity make_peer_identity(std::string bind_address,
                                std::string name,
                                std::optional<TlsIdentity> authority) {
    MATRIX_ASSERT(sodium_init() >= 0);
    PeerIdentity identity;
    identity.authority =
        authority ? *std::move(authority) : make_authority("Touchstone conformance suite");
    std::vector<std::string> names = {"localhost", "127.0.0.1", "::1"};
    const auto host = split_server_name(ServerName(name.empty() ? "localhost" : name));
    if (host && !std::ranges::count(names, host->host)) names.insert(names.begin(), host->host);
    identity.certificate = make_certificate(identity.authority, names);
    identity.bind_address = std::move(bind_address);
    identity.name = std::move(name);
    // The id is new for each run, so that no server takes an old run's key for it from its cache.
    identity.signer = make_ed25519_signer(KeyId("ed25519:" + lower_case_token()), random_bytes(32));
    return identity;
}

Peer::Peer(const PeerIdentity& identity, Target& target, ExchangeLog& log)
    : identity_(identity), target_(target), log_(log), name_(identity.name) {
    listen();
    if (!name_.empty()) return;
    const auto name_by_port = [this] {
        return ServerName(identity_.host + ":" + std::to_string(listener_->port()));
    };
    // Free ports come again within a run, and what the target has learnt of an earlier peer of this
    // name, for example that it was down, must not decide a test of another.
    const bool has_free_port = identity_.bind_address.ends_with(":0");
    constexpr int kAttemptsMax = 100;
    for (int attempt = 1; !target_.introduce(name_by_port()) && has_free_port; ++attempt) {
        if (attempt == kAttemptsMax) break;
        listen();
    }
    name_ = name_by_port();
}

void Peer::listen() {
    listener_ = std::make_unique<HttpListener>(
        identity_.bind_address, &identity_.certificate, [this](const IncomingRequest& request) {
            return answer(request);
        });
}

Peer::~Peer() {
    listener_.reset();
}

UserId Peer::user(std::string_view localpart) const {
    return UserId("@" + std::string(localpart) + ":" + name_.text());
}

PeerRoom& Peer::create_room(PeerRoomOptions options) {
    const RoomRules* rules = find_room_rules(options.version);
    MATRIX_ASSERT(rules != nullptr);
    const UserId creator = user(options.creator);

    Json content = std::move(options.create_content);
    content["room_version"] = options.version;
    if (rules->has_creator_in_content) content["creator"] = creator.text();
    const bool is_id_derived = rules->event_format == EventFormat::HashedRoomId;
    const RoomId chosen_id(is_id_derived ? std::string()
                                         : "!" + lower_case_token() + ":" + name_.text());
    // A room without an id, to draft the event from which the id follows.
    const Pdu create =
        sign(PeerRoom(chosen_id, *rules).draft(creator, "m.room.create", content, ""));

    auto owned = std::make_unique<PeerRoom>(create.room(), *rules);
    PeerRoom& room = *owned;
    {
        const std::lock_guard lock(mutex_);
        rooms_.insert_or_assign(room.id(), std::move(owned));
    }
    room.add(create);
    append(room, creator, "m.room.member", {{"membership", "join"}}, creator.text());
    // From room version 12 on a creator is above all levels, and must not be listed.
    Json levels = {{"users", Json::object()}};
    if (!rules->has_privileged_creators) levels["users"][creator.text()] = 100;
    levels.update(options.power_levels);
    append(room, creator, "m.room.power_levels", levels, "");
    append(room, creator, "m.room.join_rules", {{"join_rule", options.join_rule}}, "");
    append(room,
           creator,
           "m.room.history_visibility",
           {{"history_visibility", options.history_visibility}},
           "");
    return room;
}

PeerRoom& Peer::join(const RoomId& room, std::string_view localpart) {
    const auto joined = try_join(room, localpart);
    if (!joined) fail_step(joined.error());
    return **joined;
}

std::expected<PeerRoom*, std::string> Peer::try_join(const RoomId& room,
                                                     std::string_view localpart) {
    auto drafted = try_join_template(room, localpart);
    if (!drafted) return std::unexpected(std::move(drafted).error());
    const Pdu join = sign(*std::move(drafted));
    const Response response = send_join(join);
    if (!response.is_ok()) {
        return std::unexpected("joining " + room.text() +
                               " by /send_join: " + testing::PrintToString(response));
    }
    const std::vector<Pdu> state = pdus_from(response.at({"state"}), *join.rules);
    const std::vector<Pdu> auth_chain = pdus_from(response.at({"auth_chain"}), *join.rules);
    PeerRoom& joined = adopt_room(room, *join.rules, state, auth_chain);
    PeerRoom::State state_after;
    for (const Pdu& event : state) {
        if (const auto key = event.state_key()) state_after[{event.type(), *key}] = event.id();
    }
    state_after[{"m.room.member", user(localpart).text()}] = join.id();
    joined.add(join);
    joined.set_state_after(join.id(), std::move(state_after));
    joined.set_extremities({join.id()});
    return &joined;
}

PeerRoom& Peer::adopt_room(const RoomId& room,
                           const RoomRules& rules,
                           const std::vector<Pdu>& state,
                           const std::vector<Pdu>& auth_chain) {
    auto owned = std::make_unique<PeerRoom>(room, rules);
    for (const Pdu& event : auth_chain)
        owned->add_outlier(event);
    for (const Pdu& event : state)
        owned->add_outlier(event);
    const std::lock_guard lock(mutex_);
    return *rooms_.insert_or_assign(room, std::move(owned)).first->second;
}

PeerRoom* Peer::find_room(const RoomId& room) {
    const std::lock_guard lock(mutex_);
    const auto known = rooms_.find(room);
    return known == rooms_.end() ? nullptr : known->second.get();
}

Pdu Peer::append(PeerRoom& room,
                 const UserId& sender,
                 std::string_view type,
                 Json content,
                 std::optional<std::string> state_key) {
    Pdu pdu = sign(room.draft(sender, type, std::move(content), std::move(state_key)));
    room.add(pdu);
    return pdu;
}

Pdu Peer::send(PeerRoom& room,
               const UserId& sender,
               std::string_view type,
               Json content,
               std::optional<std::string> state_key) {
    Pdu pdu = append(room, sender, type, std::move(content), std::move(state_key));
    const Response response = send_transaction({pdu});
    const std::string step = "sending " + pdu.type() + " to the target";
    expect_step(step, response);
    const Json& result = response.at({"pdus", pdu.id().view()});
    if (result.is_object() && result.contains("error")) fail_step(step, response);
    return pdu;
}

void Peer::on(std::string method, std::string path_prefix, Handler handler) {
    const std::lock_guard lock(mutex_);
    routes_.push_front({std::move(method), std::move(path_prefix), std::move(handler)});
}

std::optional<Json> Peer::wait_for_pdu(const std::function<bool(const Json&)>& fits,
                                       std::chrono::milliseconds deadline) {
    std::unique_lock lock(mutex_);
    std::optional<Json> found;
    arrived_.wait_for(lock, deadline, [&] {
        const auto pdu = std::ranges::find_if(pdus_, fits);
        if (pdu != pdus_.end()) found = *pdu;
        return found.has_value();
    });
    return found;
}

std::optional<Pdu> Peer::wait_for_event(const EventId& event, std::chrono::milliseconds deadline) {
    const auto is_event = [&](const Json& json) {
        const std::optional<Pdu> pdu = as_pdu(json);
        return pdu && pdu->id() == event;
    };
    const std::optional<Json> json = wait_for_pdu(is_event, deadline);
    if (!json) return std::nullopt;
    const std::lock_guard lock(mutex_);
    return as_pdu(*json);
}

// The caller holds the mutex. A PDU of a room that the peer does not know has no known version.
std::optional<Pdu> Peer::as_pdu(const Json& json) const {
    const auto room = rooms_.find(RoomId(string_at(json, {"room_id"})));
    if (room == rooms_.end()) return std::nullopt;
    return Pdu{json, &room->second->rules()};
}

std::optional<Json> Peer::wait_for_edu(std::string_view edu_type,
                                       const std::function<bool(const Json&)>& fits,
                                       std::chrono::milliseconds deadline) {
    std::unique_lock lock(mutex_);
    std::optional<Json> found;
    arrived_.wait_for(lock, deadline, [&] {
        for (const Json& edu : edus_) {
            const Json& content = at_path(edu, {"content"});
            if (string_at(edu, {"edu_type"}) == edu_type && fits(content)) found = content;
        }
        return found.has_value();
    });
    return found;
}

std::vector<Json> Peer::received_edus(std::string_view edu_type) const {
    const std::lock_guard lock(mutex_);
    std::vector<Json> contents;
    for (const Json& edu : edus_) {
        if (string_at(edu, {"edu_type"}) == edu_type) contents.push_back(at_path(edu, {"content"}));
    }
    return contents;
}

std::optional<IncomingRequest> Peer::wait_for_request(std::string_view method,
                                                      std::string_view path_prefix,
                                                      std::chrono::milliseconds deadline) {
    std::unique_lock lock(mutex_);
    std::optional<IncomingRequest> found;
    arrived_.wait_for(lock, deadline, [&] {
        const auto request = std::ranges::find_if(requests_, [&](const IncomingRequest& one) {
            return one.method == method && one.path().starts_with(path_prefix);
        });
        if (request != requests_.end()) found = *request;
        return found.has_value();
    });
    return found;
}

bool Peer::has_received(const EventId& event) const {
    const std::lock_guard lock(mutex_);
    return std::ranges::any_of(pdus_, [&](const Json& json) {
        const std::optional<Pdu> pdu = as_pdu(json);
        return pdu && pdu->id() == event;
    });
}

std::vector<Json> Peer::received_pdus() const {
    const std::lock_guard lock(mutex_);
    return pdus_;
}

std::vector<IncomingRequest> Peer::received_requests() const {
    const std::lock_guard lock(mutex_);
    return requests_;
}

}  // namespace matrix::conformance
