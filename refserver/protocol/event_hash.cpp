// Hashes of events.

#include "refserver/protocol/event_hash.h"

#include "refserver/base/assert.h"
#include "refserver/protocol/base64.h"
#include "refserver/protocol/redaction.h"

namespace matrix {

Sha256 content_hash(const json::Object& pdu) {
    constexpr std::string_view kNotCovered[] = {"hashes", "signatures", "unsigned"};
    return sha256(json::write_without(pdu, kNotCovered));
}

Sha256 reference_hash(const json::Object& pdu, const RoomRules& rules) {
    return sha256(write_redacted_unsigned(pdu, rules));
}

std::expected<EventId, EventError> event_id_of(const json::Object& pdu, const RoomRules& rules) {
    switch (rules.event_id_encoding) {
        case EventIdEncoding::Opaque: {
            const json::Value* value = pdu.find("event_id");
            const std::string* text = value ? value->if_string() : nullptr;
            if (!text) return std::unexpected(EventError{"event_id", "a string"});
            auto id = parse_event_id(*text, rules);
            if (!id) return std::unexpected(EventError{"event_id", std::move(id).error().what});
            return *std::move(id);
        }
        case EventIdEncoding::StandardBase64:
            return EventId("$" + encode_base64(view(reference_hash(pdu, rules))));
        case EventIdEncoding::UrlSafeBase64:
            return EventId("$" + encode_base64_url(view(reference_hash(pdu, rules))));
    }
    unreachable();
}

void add_content_hash(json::Object& pdu) {
    pdu.set("hashes", json::Object{{"sha256", encode_base64(view(content_hash(pdu)))}});
}

bool has_valid_content_hash(const json::Object& pdu) {
    const json::Value* hashes = pdu.find("hashes");
    const std::string* text = hashes ? hashes->find_string("sha256") : nullptr;
    if (!text) return false;
    const auto expected = decode_base64(*text);
    return expected && *expected == view(content_hash(pdu));
}

}  // namespace matrix
