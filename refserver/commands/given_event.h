// Events whose ids are given: rooms that are told, not hashed.
//
// What is said about state resolution or authorization does not depend on bytes, so a room can be
// written down with ids such as "$topic-1" and without hashes, signatures, or what does not matter.
#pragma once

#include <expected>
#include <span>

#include "refserver/protocol/event.h"

namespace matrix::commands {

/// Does `pdu` carry its id, which is then to be taken as given?
///
/// From v3 on, when there is an `event_id`; in v1 and v2, where every event has one, when there are
/// no `hashes` besides.
bool has_given_id(const json::Object& pdu, const RoomRules& rules);

/// The room of events that do not say theirs: the one that the create event among `pdus` makes in
/// v12, else "!room:" and the server of who created it.
RoomId default_room_of(std::span<const json::Object* const> pdus, const RoomRules& rules);

/// A PDU, or an event with a given id, read as those of vectors: whichever it is.
std::expected<EventPtr, EventError> parse_any_event(const json::Object& pdu,
                                                    const RoomRules& rules,
                                                    const RoomId& default_room);

}  // namespace matrix::commands
