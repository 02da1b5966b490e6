// Redactions: an event's content goes away, its place in the graph and its signatures stay.
//
// Spec: https://spec.matrix.org/v1.19/rooms/v11/#handling-redactions

#include "refserver/base/sometimes.h"
#include "refserver/engine/notifier.h"
#include "refserver/engine/rooms/room_data.h"
#include "refserver/protocol/redaction.h"

namespace matrix::engine {

bool Room::Data::may_apply(const Event& redaction, const State& before, const Event& target) const {
    if (rules->has_redaction_auth_rule) return true;
    const HeldAuthState selected = select_auth_state(before, redaction, checks());
    return auth::may_redact(selected.state, redaction, target);
}

bool Room::Data::apply_redaction(const Event& redaction, const State& before) {
    if (redaction.type != "m.room.redaction" || !redaction.redacts) return true;
    const StoredEventPtr target = services.events.find(*redaction.redacts);
    if (!target) {
        SIM_SOMETIMES("a redaction comes before its target");
        services.events.put_early_redaction(*redaction.redacts, redaction.id);
        return false;
    }
    const bool is_valid = target->event->room_id == id && !target->is_rejected();
    SIM_SOMETIMES(!is_valid, "a redaction names what it cannot redact");
    if (!is_valid || !may_apply(redaction, before, *target->event)) {
        SIM_SOMETIMES("a redaction is not applied");
        return false;
    }
    if (!target->redacted_by) {
        StoredEvent redacted = *target;
        redacted.event = std::make_shared<const Event>(redact(*target->event));
        redacted.redacted_by = redaction.id;
        services.events.put(number, redacted);
        event_changed(target->event->id);
    }
    return true;
}

void Room::Data::apply_early_redactions(const EventId& target) {
    const std::vector<EventId> redactions = services.events.list_early_redactions(target);
    if (redactions.empty()) return;
    for (const EventId& event_id : redactions) {
        const StoredEventPtr redaction = find_placed(event_id);
        if (!redaction || redaction->status != EventStatus::Accepted) continue;
        const auto before = services.states.load(*redaction->state_before);
        if (!before || !apply_redaction(*redaction->event, *before)) continue;
        if (redaction->position != StreamPosition{}) continue;
        SIM_SOMETIMES("a redaction waited for its target");
        StoredEvent shown = *redaction;
        shown.position = services.turns.next_position();
        services.events.put(number, shown);
        services.notifier.room_changed(id, shown.position);
    }
    services.events.remove_early_redactions(target);
}

}  // namespace matrix::engine
