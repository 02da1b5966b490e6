// Vectors of state resolution, read and written.

#include "conformance/oracle/vectors.h"

#include <algorithm>
#include <array>
#include <ostream>

#include "refserver/base/assert.h"
#include "refserver/base/result_macros.h"

namespace matrix::oracle {

std::ostream& operator<<(std::ostream& out, const VectorError& error) {
    if (!error.where.empty()) out << error.where << ": ";
    return out << "expected " << error.what;
}

ExpectedTrace describe_trace(const Trace& trace) {
    ExpectedTrace described = {.full_conflicted_set = list_event_ids(trace.full_conflicted_set),
                               .power_order = list_event_ids(trace.power_order),
                               .mainline = list_event_ids(trace.mainline),
                               .remaining_order = list_event_ids(trace.remaining_order),
                               .verdicts = {}};
    for (const Step& step : trace.steps) {
        EventSet auth_state;
        for (const auto& [key, event] : step.auth_state)
            auth_state.insert(event);
        described.verdicts.push_back({.event_id = step.event->id(),
                                      .rule = rule_of(step.verdict),
                                      .auth_state = list_event_ids(auth_state)});
    }
    return described;
}

Room ResolutionCase::make_room() const {
    Room room(*rules);
    for (const EventPtr& event : events) {
        room.add(event, rejected.contains(event->id) ? Standing::Rejected : Standing::Accepted);
    }
    return room;
}

namespace {

constexpr std::string_view kFormatVersion = "1.0.0";

struct ResultName {
    VectorResult result;
    std::string_view name;
};
constexpr std::array kResultNames = {
    ResultName{VectorResult::Valid, "valid"},
    ResultName{VectorResult::Invalid, "invalid"},
    ResultName{VectorResult::Acceptable, "acceptable"},
};

std::unexpected<VectorError> refuse_case(std::string where, std::string what) {
    return std::unexpected(VectorError{std::move(where), std::move(what)});
}

// The fields of one object, each with its place.
class Fields {
public:
    Fields(const json::Object& object, std::string where)
        : object_(object), where_(std::move(where)) {}

    std::string at(std::string_view field) const { return where_ + '.' + std::string(field); }
    bool has(std::string_view field) const { return object_.contains(field); }

    std::expected<const json::Value*, VectorError> require(std::string_view field) const {
        const json::Value* value = object_.find(field);
        if (!value) return refuse_case(at(field), "a value, but it is missing");
        return value;
    }
    std::expected<std::string, VectorError> read_string(std::string_view field) const {
        ASSIGN_OR_RETURN(const json::Value* value, require(field));
        if (const std::string* text = value->if_string()) return *text;
        return refuse_case(at(field), "a string, not " + std::string(value->type_name()));
    }
    std::expected<std::vector<EventId>, VectorError> read_ids(std::string_view field) const {
        ASSIGN_OR_RETURN(const json::Value* value, require(field));
        return parse_event_ids(*value, at(field));
    }

private:
    const json::Object& object_;
    std::string where_;
};

std::expected<ExpectedTrace::Verdict, VectorError> parse_verdict(const json::Value& value,
                                                                 const std::string& where) {
    if (!value.is_object()) return refuse_case(where, "an object");
    const Fields fields(*value.if_object(), where);
    ExpectedTrace::Verdict verdict;
    ASSIGN_OR_RETURN(const std::string id, fields.read_string("event_id"));
    verdict.event_id = EventId(id);
    ASSIGN_OR_RETURN(verdict.rule, fields.read_string("rule"));
    ASSIGN_OR_RETURN(verdict.auth_state, fields.read_ids("auth_state"));
    return verdict;
}

std::expected<ExpectedTrace, VectorError> parse_trace(const json::Value& value,
                                                      const std::string& where) {
    if (!value.is_object()) return refuse_case(where, "an object");
    const Fields fields(*value.if_object(), where);
    ExpectedTrace trace;
    ASSIGN_OR_RETURN(trace.full_conflicted_set, fields.read_ids("full_conflicted_set"));
    ASSIGN_OR_RETURN(trace.power_order, fields.read_ids("power_order"));
    ASSIGN_OR_RETURN(trace.mainline, fields.read_ids("mainline"));
    ASSIGN_OR_RETURN(trace.remaining_order, fields.read_ids("remaining_order"));
    const json::Array* verdicts = value.find_array("verdicts");
    if (!verdicts) return refuse_case(where + ".verdicts", "an array");
    for (const json::Value& entry : *verdicts) {
        const std::string place =
            where + ".verdicts[" + std::to_string(trace.verdicts.size()) + ']';
        ASSIGN_OR_RETURN(ExpectedTrace::Verdict verdict, parse_verdict(entry, place));
        trace.verdicts.push_back(std::move(verdict));
    }
    return trace;
}

std::expected<void, VectorError> parse_expectations(const json::Value& value,
                                                    const Fields& fields,
                                                    ResolutionCase& parsed) {
    ASSIGN_OR_RETURN(const std::string result, fields.read_string("result"));
    const auto row = std::ranges::find(kResultNames, result, &ResultName::name);
    if (row == kResultNames.end()) {
        return refuse_case(fields.at("result"), "valid, invalid or acceptable");
    }
    parsed.result = row->result;
    ASSIGN_OR_RETURN(parsed.resolved, fields.read_ids("resolved"));
    ASSIGN_OR_RETURN(parsed.reason, fields.read_string("reason"));
    if (fields.has("trace")) {
        ASSIGN_OR_RETURN(parsed.trace, parse_trace(*value.find("trace"), fields.at("trace")));
    }
    if (!fields.has("differs_under")) return {};
    const json::Object* quirks = value.find_object("differs_under");
    if (!quirks) return refuse_case(fields.at("differs_under"), "an object");
    for (const json::Member& member : *quirks) {
        const std::string place = fields.at("differs_under") + '.' + member.key;
        if (const auto quirk = find_quirk(member.key); !quirk) {
            return refuse_case(place, "the name of a quirk: " + quirk.error());
        }
        ASSIGN_OR_RETURN(parsed.differs_under[member.key], parse_event_ids(member.value, place));
    }
    return {};
}

std::expected<ResolutionCase, VectorError> parse_case(const json::Value& value,
                                                      const std::string& where) {
    if (!value.is_object()) return refuse_case(where, "an object");
    const Fields fields(*value.if_object(), where);
    ResolutionCase parsed;
    ASSIGN_OR_RETURN(parsed.name, fields.read_string("name"));
    ASSIGN_OR_RETURN(const std::string version, fields.read_string("room_version"));
    parsed.rules = find_room_rules(version);
    if (!parsed.rules) return refuse_case(fields.at("room_version"), "\"1\" to \"12\"");
    if (fields.has("room_id")) {
        ASSIGN_OR_RETURN(const std::string room_id, fields.read_string("room_id"));
        parsed.room_id = RoomId(room_id);
    }
    ASSIGN_OR_RETURN(const json::Value* events, fields.require("events"));
    ASSIGN_OR_RETURN(
        parsed.events,
        parse_vector_events(*events, *parsed.rules, parsed.room_id, fields.at("events")));
    ASSIGN_OR_RETURN(const json::Value* sets, fields.require("state_sets"));
    ASSIGN_OR_RETURN(parsed.state_sets,
                     parse_state_sets(*sets, parsed.events, fields.at("state_sets")));
    if (fields.has("rejected")) {
        ASSIGN_OR_RETURN(const std::vector<EventId> rejected, fields.read_ids("rejected"));
        parsed.rejected.insert(rejected.begin(), rejected.end());
    }
    RETURN_IF_ERROR(parse_expectations(value, fields, parsed));
    return parsed;
}

}  // namespace

std::expected<std::vector<ResolutionCase>, VectorError> parse_resolution_cases(
    std::string_view bytes) {
    const auto document = json::parse(bytes, json::Numbers::Any);
    if (!document) {
        return refuse_case("",
                           "JSON, with " + document.error().what + " at byte " +
                               std::to_string(document.error().offset));
    }
    const std::string* format = document->find_string("format_version");
    if (!format || !format->starts_with("1.")) {
        return refuse_case("format_version", "\"1.\" and the rest of a version that is known");
    }
    const json::Array* entries = document->find_array("cases");
    if (!entries) return refuse_case("cases", "an array of cases");
    std::vector<ResolutionCase> cases;
    for (const json::Value& entry : *entries) {
        const std::string where = "cases[" + std::to_string(cases.size()) + ']';
        ASSIGN_OR_RETURN(ResolutionCase parsed, parse_case(entry, where));
        cases.push_back(std::move(parsed));
    }
    return cases;
}

namespace {

json::Array write_ids(std::span<const EventId> ids) {
    json::Array array;
    for (const EventId& id : ids)
        array.emplace_back(id.text());
    return array;
}

// As short as the format allows: what has its default is left out. The text of an abstract event
// may be its content alone.
json::Object write_event(const Event& event, const RoomId& room_id) {
    json::Object pdu = event.parse_text();
    const auto add = [&](std::string_view field, json::Value value) {
        if (!pdu.contains(field)) pdu.set(field, std::move(value));
    };
    add("event_id", event.id.text());
    add("type", event.type);
    add("sender", event.sender.text());
    add("origin_server_ts", event.origin_server_ts);
    if (event.state_key) add("state_key", *event.state_key);
    if (event.depth != 0) add("depth", event.depth);
    if (!event.auth_events.empty()) add("auth_events", write_ids(event.auth_events));
    if (!event.prev_events.empty()) add("prev_events", write_ids(event.prev_events));
    if (event.redacts && !event.rules->has_redacts_in_content) {
        add("redacts", event.redacts->text());
    }
    if (event.room_id == room_id) {
        pdu.erase("room_id");
    } else if (event.type != "m.room.create" ||
               event.rules->event_format != EventFormat::HashedRoomId) {
        add("room_id", event.room_id.text());
    }
    return pdu;
}

json::Array write_states(const ResolutionCase& written) {
    std::set<EventId> known;
    for (const EventPtr& event : written.events)
        known.insert(event->id);
    json::Array sets;
    for (const StateMap& state : written.state_sets) {
        json::Array entries;
        for (const auto& [key, id] : state) {
            if (known.contains(id)) {
                entries.emplace_back(id.text());
            } else {
                entries.emplace_back(json::Object{
                    {"event_id", id.text()}, {"type", key.first}, {"state_key", key.second}});
            }
        }
        sets.emplace_back(std::move(entries));
    }
    return sets;
}

json::Object write_trace(const ExpectedTrace& trace) {
    json::Array verdicts;
    for (const ExpectedTrace::Verdict& verdict : trace.verdicts) {
        verdicts.emplace_back(json::Object{{"event_id", verdict.event_id.text()},
                                           {"rule", verdict.rule},
                                           {"auth_state", write_ids(verdict.auth_state)}});
    }
    return {{"full_conflicted_set", write_ids(trace.full_conflicted_set)},
            {"power_order", write_ids(trace.power_order)},
            {"mainline", write_ids(trace.mainline)},
            {"remaining_order", write_ids(trace.remaining_order)},
            {"verdicts", std::move(verdicts)}};
}

json::Object write_case(const ResolutionCase& written) {
    json::Array events;
    for (const EventPtr& event : written.events)
        events.emplace_back(write_event(*event, written.room_id));
    json::Object object = {
        {"name", written.name},
        {"room_version", written.rules->version},
        {"events", std::move(events)},
        {"state_sets", write_states(written)},
        {"resolved", write_ids(written.resolved)},
        {"reason", written.reason},
    };
    for (const ResultName& row : kResultNames) {
        if (row.result == written.result) object.set("result", row.name);
    }
    if (!written.room_id.empty()) object.set("room_id", written.room_id.text());
    if (!written.rejected.empty()) {
        const std::vector<EventId> rejected(written.rejected.begin(), written.rejected.end());
        object.set("rejected", write_ids(rejected));
    }
    if (written.trace) object.set("trace", write_trace(*written.trace));
    if (!written.differs_under.empty()) {
        json::Object quirks;
        for (const auto& [quirk, ids] : written.differs_under)
            quirks.set(quirk, write_ids(ids));
        object.set("differs_under", std::move(quirks));
    }
    return object;
}

}  // namespace

std::string write_resolution_cases(std::span<const ResolutionCase> cases, std::string_view schema) {
    std::string text = "{\"$schema\":";
    json::write_string_to(text, schema);
    text += ",\"version\":1,\"format_version\":";
    json::write_string_to(text, kFormatVersion);
    text += ",\"cases\":[";
    for (const ResolutionCase& written : cases) {
        text += &written == cases.data() ? "\n" : ",\n";
        json::write_to(text, write_case(written));
    }
    text += "\n]}\n";
    return text;
}

}  // namespace matrix::oracle
