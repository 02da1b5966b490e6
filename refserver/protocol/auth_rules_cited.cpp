// Rules 2 and 3: the room of an event, and what it cites in `auth_events`.

#include <algorithm>

#include "refserver/base/assert.h"
#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/protocol/auth_rules_families.h"

namespace matrix::auth {
namespace {

using Cited = std::span<const CitedEvent>;

// v12 2: the room id is the id of the create event, with another sigil.
Passed check_room(const Event& event, const Event* create) {
    if (event.rules->event_format != EventFormat::HashedRoomId) return pass();
    const bool is_its_create =
        create && create->is("m.room.create", "") && create->room_id == event.room_id;
    if (!is_its_create) {
        SIM_SOMETIMES("v12 2 refuses: the room id of the citing event names no create event");
        return refuse("v12 2", "the room id names no accepted create event");
    }
    return pass();
}

// Few events are cited, so each is compared with those before it. Only state has a state key.
Passed check_duplicates(Cited cited) {
    for (std::size_t index = 1; index < cited.size(); ++index) {
        const Event* event = cited[index].event.get();
        if (!event || !event->state_key) continue;
        const bool is_second = std::ranges::any_of(cited.first(index), [&](const auto& before) {
            return before.event && before.event->is(event->type, *event->state_key);
        });
        if (is_second) {
            SIM_SOMETIMES("v12 3.1 refuses: two cited events have the same type and state key");
            return refuse(
                "v12 3.1", "two cited events have the same type and state key", event->type);
        }
    }
    return pass();
}

Passed check_selection(const Event& event, Cited cited) {
    const RequiredState selected = required_state(event);
    for (const CitedEvent& entry : cited) {
        if (!entry.event) continue;
        const bool is_selected = std::ranges::any_of(selected, [&](const RequiredKey& key) {
            return entry.event->is(key.type, key.state_key);
        });
        if (!is_selected) {
            SIM_SOMETIMES("v12 3.2 refuses: cites an event that is not selected");
            return refuse("v12 3.2", "cites an event that is not selected", entry.event->type);
        }
    }
    return pass();
}

// UNSPECIFIED: a cited event that cannot be had counts as rejected, because nobody can tell.
Passed check_accepted(Cited cited) {
    for (const CitedEvent& entry : cited) {
        if (!entry.event) {
            SIM_SOMETIMES("v12 3.3 refuses: a cited event could not be had");
            return refuse("v12 3.3", "a cited event could not be had");
        }
        if (entry.is_rejected) {
            SIM_SOMETIMES("v12 3.3 refuses: cites a rejected event");
            return refuse("v12 3.3", "cites a rejected event", entry.event->id.view());
        }
    }
    return pass();
}

Passed check_cites_create(const Event& event, Cited cited) {
    if (event.rules->event_format == EventFormat::HashedRoomId) return pass();
    const bool cites_it = std::ranges::any_of(
        cited, [](const CitedEvent& entry) { return entry.event->is("m.room.create", ""); });
    if (!cites_it) {
        SIM_SOMETIMES("v11 2.4 refuses: the create event is not cited");
        return refuse("v11 2.4", "the create event is not cited");
    }
    return pass();
}

Passed check_same_room(const Event& event, Cited cited) {
    for (const CitedEvent& entry : cited) {
        if (entry.event->room_id != event.room_id) {
            SIM_SOMETIMES("v12 3.4 refuses: cites an event of another room");
            return refuse("v12 3.4", "cites an event of another room", entry.event->room_id.view());
        }
    }
    return pass();
}

}  // namespace

Passed check_cited(const Event& event, Cited cited, const Event* create) {
    MATRIX_ASSERT(cited.size() == event.auth_events.size());
    if (event.type == "m.room.create") {
        RETURN_IF_ERROR(check_create(event));
        return pass();
    }
    RETURN_IF_ERROR(check_room(event, create));
    RETURN_IF_ERROR(check_duplicates(cited));
    RETURN_IF_ERROR(check_selection(event, cited));
    RETURN_IF_ERROR(check_accepted(cited));
    RETURN_IF_ERROR(check_cites_create(event, cited));
    return check_same_room(event, cited);
}

}  // namespace matrix::auth
