// Test vectors of state resolution as JSON, and the events in them.
//
// Events look like PDUs. One that has an `event_id` keeps it whatever its bytes hash to, so that
// rooms can be abstract: without hashes and signatures, with labels as ids.
//
// Format: fixtures/README.md and fixtures/schemas/state_resolution.json
#pragma once

#include <expected>
#include <iosfwd>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/oracle/room.h"
#include "conformance/oracle/state_resolution.h"

namespace matrix::oracle {

/// Where a document is wrong, and what was expected there.
struct VectorError {
    std::string where;  ///< For example "cases[3].events[2].sender"; empty for the document.
    std::string what;   ///< For example "a user id, not an integer".
};
std::ostream& operator<<(std::ostream& out, const VectorError& error);

/// What a vector says about the way to its result.
struct ExpectedTrace {
    struct Verdict {
        EventId event_id;
        std::string rule;  ///< That refuses it, or "allowed".
        std::vector<EventId> auth_state;
        friend bool operator==(const Verdict&, const Verdict&) = default;
    };
    std::vector<EventId> full_conflicted_set;
    std::vector<EventId> power_order;
    std::vector<EventId> mainline;
    std::vector<EventId> remaining_order;
    std::vector<Verdict> verdicts;
    friend bool operator==(const ExpectedTrace&, const ExpectedTrace&) = default;
};
ExpectedTrace describe_trace(const Trace& trace);

enum class VectorResult {
    Valid,       ///< The text says so.
    Invalid,     ///< A result that the text excludes.
    Acceptable,  ///< Our choice where the text is silent; others may differ.
};

struct ResolutionCase {
    std::string name;
    const RoomRules* rules = nullptr;  ///< Never null in a parsed case.
    RoomId room_id;                    ///< Of events that name none; may be empty.
    std::vector<EventPtr> events;
    std::set<EventId> rejected;
    std::vector<StateMap> state_sets;
    VectorResult result = VectorResult::Valid;
    std::vector<EventId> resolved;  ///< Sorted.
    std::string reason;
    std::optional<ExpectedTrace> trace;
    /// By the name of a quirk: what is resolved with it instead, sorted.
    std::map<std::string, std::vector<EventId>> differs_under;

    Room make_room() const;
};

/// Reads a file of vectors; a case that breaks the format fails it all.
std::expected<std::vector<ResolutionCase>, VectorError> parse_resolution_cases(
    std::string_view bytes);
/// A file of vectors, each case in one line. `schema` is the path of the schema from the file.
std::string write_resolution_cases(std::span<const ResolutionCase> cases, std::string_view schema);

// Parts of the format that requests and other files share. `where` is the place of the value.

/// An event. Without `event_id` it is a real PDU, whose id is computed; `room_id` is that of events
/// which name none.
std::expected<EventPtr, VectorError> parse_vector_event(const json::Value& value,
                                                        const RoomRules& rules,
                                                        const RoomId& room_id,
                                                        const std::string& where);
std::expected<std::vector<EventPtr>, VectorError> parse_vector_events(const json::Value& value,
                                                                      const RoomRules& rules,
                                                                      const RoomId& room_id,
                                                                      const std::string& where);
/// An array of states, each an array of ids of state events among `events`; for an event that is
/// not among them, `{"event_id", "type", "state_key"}`.
std::expected<std::vector<StateMap>, VectorError> parse_state_sets(const json::Value& value,
                                                                   std::span<const EventPtr> events,
                                                                   const std::string& where);
/// An array of event ids.
std::expected<std::vector<EventId>, VectorError> parse_event_ids(const json::Value& value,
                                                                 const std::string& where);

}  // namespace matrix::oracle
