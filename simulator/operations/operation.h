// What the files of operations share: parameters, and how what was done is counted.
#pragma once

#include <array>
#include <span>
#include <string_view>

#include "simulator/scenario/verbs.h"
#include "simulator/world.h"

namespace matrix::simulator {

inline constexpr Parameter kUserParameter{"user", ParameterKind::User, "Who asks."};
inline constexpr Parameter kRoomParameter{"room", ParameterKind::Room, "In which room."};
inline constexpr Parameter kTargetParameter{"target", ParameterKind::User, "Whom it is about."};
inline constexpr std::array kUserAndRoom = {kUserParameter, kRoomParameter};
inline constexpr std::array kUserRoomAndTarget = {kUserParameter, kRoomParameter, kTargetParameter};

/// One more of `metric`, if the server did what it was asked for.
inline void count_done(World& world, const Answer& answer, std::string_view metric) {
    if (answer.is_ok()) world.measure(metric, 1);
}

/// The parts of the table of operations, a file each.
std::span<const Verb> message_verbs();
std::span<const Verb> member_verbs();
std::span<const Verb> room_verbs();
std::span<const Verb> presence_verbs();
std::span<const Verb> device_verbs();
std::span<const Verb> history_verbs();

}  // namespace matrix::simulator
