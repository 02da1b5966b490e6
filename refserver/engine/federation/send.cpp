// PUT /_matrix/federation/v1/send: a transaction of events from another server.
//
// Each event is judged alone: one that is wrong never costs those beside it.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#transactions

#include "refserver/base/result_macros.h"
#include "refserver/engine/federation_server.h"
#include "refserver/engine/peers/outbox.h"
#include "refserver/protocol/event_hash.h"

namespace matrix::engine {
namespace {

Result<json::Array> take_pdus(const json::Object& transaction) {
    ASSIGN_OR_RETURN(auto pdus, optional_array(transaction, "pdus"));
    if (!pdus) return missing_param("pdus: the field is required");
    if (pdus->size() > kTransactionPdusMax) {
        return invalid_param("pdus: expected at most " + std::to_string(kTransactionPdusMax));
    }
    return *std::move(pdus);
}

// UNIMPLEMENTED: server-server-api, EDUs: typing, receipts, presence, device lists and to-device
// messages are counted and dropped.
Result<void> check_edus(const json::Object& transaction) {
    ASSIGN_OR_RETURN(const auto edus, optional_array(transaction, "edus"));
    if (edus && edus->size() > kTransactionEdusMax) {
        return invalid_param("edus: expected at most " + std::to_string(kTransactionEdusMax));
    }
    return {};
}

// UNSPECIFIED: how to name an event of a room whose version we do not know: by its `event_id` if it
// has one, else by the rules of version 12 or 10, as the form of the room id tells.
std::optional<EventId> guess_id(const json::Object& pdu, const std::string* room_id) {
    const json::Value* named = pdu.find("event_id");
    if (named && named->if_string()) {
        const auto id = parse_event_id(*named->if_string());
        return id ? std::optional(*id) : std::nullopt;
    }
    const bool is_hash = !room_id || room_id->find(':') == std::string::npos;
    const auto id = event_id_of(pdu, *find_room_rules(is_hash ? "12" : "10"));
    return id ? std::optional(*id) : std::nullopt;
}

}  // namespace

Task<FederationServer::PduResult> FederationServer::receive_pdu(json::Value value,
                                                                ServerName origin) {
    PduResult result;
    json::Object* pdu = value.if_object();
    if (!pdu) {
        result.error = "not an object";
        co_return result;
    }
    const std::string* room_id = value.find_string("room_id");
    const auto parsed_id = parse_room_id(room_id ? *room_id : "");
    const Result<RoomPtr> room =
        parsed_id ? services_.rooms.find(*parsed_id) : not_found("room_id: expected a room id");
    if (!room || !(*room)->is_server_joined(services_.server_name)) {
        result.id = guess_id(*pdu, room_id);
        if (co_await receive_outside_leave(*pdu, origin)) co_return result;
        result.error = parsed_id ? "this server is not in the room" : "room_id: expected a room id";
        co_return result;
    }
    if (auto id = event_id_of(*pdu, (*room)->rules())) result.id = *std::move(id);
    if (!(*room)->is_server_allowed(origin)) {
        result.error = "the room's server_acl denies " + origin.text();
        co_return result;
    }
    const Result<Receipt> receipt = co_await (*room)->receive(std::move(*pdu), origin);
    if (!receipt) {
        result.error = receipt.error().message;
    } else if (receipt->stored.status == EventStatus::Rejected) {
        result.error = receipt->stored.detail + " (rule " + receipt->stored.rule + ")";
    }
    co_return result;
}

Task<json::Object> FederationServer::receive_pdus(json::Array pdus, ServerName origin) {
    json::Object results;
    for (json::Value& pdu : pdus) {
        const PduResult result = co_await receive_pdu(std::move(pdu), origin);
        if (!result.error.empty()) {
            services_.log.info("send", "an event of " + origin.text() + ": " + result.error);
        }
        if (!result.id) continue;
        json::Object entry;
        if (!result.error.empty()) entry.set("error", result.error);
        results.set(result.id->view(), std::move(entry));
    }
    co_return results;
}

Task<Result<Reply>> FederationServer::send_transaction(Request request) {
    services_.outbox.server_is_back(request.origin);
    ASSIGN_OR_CO_RETURN(const json::Object transaction, request.object_body());
    ASSIGN_OR_CO_RETURN(json::Array pdus, take_pdus(transaction));
    CO_RETURN_IF_ERROR(check_edus(transaction));

    // The same transaction twice: the second waits for the answer of the first.
    const std::pair key(request.origin, request.path[0]);
    for (auto entry = running_.find(key); entry != running_.end(); entry = running_.find(key))
        co_await entry->second->wait();
    Reply reply;
    if (auto known = transactions_.find_response(key.first, key.second)) {
        reply.written_body = *std::move(known);
        co_return reply;
    }
    running_.emplace(key, std::make_unique<runtime::Signal>());
    json::Object results = co_await receive_pdus(std::move(pdus), request.origin);
    reply.written_body = json::write(json::Object{{"pdus", std::move(results)}});
    transactions_.put_response(key.first, key.second, reply.written_body);

    const std::unique_ptr<runtime::Signal> finished = std::move(running_.at(key));
    running_.erase(key);
    finished->notify_all();
    co_return reply;
}

}  // namespace matrix::engine
