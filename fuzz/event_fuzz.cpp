// Any bytes as a PDU of any room version: an event or an error, and laws that hold for each event.
//
// The first byte chooses the room version.

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "refserver/base/assert.h"
#include "refserver/protocol/event.h"
#include "refserver/protocol/event_hash.h"
#include "refserver/protocol/redaction.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace matrix;
    if (size == 0) return 0;
    const auto versions = all_room_rules();
    const RoomRules& rules = versions[data[0] % versions.size()];
    const std::string_view bytes(reinterpret_cast<const char*>(data + 1), size - 1);
    const auto event = parse_event(bytes, rules);
    if (!event) return 0;
    // An event is kept as the text that is parsed again to the same event.
    const auto again = parse_event(event->text, rules);
    MATRIX_ASSERT(again && *again == *event);
    // P-E4: redacting twice is redacting once, and the id stays.
    const json::Object pdu = event->parse_text();
    const json::Object redacted = redact(pdu, rules);
    MATRIX_ASSERT(redact(redacted, rules) == redacted);
    MATRIX_ASSERT(reference_hash(redacted, rules) == reference_hash(pdu, rules));
    MATRIX_ASSERT(redact(*event).id == event->id);
    return 0;
}
