#include "refserver/engine/rooms/event_making.h"

#include <algorithm>
#include <utility>

#include "refserver/base/result_macros.h"
#include "refserver/engine/rooms/rooms.h"
#include "refserver/protocol/event_hash.h"

namespace matrix::engine {

Result<EventTemplate> make_event_template(const NewEvent& event,
                                          const EventPlace& place,
                                          runtime::Timestamp now) {
    EventTemplate made;
    made.room_id = place.room_id;
    made.sender = event.sender;
    made.type = event.type;
    made.state_key = event.state_key;
    made.content = event.content;
    made.redacts = event.redacts;
    made.origin_server_ts = now.value;

    std::int64_t depth = 0;
    const bool has_hashes = place.rules.event_format == EventFormat::IdsAndHashes;
    const auto note_hash = [&](const Event& cited) {
        if (!has_hashes) return;
        made.reference_hashes.emplace(cited.id, reference_hash(cited.parse_text(), place.rules));
    };
    for (const EventPtr& previous : place.prev_events) {
        made.prev_events.push_back(previous->id);
        depth = std::max(depth, previous->depth);
        note_hash(*previous);
    }
    made.depth = std::min(depth, place.rules.depth_max - 1) + 1;

    for (const StateKey& key : auth::required_state(made, place.rules)) {
        const EventId* id = place.before.find(key);
        const EventPtr cited = id ? place.find_event(*id).event : nullptr;
        if (!cited) continue;
        made.auth_events.push_back(cited->id);
        note_hash(*cited);
    }
    return made;
}

namespace {

constexpr std::size_t kEventIdLength = 24;  ///< Of the random part, in room versions 1 and 2.

}  // namespace

Result<Event> sign_template(EventTemplate event,
                            const RoomRules& rules,
                            const RoomServices& services) {
    std::optional<EventId> id;
    if (rules.event_id_encoding == EventIdEncoding::Opaque) {
        runtime::Random& random = services.random.stream("event ids");
        id.emplace("$" + random.text(kEventIdLength, runtime::kLetters) + ":" +
                   services.server_name.text());
    }
    json::Object pdu = make_pdu(event, rules, id);
    hash_and_sign_event(pdu, services.server_name, services.signer, rules);
    auto parsed = parse_event(pdu, rules);
    if (parsed) return *std::move(parsed);
    if (json::write(pdu).size() > kPduBytesMax) {
        return too_large("the event is larger than " + std::to_string(kPduBytesMax) + " bytes");
    }
    return std::unexpected(error_of(parsed.error()));
}

}  // namespace matrix::engine
