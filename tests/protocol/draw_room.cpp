// Streams of choices from RapidCheck.

#include "tests/protocol/draw_room.h"

#include <algorithm>
#include <array>

#include <rapidcheck.h>

namespace matrix::draw {

using generators::Choices;
using generators::Room;
using generators::RoomLimits;

namespace {

// Of the whole range, whatever RapidCheck's size is.
rc::Gen<std::uint32_t> any_number() {
    return rc::gen::resize(rc::kNominalSize,
                           rc::gen::inRange<std::uint32_t>(0, std::uint32_t{1} << 30));
}

}  // namespace

const RoomRules& any_rules() {
    std::vector<const RoomRules*> all;
    for (const RoomRules& rules : all_room_rules())
        all.push_back(&rules);
    return **rc::gen::elementOf(all);
}

const RoomRules& rules_of(StateResolution algorithm) {
    std::vector<const RoomRules*> versions;
    for (const RoomRules& rules : all_room_rules()) {
        if (rules.state_resolution == algorithm) versions.push_back(&rules);
    }
    return **rc::gen::elementOf(versions);
}

Choices choices() {
    using Command = std::array<std::uint32_t, generators::kChoicesPerCommand>;
    constexpr double kCommandsPerSize = 0.6;
    std::vector<std::uint32_t> numbers = *rc::gen::container<std::vector<std::uint32_t>>(
        generators::kChoicesBeforeCommands, any_number());
    const auto commands = *rc::gen::scale(
        kCommandsPerSize,
        rc::gen::container<std::vector<Command>>(rc::gen::container<Command>(any_number())));
    for (const Command& command : commands)
        numbers.insert(numbers.end(), command.begin(), command.end());
    return Choices::from_numbers(std::move(numbers));
}

Room room(const RoomRules& rules, const RoomLimits& limits) {
    Choices stream = choices();
    return generators::make_room(stream, rules, limits);
}

namespace {

Choices any_seed() {
    return Choices::from_seed(*any_number());
}

}  // namespace

Dispute dispute(const RoomRules& rules) {
    Room made = room(rules, {.realism = generators::Realism::Abstract});
    Choices states = any_seed();
    std::vector<State> chosen = generators::choose_states(states, made);
    return {std::move(made), std::move(chosen)};
}

Dispute honest_dispute(const RoomRules& rules) {
    Room made = room(rules, generators::kHonestRoom);
    Choices states = any_seed();
    std::vector<State> chosen = generators::choose_honest_states(states, made);
    return {std::move(made), std::move(chosen)};
}

Judged judged(const Room& room) {
    Choices stream = any_seed();
    // From the end; the create event only where nothing followed on it.
    const std::size_t count = room.events().size();
    const std::size_t others = std::max<std::size_t>(count - 1, 1);
    const auto& event = room.events()[count - 1 - stream.below(others)];
    const auto& other = room.events()[count - 1 - stream.below(others)];
    // Half of the events are judged by the state that they were made for.
    return {event.event, stream.below(2) == 1 ? other.after : event.before};
}

}  // namespace matrix::draw
