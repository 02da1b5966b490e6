#include "refserver/commands/event_auth.h"

#include "refserver/base/result_macros.h"

namespace matrix::commands {

EventPtr find_create(const Event& event, const EventMap& events) {
    const bool is_named = event.rules->event_format == EventFormat::HashedRoomId;
    if (!is_named || event.room_id.empty()) return nullptr;
    const auth::CitedEvent create = events.find(EventId("$" + event.room_id.text().substr(1)));
    const bool is_it = create.event && create.event->is("m.room.create", "");
    return is_it && !create.is_rejected ? create.event : nullptr;
}

auth::Verdict check_by_auth_events(const Event& event,
                                   const EventMap& events,
                                   const EventPtr& create) {
    std::vector<auth::CitedEvent> cited;
    for (const EventId& id : event.auth_events)
        cited.push_back(events.find(id));
    RETURN_IF_ERROR(auth::check_cited(event, cited, create.get()));

    return auth::check_against(
        auth::state_of_cited(event, cited, create.get()), event, ed25519_verifier());
}

auth::Verdict check_by_state(const Event& event,
                             const State& state,
                             const EventMap& events,
                             const EventPtr& create) {
    auth::AuthState selected;
    for (const auto& [role, type, state_key] : auth::required_state(event)) {
        if (const EventId* id = state.find(type, state_key)) {
            selected.set(role, events.find(*id).event.get());
        }
    }
    // From v12 on it is not among the keys: the room's id names it.
    if (create) selected.set(auth::Role::Create, create.get());
    return auth::check_against(selected, event, ed25519_verifier());
}

}  // namespace matrix::commands
