// Rule 1 of the authorization rules: the event that creates a room.

#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/protocol/auth_rules_families.h"

namespace matrix::auth {
namespace {

// v12 1.2: the room id follows from the event, so that the event cannot contain it.
// v11 1.2: the room id is of the server that creates the room.
Passed check_room_id(const Event& event) {
    if (event.rules->event_format == EventFormat::HashedRoomId) {
        if (!event.parse_text().contains("room_id")) return pass();
        SIM_SOMETIMES("v12 1.2 refuses: the create event contains a room id");
        return refuse("v12 1.2", "the create event contains a room id");
    }
    if (event.room_id.server() == event.sender.server()) return pass();
    SIM_SOMETIMES("v11 1.2 refuses: the room id is of another server than the sender");
    return refuse("v11 1.2", "the room id is of another server than the sender");
}

}  // namespace

Verdict check_create(const Event& event) {
    if (!event.prev_events.empty()) {
        SIM_SOMETIMES("v12 1.1 refuses: something precedes the create event");
        return refuse("v12 1.1", "something precedes the create event");
    }
    RETURN_IF_ERROR(check_room_id(event));

    const auto& content = std::get<CreateContent>(event.content);
    if (content.has_room_version &&
        !(content.room_version && find_room_rules(*content.room_version))) {
        SIM_SOMETIMES("v12 1.3 refuses: the room version is not known");
        return refuse("v12 1.3", "the room version is not known");
    }
    if (event.rules->has_creator_in_content && !content.has_creator) {
        SIM_SOMETIMES("v10 1.4 refuses: the creator is not named");
        return refuse("v10 1.4", "the creator is not named");
    }
    if (event.rules->has_privileged_creators && !content.has_valid_additional_creators) {
        SIM_SOMETIMES("v12 1.4 refuses: additional_creators is not an array of user ids");
        return refuse("v12 1.4", "additional_creators is not an array of user ids");
    }
    return allow("v12 1.5");
}

}  // namespace matrix::auth
