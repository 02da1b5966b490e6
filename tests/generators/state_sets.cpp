// States after events, and states that servers with wrong answers make of them.

#include "tests/generators/state_sets.h"

#include <algorithm>

namespace matrix::generators {
namespace {

// From the end: the newest events have seen the most.
std::size_t choose_index(Choices& choices, const Room& room) {
    return room.events().size() - 1 - choices.below(room.events().size());
}

const State& choose_state(Choices& choices, const Room& room) {
    return room.events()[choose_index(choices, room)].after;
}

std::vector<State> after_random_events(Choices& choices, const Room& room, std::uint64_t count) {
    std::vector<State> states;
    for (std::uint64_t number = 0; number < count; ++number)
        states.push_back(choose_state(choices, room));
    return states;
}

// The states after the events on which nothing follows; after random ones if there is only one.
std::vector<State> after_newest_events(Choices& choices, const Room& room) {
    constexpr std::size_t kNewestMax = 8;
    std::set<std::size_t> newest;
    for (std::size_t index = 0; index < room.events().size(); ++index) {
        for (const std::size_t parent : room.events()[index].parents)
            newest.erase(parent);
        if (!room.events()[index].is_rejected) newest.insert(index);
    }
    std::vector<State> states;
    for (auto index = newest.rbegin(); index != newest.rend(); ++index) {
        if (states.size() < kNewestMax) states.push_back(room.events()[*index].after);
    }
    return states.size() > 1 ? states : after_random_events(choices, room, 2);
}

// Some event, and one that follows on it, after a few steps.
std::vector<State> after_ancestor_and_descendant(Choices& choices, const Room& room) {
    std::size_t index = choose_index(choices, room);
    const State& descendant = room.events()[index].after;
    const std::uint64_t steps = 1 + choices.below(12);
    for (std::uint64_t step = 0; step < steps && !room.events()[index].parents.empty(); ++step) {
        const std::vector<std::size_t>& parents = room.events()[index].parents;
        index = parents[choices.below(parents.size())];
    }
    return {room.events()[index].after, descendant};
}

Selector draw_selector(Choices& choices) {
    return Selector(choices.below(std::uint64_t{1} << 32));
}

std::vector<State> with_one_stale_key(Choices& choices, const Room& room) {
    const State& state = choose_state(choices, room);
    // Most tries fall on a key that the state does not have, or on its own entry.
    State stale = state;
    constexpr int kTries = 6;
    for (int attempt = 0; attempt < kTries && stale == state; ++attempt) {
        Selector which = draw_selector(choices);
        stale = with_stale_entry(room, state, which);
    }
    return {state, std::move(stale)};
}

std::vector<State> with_mixed_keys(Choices& choices, const Room& room) {
    const State& state = choose_state(choices, room);
    State mixed = choose_state(choices, room);
    const std::uint64_t count = 1 + choices.below(6);
    for (std::uint64_t number = 0; number < count; ++number) {
        const Event& event = *room.events()[choose_index(choices, room)].event;
        if (!event.is_state() || event.type == "m.room.create") continue;
        mixed = mixed.with({event.type, *event.state_key}, event.id);
    }
    return {state, std::move(mixed)};
}

std::vector<State> choose_any_states(Choices& choices, const Room& room) {
    const std::uint64_t number = choices.below(100);
    if (number < 35) return after_random_events(choices, room, 2 + choices.below(4));
    if (number < 55) return after_newest_events(choices, room);
    if (number < 70) return after_ancestor_and_descendant(choices, room);
    if (number < 85) return with_one_stale_key(choices, room);
    if (number < 95) return with_mixed_keys(choices, room);
    return after_random_events(choices, room, 5 + choices.below(16));
}

// A key that is in some of the states only, an empty state, a state twice.
void vary(Choices& choices, const Room& room, std::vector<State>& states) {
    const std::uint64_t number = choices.below(100);
    State& state = states[choices.below(states.size())];
    const Event& event = *room.events()[choose_index(choices, room)].event;
    if (number >= 95 && event.is_state() && event.type != "m.room.create") {
        state = state.without({event.type, *event.state_key});
    } else if (number == 94) {
        state = State();
    } else if (number >= 90 && number < 94) {
        states.push_back(state);
    }
}

}  // namespace

std::vector<State> choose_states(Choices& choices, const Room& room) {
    constexpr std::uint64_t kRaces = 25;
    const bool is_race = choices.happens(kRaces) && !room.race_states().empty();
    if (is_race) return choices.among(room.race_states());
    std::vector<State> states = choose_any_states(choices, room);
    vary(choices, room, states);
    return states;
}

std::vector<State> choose_honest_states(Choices& choices, const Room& room) {
    const std::uint64_t number = choices.below(100);
    if (number < 60) return after_random_events(choices, room, 2 + choices.below(3));
    if (number < 80) return after_newest_events(choices, room);
    return after_ancestor_and_descendant(choices, room);
}

State with_stale_entry(const Room& room, const State& state, Selector& which) {
    constexpr std::uint64_t kRejected = 10;
    const bool may_be_rejected = which.happens(kRejected);
    const RoomEvent& old = which.among(room.events());
    if ((old.is_rejected && !may_be_rejected) || !old.event->is_state()) return state;
    const StateKey key = {old.event->type, *old.event->state_key};
    return key.type != "m.room.create" && state.find(key) ? state.with(key, old.event->id) : state;
}

std::set<EventId> choose_missing(Choices& choices, const Room& room) {
    std::set<EventId> missing;
    const std::uint64_t count = 1 + choices.below(4);
    for (std::uint64_t number = 0; number < count; ++number) {
        const std::size_t index = choose_index(choices, room);
        if (index > 0) missing.insert(room.events()[index].event->id);
    }
    return missing;
}

FindEvent finder_without(const Room& room, const std::set<EventId>& missing) {
    return [&room, &missing](const EventId& id) {
        return missing.contains(id) ? auth::CitedEvent{} : room.find(id);
    };
}

}  // namespace matrix::generators
