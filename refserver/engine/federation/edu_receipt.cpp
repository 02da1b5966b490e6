// m.receipt: users of another server have read up to some events.
//
// Each receipt is judged alone; receipts of types other than m.read do not federate.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#receipts

#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/engine/ephemeral/receipts.h"
#include "refserver/engine/federation_server.h"

namespace matrix::engine {
namespace {

/// UNSPECIFIED: how many receipts one EDU may bring.
constexpr std::size_t kReceiptsPerEduMax = 1000;

Result<ReceiptRow> read_receipt(const RoomId& room, const UserId& user, const json::Value& value) {
    const json::Object* object = value.if_object();
    if (!object) return bad_json("m.read: expected an object for each user");
    // Spec: one event, though it is an array.
    ASSIGN_OR_RETURN(const auto events, optional_array(*object, "event_ids"));
    if (!events || events->size() != 1 || !events->front().if_string()) {
        return bad_json("event_ids: expected an array of one event id");
    }
    ASSIGN_OR_RETURN(const EventId event, require_event_id(*events->front().if_string(), "event"));
    ASSIGN_OR_RETURN(const json::Object data, require_object(*object, "data"));
    ASSIGN_OR_RETURN(const auto ts, optional_integer(data, "ts"));
    if (!ts || *ts < 0) return bad_json("ts: expected milliseconds since the Unix epoch");
    ASSIGN_OR_RETURN(auto thread, optional_string(data, "thread_id"));
    if (thread && thread != kMainThread && !parse_event_id(*thread)) {
        return bad_json("thread_id: expected \"main\" or an event id");
    }
    return ReceiptRow{.room = room,
                      .type = std::string(storage::kReadReceipt),
                      .user = user,
                      .thread = std::move(thread).value_or(std::string()),
                      .event = event,
                      .ts = *ts,
                      .position = {}};
}

}  // namespace

// security-cases.tsv 31: only of users of the origin.
Result<void> FederationServer::take_receipt(const Room& room,
                                            std::string_view user_text,
                                            const json::Value& value,
                                            const ServerName& origin) {
    ASSIGN_OR_RETURN(const UserId user, require_user_of(origin, user_text));
    if (room.membership(user) != Membership::Join) {
        return forbidden(user.text() + ": the user is not in the room");
    }
    ASSIGN_OR_RETURN(ReceiptRow receipt, read_receipt(room.id(), user, value));
    SIM_SOMETIMES("somebody elsewhere has read an event");
    services_.receipts.put(room, std::move(receipt));
    return {};
}

Result<void> FederationServer::take_receipts_of_room(std::string_view room_id,
                                                     const json::Value& types,
                                                     const ServerName& origin,
                                                     std::size_t& receipts_left) {
    ASSIGN_OR_RETURN(const RoomPtr room, find_resident_room(origin, room_id));
    const json::Value* users = types.find(storage::kReadReceipt);
    if (!users) return {};
    if (!users->if_object()) return bad_json("m.read: expected an object");
    Result<void> result;
    for (const json::Member& user : *users->if_object()) {
        if (receipts_left == 0) {
            return invalid_param("expected at most " + std::to_string(kReceiptsPerEduMax) +
                                 " receipts");
        }
        --receipts_left;
        auto taken = take_receipt(*room, user.key, user.value, origin);
        if (!taken) result = std::move(taken);
    }
    return result;
}

Result<void> FederationServer::take_receipts(const json::Object& content,
                                             const ServerName& origin) {
    std::size_t receipts_left = kReceiptsPerEduMax;
    Result<void> result;
    for (const json::Member& room : content) {
        auto taken = take_receipts_of_room(room.key, room.value, origin, receipts_left);
        if (!taken) result = std::move(taken);
    }
    return result;
}

}  // namespace matrix::engine
