// Files that hold events of a room, in the forms in which they lie about.
//
// Nothing is said here about the events: only what a file holds, and where in it.
#pragma once

#include <expected>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "refserver/commands/input.h"
#include "refserver/protocol/event.h"
#include "refserver/protocol/json.h"

namespace matrix::commands {

enum class FileFormat {
    Lines,        ///< NDJSON: a PDU a line; lines without `type` say more, see `RoomFile`.
    Array,        ///< One JSON array of PDUs.
    Room,         ///< An object with `events` and what the request `resolve` of the adapter has.
    StateAnswer,  ///< Of /state, /event_auth or send_join: `pdus` or `state`, and `auth_chain`.
    Transaction,  ///< Of /backfill, /get_missing_events or /send: events that are no state.
    Vectors,      ///< A file of fixtures/: an object with `cases`.
};
std::string_view name_of(FileFormat format);
/// By the names that `name_of` gives, for --format.
std::optional<FileFormat> find_format(std::string_view name);

/// A PDU and where it stands.
struct FilePdu {
    Place place;
    json::Object pdu;
};

/// One entry of a state set: an id, and its key where that is given with it.
struct StateEntry {
    EventId id;
    std::optional<std::pair<std::string, std::string>> key;  ///< Type and state key.
};
struct StateSet {
    Place place;
    std::vector<StateEntry> entries;
    /// Where the file has the events of the set instead of ids: which of its `pdus`, end excluded.
    std::size_t first_pdu = 0;
    std::size_t end_pdu = 0;
};

/// Reads an array of sets; a place in it is named below `place`.
std::expected<std::vector<StateSet>, InputError> parse_state_sets(const json::Value& list,
                                                                  const Place& place);

/// What one file holds.
struct RoomFile {
    FileFormat format = FileFormat::Lines;
    std::optional<std::string> room_version;  ///< If the file itself says it.
    std::optional<RoomId> room_id;            ///< Of events that do not say theirs.
    std::vector<FilePdu> pdus;
    std::vector<StateSet> state_sets;
    std::vector<EventId> rejected;
    /// Lines that are no JSON objects; empty for all forms but NDJSON, which have one error only.
    std::vector<InputError> broken_lines;
};

/// What a vector says about its result.
struct Expectation {
    std::vector<EventId> resolved;  ///< In the order of ids, as the others.
    bool is_excluded = false;       ///< Then the text excludes it.
    std::map<std::string, std::vector<EventId>> differs_under;  ///< By the name of a quirk.
};

/// One room to resolve: a file's, or one case of a file of vectors.
struct RoomCase {
    std::string name;  ///< Of the case; empty for a file that holds one room.
    RoomFile room;
    std::optional<Expectation> expectation;
};

/// Reads a file in the form `format`, or in the one that it seems to have.
///
/// NDJSON may have lines that are no events (no `type`): objects with `room_version`, `state_set`
/// (one more set), `state_sets`, `rejected` or `room_id`.
std::expected<std::vector<RoomCase>, InputError> read_rooms(std::string_view text,
                                                            const std::string& file,
                                                            std::optional<FileFormat> format);

/// Reads a set of its own file: ids one a line, a JSON array of them, an answer of /state_ids or
/// /state.
std::expected<StateSet, InputError> read_state_set(std::string_view text, const std::string& file);

}  // namespace matrix::commands
