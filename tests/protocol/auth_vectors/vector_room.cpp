#include "tests/protocol/auth_vectors/vector_room.h"

#include <algorithm>
#include <fstream>
#include <iostream>
#include <set>
#include <sstream>

#include "refserver/base/assert.h"

namespace matrix::testing {
namespace {

// The schema is checked elsewhere, so what is missing here is our mistake.
const json::Value& require(const json::Value& object, std::string_view field) {
    const json::Value* value = object.find(field);
    MATRIX_ASSERT(value != nullptr);
    return *value;
}
const std::string& require_text(const json::Value& object, std::string_view field) {
    const std::string* text = require(object, field).if_string();
    MATRIX_ASSERT(text != nullptr);
    return *text;
}

std::vector<EventId> read_ids(const json::Value& event, std::string_view field) {
    std::vector<EventId> ids;
    const json::Value* array = event.find(field);
    if (!array) return ids;
    for (const json::Value& id : *array->if_array())
        ids.emplace_back(*id.if_string());
    return ids;
}

// An event whose id is given, and which has no hashes.
EventPtr make_event(const json::Value& written, const RoomRules& rules) {
    if (const std::string* text = written.if_string()) {
        return make_event(*json::parse(*text, json::Numbers::Any), rules);
    }
    Event event;
    event.id = EventId(require_text(written, "event_id"));
    const bool has_room_id = written.find("room_id") != nullptr;
    event.room_id = has_room_id ? RoomId(require_text(written, "room_id"))
                                : RoomId("!" + event.id.text().substr(1));
    event.sender = UserId(require_text(written, "sender"));
    event.type = require_text(written, "type");
    if (written.find("state_key")) event.state_key = require_text(written, "state_key");
    event.prev_events = read_ids(written, "prev_events");
    event.auth_events = read_ids(written, "auth_events");
    if (const std::string* redacts = written.find_string("redacts")) {
        event.redacts = EventId(*redacts);
    }
    event.content =
        parse_event_content(event.type, *require(written, "content").if_object(), rules);
    event.rules = &rules;
    event.text = json::write(written);
    return std::make_shared<const Event>(std::move(event));
}

std::vector<const RoomRules*> read_versions(const json::Value& written) {
    std::vector<const RoomRules*> versions;
    for (const json::Value& version : *require(written, "room_versions").if_array()) {
        versions.push_back(find_room_rules(*version.if_string()));
        MATRIX_ASSERT(versions.back() != nullptr);
    }
    return versions;
}

using EventsById = std::map<std::string, EventPtr, std::less<>>;

EventPtr find_or_null(const EventsById& events, std::string_view id) {
    const auto found = events.find(id);
    return found == events.end() ? nullptr : found->second;
}

AuthCase read_case(const json::Value& written, const EventsById& known, const RoomRules& rules) {
    std::set<std::string, std::less<>> rejected;
    if (const json::Array* ids = written.find_array("rejected")) {
        for (const json::Value& id : *ids)
            rejected.insert(*id.if_string());
    }
    AuthCase read;
    read.name = require_text(written, "name");
    read.rule = require_text(written, "rule");
    read.decided_by = require_text(written, "decided_by");
    const std::string* chosen = written.find_string("chosen");
    read.is_valid = (chosen ? *chosen : require_text(written, "result")) == "valid";
    read.rules = &rules;
    read.event = make_event(require(written, "event"), rules);
    for (const json::Value& id : *require(written, "state").if_array()) {
        read.state.push_back(find_or_null(known, *id.if_string()));
        MATRIX_ASSERT(read.state.back() != nullptr);
        const Event& entry = *read.state.back();
        const bool is_create = entry.is("m.room.create", "");
        if (is_create && !rejected.contains(entry.id.view())) read.create = read.state.back();
    }
    for (const EventId& id : read.event->auth_events) {
        read.cited.push_back({find_or_null(known, id.view()), rejected.contains(id.view())});
    }
    return read;
}

}  // namespace

std::ostream& operator<<(std::ostream& out, const AuthAnswer& answer) {
    return out << (answer.is_allowed ? "allowed" : "refused by ") << answer.rule;
}

namespace {

std::optional<json::Value> read_document(const std::string& path) {
    std::ifstream file(path);
    std::ostringstream text;
    text << file.rdbuf();
    auto document = json::parse(text.view());
    if (!document) return std::nullopt;
    return *std::move(document);
}

}  // namespace

std::optional<std::vector<AuthCase>> read_auth_cases(const std::string& path) {
    const auto document = read_document(path);
    const json::Array* rooms = document ? document->find_array("rooms") : nullptr;
    const json::Array* written_cases = document ? document->find_array("cases") : nullptr;
    if (!rooms || !written_cases) {
        std::cerr << path << ": expected authorization vectors\n";
        return std::nullopt;
    }
    std::map<const RoomRules*, EventsById> known;
    for (const json::Value& room : *rooms) {
        for (const RoomRules* rules : read_versions(room)) {
            for (const json::Value& written : *require(room, "events").if_array()) {
                const EventPtr event = make_event(written, *rules);
                known[rules].emplace(event->id.text(), event);
            }
        }
    }
    std::vector<AuthCase> cases;
    for (const json::Value& written : *written_cases) {
        for (const RoomRules* rules : read_versions(written))
            cases.push_back(read_case(written, known[rules], *rules));
    }
    return cases;
}

std::optional<std::vector<RedactionCase>> read_redaction_cases(const std::string& path) {
    const auto document = read_document(path);
    const json::Array* written_cases = document ? document->find_array("cases") : nullptr;
    if (!written_cases) {
        std::cerr << path << ": expected vectors of redactions\n";
        return std::nullopt;
    }
    std::vector<RedactionCase> cases;
    for (const json::Value& written : *written_cases) {
        for (const RoomRules* rules : read_versions(written)) {
            RedactionCase& read = cases.emplace_back();
            read.name = require_text(written, "name");
            read.rules = rules;
            read.redaction = make_event(require(written, "redaction"), *rules);
            read.target = make_event(require(written, "target"), *rules);
            for (const json::Value& entry : *require(written, "state").if_array())
                read.state.push_back(make_event(entry, *rules));
            read.is_applied = *require(written, "applied").if_boolean();
        }
    }
    return cases;
}

auth::AuthState select_state(const Event& event,
                             const std::vector<EventPtr>& state,
                             const EventPtr& create) {
    auth::AuthState selected;
    selected.set(auth::Role::Create, create.get());
    for (const auto& [role, type, state_key] : auth::required_state(event)) {
        const auto entry = std::ranges::find_if(
            state, [&](const EventPtr& candidate) { return candidate->is(type, state_key); });
        if (entry != state.end()) selected.set(role, entry->get());
    }
    return selected;
}

namespace {

AuthAnswer refusal(const auth::Failure& failure) {
    return {.is_allowed = false, .rule = std::string(failure.rule)};
}

}  // namespace

AuthAnswer ask_fast_rules(const AuthCase& auth_case) {
    const Event& event = *auth_case.event;
    const Verifier& verifier = ed25519_verifier();
    const Event* create = auth_case.create.get();
    const auth::Passed passed = auth::check_cited(event, auth_case.cited, create);
    if (!passed) return refusal(passed.error());

    const auth::AuthState cited = auth::state_of_cited(event, auth_case.cited, create);
    auth::Verdict verdict = auth::check_against(cited, event, verifier);
    if (verdict)
        verdict = auth::check_against(
            select_state(event, auth_case.state, auth_case.create), event, verifier);
    if (!verdict) return refusal(verdict.error());
    return {.is_allowed = true, .rule = std::string(verdict->rule)};
}

}  // namespace matrix::testing
