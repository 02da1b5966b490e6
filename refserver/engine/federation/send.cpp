// PUT /_matrix/federation/v1/send: a transaction of events from another server.
//
// Each event and each EDU is judged alone: one that is wrong never costs those beside it. The EDUs
// come after the events, which they may speak of.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#transactions

#include <algorithm>
#include <array>

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

Result<json::Array> take_edus(const json::Object& transaction) {
    ASSIGN_OR_RETURN(auto edus, optional_array(transaction, "edus"));
    if (edus && edus->size() > kTransactionEdusMax) {
        return invalid_param("edus: expected at most " + std::to_string(kTransactionEdusMax));
    }
    return std::move(edus).value_or(json::Array{});
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

// UNIMPLEMENTED: server-server-api, EDUs: device lists, cross-signing and to-device messages are
// ignored as long as they have no line here.
std::span<const FederationServer::EduHandler> FederationServer::edu_handlers() {
    using F = FederationServer;
    static constexpr std::array kHandlers{
        EduHandler{"m.presence", &F::take_presence},
        EduHandler{"m.receipt", &F::take_receipts},
        EduHandler{"m.typing", &F::take_typing},
    };
    return kHandlers;
}

// What is wrong with an EDU is told to nobody but the log: the answer has no place for it.
void FederationServer::take_edu(const json::Value& edu, const ServerName& origin) {
    const std::string* type = edu.find_string("edu_type");
    const json::Value* content = edu.find("content");
    Result<void> taken;
    if (!type || !content || !content->if_object()) {
        taken = bad_json("an EDU: expected an object with `edu_type` and an object `content`");
    } else {
        const auto handler = std::ranges::find(edu_handlers(), *type, &EduHandler::type);
        if (handler == edu_handlers().end()) return;  // Of a later version, or somebody's own.
        taken = (this->*handler->take)(*content->if_object(), origin);
    }
    ++services_.counters.edus_received;
    if (taken) return;
    ++services_.counters.edus_refused;
    services_.log.info("send",
                       "edu_refused server=" + origin.text() +
                           " type=" + (type ? type->substr(0, kIdBytesMax) : std::string("none")) +
                           " why=" + taken.error().message);
}

Task<Result<Reply>> FederationServer::send_transaction(Request request) {
    ASSIGN_OR_CO_RETURN(const json::Object transaction, request.object_body());
    ASSIGN_OR_CO_RETURN(json::Array pdus, take_pdus(transaction));
    ASSIGN_OR_CO_RETURN(const json::Array edus, take_edus(transaction));

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
    // In one unit of work with the note that the transaction was taken, so that none counts twice.
    for (const json::Value& edu : edus)
        take_edu(edu, request.origin);
    reply.written_body = json::write(json::Object{{"pdus", std::move(results)}});
    transactions_.put_response(key.first, key.second, reply.written_body);

    const std::unique_ptr<runtime::Signal> finished = std::move(running_.at(key));
    running_.erase(key);
    finished->notify_all();
    co_return reply;
}

}  // namespace matrix::engine
