// Drafts become events: they cite what they must, are checked, and change the state.

#include "tests/generators/model_room.h"

#include <algorithm>
#include <array>

#include "tests/generators/state_sets.h"

namespace matrix::generators {
namespace {

// Whether `event` stands under `key`.
bool is_under(const Event& event, const Event& other) {
    return event.is_state() && other.is_state() && event.is(other.type, *other.state_key);
}

}  // namespace

ModelRoom::ModelRoom(Choices& choices, const RoomRules& rules, const RoomLimits& limits)
    : limits_(limits),
      maker_(rules, EventLabels(choices, limits.has_long_labels), limits.realism),
      room_(rules) {
    static constexpr std::array<std::string_view, 3> kServers = {"a.test", "b.test", "c.test"};
    for (std::size_t number = 0; number < limits.user_count; ++number) {
        users_.emplace_back("@u" + std::to_string(number) + ":" +
                            std::string(kServers[number % kServers.size()]));
    }
    // Only version 1 sorts by depth, so that there depths matter.
    constexpr std::uint64_t kWildDepths = 30;
    has_wild_depths_ = choices.happens(kWildDepths) && limits.has_deviations;
}

void ModelRoom::send_create(EventTemplate create) {
    create.origin_server_ts = clock_;
    EventPtr made = maker_.make(create, 0);
    room_id_ = made->room_id;
    add(std::move(made), {.event = {}, .parents = {}, .before = {}}, false);
}

std::optional<std::size_t> ModelRoom::send(Draft draft, Selector clock) {
    EventTemplate& event = draft.event;
    if (event.room_id.empty()) event.room_id = room_id_;
    event.origin_server_ts = choose_time(clock);
    event.depth = choose_depth(draft, clock);
    for (const std::size_t parent : draft.parents)
        event.prev_events.push_back(room_.events()[parent].event->id);
    cite(draft);
    deviate(draft);

    const std::size_t number = room_.events().size();
    const Event tried = maker_.draft(event, number);
    const bool is_forced = draft.deviation == Deviation::AcceptedIfRefused ||
                           draft.deviation == Deviation::CitesRejected ||
                           draft.deviation == Deviation::CitesMore ||
                           draft.deviation == Deviation::CitesTwice;
    const bool is_refused = !is_forced && !is_allowed(tried, draft.before);
    if (is_refused && draft.deviation != Deviation::KeptIfRefused) return std::nullopt;

    EventPtr made = limits_.realism == Realism::Abstract ? std::make_shared<const Event>(tried)
                                                         : maker_.make(event, number);
    if (room_.find(made->id).event) return std::nullopt;  // The same event was made before.
    return add(std::move(made), draft, is_refused || draft.deviation == Deviation::Rejected);
}

std::optional<std::size_t> ModelRoom::send(Branch& branch, EventTemplate event, Selector clock) {
    const auto index =
        send({.event = std::move(event), .parents = branch.parents, .before = branch.state}, clock);
    if (index) branch = {.parents = {*index}, .state = room_.events()[*index].after};
    return index;
}

std::int64_t ModelRoom::choose_time(Selector& clock) {
    static constexpr std::array<std::int64_t, 4> kSteps = {1, 0, 0, 5};
    static constexpr std::array<std::int64_t, 3> kJumps = {-50, -500, 500};
    constexpr std::uint64_t kJumped = 90;
    constexpr std::uint64_t kReused = 70;
    clock_ += clock.among(kSteps);
    if (limits_.clocks == Clocks::Right) return ++clock_;
    const std::uint64_t number = clock.below(100);
    if (number >= kJumped) return clock_ + clock.among(kJumps);
    if (number < kReused || !limits_.has_deviations) return clock_;
    return room_.events()[clock.below(room_.events().size())].event->origin_server_ts;
}

std::int64_t ModelRoom::choose_depth(const Draft& draft, Selector& clock) const {
    std::int64_t depth = 1;
    for (const std::size_t parent : draft.parents) {
        const std::int64_t before = room_.events()[parent].event->depth;
        depth = std::max(depth, std::min(before, rules().depth_max - 1) + 1);
    }
    if (!has_wild_depths_) return depth;
    const std::array<std::int64_t, 5> depths = {depth, depth, 0, 5, rules().depth_max};
    return clock.among(depths);
}

void ModelRoom::cite(Draft& draft) const {
    for (const StateKey& key : auth::required_state(draft.event, rules())) {
        if (const EventId* id = draft.before.find(key)) draft.event.auth_events.push_back(*id);
    }
}

// A deviation that finds nothing to work on leaves the draft as it is.
void ModelRoom::deviate(Draft& draft) const {
    std::vector<EventId>& cited = draft.event.auth_events;
    if (cited.empty()) return;
    if (draft.deviation == Deviation::CitesLess) {
        cited.erase(cited.begin() + static_cast<std::ptrdiff_t>(draft.details.below(cited.size())));
        return;
    }
    const RoomEvent& other =
        room_.events()[room_.events().size() - 1 - draft.details.below(room_.events().size())];
    if (draft.deviation == Deviation::CitesMore) {
        if (std::ranges::find(cited, other.event->id) == cited.end()) {
            cited.push_back(other.event->id);
        }
        return;
    }
    const bool wants_rejected = draft.deviation == Deviation::CitesRejected;
    const bool wants_second = draft.deviation == Deviation::CitesTwice;
    if (!wants_rejected && !wants_second && draft.deviation != Deviation::CitesOlder) return;

    const std::size_t place = draft.details.below(cited.size());
    const Event& replaced = *room_.find(cited[place]).event;
    for (const RoomEvent& candidate : room_.events()) {
        const bool fits = is_under(*candidate.event, replaced) &&
                          candidate.is_rejected == wants_rejected &&
                          candidate.event->id != replaced.id;
        if (!fits) continue;
        if (wants_second) {
            cited.push_back(candidate.event->id);
        } else {
            cited[place] = candidate.event->id;
        }
        return;
    }
}

// By what it cites, and by the state before it.
bool ModelRoom::is_allowed(const Event& event, const State& before) const {
    std::vector<auth::CitedEvent> cited;
    for (const EventId& id : event.auth_events)
        cited.push_back(room_.find(id));
    auth::AuthState state;
    state.set(auth::Role::Create, create().get());
    for (const auto& [role, type, state_key] : auth::required_state(event)) {
        const EventId* id = before.find(type, state_key);
        if (id) state.set(role, room_.find(*id).event.get());
    }
    const Verifier& verifier = ed25519_verifier();
    return auth::check_cited(event, cited, create().get()) &&
           auth::check_against(
               auth::state_of_cited(event, cited, create().get()), event, verifier) &&
           auth::check_against(state, event, verifier);
}

std::size_t ModelRoom::add(EventPtr event, const Draft& draft, bool is_rejected) {
    const std::size_t index = room_.events().size();
    State after = draft.before;
    if (!is_rejected && event->is_state()) {
        after = draft.before.with({event->type, *event->state_key}, event->id);
    }
    const bool is_soft_failed = !is_rejected && draft.deviation == Deviation::SoftFailed;
    if (!is_rejected && !is_soft_failed) {
        for (const std::size_t parent : draft.parents)
            extremities_.erase(parent);
        extremities_.insert(index);
    }
    room_.add({.event = std::move(event),
               .is_rejected = is_rejected,
               .is_soft_failed = is_soft_failed,
               .before = draft.before,
               .after = std::move(after),
               .parents = draft.parents});
    return index;
}

State ModelRoom::state_after(std::span<const std::size_t> parents) const {
    std::vector<State> states;
    for (const std::size_t parent : parents)
        states.push_back(room_.events()[parent].after);
    if (states.size() == 1) return states.front();
    return resolve(states, room_.finder(), rules(), ed25519_verifier());
}

Branch ModelRoom::newest() const {
    constexpr std::size_t kParentsMax = 3;
    std::vector<std::size_t> parents(extremities_.rbegin(), extremities_.rend());
    parents.resize(std::min(parents.size(), kParentsMax));
    State state = state_after(parents);
    return {.parents = std::move(parents), .state = std::move(state)};
}

json::Object ModelRoom::levels_in(const State& state) const {
    if (const EventId* current = state.find("m.room.power_levels", "")) {
        return room_.find(*current).event->parse_content();
    }
    json::Object users;
    if (!rules().has_privileged_creators) users.set(users_[0].view(), 100);
    return {{"users", std::move(users)}};
}

std::int64_t ModelRoom::level_in(const State& state, const UserId& user) const {
    auth::AuthState levels;
    levels.set(auth::Role::Create, create().get());
    if (const EventId* id = state.find("m.room.power_levels", "")) {
        levels.set(auth::Role::PowerLevels, room_.find(*id).event.get());
    }
    return levels.level_of(user);
}

std::optional<Membership> ModelRoom::membership_in(const State& state, const UserId& user) const {
    const EventId* id = state.find("m.room.member", user.view());
    return id ? room_.find(*id).event->membership() : std::nullopt;
}

}  // namespace matrix::generators
