// Any bytes as a PDU of any room version: an event or an error, and laws that hold for each event.
//
// The first byte chooses the room version. Laws P-E of the protocol's tests.

#include "refserver/protocol/event.h"

#include "fuzz/target.h"
#include "refserver/protocol/event_hash.h"
#include "refserver/protocol/redaction.h"
#include "refserver/protocol/signatures.h"

namespace matrix::fuzz {
namespace {

const char* law_broken_by_fields(const Event& event) {
    if (event.text.size() > kPduBytesMax) return "an event has at most 65536 bytes";
    const std::string state_key = event.state_key.value_or("");
    for (const std::string_view field : {event.sender.view(),
                                         event.room_id.view(),
                                         event.id.view(),
                                         std::string_view(event.type),
                                         std::string_view(state_key)}) {
        if (field.size() > kIdBytesMax) return "a field of an event has at most 255 bytes";
    }
    if (event.prev_events.size() > kPrevEventsMax || event.auth_events.size() > kAuthEventsMax) {
        return "an event cites at most 20 previous and 10 auth events";
    }
    if (event.depth < 0 || event.depth > event.rules->depth_max) return "depths have limits";
    if (event.sender.server().empty()) return "a sender has a server";
    if (required_signers(event).empty() && event.membership() != Membership::Invite) {
        return "an event that is no invite is signed by somebody";
    }
    return nullptr;
}

const char* law_broken_by_text(const Event& event, const RoomRules& rules) {
    const auto again = parse_event(event.text, rules);
    if (!again || *again != event || again->content.index() != event.content.index()) {
        return "an event is kept as text that is parsed to the same event";
    }
    const json::Object pdu = event.parse_text();
    if (json::write(pdu) != event.text) return "the text of an event is canonical";
    if (rules.is_canonical_json_enforced && !json::has_only_canonical_numbers(pdu)) {
        return "an event of version 6 or later holds canonical numbers alone";
    }
    json::Object with_unsigned = pdu;
    with_unsigned.set("unsigned", json::Object{{"age", json::OtherNumber{"1.5"}}});
    const auto same = parse_event(with_unsigned, rules);
    if (!same || *same != event) return "unsigned changes nothing";
    return nullptr;
}

const char* law_broken_by_redaction(const Event& event, const RoomRules& rules) {
    constexpr std::string_view kSignatures[] = {"signatures"};
    const json::Object pdu = event.parse_text();
    const json::Object redacted = redact(pdu, rules);
    if (redact(redacted, rules) != redacted) return "redacting twice is redacting once";
    if (write_redacted_unsigned(pdu, rules) != json::write_without(redacted, kSignatures)) {
        return "a redacted event is written as if it were made";
    }
    if (reference_hash(redacted, rules) != reference_hash(pdu, rules)) {
        return "redaction keeps the reference hash";
    }
    const auto parsed = parse_event(redacted, rules);
    if (!parsed || parsed->id != event.id) return "a redacted event is an event of the same id";
    if (*parsed != redact(event) || parsed->content.index() != redact(event).content.index()) {
        return "an event is redacted as its PDU is";
    }
    for (const json::Member& member : redacted) {
        const json::Value* kept = pdu.find(member.key);
        if (!kept || (member.key != "content" && *kept != member.value)) {
            return "redaction only takes away";
        }
    }
    return nullptr;
}

}  // namespace

Outcome run_event(std::string_view bytes) {
    if (bytes.empty()) return std::nullopt;
    const auto versions = all_room_rules();
    const RoomRules& rules = versions[static_cast<unsigned char>(bytes[0]) % versions.size()];
    const auto event = parse_event(bytes.substr(1), rules);
    const char* law = nullptr;
    if (!event && event.error().what.empty()) law = "an error says what was expected";
    if (event) law = law_broken_by_fields(*event);
    if (event && !law) law = law_broken_by_text(*event, rules);
    if (event && !law) law = law_broken_by_redaction(*event, rules);
    if (!law) return std::nullopt;
    json::Object vector = {{"room_version", rules.version}};
    if (event) vector.set("pdu", event->parse_text());
    return Finding{law, std::move(vector)};
}

}  // namespace matrix::fuzz
