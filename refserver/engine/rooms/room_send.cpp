// Events of our own users.

#include <algorithm>
#include <set>
#include <tuple>
#include <utility>

#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/engine/peers/outbox.h"
#include "refserver/engine/rooms/room_data.h"

namespace matrix::engine {

// The deepest ones, if there are more extremities than an event may cite.
std::vector<EventPtr> Room::Data::choose_prev_events() const {
    std::vector<EventPtr> events;
    for (const EventId& event_id : extremities) {
        if (EventPtr event = services.events.find_event(event_id)) {
            events.push_back(std::move(event));
        }
    }
    if (events.size() <= kPrevEventsMax) return events;
    SIM_SOMETIMES("an event cites only some of the extremities");
    std::ranges::sort(events, [](const EventPtr& a, const EventPtr& b) {
        return std::tie(b->depth, a->id) < std::tie(a->depth, b->id);
    });
    events.resize(kPrevEventsMax);
    return events;
}

Result<EventTemplate> Room::Data::make_template(const NewEvent& event) {
    RETURN_IF_ERROR(check_is_stored());
    const std::vector<EventPtr> previous = choose_prev_events();
    State before = current;
    if (previous.size() != extremities.size()) {
        std::vector<EventId> ids;
        for (const EventPtr& chosen : previous)
            ids.push_back(chosen->id);
        auto resolved = state_after_all(ids);
        if (!resolved) return internal_error("the room's state could not be read");
        before = *std::move(resolved);
    }
    const EventPlace place{.room_id = id,
                           .rules = *rules,
                           .prev_events = previous,
                           .before = before,
                           .find_event = finder()};
    return make_event_template(event, place, services.clock.now());
}

namespace {

/// Those in the room before and after the event, and the server of whom it concerns: also one that
/// is put out of the room, or whose invite is taken back, learns of it.
std::vector<ServerName> list_recipients(std::set<ServerName> before,
                                        const std::map<ServerName, std::size_t>& after,
                                        const Event& event) {
    for (const auto& [server, users] : after)
        before.insert(server);
    const auto membership = event.membership();
    if (membership == Membership::Leave || membership == Membership::Ban) {
        before.insert(UserId(*event.state_key).server());
    }
    return {before.begin(), before.end()};
}

}  // namespace

Result<StoredEvent> Room::Data::accept_own(Event event) {
    RETURN_IF_ERROR(check_is_stored());
    if (event.room_id != id) return bad_request("M_UNKNOWN", "the event is of another room");
    if (const StoredEventPtr known = find_placed(event.id)) return *known;
    const auto before = state_after_all(event.prev_events);
    if (!before || event.prev_events.empty()) {
        return bad_request("M_UNKNOWN", "an event before this one is not known here");
    }
    const Judgement judgement = judge(event, *before, current, checks());
    if (judgement.status != EventStatus::Accepted) {
        SIM_SOMETIMES("an event of our own is refused");
        return std::unexpected(error_of(judgement.failure));
    }
    if (lacks_policy_signature(event)) {
        return forbidden("the room's policy server has not signed the event");
    }

    std::set<ServerName> servers_before;
    for (const auto& [server, users] : joined_servers())
        servers_before.insert(server);
    StoredEvent stored = place(
        std::make_shared<const Event>(std::move(event)), *before, judgement, EventOrigin::Own);
    services.outbox.send(
        stored.event, list_recipients(std::move(servers_before), joined_servers(), *stored.event));
    ++services.counters.events_sent;
    return stored;
}

namespace {

/// What brings branches together: an event that says nothing, or what a membership says already.
NewEvent make_merge(const UserId& user, const Event* membership) {
    NewEvent merge{.sender = user,
                   .type = std::string(kMergeEventType),
                   .state_key = std::nullopt,
                   .content = {},
                   .redacts = std::nullopt};
    if (!membership) return merge;
    merge.type = "m.room.member";
    merge.state_key = user.text();
    merge.content = membership->parse_content();
    merge.content.erase("join_authorised_via_users_server");
    return merge;
}

}  // namespace

// UNSPECIFIED: how the number of extremities stays bounded. Each one is cited, resolved and sent
// again and again, so we do as Synapse does: a user of ours sends an event that says nothing. Where
// none of them may speak, one joins again, which every member may.
//
// UNSPECIFIED: whether a policy server is asked for such an event, too. It is, for without its
// signature all other servers soft-fail the event, and nothing is merged; one that does not sign it
// is left alone for a while, and the extremities grow meanwhile.
Task<void> Room::Data::merge_extremities() {
    std::vector<UserId> users = services.rooms.list_members(number, Membership::Join);
    std::erase_if(users, [&](const UserId& user) { return user.server() != services.server_name; });
    if (users.size() > kMergersTriedMax) users.resize(kMergersTriedMax);
    for (const bool is_silent : {true, false}) {
        for (const UserId& user : users) {
            const EventId* known = current.find("m.room.member", user.view());
            const EventPtr membership = known ? services.events.find_event(*known) : nullptr;
            const auto made =
                make_template(make_merge(user, is_silent ? nullptr : membership.get()));
            if (!made) continue;
            SIM_SOMETIMES(is_silent, "extremities are merged by an event that says nothing");
            SIM_SOMETIMES(!is_silent, "extremities are merged by a repeated join");
            auto event = sign_template(*made, *rules, services);
            if (!event || judge(*event, current, current, checks()).status != EventStatus::Accepted)
                continue;
            const std::size_t count = extremities.size();
            auto complete = co_await complete_merge(*std::move(event));
            if (!complete) co_return;
            if (!accept_own(*std::move(complete))) continue;
            services.log.write("extremities_merged", {{"room", id.view()}, {"count", count}});
            co_return;
        }
    }
}

Task<Result<Event>> Room::Data::complete_merge(Event event) {
    if (!lacks_policy_signature(event)) co_return event;
    const runtime::Timestamp now = services.clock.monotonic_now();
    if (merge_refused_at && (now - *merge_refused_at).value < kMergeAgainMs) {
        co_return forbidden("the room's policy server has refused a merge of late");
    }
    auto complete = co_await ask_policy_server(std::move(event));
    refresh();
    CO_RETURN_IF_ERROR(check_is_stored());
    merge_refused_at = complete ? std::nullopt : std::optional(now);
    co_return complete;
}

Result<EventTemplate> Room::make_template(const NewEvent& event) const {
    return data().make_template(event);
}

Result<void> Room::check_template(const EventTemplate& event) const {
    // The rules speak of events; signing makes it one, and what is signed here goes nowhere.
    ASSIGN_OR_RETURN(const Event signed_event, sign(event));
    const CheckContext checks = data_->checks();
    auth::Verdict verdict = check_by_auth_events(signed_event, checks);
    if (verdict) verdict = check_by_state(signed_event, data_->current, checks);
    if (!verdict) return std::unexpected(error_of(verdict.error()));
    return {};
}

Result<Event> Room::sign(const EventTemplate& event) const {
    RETURN_IF_ERROR(data().check_is_stored());
    return sign_template(event, *data_->rules, data_->services);
}

Result<StoredEvent> Room::send(const NewEvent& new_event) {
    ASSIGN_OR_RETURN(const EventTemplate made, make_template(new_event));
    ASSIGN_OR_RETURN(Event event, sign(made));
    return data_->accept_own(std::move(event));
}

Result<StoredEvent> Room::accept_own(Event event) {
    return data().accept_own(std::move(event));
}

}  // namespace matrix::engine
