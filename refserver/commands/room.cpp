#include "refserver/commands/room.h"

#include <utility>

#include "refserver/base/result_macros.h"
#include "refserver/commands/given_event.h"

namespace matrix::commands {

bool EventMap::add(EventPtr event) {
    const auto [entry, is_new] = events_.try_emplace(event->id, event);
    return is_new || *entry->second == *event;
}

auth::CitedEvent EventMap::find(const EventId& id) const {
    const auto entry = events_.find(id);
    if (entry == events_.end()) return {};
    return {entry->second, rejected_.contains(id)};
}

namespace {

// The version that the first create event says; "1" if it says none.
std::optional<std::string> find_created_version(const RoomFile& file) {
    for (const FilePdu& entry : file.pdus) {
        const json::Value* type = entry.pdu.find("type");
        if (!type || *type != json::Value("m.room.create")) continue;
        const json::Value* content = entry.pdu.find("content");
        const json::Value* version = content ? content->find("room_version") : nullptr;
        if (!version) return "1";
        if (const std::string* text = version->if_string()) return *text;
    }
    return std::nullopt;
}

}  // namespace

std::expected<const RoomRules*, InputError> find_rules(std::span<const RoomFile> files,
                                                       const std::optional<std::string>& version) {
    const auto rules_of =
        [&](const std::string& text) -> std::expected<const RoomRules*, InputError> {
        if (const RoomRules* rules = find_room_rules(text)) return rules;
        return std::unexpected(InputError{{.file = "the create event"},
                                          "content.room_version",
                                          "a room version from \"1\" to \"12\", not \"" + text +
                                              "\"; or the flag --room-version"});
    };
    if (version) return rules_of(*version);
    for (const RoomFile& file : files) {
        if (file.room_version) return rules_of(*file.room_version);
    }
    for (const RoomFile& file : files) {
        if (const auto created = find_created_version(file)) return rules_of(*created);
    }
    return std::unexpected(InputError{
        {.file = "room version"}, "", "an m.room.create event, or the flag --room-version"});
}

namespace {

// The key of an entry of a state set.
std::expected<StateKey, std::string> key_of_entry(const StateEntry& entry, const EventMap& events) {
    if (entry.key) return StateKey{entry.key->first, entry.key->second};
    const EventPtr event = events.find(entry.id).event;
    if (!event) {
        return std::unexpected("the id of a given event, or its type and state key with it, not " +
                               entry.id.text());
    }
    if (!event->is_state()) {
        return std::unexpected("state events, but " + entry.id.text() + " has no state_key");
    }
    return StateKey{event->type, *event->state_key};
}

}  // namespace

std::expected<State, InputError> make_state(const StateSet& set, const EventMap& events) {
    std::map<StateKey, EventId> entries;
    for (std::size_t index = 0; index < set.entries.size(); ++index) {
        const StateEntry& entry = set.entries[index];
        Place place = set.place;
        place.path += '[' + std::to_string(index) + ']';
        auto key = key_of_entry(entry, events);
        if (!key) return std::unexpected(InputError{place, "", std::move(key).error()});
        const auto [known, is_new] = entries.try_emplace(*key, entry.id);
        if (!is_new && known->second != entry.id) {
            return std::unexpected(InputError{place,
                                              "",
                                              "one event for each type and state key, but " +
                                                  known->second.text() + " has that of " +
                                                  entry.id.text() + " too"});
        }
    }
    return State::make({entries.begin(), entries.end()});
}

namespace {

// Reads the PDUs of a file, and gives their ids in the order of the file.
std::vector<EventId> add_events(const RoomFile& file,
                                const RoomRules& rules,
                                const RoomId& default_room,
                                EventMap& events,
                                std::vector<InputError>& errors) {
    std::vector<EventId> ids;
    for (const FilePdu& entry : file.pdus) {
        auto event = parse_any_event(entry.pdu, rules, default_room);
        if (!event) {
            errors.push_back({entry.place, event.error().field, event.error().what});
            ids.emplace_back();
            continue;
        }
        ids.push_back((*event)->id);
        if (!events.add(*std::move(event))) {
            errors.push_back({entry.place,
                              "event_id",
                              "an id of its own: another event is called " + ids.back().text()});
        }
    }
    for (const EventId& id : file.rejected)
        events.reject(id);
    return ids;
}

}  // namespace

RoomId find_default_room(std::span<const RoomFile> files, const RoomRules& rules) {
    std::vector<const json::Object*> pdus;
    for (const RoomFile& file : files) {
        if (file.room_id) return *file.room_id;
        for (const FilePdu& entry : file.pdus)
            pdus.push_back(&entry.pdu);
    }
    return default_room_of(pdus, rules);
}

std::expected<Room, std::vector<InputError>> make_room(std::span<const RoomFile> files,
                                                       const RoomRules& rules) {
    std::vector<InputError> errors;
    for (const RoomFile& file : files)
        errors.insert(errors.end(), file.broken_lines.begin(), file.broken_lines.end());
    const RoomId default_room = find_default_room(files, rules);

    Room room{&rules, {}, {}};
    std::vector<StateSet> sets;
    for (const RoomFile& file : files) {
        const std::vector<EventId> ids = add_events(file, rules, default_room, room.events, errors);
        for (StateSet set : file.state_sets) {
            for (std::size_t index = set.first_pdu; index < set.end_pdu; ++index)
                set.entries.push_back({ids[index], std::nullopt});
            sets.push_back(std::move(set));
        }
    }
    // Sets are looked at when every event is known; an error in an event would only repeat itself.
    for (const StateSet& set : errors.empty() ? sets : std::vector<StateSet>()) {
        auto state = make_state(set, room.events);
        if (!state) {
            errors.push_back(std::move(state).error());
            continue;
        }
        room.state_sets.push_back(*std::move(state));
    }
    if (errors.size() > kErrorsMax) errors.resize(kErrorsMax);
    if (!errors.empty()) return std::unexpected(std::move(errors));
    return room;
}

}  // namespace matrix::commands
