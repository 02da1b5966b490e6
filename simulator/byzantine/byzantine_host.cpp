#include "simulator/byzantine/byzantine_host.h"

#include <optional>
#include <utility>

#include "refserver/protocol/server_keys.h"
#include "refserver/protocol/x_matrix.h"
#include "simulator/simulated_crypto.h"

namespace matrix::simulator {
namespace {

constexpr std::int64_t kDayMs = 86'400'000;
constexpr std::size_t kSeedBytes = 32;

std::unique_ptr<Signer> make_signer(Crypto crypto, const std::string& name) {
    const KeyId key("ed25519:byzantine");
    std::string seed = name;
    seed.resize(kSeedBytes, 'b');
    return crypto == Crypto::Simulated ? make_simulated_signer(key, seed)
                                       : make_ed25519_signer(key, seed);
}

}  // namespace

ByzantineHost::ByzantineHost(Cluster& cluster, std::string name)
    : cluster_(cluster),
      name_(name),
      signer_(make_signer(cluster.options().crypto, name)),
      host_(cluster.network().add_host(
          name_.text(),
          [this](runtime::HttpRequest request, runtime::Responder respond) {
              respond(answer(request));
          },
          [](std::move_only_function<void()> job) { job(); })),
      network_(cluster.network().view_of(host_)) {}

runtime::HttpResponse ByzantineHost::answer(const runtime::HttpRequest& request) const {
    if (!request.target.starts_with("/_matrix/key/v2/server")) {
        return {404, {}, R"({"errcode":"M_UNRECOGNIZED","error":"a Byzantine host"})"};
    }
    const std::int64_t until_ts = cluster_.clock().now().value + kDayMs;
    return {200, {}, json::write(make_server_keys(name_, *signer_, until_ts))};
}

json::Object ByzantineHost::make_event(engine::Room& room, EventTemplate event) {
    event.room_id = room.id();
    event.prev_events = room.extremities();
    for (const EventId& id : event.prev_events) {
        const auto previous = room.find_event(id);
        if (previous) event.depth = std::max(event.depth, previous->event->depth + 1);
    }
    for (const StateKey& key : auth::required_state(event, room.rules())) {
        if (const EventId* id = room.current_state().find(key)) event.auth_events.push_back(*id);
    }
    event.origin_server_ts = cluster_.clock().now().value;
    std::optional<EventId> id;  // Room versions 1 and 2 put ids into events.
    if (room.rules().event_id_encoding == EventIdEncoding::Opaque) {
        id.emplace("$byzantine" + std::to_string(made_++) + ":" + name_.text());
    }
    json::Object pdu = make_pdu(event, room.rules(), id);
    hash_and_sign_event(pdu, name_, *signer_, room.rules());
    return pdu;
}

void ByzantineHost::send(int server, std::vector<json::Object> pdus) {
    SimulatedServer& target = cluster_.server(server);
    json::Array array;
    for (json::Object& pdu : pdus)
        array.emplace_back(std::move(pdu));
    const json::Value transaction = json::Object{{"origin", name_.text()},
                                                 {"origin_server_ts", cluster_.clock().now().value},
                                                 {"pdus", std::move(array)}};
    runtime::OutgoingRequest request;
    request.destination.host = target.name().text();
    request.destination.host_header = target.name().text();
    request.destination.address = cluster_.network().find_address(target.name().view()).value();
    request.message.method = "PUT";
    request.message.target = "/_matrix/federation/v1/send/" + std::to_string(++sent_);
    request.message.headers.add("Authorization",
                                authorize_request(request.message.method,
                                                  request.message.target,
                                                  name_,
                                                  target.name(),
                                                  &transaction,
                                                  *signer_));
    request.message.headers.add("Content-Type", "application/json");
    request.message.body = json::write(transaction);
    network_->send(std::move(request), [](runtime::Network::Result) {}).release();
}

}  // namespace matrix::simulator
