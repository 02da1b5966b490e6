// Faults of clocks: they jump, forwards or backwards, and run fast or slow.

#include <array>

#include "simulator/faults/faults.h"

namespace matrix::simulator {
namespace {

constexpr std::int64_t kSkewMsMost = 31LL * 24 * 3'600'000;
constexpr std::int64_t kDriftPpmMost = 500'000;

constexpr std::array kSkewParameters = {
    kAtServer,
    Parameter{.name = "by_ms",
              .kind = ParameterKind::Integer,
              .meaning = "By how much the clock is ahead; negative: behind.",
              .least = -kSkewMsMost,
              .most = kSkewMsMost},
    kForMs,
};
constexpr std::array kDriftParameters = {
    kAtServer,
    Parameter{.name = "by_ppm",
              .kind = ParameterKind::Integer,
              .meaning = "By how many millionths it is too fast; negative: too slow.",
              .least = -kDriftPpmMost,
              .most = kDriftPpmMost},
    kForMs,
};

// What a clock has drifted until now stays until it is right again: when no drift is active.
void refresh_clock(World& world, const Step& step) {
    const std::string& name = step.text("server");
    SimulatedServer& server = world.cluster().server(world.server_number(name));
    const std::int64_t now_us = world.cluster().time().now_us();
    ClockError error{.drifts_since_us = now_us};
    std::int64_t skew_ms = 0;
    for (const Step* skew : world.active_faults("clock_skew")) {
        if (skew->text("server") == name) skew_ms += skew->integer("by_ms");
    }
    bool is_drifting = false;
    for (const Step* drift : world.active_faults("clock_drift")) {
        if (drift->text("server") != name) continue;
        is_drifting = true;
        error.drift_ppm += drift->integer("by_ppm");
    }
    const std::int64_t drifted_ms =
        is_drifting ? server.clock_error().at_ms(now_us) - server.clock_skew_ms() : 0;
    error.offset_ms = skew_ms + drifted_ms;
    server.set_clock_error(error, skew_ms);
}

Task<void> begin_clock_fault(World* world, Step step) {
    refresh_clock(*world, step);
    co_return;
}

constexpr std::array kClockFaults = {
    Verb{"clock_skew",
         VerbKind::Fault,
         "The clock jumps, and back at the end.",
         kSkewParameters,
         begin_clock_fault,
         refresh_clock},
    Verb{"clock_drift",
         VerbKind::Fault,
         "The clock is too fast or too slow, and set right at the end.",
         kDriftParameters,
         begin_clock_fault,
         refresh_clock},
};

}  // namespace

std::span<const Verb> clock_faults() {
    return kClockFaults;
}

}  // namespace matrix::simulator
