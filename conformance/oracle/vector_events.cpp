// Events and states of vectors.

#include <algorithm>
#include <charconv>

#include "conformance/oracle/vectors.h"
#include "refserver/base/result_macros.h"

namespace matrix::oracle {
namespace {

std::unexpected<VectorError> refuse(std::string where, std::string what) {
    return std::unexpected(VectorError{std::move(where), std::move(what)});
}

std::unexpected<VectorError> refuse_type(std::string where,
                                         const std::string& expected,
                                         const json::Value* value) {
    const std::string found =
        value ? ", not " + std::string(value->type_name()) : ", but it is missing";
    return refuse(std::move(where), expected + found);
}

std::expected<EventId, VectorError> parse_given_id(const json::Value& value,
                                                   const std::string& where) {
    const std::string* text = value.if_string();
    if (!text) return refuse_type(where, "an event id", &value);
    if (!text->starts_with('$') || text->size() > kIdBytesMax) {
        return refuse(where, "an event id: \"$\" and at most 254 more bytes");
    }
    return EventId(*text);
}

// One event that is in a vector, read field by field.
class VectorEvent {
public:
    VectorEvent(const json::Object& pdu, const RoomRules& rules, const std::string& where)
        : pdu_(pdu), rules_(rules), where_(where) {}

    std::expected<EventPtr, VectorError> parse(const RoomId& room_id) {
        event_.rules = &rules_;
        ASSIGN_OR_RETURN(event_.id, parse_given_id(*pdu_.find("event_id"), at("event_id")));
        RETURN_IF_ERROR(read_type_and_sender());
        RETURN_IF_ERROR(read_content());
        RETURN_IF_ERROR(read_numbers());
        ASSIGN_OR_RETURN(event_.auth_events, read_cited("auth_events"));
        ASSIGN_OR_RETURN(event_.prev_events, read_cited("prev_events"));
        RETURN_IF_ERROR(read_room_id(room_id));

        json::Object text = pdu_;
        text.erase("unsigned");
        if (rules_.event_format != EventFormat::IdsAndHashes) text.erase("event_id");
        event_.text = json::write(text);
        return std::make_shared<const Event>(std::move(event_));
    }

private:
    std::string at(std::string_view field) const { return where_ + '.' + std::string(field); }

    std::expected<std::string, VectorError> read_string(std::string_view field) {
        const json::Value* value = pdu_.find(field);
        const std::string* text = value ? value->if_string() : nullptr;
        if (!text) return refuse_type(at(field), "a string", value);
        if (text->size() > kIdBytesMax) return refuse(at(field), "at most 255 bytes");
        return *text;
    }

    std::expected<void, VectorError> read_type_and_sender() {
        ASSIGN_OR_RETURN(event_.type, read_string("type"));
        if (pdu_.contains("state_key")) {
            ASSIGN_OR_RETURN(event_.state_key, read_string("state_key"));
        }
        ASSIGN_OR_RETURN(const std::string sender, read_string("sender"));
        auto user_id = parse_user_id(sender);
        if (!user_id) return refuse(at("sender"), "a user id: " + user_id.error().what);
        event_.sender = *std::move(user_id);
        return {};
    }

    std::expected<void, VectorError> read_content() {
        const json::Value* content = pdu_.find("content");
        if (!content || !content->is_object()) {
            return refuse_type(at("content"), "an object", content);
        }
        if (rules_.is_canonical_json_enforced && !json::has_only_canonical_numbers(*content)) {
            return refuse(at("content"), "integers of canonical JSON as the only numbers");
        }
        event_.content = parse_event_content(event_.type, *content->if_object(), rules_);

        const json::Value* redacts =
            rules_.has_redacts_in_content ? content->find("redacts") : pdu_.find("redacts");
        if (event_.type == "m.room.redaction" && redacts && redacts->if_string()) {
            event_.redacts = EventId(*redacts->if_string());
        }
        return {};
    }

    // Numbers beyond those of canonical JSON too: `depth` of old room versions has 64 bits.
    std::expected<std::int64_t, VectorError> read_integer(std::string_view field) {
        const json::Value* value = pdu_.find(field);
        if (!value) return 0;
        if (const std::int64_t* integer = value->if_integer()) return *integer;
        const json::OtherNumber* number = value->if_other_number();
        if (!number) return refuse_type(at(field), "an integer", value);
        std::int64_t integer = 0;
        const char* end = number->text.data() + number->text.size();
        const auto [rest, error] = std::from_chars(number->text.data(), end, integer);
        if (error != std::errc() || rest != end) return refuse(at(field), "an integer of 64 bits");
        return integer;
    }

    std::expected<void, VectorError> read_numbers() {
        ASSIGN_OR_RETURN(event_.origin_server_ts, read_integer("origin_server_ts"));
        ASSIGN_OR_RETURN(event_.depth, read_integer("depth"));
        return {};
    }

    // Ids, or in v1 and v2 also pairs of an id and hashes.
    std::expected<std::vector<EventId>, VectorError> read_cited(std::string_view field) {
        std::vector<EventId> ids;
        const json::Value* value = pdu_.find(field);
        if (!value) return ids;
        if (!value->if_array()) return refuse_type(at(field), "an array", value);
        for (const json::Value& entry : *value->if_array()) {
            const json::Array* pair = entry.if_array();
            const bool is_pair =
                rules_.event_format == EventFormat::IdsAndHashes && pair && pair->size() == 2;
            const std::string where = at(field) + '[' + std::to_string(ids.size()) + ']';
            ASSIGN_OR_RETURN(EventId id, parse_given_id(is_pair ? pair->front() : entry, where));
            ids.push_back(std::move(id));
        }
        return ids;
    }

    std::expected<void, VectorError> read_room_id(const RoomId& room_id) {
        const bool is_named_by_id = rules_.event_format == EventFormat::HashedRoomId &&
                                    event_.type == "m.room.create" && !pdu_.contains("room_id");
        if (is_named_by_id) {
            event_.room_id = RoomId("!" + event_.id.text().substr(1));
        } else if (pdu_.contains("room_id")) {
            ASSIGN_OR_RETURN(const std::string text, read_string("room_id"));
            event_.room_id = RoomId(text);
        } else if (!room_id.empty()) {
            event_.room_id = room_id;
        } else {
            return refuse_type(at("room_id"), "a room id, here or beside the events", nullptr);
        }
        return {};
    }

    const json::Object& pdu_;
    const RoomRules& rules_;
    const std::string& where_;
    Event event_;
};

std::string place_in(const std::string& where, std::size_t index) {
    return where + '[' + std::to_string(index) + ']';
}

}  // namespace

std::expected<EventPtr, VectorError> parse_vector_event(const json::Value& value,
                                                        const RoomRules& rules,
                                                        const RoomId& room_id,
                                                        const std::string& where) {
    const json::Object* pdu = value.if_object();
    if (!pdu) return refuse_type(where, "an event", &value);
    if (pdu->contains("event_id")) return VectorEvent(*pdu, rules, where).parse(room_id);

    auto event = parse_event(*pdu, rules);
    if (event) return std::make_shared<const Event>(*std::move(event));
    const std::string& field = event.error().field;
    return refuse(field.empty() ? where : where + '.' + field, event.error().what);
}

std::expected<std::vector<EventPtr>, VectorError> parse_vector_events(const json::Value& value,
                                                                      const RoomRules& rules,
                                                                      const RoomId& room_id,
                                                                      const std::string& where) {
    const json::Array* array = value.if_array();
    if (!array) return refuse_type(where, "an array of events", &value);
    std::vector<EventPtr> events;
    std::set<EventId> seen;
    for (const json::Value& entry : *array) {
        const std::string place = place_in(where, events.size());
        ASSIGN_OR_RETURN(EventPtr event, parse_vector_event(entry, rules, room_id, place));
        if (!seen.insert(event->id).second) {
            return refuse(place, "each event once, not " + event->id.text() + " again");
        }
        events.push_back(std::move(event));
    }
    return events;
}

namespace {

struct StateEntry {
    Key key;
    EventId id;
};

using EventsById = std::map<EventId, EventPtr>;

std::expected<StateEntry, VectorError> parse_state_entry(const json::Value& value,
                                                         const EventsById& events,
                                                         const std::string& where) {
    if (value.if_object()) {
        const std::string* type = value.find_string("type");
        const std::string* state_key = value.find_string("state_key");
        const json::Value* id = value.find("event_id");
        if (!type || !state_key || !id) {
            return refuse(where, "strings \"event_id\", \"type\" and \"state_key\"");
        }
        ASSIGN_OR_RETURN(EventId event_id, parse_given_id(*id, where + ".event_id"));
        return StateEntry{{*type, *state_key}, std::move(event_id)};
    }
    ASSIGN_OR_RETURN(EventId id, parse_given_id(value, where));
    const auto event = events.find(id);
    if (event == events.end()) {
        return refuse(where, "the id of one of the events, not " + id.text());
    }
    if (!event->second->state_key) {
        return refuse(where, "a state event; " + id.text() + " has no state_key");
    }
    return StateEntry{{event->second->type, *event->second->state_key}, std::move(id)};
}

}  // namespace

std::expected<std::vector<StateMap>, VectorError> parse_state_sets(const json::Value& value,
                                                                   std::span<const EventPtr> events,
                                                                   const std::string& where) {
    const json::Array* sets = value.if_array();
    if (!sets) return refuse_type(where, "an array of states", &value);
    EventsById by_id;
    for (const EventPtr& event : events)
        by_id.emplace(event->id, event);

    std::vector<StateMap> states;
    for (const json::Value& set : *sets) {
        const std::string place = place_in(where, states.size());
        const json::Array* entries = set.if_array();
        if (!entries) return refuse_type(place, "an array of event ids", &set);
        StateMap state;
        for (std::size_t index = 0; index < entries->size(); ++index) {
            const std::string entry_place = place_in(place, index);
            ASSIGN_OR_RETURN(StateEntry entry,
                             parse_state_entry((*entries)[index], by_id, entry_place));
            const auto [position, is_new] = state.emplace(entry.key, entry.id);
            if (!is_new) {
                return refuse(entry_place,
                              "one event for each type and state_key; " + position->second.text() +
                                  " and " + entry.id.text() + " share theirs");
            }
        }
        states.push_back(std::move(state));
    }
    return states;
}

std::expected<std::vector<EventId>, VectorError> parse_event_ids(const json::Value& value,
                                                                 const std::string& where) {
    const json::Array* array = value.if_array();
    if (!array) return refuse_type(where, "an array of event ids", &value);
    std::vector<EventId> ids;
    for (const json::Value& entry : *array) {
        ASSIGN_OR_RETURN(EventId id, parse_given_id(entry, place_in(where, ids.size())));
        ids.push_back(std::move(id));
    }
    return ids;
}

}  // namespace matrix::oracle
