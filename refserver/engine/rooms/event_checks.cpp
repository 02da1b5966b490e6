#include "refserver/engine/rooms/event_checks.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"

namespace matrix::engine {

HeldAuthState select_auth_state(const State& state,
                                const Event& event,
                                const CheckContext& context) {
    HeldAuthState selected;
    for (const auto& [role, type, state_key] : auth::required_state(event)) {
        const EventId* id = state.find(type, state_key);
        if (id) selected.set(role, context.find_event(*id).event);
    }
    // From v12 on it is not among the keys: the room's id names it.
    if (event.rules->event_format == EventFormat::HashedRoomId) {
        selected.set(auth::Role::Create, context.create);
    }
    return selected;
}

auth::Verdict check_by_auth_events(const Event& event, const CheckContext& context) {
    std::vector<auth::CitedEvent> cited;
    for (const EventId& id : event.auth_events)
        cited.push_back(context.find_event(id));
    const Event* create = event.type == "m.room.create" ? nullptr : context.create.get();
    RETURN_IF_ERROR(auth::check_cited(event, cited, create));
    return auth::check_against(auth::state_of_cited(event, cited, create), event, context.verifier);
}

auth::Verdict check_by_state(const Event& event, const State& state, const CheckContext& context) {
    const HeldAuthState selected = select_auth_state(state, event, context);
    return auth::check_against(selected.state, event, context.verifier);
}

Judgement judge(const Event& event,
                const State& before,
                const State& current,
                const CheckContext& context) {
    using storage::EventStatus;
    auth::Verdict verdict = check_by_auth_events(event, context);
    SIM_SOMETIMES(!verdict, "an event is refused by what it cites");
    if (verdict) verdict = check_by_state(event, before, context);
    if (!verdict) return {EventStatus::Rejected, verdict.error()};
    // The same state gives the same verdict.
    if (current == before) return {};
    verdict = check_by_state(event, current, context);
    if (!verdict) {
        SIM_SOMETIMES("the current state refuses what the state before allows");
        return {EventStatus::SoftFailed, verdict.error()};
    }
    return {};
}

namespace {

// The events of the set, each behind those of the set that it cites.
std::vector<EventPtr> order_by_citation(const std::map<EventId, EventPtr>& set) {
    struct Visit {
        EventPtr event;
        std::size_t next_cited = 0;
    };
    std::vector<EventPtr> ordered;
    std::set<EventId> seen;
    std::vector<Visit> path;
    for (const auto& [root_id, root] : set) {
        if (seen.insert(root_id).second) path.push_back({root});
        while (!path.empty()) {
            Visit& visit = path.back();
            if (visit.next_cited == visit.event->auth_events.size()) {
                ordered.push_back(std::move(visit.event));
                path.pop_back();
                continue;
            }
            const EventId& cited = visit.event->auth_events[visit.next_cited++];
            const auto found = set.find(cited);
            if (found != set.end() && seen.insert(cited).second) path.push_back({found->second});
        }
    }
    return ordered;
}

}  // namespace

std::vector<CheckedOutlier> check_outliers(std::vector<Event> events, CheckContext context) {
    std::map<EventId, EventPtr> set;
    for (Event& event : events) {
        const EventId id = event.id;
        set.try_emplace(id, std::make_shared<const Event>(std::move(event)));
    }

    std::map<EventId, auth::CitedEvent> judged;
    context.find_event = [&judged, known = std::move(context.find_event)](const EventId& id) {
        const auto found = judged.find(id);
        return found != judged.end() ? found->second : known(id);
    };
    std::vector<EventPtr> ordered = order_by_citation(set);
    if (!context.create) {
        const auto create = std::ranges::find_if(
            ordered, [](const EventPtr& event) { return event->is("m.room.create", ""); });
        if (create != ordered.end()) context.create = *create;
    }

    std::vector<CheckedOutlier> checked;
    for (EventPtr& event : ordered) {
        const bool is_complete = std::ranges::all_of(event->auth_events, [&](const EventId& id) {
            return context.find_event(id).event != nullptr;
        });
        const bool is_other_create =
            event->type == "m.room.create" && context.create && event->id != context.create->id;
        SIM_SOMETIMES(!is_complete, "an outlier cites what is not here");
        SIM_SOMETIMES(is_other_create, "an outlier is another create event");
        if (!is_complete || is_other_create) continue;
        auth::Verdict verdict = check_by_auth_events(*event, context);
        judged.emplace(event->id, auth::CitedEvent{event, !verdict});
        checked.push_back({std::move(event), std::move(verdict)});
    }
    return checked;
}

}  // namespace matrix::engine
