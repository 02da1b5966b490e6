// Events: immutable, kept as the canonical text that was hashed and signed, with parsed fields.
//
// `unsigned` is no part of an event: it is what one server tells about it.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#pdus
#pragma once

#include <cstdint>
#include <expected>
#include <iosfwd>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "refserver/protocol/event_content.h"
#include "refserver/protocol/identifiers.h"
#include "refserver/protocol/json.h"
#include "refserver/protocol/room_rules.h"
#include "refserver/protocol/sha256.h"

namespace matrix {

struct Event {
    EventId id;
    RoomId room_id;  ///< Also for a create event of room version 12, where it is derived.
    UserId sender;
    std::string type;
    std::optional<std::string> state_key;
    std::vector<EventId> prev_events;
    std::vector<EventId> auth_events;
    std::int64_t depth = 0;
    std::int64_t origin_server_ts = 0;
    /// Of m.room.redaction, from the place where this room version has it; any string.
    std::optional<EventId> redacts;
    EventContent content;  ///< Typed, for the types that authorization rules read.

    const RoomRules* rules = nullptr;  ///< Never null in a parsed event.

    /// The PDU in canonical JSON with hashes and signatures, without `unsigned`.
    std::string text;

    bool is_state() const { return state_key.has_value(); }
    bool is(std::string_view type_, std::string_view state_key_) const {
        return type == type_ && state_key == state_key_;
    }
    /// The whole PDU as JSON, parsed anew.
    json::Object parse_text() const;
    /// The content as JSON, parsed anew.
    json::Object parse_content() const;
    /// The content if it has this type, else null: `event.find_content<MemberContent>()`.
    template <class Content>
    const Content* find_content() const {
        return std::get_if<Content>(&content);
    }
    /// The membership of an m.room.member event; nothing for others and malformed ones.
    std::optional<Membership> membership() const;

    friend bool operator==(const Event& a, const Event& b) {
        return a.id == b.id && a.text == b.text;
    }
};
std::ostream& operator<<(std::ostream& out, const Event& event);

using EventPtr = std::shared_ptr<const Event>;

/// Why bytes are no event of a room version.
struct EventError {
    std::string field;  ///< For example "prev_events"; empty if it concerns the whole.
    std::string what;   ///< What was expected.
};
std::ostream& operator<<(std::ostream& out, const EventError& error);

/// Reads a PDU that has not been checked: format, types, limits and, from v3 on, computes its id.
///
/// Nothing is said about hashes, signatures or authorization. `unsigned` is dropped unseen. Numbers
/// are checked here too, so a transaction with PDUs of several versions is parsed with
/// `Numbers::Any`. Spec: server-server-api, "Checks performed on receipt of a PDU", 1.
std::expected<Event, EventError> parse_event(const json::Object& pdu, const RoomRules& rules);
std::expected<Event, EventError> parse_event(std::string_view bytes, const RoomRules& rules);

/// The largest PDU in canonical JSON, with signatures.
inline constexpr std::size_t kPduBytesMax = 65536;
inline constexpr std::size_t kPrevEventsMax = 20;
inline constexpr std::size_t kAuthEventsMax = 10;
/// How deeply a PDU may be nested.
///
/// UNSPECIFIED: we chose 100, below what all known parsers take, because a limit that depended on
/// the document around the PDU would accept an event here and drop it there.
inline constexpr std::size_t kEventNestingMax = 100;

/// An event in the making, by one of our users: everything but hashes and signatures.
struct EventTemplate {
    RoomId room_id;  ///< Empty for a create event of room version 12.
    UserId sender;
    std::string type;
    std::optional<std::string> state_key;
    json::Object content;
    std::vector<EventId> prev_events;
    std::vector<EventId> auth_events;
    std::int64_t depth = 0;
    std::int64_t origin_server_ts = 0;
    std::optional<EventId> redacts;  ///< Goes to the place where the room version has it.
    /// Of the events that this one cites; room versions 1 and 2 write them beside the ids.
    std::map<EventId, Sha256> reference_hashes;
};

/// The PDU of `event` in the format of `rules`, without hashes and signatures.
///
/// Room versions 1 and 2 put ids into events: there `event_id` is given. In a reference whose hash
/// is not known, the hashes are empty; nobody reads them.
json::Object make_pdu(const EventTemplate& event,
                      const RoomRules& rules,
                      const std::optional<EventId>& event_id = std::nullopt);

/// How clients see an event, without `unsigned`. A redaction has `redacts` in both of its places.
/// Spec: client-server-api, "Room event format"; room version 11, "Moving the redacts property".
json::Object client_form(const Event& event);

}  // namespace matrix
