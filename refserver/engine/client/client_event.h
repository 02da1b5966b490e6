// How a client sees events: the client format with `unsigned`, and the stripped format.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#room-event-format
#pragma once

#include <string>
#include <vector>

#include "refserver/engine/http_api.h"
#include "refserver/engine/rooms/room.h"
#include "refserver/engine/rooms/room_preview.h"
#include "refserver/runtime/clock.h"
#include "refserver/storage/client_transactions.h"

namespace matrix::engine {

/// Does an event say which room it is in? Not in a sync, which says so around it.
enum class RoomIdMember { Included, LeftOut };

/// Writes events of one room for one device.
class ClientEventWriter {
public:
    ClientEventWriter(const Room& room,
                      const Requester& requester,
                      const storage::ClientTransactionStore& transactions,
                      runtime::Timestamp now)
        : room_(room), requester_(requester), transactions_(transactions), now_(now) {}

    /// JSON text.
    std::string write(const StoredEvent& stored, RoomIdMember room_id) const;
    /// The same of an event of the room's state.
    std::string write(const EventPtr& event, RoomIdMember room_id) const;

private:
    json::Object make_unsigned(const StoredEvent& stored) const;

    const Room& room_;
    const Requester& requester_;
    const storage::ClientTransactionStore& transactions_;
    runtime::Timestamp now_;
};

/// The stripped form of a PDU that another server sent; nothing if it has not those members.
std::optional<json::Object> stripped_form(const json::Object& pdu);
/// What somebody who is invited, or knocks, is shown of a state: the room's name and kind.
json::Array stripped_state(const Room& room, const State& state);

/// "[a,b]" of texts that are JSON.
std::string write_array(const std::vector<std::string>& texts);

/// JSON text of an object, member by member; keys are literals that need no escapes or ids.
class ObjectWriter {
public:
    ObjectWriter& add(std::string_view key, const json::Value& value);
    ObjectWriter& add_written(std::string_view key, std::string_view json);
    bool empty() const { return text_.size() == 1; }
    std::string finish() const { return text_ + "}"; }

private:
    std::string text_ = "{";
};

}  // namespace matrix::engine
