#include "simulator/byzantine/byzantine_host.h"

#include <algorithm>
#include <utility>

#include "refserver/engine/http_api.h"
#include "refserver/protocol/event_hash.h"
#include "refserver/protocol/server_keys.h"
#include "refserver/protocol/x_matrix.h"
#include "simulator/simulated_crypto.h"

namespace matrix::simulator {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::size_t kSeedBytes = 32;
constexpr std::size_t kEventsTold = 50;
constexpr std::string_view kFederation = "/_matrix/federation/v1/";

std::unique_ptr<Signer> make_signer(Crypto crypto, const std::string& name, char filling) {
    const KeyId key("ed25519:byzantine");
    std::string seed = name;
    seed.resize(kSeedBytes, filling);
    return crypto == Crypto::Simulated ? make_simulated_signer(key, seed)
                                       : make_ed25519_signer(key, seed);
}

runtime::HttpResponse not_known() {
    return {404, {}, R"({"errcode":"M_NOT_FOUND","error":"a Byzantine host"})"};
}

}  // namespace

ByzantineHost::ByzantineHost(Cluster& cluster, std::string name)
    : cluster_(cluster),
      name_(name),
      signer_(make_signer(cluster.options().crypto, name, 'b')),
      false_signer_(make_signer(cluster.options().crypto, name, 'f')),
      host_(cluster.network().add_host(
          name_.text(),
          [this](runtime::HttpRequest request, runtime::Responder respond) {
              respond(answer(request));
          },
          [](std::move_only_function<void()> job) { job(); })),
      network_(cluster.network().view_of(host_)) {}

// --- What it answers -----------------------------------------------------------------------------

runtime::HttpResponse ByzantineHost::answer(const runtime::HttpRequest& request) {
    const std::string& target = request.target;
    const auto is_for = [&](std::string_view endpoint) {
        return target.starts_with(std::string(kFederation) + std::string(endpoint));
    };
    if (target.starts_with("/_matrix/key/v2/server")) {
        return {200, {}, json::write(key_document())};
    }
    // Whatever it is: who sends it need not send it again.
    if (is_for("send/")) return {200, {}, R"({"pdus":{}})"};
    if (is_for("state_ids/") || is_for("state/")) {
        if (lie_ == StateLie::None || lied_about_ == nullptr) return not_known();
        ++lies_told_;
        return {200, {}, json::write(told_state(is_for("state_ids/")))};
    }
    if (is_for("get_missing_events/")) {
        const auto question = json::parse(request.body);
        if (!question || question->if_object() == nullptr) return not_known();
        return {
            200, {}, json::write(json::Object{{"events", kept_before(*question->if_object())}})};
    }
    for (const auto& [id, pdu] : kept_) {
        if (!is_for("event/" + engine::percent_encode(id.view()))) continue;
        const json::Object told{{"origin", name_.text()},
                                {"origin_server_ts", cluster_.clock().now().value},
                                {"pdus", json::Array{json::Value(pdu)}}};
        return {200, {}, json::write(told)};
    }
    return not_known();
}

json::Object ByzantineHost::key_document() const {
    const std::int64_t now_ts = cluster_.clock().now().value;
    return make_server_keys(name_, *signer_, has_stale_keys_ ? now_ts - kDayMs : now_ts + kDayMs);
}

json::Object ByzantineHost::told_state(bool are_ids) {
    const char* state_key = are_ids ? "pdu_ids" : "pdus";
    const char* chain_key = are_ids ? "auth_chain_ids" : "auth_chain";
    if (lie_ == StateLie::Empty) {
        return {{chain_key, json::Array()}, {state_key, json::Array()}};
    }
    if (lie_ == StateLie::Garbage) return {{chain_key, "all of it"}, {state_key, 7}};
    const auto told = [&](const EventId& id, const std::string& text) {
        return are_ids ? json::Value(id.text()) : *json::parse(text, json::Numbers::Any);
    };
    json::Array state;
    std::vector<EventId> ids;
    for (const EventPtr& event : lied_about_->list_state()) {
        if (event->type == "m.room.power_levels") continue;
        state.push_back(told(event->id, event->text));
        ids.push_back(event->id);
    }
    json::Array chain;
    for (const EventPtr& event : lied_about_->auth_chain(ids))
        chain.push_back(told(event->id, event->text));
    EventTemplate crown =
        make_template(*lied_about_,
                      member(),
                      "m.room.power_levels",
                      "",
                      json::Object{{"users", json::Object{{member().text(), 100}}}});
    const json::Object pdu = seal(crown, lied_about_->rules());
    keep(pdu, lied_about_->rules());
    const auto id = event_id_of(pdu, lied_about_->rules());
    if (id) state.push_back(told(*id, json::write(pdu)));
    return {{chain_key, std::move(chain)}, {state_key, std::move(state)}};
}

// Events of its own that lie before those that are asked about, the oldest first.
json::Array ByzantineHost::kept_before(const json::Object& question) const {
    std::set<EventId> wanted;
    std::vector<EventId> pending;
    const json::Value* latest = question.find("latest_events");
    if (latest == nullptr || latest->if_array() == nullptr) return {};
    for (const json::Value& id : *latest->if_array()) {
        if (id.if_string() != nullptr) pending.emplace_back(*id.if_string());
    }
    std::vector<const json::Object*> found;
    while (!pending.empty() && found.size() < kEventsTold) {
        const auto place = kept_.find(pending.back());
        pending.pop_back();
        if (place == kept_.end() || !wanted.insert(place->first).second) continue;
        const json::Value* previous = place->second.find("prev_events");
        if (previous == nullptr || previous->if_array() == nullptr) continue;
        for (const json::Value& id : *previous->if_array()) {
            if (id.if_string() == nullptr) continue;
            const auto before = kept_.find(EventId(*id.if_string()));
            if (before == kept_.end()) continue;
            pending.push_back(before->first);
            found.push_back(&before->second);
        }
    }
    json::Array events;
    for (auto pdu = found.rbegin(); pdu != found.rend(); ++pdu)
        events.emplace_back(**pdu);
    return events;
}

void ByzantineHost::lie_about_state(StateLie lie, engine::RoomPtr room) {
    lie_ = lie;
    lied_about_ = std::move(room);
}

// --- What it makes -------------------------------------------------------------------------------

EventTemplate ByzantineHost::make_template(engine::Room& room,
                                           UserId sender,
                                           std::string type,
                                           std::optional<std::string> state_key,
                                           json::Object content) {
    EventTemplate event;
    event.room_id = room.id();
    event.sender = std::move(sender);
    event.type = std::move(type);
    event.state_key = std::move(state_key);
    event.content = std::move(content);
    event.prev_events = room.extremities();
    for (const EventId& id : event.prev_events) {
        const auto previous = room.find_event(id);
        if (previous) event.depth = std::max(event.depth, previous->event->depth + 1);
    }
    for (const StateKey& key : auth::required_state(event, room.rules())) {
        if (const EventId* id = room.current_state().find(key)) event.auth_events.push_back(*id);
    }
    event.origin_server_ts = cluster_.clock().now().value;
    return event;
}

json::Object ByzantineHost::seal(const EventTemplate& event, const RoomRules& rules) {
    std::optional<EventId> id;  // Room versions 1 and 2 put ids into events.
    if (rules.event_id_encoding == EventIdEncoding::Opaque) {
        id.emplace("$byzantine" + std::to_string(made_++) + ":" + name_.text());
    }
    json::Object pdu = make_pdu(event, rules, id);
    sign(pdu, rules);
    return pdu;
}

void ByzantineHost::sign(json::Object& pdu, const RoomRules& rules) const {
    pdu.erase("signatures");
    hash_and_sign_event(pdu, name_, *signer_, rules);
}

void ByzantineHost::sign_falsely(json::Object& pdu, const RoomRules& rules) const {
    pdu.erase("signatures");
    hash_and_sign_event(pdu, name_, *false_signer_, rules);
}

void ByzantineHost::keep(const json::Object& pdu, const RoomRules& rules) {
    if (const auto id = event_id_of(pdu, rules)) kept_.insert_or_assign(*id, pdu);
}

// --- What it asks --------------------------------------------------------------------------------

runtime::OutgoingRequest ByzantineHost::make_request(int server,
                                                     std::string method,
                                                     std::string target,
                                                     const json::Value& body) {
    const ServerName& asked = cluster_.server(server).name();
    runtime::OutgoingRequest request;
    request.destination.host = asked.text();
    request.destination.host_header = asked.text();
    request.destination.address = cluster_.network().find_address(asked.view()).value();
    request.message.method = std::move(method);
    request.message.target = std::move(target);
    request.message.headers.add("Authorization",
                                authorize_request(request.message.method,
                                                  request.message.target,
                                                  name_,
                                                  asked,
                                                  body.is_null() ? nullptr : &body,
                                                  *signer_));
    if (body.is_null()) return request;
    request.message.headers.add("Content-Type", "application/json");
    request.message.body = json::write(body);
    return request;
}

Task<Answer> ByzantineHost::ask(int server,
                                std::string method,
                                std::string target,
                                json::Value body) {
    auto result =
        co_await network_->fetch(make_request(server, std::move(method), std::move(target), body));
    Answer answer;
    if (!result) co_return answer;
    answer.status = result->status;
    if (auto parsed = json::parse(result->body, json::Numbers::Any)) {
        answer.body = *std::move(parsed);
    }
    co_return answer;
}

json::Value ByzantineHost::make_transaction(std::vector<json::Object> pdus) {
    json::Array array;
    for (json::Object& pdu : pdus)
        array.emplace_back(std::move(pdu));
    return json::Object{{"origin", name_.text()},
                        {"origin_server_ts", cluster_.clock().now().value},
                        {"pdus", std::move(array)}};
}

void ByzantineHost::send(int server, std::vector<json::Object> pdus) {
    network_
        ->send(make_request(server,
                            "PUT",
                            std::string(kFederation) + "send/" + std::to_string(++sent_),
                            make_transaction(std::move(pdus))),
               [](runtime::Network::Result) {})
        .release();
}

Task<Answer> ByzantineHost::send_and_wait(int server, std::vector<json::Object> pdus) {
    return ask(server,
               "PUT",
               std::string(kFederation) + "send/" + std::to_string(++sent_),
               make_transaction(std::move(pdus)));
}

// Spec: https://spec.matrix.org/v1.19/server-server-api/#joining-rooms
Task<bool> ByzantineHost::join(RoomId room, int server) {
    std::string versions;
    for (const char* version : {"1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12"})
        versions += std::string(versions.empty() ? "?ver=" : "&ver=") + version;
    const std::string place = engine::percent_encode(room.view());
    const Answer made = co_await ask(server,
                                     "GET",
                                     std::string(kFederation) + "make_join/" + place + "/" +
                                         engine::percent_encode(member().view()) + versions);
    const json::Object* event = made.body.find_object("event");
    const std::string* version = made.body.find_string("room_version");
    const RoomRules* rules = version == nullptr ? nullptr : find_room_rules(*version);
    if (event == nullptr || rules == nullptr) co_return false;
    json::Object pdu = *event;
    if (rules->event_id_encoding == EventIdEncoding::Opaque) {
        pdu.set("event_id", "$byzantine" + std::to_string(made_++) + ":" + name_.text());
    }
    pdu.set("origin_server_ts", cluster_.clock().now().value);
    sign(pdu, *rules);
    const auto id = event_id_of(pdu, *rules);
    if (!id) co_return false;
    const Answer joined = co_await ask(
        server,
        "PUT",
        "/_matrix/federation/v2/send_join/" + place + "/" + engine::percent_encode(id->view()),
        json::Value(pdu));
    if (!joined.is_ok()) co_return false;
    keep(pdu, *rules);
    rooms_.insert(std::move(room));
    co_return true;
}

}  // namespace matrix::simulator
