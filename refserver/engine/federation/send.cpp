// PUT /_matrix/federation/v1/send: a transaction of events from another server.
//
// Each event and each EDU is judged alone: one that is wrong never costs those beside it. The EDUs
// come after the events, which they may speak of.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#transactions

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/engine/federation_server.h"
#include "refserver/engine/peers/key_ring.h"
#include "refserver/engine/peers/outbox.h"
#include "refserver/protocol/event_hash.h"

namespace matrix::engine {
namespace {

// Moves them out of the transaction.
Result<json::Array> take_pdus(json::Object& transaction) {
    json::Value* value = transaction.find("pdus");
    if (!value || value->is_null()) return missing_param("pdus: the field is required");
    json::Array* pdus = value->if_array();
    if (!pdus) {
        return bad_json("pdus: expected an array, not " + std::string(value->type_name()));
    }
    if (pdus->size() > kTransactionPdusMax) {
        return invalid_param("pdus: expected at most " + std::to_string(kTransactionPdusMax));
    }
    return std::move(*pdus);
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

Result<RoomPtr> FederationServer::find_room_of(const json::Object& pdu, const ServerName& origin) {
    const json::Value* named = pdu.find("room_id");
    const auto room_id = parse_room_id(named && named->if_string() ? *named->if_string() : "");
    if (!room_id) return not_found("room_id: expected a room id");
    const Result<RoomPtr> room = services_.rooms.find(*room_id);
    if (!room || !(*room)->is_server_joined(services_.server_name)) {
        SIM_SOMETIMES("an event of a room comes that we are not in");
        return not_found("this server is not in the room");
    }
    if (!(*room)->is_server_allowed(origin)) {
        SIM_SOMETIMES("an ACL keeps an event out");
        return forbidden("the room's server_acl denies " + origin.text());
    }
    return room;
}

FederationServer::IncomingPdu FederationServer::look_at_pdu(json::Value value,
                                                            const ServerName& origin) {
    IncomingPdu incoming;
    json::Object* pdu = value.if_object();
    if (!pdu) {
        incoming.error = "not an object";
        return incoming;
    }
    Result<RoomPtr> room = find_room_of(*pdu, origin);
    if (!room) {
        const std::string* named = value.find_string("room_id");
        if (const auto room_id = parse_room_id(named ? *named : "")) incoming.room_id = *room_id;
        incoming.id = guess_id(*pdu, named);
        incoming.error = std::move(room).error().message;
        incoming.pdu = std::move(*pdu);
        return incoming;
    }
    incoming.room = *std::move(room);
    incoming.room_id = incoming.room->id();
    if (auto id = event_id_of(*pdu, incoming.room->rules())) incoming.id = *std::move(id);
    incoming.pdu = std::move(*pdu);
    return incoming;
}

// The checks that look at nothing but the event, of those that are not here yet: many together, so
// that the workers can make them.
Task<std::vector<FederationServer::IncomingPdu>> FederationServer::check_pdus(
    std::vector<IncomingPdu> all) {
    std::map<std::string_view, std::vector<std::size_t>> by_version;
    for (std::size_t i = 0; i < all.size(); ++i) {
        if (!all[i].room) continue;
        const auto known = all[i].id ? all[i].room->find_event(*all[i].id) : nullptr;
        if (known && known->is_placed()) continue;
        by_version[all[i].room->rules().version].push_back(i);
    }
    for (const auto& [version, places] : by_version) {
        std::vector<json::Object> pdus;
        for (const std::size_t place : places)
            pdus.push_back(std::move(all[place].pdu));
        auto events =
            co_await services_.keys.take_events(std::move(pdus), find_room_rules(version));
        for (std::size_t i = 0; i < places.size(); ++i) {
            IncomingPdu& incoming = all[places[i]];
            if (events[i]) {
                incoming.event = *std::move(events[i]);
            } else {
                SIM_SOMETIMES("an event of a transaction is malformed or not well signed");
                incoming.error = std::move(events[i]).error().message;
            }
        }
    }
    co_return all;
}

Task<Result<Receipt>> FederationServer::receive_event(RoomPtr room,
                                                      Event event,
                                                      ServerName origin) {
    // An event before this one may have shut the server out.
    if (!room->is_server_allowed(origin)) {
        SIM_SOMETIMES("an event of a transaction shuts its server out");
        co_return forbidden("the room's server_acl denies " + origin.text());
    }
    if (event.room_id != room->id()) co_return invalid_param("an event of another room");
    co_return co_await room->receive_verified(std::move(event), origin);
}

/// The events of one transaction, while those of each room are received one after the other.
struct FederationServer::Intake {
    ServerName origin;
    std::vector<IncomingPdu> pdus;
    std::size_t rooms_left = 0;
    runtime::Signal finished;
};

Task<void> FederationServer::receive_of_room(std::shared_ptr<Intake> intake,
                                             std::vector<std::size_t> places) {
    for (const std::size_t place : places) {
        IncomingPdu& pdu = intake->pdus[place];
        if (pdu.event) {
            const Result<Receipt> receipt =
                co_await receive_event(pdu.room, *std::move(pdu.event), intake->origin);
            if (!receipt) {
                pdu.error = receipt.error().message;
            } else if (receipt->stored.status == EventStatus::Rejected) {
                pdu.error = receipt->stored.detail + " (rule " + receipt->stored.rule + ")";
                pdu.is_rejected = true;
            }
        } else if (!pdu.room && co_await receive_outside_leave(pdu.pdu, intake->origin)) {
            SIM_SOMETIMES("somebody takes back an invite from outside");
            pdu.error.clear();
        }
    }
    if (--intake->rooms_left == 0) intake->finished.notify_all();
}

// A room that has to fetch what is missing holds up none of the others.
Task<void> FederationServer::receive_by_room(std::shared_ptr<Intake> intake) {
    std::map<RoomId, std::vector<std::size_t>> by_room;
    for (std::size_t i = 0; i < intake->pdus.size(); ++i) {
        const RoomPtr& room = intake->pdus[i].room;
        by_room[room ? room->id() : RoomId()].push_back(i);
    }
    intake->rooms_left = by_room.size();
    SIM_SOMETIMES(by_room.size() > 1, "a transaction has events of several rooms");
    for (auto& [room, places] : by_room)
        intakes_.start(receive_of_room(intake, std::move(places)));
    while (intake->rooms_left > 0)
        co_await intake->finished.wait();
}

Task<json::Object> FederationServer::receive_pdus(json::Array pdus, ServerName origin) {
    const auto intake = std::make_shared<Intake>();
    intake->origin = origin;
    for (json::Value& pdu : pdus)
        intake->pdus.push_back(look_at_pdu(std::move(pdu), origin));
    intake->pdus = co_await check_pdus(std::move(intake->pdus));
    co_await receive_by_room(intake);

    json::Object results;
    for (const IncomingPdu& pdu : intake->pdus) {
        if (!pdu.error.empty() && !pdu.is_rejected) {
            services_.rooms.dropped().note(
                {.room = pdu.room_id, .event = pdu.id, .server = origin, .why = pdu.error});
        }
        if (!pdu.id) continue;
        json::Object entry;
        if (!pdu.error.empty()) entry.set("error", pdu.error);
        results.set(pdu.id->view(), std::move(entry));
    }
    co_return results;
}

std::span<const FederationServer::EduHandler> FederationServer::edu_handlers() {
    using F = FederationServer;
    static constexpr std::array kHandlers{
        EduHandler{"m.device_list_update", &F::take_device_list_update},
        EduHandler{"m.direct_to_device", &F::take_direct_to_device},
        EduHandler{"m.presence", &F::take_presence},
        EduHandler{"m.receipt", &F::take_receipts},
        EduHandler{"m.signing_key_update", &F::take_signing_key_update},
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
        if (handler == edu_handlers().end()) {
            SIM_SOMETIMES("an EDU of an unknown type comes");
            return;  // Of a later version, or somebody's own.
        }
        taken = (this->*handler->take)(*content->if_object(), origin);
    }
    ++services_.counters.edus_received;
    if (taken) return;
    SIM_SOMETIMES("an EDU is refused");
    ++services_.counters.edus_refused;
    services_.log.write("edu_refused",
                        {{"server", origin.view()},
                         {"type", type ? std::string_view(*type) : std::string_view()},
                         {"why", taken.error().message}});
}

Task<Result<Reply>> FederationServer::send_transaction(Request request) {
    ASSIGN_OR_CO_RETURN(json::Object transaction, request.take_object_body());
    ASSIGN_OR_CO_RETURN(json::Array pdus, take_pdus(transaction));
    ASSIGN_OR_CO_RETURN(const json::Array edus, take_edus(transaction));

    // The same transaction twice: the second waits for the answer of the first.
    const std::pair key(request.origin, request.path[0]);
    for (auto entry = running_.find(key); entry != running_.end(); entry = running_.find(key))
        co_await entry->second->wait();
    Reply reply;
    if (auto known = transactions_.find_response(key.first, key.second)) {
        SIM_SOMETIMES("a transaction comes twice");
        reply.written_body = *std::move(known);
        co_return reply;
    }
    running_.emplace(key, std::make_unique<runtime::Signal>());
    const std::uint64_t failed_before = services_.turns.failed_commits();
    json::Object results = co_await receive_pdus(std::move(pdus), request.origin);
    // In one unit of work with the note that the transaction was taken, so that none counts twice.
    for (const json::Value& edu : edus)
        take_edu(edu, request.origin);
    reply.written_body = json::write(json::Object{{"pdus", std::move(results)}});
    // Events that were taken in an earlier turn may be lost with it: the peer sends them again.
    SIM_SOMETIMES(services_.turns.failed_commits() != failed_before,
                  "a commit fails while a transaction is taken");
    if (services_.turns.failed_commits() == failed_before) {
        transactions_.put_response(key.first, key.second, reply.written_body);
    }

    const std::unique_ptr<runtime::Signal> finished = std::move(running_.at(key));
    running_.erase(key);
    finished->notify_all();
    co_return reply;
}

}  // namespace matrix::engine
