// Receipt of a peer's event, in the order of the specification's checks.
//
//   1 format, 2 signatures, 3 hash      `verify`: of each event alone, before it waits for its turn
//   (what is missing before it)         `fetch_gap`: these go through steps 4 to 7 first
//   (what is missing to authorize it)   `fetch_auth_events`: outliers, checked by step 4
//   4 by its auth events                `judge`; else it is rejected
//   5 by the state before it            `judge`, over `fetch_state_from_any` if that is not here
//   6 by the current state              `judge`; else it is soft-failed
//   7 by the policy server              `ask_policy_server`, `judge_by_policy`; else soft-failed
//   (its place)                         `place`: stored with its states, whatever it was judged
//
// An event whose auth events or state no server gave waits, with an error for who brought it, and
// is tried again: see rooms_retries.cpp.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#checks-performed-on-receipt-of-a-pdu

#include <utility>

#include "refserver/base/assert.h"
#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/engine/peers/key_ring.h"
#include "refserver/engine/rooms/room_data.h"
#include "refserver/protocol/event_hash.h"
#include "refserver/protocol/redaction.h"
#include "refserver/runtime/fault_point.h"

namespace matrix::engine {

Task<Result<Receipt>> Room::receive(json::Object pdu, ServerName from) {
    const RoomPtr self = shared_from_this();
    auto event = co_await data().verify(std::move(pdu));
    if (!event) co_return std::unexpected(std::move(event).error());
    co_return co_await receive_verified(*std::move(event), std::move(from));
}

Task<Result<Receipt>> Room::receive_verified(Event event, ServerName from) {
    const RoomPtr self = shared_from_this();
    if (const StoredEventPtr known = data().find_placed(event.id)) {
        SIM_SOMETIMES("an event comes that is here already");
        co_return Receipt{*known, false};
    }
    const bool is_admitted = co_await data_->queue.enter(from);
    if (!is_admitted) {
        SIM_SOMETIMES("too many events wait for their turns in a room");
        // Who sent it learns of it, and will not send it again.
        const Error too_many{503, "M_UNKNOWN", "too many events wait", {}};
        data().keep_unplaced(event, from, too_many);
        co_return std::unexpected(too_many);
    }
    auto receipt = co_await data_->receive_in_turn(std::move(event), std::move(from));
    data_->queue.leave();
    co_return receipt;
}

// Steps 1 to 3: format, signatures, hash.
Task<Result<Event>> Room::Data::verify(json::Object pdu) const {
    auto event = parse_event(pdu, *rules);
    if (!event) co_return std::unexpected(error_of(event.error()));
    if (event->room_id != id) co_return bad_request("M_INVALID_PARAM", "an event of another room");
    if (find_placed(event->id)) co_return *std::move(event);

    std::vector<json::Object> pdus;
    pdus.push_back(std::move(pdu));
    auto taken = co_await services.keys.take_events(std::move(pdus), rules);
    co_return std::move(taken.front());
}

Task<Result<Receipt>> Room::Data::receive_in_turn(Event event, ServerName from) {
    refresh();
    if (const StoredEventPtr known = find_placed(event.id)) {
        SIM_SOMETIMES("another copy of an event was first in the line");
        co_return Receipt{*known, false};
    }
    std::vector<Event> gap = co_await fetch_gap(event, from);
    for (Event& missing : gap) {
        const EventId missing_id = missing.id;
        const auto receipt = co_await place_and_merge(std::move(missing), from);
        if (receipt) continue;
        SIM_SOMETIMES("an event of a gap is dropped");
        services.dropped.note(
            {.room = id, .event = missing_id, .server = from, .why = receipt.error().message});
    }
    co_return co_await place_and_merge(std::move(event), std::move(from));
}

Task<Result<Receipt>> Room::Data::place_and_merge(Event event, ServerName from) {
    auto receipt = co_await find_place(std::move(event), std::move(from));
    refresh();
    const bool is_strict =
        extremities.size() > 2 && SIM_FAULT_POINT("three extremities are too many");
    if ((is_strict || extremities.size() > kExtremitiesMax) && check_is_stored()) {
        SIM_SOMETIMES("a room has too many extremities");
        co_await merge_extremities();
    }
    co_return receipt;
}

// UNSPECIFIED: the rules of v1 to v11 allow a second create event of the room's own server. We drop
// it, because no state of the room could ever hold both.
Result<void> Room::Data::check_is_only_create(const Event& event) const {
    const EventPtr known = create();
    if (event.type != "m.room.create" || !known || event.id == known->id) return {};
    SIM_SOMETIMES("a second create event is dropped");
    return bad_request("M_UNKNOWN", "the room has another create event");
}

// UNSPECIFIED: servers choose the ids of events of room versions 1 and 2, and may choose one that
// an event of another room has. The first one keeps it.
Result<void> Room::Data::check_id_is_free(const EventId& event_id) const {
    const EventPtr known = services.events.find_event(event_id);
    if (!known || known->room_id == id) return {};
    SIM_SOMETIMES("an id is taken by an event of another room");
    return bad_request("M_INVALID_PARAM", "an event of another room has this id");
}

void Room::Data::note_judgement(const Event& event,
                                const Judgement& judgement,
                                const ServerName& from) const {
    const std::string why = auth::describe(judgement.failure);
    const auto write = [&](runtime::LogName name) {
        services.log.write(name,
                           {{"room", id.view()},
                            {"event", event.id.view()},
                            {"server", from.view()},
                            {"rule", judgement.failure.rule},
                            {"why", why}});
    };
    switch (judgement.status) {
        case EventStatus::Accepted:
            ++services.counters.events_received;
            return;
        case EventStatus::SoftFailed:
            SIM_SOMETIMES("a received event is soft-failed");
            ++services.counters.events_soft_failed;
            write("event_soft_failed");
            return;
        case EventStatus::Rejected:
            SIM_SOMETIMES("a received event is rejected");
            ++services.counters.events_rejected;
            write("event_rejected");
            return;
        case EventStatus::Outlier:
            unreachable();
    }
    unreachable();
}

// Steps 4 to 7, when everything that they look at is here.
Task<Result<Receipt>> Room::Data::find_place(Event event, ServerName from) {
    CO_RETURN_IF_ERROR(check_id_is_free(event.id));
    CO_RETURN_IF_ERROR(check_is_only_create(event));
    const std::uint64_t failed_before = services.turns.failed_commits();
    const auto before = co_await fetch_before(event, from);
    if (!before) {
        SIM_SOMETIMES("no server gives the state before an event");
        refresh();
        CO_RETURN_IF_ERROR(check_is_stored());
        keep_unplaced(event, from, before.error());
        co_return std::unexpected(before.error());
    }

    // The event will be one extremity among others.
    refresh();
    if (extremities != event.prev_events) co_await prepare_resolution(extremities, before->state);

    // Only what all other steps accept is worth the policy server's time.
    refresh();
    CO_RETURN_IF_ERROR(check_is_stored());
    if (lacks_policy_signature(event) &&
        judge(event, before->state, current, checks()).status == EventStatus::Accepted) {
        auto recommended = co_await ask_policy_server(event);
        if (recommended) event = *std::move(recommended);
    }

    // From here to the end nothing waits: what was read is still true.
    refresh();
    CO_RETURN_IF_ERROR(check_is_stored());
    // A state that was resolved while the disk failed is none.
    if (services.turns.failed_commits() != failed_before) {
        const auto failed = internal_error("the storage failed while the event was checked");
        keep_unplaced(event, from, failed.error());
        co_return failed;
    }
    if (const StoredEventPtr known = find_placed(event.id)) co_return Receipt{*known, false};
    Judgement judgement = judge(event, before->state, current, checks());
    if (judgement.status == EventStatus::Accepted) judgement = judge_by_policy(event);
    note_judgement(event, judgement, from);
    Receipt receipt{place(std::make_shared<const Event>(std::move(event)),
                          before->state,
                          judgement,
                          EventOrigin::Peer),
                    true};
    if (before->missing_count > 0) keep_incomplete(receipt.stored.event->id, from);
    keep_gaps(*receipt.stored.event, from);
    co_return receipt;
}

}  // namespace matrix::engine
