#include "refserver/commands/room_file.h"

#include <algorithm>
#include <array>
#include <utility>

#include "refserver/base/assert.h"
#include "refserver/base/result_macros.h"

namespace matrix::commands {
namespace {

constexpr std::array<std::pair<FileFormat, std::string_view>, 6> kFormatNames = {
    {{FileFormat::Lines, "ndjson"},
     {FileFormat::Array, "array"},
     {FileFormat::Room, "room"},
     {FileFormat::StateAnswer, "state"},
     {FileFormat::Transaction, "transaction"},
     {FileFormat::Vectors, "vectors"}}};

std::unexpected<InputError> refuse_input(Place place, std::string field, std::string expected) {
    return std::unexpected(InputError{std::move(place), std::move(field), std::move(expected)});
}

std::string but_found(std::string expected, const json::Value& value) {
    return expected + ", not " + std::string(value.type_name());
}

}  // namespace

std::string_view name_of(FileFormat format) {
    for (const auto& [known, name] : kFormatNames) {
        if (known == format) return name;
    }
    unreachable();
}

std::optional<FileFormat> find_format(std::string_view name) {
    for (const auto& [format, known] : kFormatNames) {
        if (known == name) return format;
    }
    return std::nullopt;
}

namespace {

/// Names the element `index` of `field` inside what stands at `place`.
Place element_of(const Place& place, std::string_view field, std::size_t index) {
    Place inner = place;
    if (!inner.path.empty() && !field.empty()) inner.path += '.';
    inner.path += std::string(field) + '[' + std::to_string(index) + ']';
    return inner;
}

// --- Parts that several forms have ---------------------------------------------------------------

std::expected<void, InputError> add_pdus(const json::Value& list,
                                         const Place& place,
                                         std::string_view field,
                                         RoomFile& room) {
    const json::Array* entries = list.if_array();
    if (!entries) {
        return refuse_input(place, std::string(field), but_found("an array of events", list));
    }
    for (std::size_t index = 0; index < entries->size(); ++index) {
        const json::Value& entry = (*entries)[index];
        Place entry_place = element_of(place, field, index);
        const json::Object* pdu = entry.if_object();
        if (!pdu) return refuse_input(entry_place, "", but_found("an event", entry));
        room.pdus.push_back({std::move(entry_place), *pdu});
    }
    return {};
}

// An id, or for an event that is not there an object with its key.
std::optional<StateEntry> parse_entry(const json::Value& value) {
    if (const std::string* id = value.if_string()) return StateEntry{EventId(*id), std::nullopt};
    const std::string* type = value.find_string("type");
    const std::string* state_key = value.find_string("state_key");
    const std::string* id = value.find_string("event_id");
    if (!type || !state_key || !id) return std::nullopt;
    return StateEntry{EventId(*id), std::pair(*type, *state_key)};
}

std::expected<StateSet, InputError> parse_state_set(const json::Value& list, const Place& place) {
    const json::Array* entries = list.if_array();
    if (!entries) return refuse_input(place, "", but_found("an array of event ids", list));
    StateSet set{.place = place};
    for (std::size_t index = 0; index < entries->size(); ++index) {
        auto entry = parse_entry((*entries)[index]);
        if (!entry) {
            return refuse_input(element_of(place, "", index),
                                "",
                                "an event id, or an object with event_id, type and state_key");
        }
        set.entries.push_back(*std::move(entry));
    }
    return set;
}

}  // namespace

std::expected<std::vector<StateSet>, InputError> parse_state_sets(const json::Value& list,
                                                                  const Place& place) {
    const json::Array* entries = list.if_array();
    if (!entries) {
        return refuse_input(
            place, "state_sets", but_found("an array of arrays of event ids", list));
    }
    std::vector<StateSet> sets;
    for (std::size_t index = 0; index < entries->size(); ++index) {
        ASSIGN_OR_RETURN(
            StateSet set,
            parse_state_set((*entries)[index], element_of(place, "state_sets", index)));
        sets.push_back(std::move(set));
    }
    return sets;
}

namespace {

std::expected<std::vector<EventId>, InputError> parse_ids(const json::Value& list,
                                                          const Place& place,
                                                          std::string_view field) {
    const json::Array* entries = list.if_array();
    const bool is_good = entries && std::ranges::all_of(*entries, [](const json::Value& id) {
                             return id.if_string() != nullptr;
                         });
    if (!is_good) return refuse_input(place, std::string(field), "an array of event ids");
    std::vector<EventId> ids;
    for (const json::Value& id : *entries)
        ids.emplace_back(*id.if_string());
    return ids;
}

constexpr const char* kKnownVersions =
    "a room version from \"1\" to \"12\", or that of a --room-version-file";

std::expected<void, InputError> set_room_version(const json::Value& value,
                                                 const Place& place,
                                                 RoomFile& room) {
    const std::string* version = value.if_string();
    if (!version || !find_room_rules(*version)) {
        return refuse_input(place, "room_version", kKnownVersions);
    }
    if (room.room_version && *room.room_version != *version) {
        return refuse_input(place, "room_version", "\"" + *room.room_version + "\", as before");
    }
    room.room_version = *version;
    return {};
}

// What is no event: how the room is, and its state sets.
std::expected<void, InputError> add_facts(const json::Object& object,
                                          const Place& place,
                                          RoomFile& room) {
    if (const json::Value* version = object.find("room_version")) {
        RETURN_IF_ERROR(set_room_version(*version, place, room));
    }
    if (const json::Value* id = object.find("room_id")) {
        if (!id->if_string()) return refuse_input(place, "room_id", but_found("a string", *id));
        room.room_id = RoomId(*id->if_string());
    }
    if (const json::Value* sets = object.find("state_sets")) {
        ASSIGN_OR_RETURN(std::vector<StateSet> parsed, parse_state_sets(*sets, place));
        std::ranges::move(parsed, std::back_inserter(room.state_sets));
    }
    if (const json::Value* list = object.find("state_set")) {
        ASSIGN_OR_RETURN(StateSet set, parse_state_set(*list, place));
        room.state_sets.push_back(std::move(set));
    }
    if (const json::Value* rejected = object.find("rejected")) {
        ASSIGN_OR_RETURN(const auto ids, parse_ids(*rejected, place, "rejected"));
        room.rejected.insert(room.rejected.end(), ids.begin(), ids.end());
    }
    return {};
}

// --- The forms -----------------------------------------------------------------------------------

bool is_fact_line(const json::Object& object) {
    constexpr std::string_view kFacts[] = {
        "room_version", "room_id", "state_sets", "state_set", "rejected"};
    return !object.contains("type") && !object.contains("sender") &&
           std::ranges::any_of(kFacts, [&](std::string_view key) { return object.contains(key); });
}

std::expected<void, InputError> add_line(std::string_view line, Place place, RoomFile& room) {
    auto document = json::parse(line, json::Numbers::Any, {.depth_max = 256});
    if (!document) {
        return refuse_input(std::move(place),
                            "",
                            "one JSON object a line: " + document.error().what + ", at byte " +
                                std::to_string(document.error().offset + 1));
    }
    json::Object* object = document->if_object();
    if (!object) return refuse_input(std::move(place), "", but_found("an object", *document));
    if (is_fact_line(*object)) return add_facts(*object, place, room);
    room.pdus.push_back({std::move(place), std::move(*object)});
    return {};
}

RoomFile read_lines(std::string_view text, const std::string& file) {
    RoomFile room;
    room.format = FileFormat::Lines;
    std::size_t number = 0;
    while (!text.empty()) {
        ++number;
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        if (line.find_first_not_of(" \t\r") == std::string_view::npos) continue;
        if (auto added = add_line(line, {file, number, ""}, room); !added) {
            room.broken_lines.push_back(std::move(added).error());
        }
    }
    return room;
}

// Answers of versions 1 of send_join and others are [200, {...}].
const json::Object* find_answer(const json::Value& document) {
    if (const json::Object* object = document.if_object()) return object;
    const json::Array* pair = document.if_array();
    const bool is_answer = pair && pair->size() == 2 && (*pair)[0] == json::Value(200);
    return is_answer ? (*pair)[1].if_object() : nullptr;
}

std::expected<RoomFile, InputError> read_state_answer(const json::Object& answer, Place place) {
    RoomFile room;
    room.format = FileFormat::StateAnswer;
    RETURN_IF_ERROR(add_facts(answer, place, room));
    const json::Value* chain = answer.find("auth_chain");
    if (!chain) return refuse_input(place, "auth_chain", "an array of events");
    RETURN_IF_ERROR(add_pdus(*chain, place, "auth_chain", room));
    const std::string_view field = answer.contains("pdus") ? "pdus" : "state";
    if (const json::Value* state = answer.find(field)) {
        const std::size_t first = room.pdus.size();
        RETURN_IF_ERROR(add_pdus(*state, place, field, room));
        // The ids of the set are known when the room version is: they are those of these events.
        StateSet set{place, {}, first, room.pdus.size()};
        set.place.path += field;
        room.state_sets.push_back(std::move(set));
    }
    if (const json::Value* event = answer.find("event")) {
        const json::Object* pdu = event->if_object();
        if (!pdu) return refuse_input(place, "event", but_found("an event", *event));
        Place event_place = place;
        event_place.path = "event";
        room.pdus.push_back({std::move(event_place), *pdu});
    }
    return room;
}

std::expected<RoomFile, InputError> read_listed(const json::Object& object,
                                                std::string_view field,
                                                FileFormat format,
                                                const Place& place) {
    RoomFile room;
    room.format = format;
    RETURN_IF_ERROR(add_facts(object, place, room));
    const json::Value* list = object.find(field);
    if (!list) return refuse_input(place, std::string(field), "an array of events");
    RETURN_IF_ERROR(add_pdus(*list, place, field, room));
    return room;
}

std::expected<std::optional<Expectation>, InputError> find_expectation(const json::Object& one,
                                                                       const Place& place) {
    const json::Value* resolved = one.find("resolved");
    if (!resolved) return std::nullopt;
    Expectation expectation;
    ASSIGN_OR_RETURN(expectation.resolved, parse_ids(*resolved, place, "resolved"));
    std::ranges::sort(expectation.resolved);
    const json::Value* result = one.find("result");
    expectation.is_excluded = result && *result == json::Value("invalid");
    const json::Value* quirks = one.find("differs_under");
    if (!quirks) return expectation;
    if (!quirks->if_object()) {
        return refuse_input(place, "differs_under", but_found("an object", *quirks));
    }
    for (const json::Member& quirk : *quirks->if_object()) {
        ASSIGN_OR_RETURN(auto ids, parse_ids(quirk.value, place, "differs_under." + quirk.key));
        std::ranges::sort(ids);
        expectation.differs_under.emplace(quirk.key, std::move(ids));
    }
    return expectation;
}

std::expected<std::vector<RoomCase>, InputError> read_vectors(const json::Object& file_object,
                                                              const Place& place) {
    const json::Value* cases = file_object.find("cases");
    const json::Array* list = cases ? cases->if_array() : nullptr;
    if (!list) return refuse_input(place, "cases", "an array of cases");
    std::vector<RoomCase> rooms;
    for (std::size_t index = 0; index < list->size(); ++index) {
        const Place case_place = element_of(place, "cases", index);
        const json::Object* one = (*list)[index].if_object();
        if (!one) return refuse_input(case_place, "", but_found("an object", (*list)[index]));
        ASSIGN_OR_RETURN(RoomFile room,
                         read_listed(*one, "events", FileFormat::Vectors, case_place));
        const std::string* name = (*list)[index].find_string("name");
        ASSIGN_OR_RETURN(auto expectation, find_expectation(*one, case_place));
        rooms.push_back(
            {name ? *name : to_string(case_place), std::move(room), std::move(expectation)});
    }
    return rooms;
}

std::vector<RoomCase> one_room(RoomFile room) {
    std::vector<RoomCase> rooms;
    rooms.push_back({"", std::move(room), {}});
    return rooms;
}

std::expected<std::vector<RoomCase>, InputError> read_document(const json::Value& document,
                                                               FileFormat format,
                                                               const Place& place) {
    if (format == FileFormat::Array) {
        RoomFile room;
        room.format = FileFormat::Array;
        RETURN_IF_ERROR(add_pdus(document, place, "", room));
        return one_room(std::move(room));
    }
    const json::Object* object = find_answer(document);
    if (!object) return refuse_input(place, "", but_found("an object", document));
    if (format == FileFormat::Vectors) return read_vectors(*object, place);
    std::expected<RoomFile, InputError> room;
    if (format == FileFormat::StateAnswer) {
        room = read_state_answer(*object, place);
    } else if (format == FileFormat::Room) {
        room = read_listed(*object, "events", format, place);
    } else {
        // /get_missing_events has `events`; /backfill and /send have `pdus`.
        room = read_listed(*object, object->contains("pdus") ? "pdus" : "events", format, place);
    }
    if (!room) return std::unexpected(std::move(room).error());
    return one_room(*std::move(room));
}

// What a file that is one JSON value seems to be; NDJSON of one line, if nothing else fits.
FileFormat guess_format(const json::Value& document) {
    const json::Object* object = find_answer(document);
    if (!object) return document.if_array() ? FileFormat::Array : FileFormat::Lines;
    if (object->contains("type")) return FileFormat::Lines;
    if (object->contains("cases")) return FileFormat::Vectors;
    if (object->contains("auth_chain")) return FileFormat::StateAnswer;
    if (object->contains("events")) return FileFormat::Room;
    if (object->contains("pdus")) return FileFormat::Transaction;
    return FileFormat::Lines;
}

bool has_several_lines(std::string_view text) {
    const std::size_t end = text.find('\n');
    return end != std::string_view::npos &&
           text.find_first_not_of(" \t\r\n", end) != std::string_view::npos;
}

}  // namespace

std::expected<std::vector<RoomCase>, InputError> read_rooms(std::string_view text,
                                                            const std::string& file,
                                                            std::optional<FileFormat> format) {
    if (format == FileFormat::Lines) return one_room(read_lines(text, file));
    auto document = parse_document(text, file);
    if (!format) {
        if (document) {
            format = guess_format(*document);
        } else if (has_several_lines(text)) {
            RoomFile room = read_lines(text, file);
            // A document in several lines with a mistake in it has no line that is an object.
            if (!room.pdus.empty() || !room.state_sets.empty()) return one_room(std::move(room));
        }
        if (format == FileFormat::Lines) return one_room(read_lines(text, file));
    }
    if (!document) return std::unexpected(std::move(document).error());
    return read_document(*document, *format, {.file = file});
}

std::expected<StateSet, InputError> read_state_set(std::string_view text, const std::string& file) {
    const Place place{.file = file};
    if (const auto document = json::parse(text, json::Numbers::Any)) {
        if (const json::Value* ids = document->find("pdu_ids")) return parse_state_set(*ids, place);
        if (const json::Value* set = document->find("state_set")) {
            return parse_state_set(*set, place);
        }
        return parse_state_set(*document, place);
    }
    StateSet set{.place = place};
    std::size_t number = 0;
    while (!text.empty()) {
        ++number;
        const std::size_t end = std::min(text.find('\n'), text.size());
        std::string_view line = text.substr(0, end);
        text.remove_prefix(std::min(end + 1, text.size()));
        while (!line.empty() && std::string_view(" \t\r").contains(line.back()))
            line.remove_suffix(1);
        if (line.empty()) continue;
        if (!line.starts_with('$')) {
            return refuse_input({file, number, ""}, "", "an event id, which begins with \"$\"");
        }
        set.entries.push_back({EventId(line), std::nullopt});
    }
    return set;
}

}  // namespace matrix::commands
