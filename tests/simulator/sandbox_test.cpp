// What a simulation must not ask for ends the process. Each planted call is made through the
// library that would make it.

#include "simulator/sandbox.h"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <functional>
#include <random>
#include <string>
#include <thread>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sodium.h>
#include <sys/random.h>
#include <sys/time.h>
#include <unistd.h>

#include "simulator/run.h"
#include "simulator/scenario/draw.h"

namespace matrix::simulator {
namespace {

struct ForbiddenCall {
    std::string function;
    std::function<void()> call;
};

const std::array<ForbiddenCall, 12>& forbidden_calls() {
    static const std::array<ForbiddenCall, 12> kCalls = {{
        {"clock_gettime", [] { (void)std::chrono::steady_clock::now(); }},
        {"clock_gettime", [] { (void)std::chrono::system_clock::now(); }},
        {"gettimeofday",
         [] {
             timeval now{};
             ::gettimeofday(&now, nullptr);
         }},
        {"time", [] { (void)std::time(nullptr); }},
        {"pthread_create", [] { std::thread([] {}).join(); }},
        {"getrandom",
         [] {
             char byte = 0;
             ::randombytes_buf(&byte, 1);
         }},
        {"getentropy",
         [] {
             char byte = 0;
             (void)::getentropy(&byte, 1);
         }},
        {"the random device", [] { (void)std::random_device()(); }},
        {"open of a random device", [] { (void)std::random_device("/dev/urandom")(); }},
        {"open of a random device", [] { (void)::open("/dev/random", O_RDONLY); }},
        {"open64 of a random device", [] { (void)::open64("/dev/urandom", O_RDONLY); }},
        {"fopen of a random device", [] { (void)std::fopen("/dev/urandom", "r"); }},
    }};
    return kCalls;
}

TEST(SandboxDeathTest, AForbiddenCallEndsTheProcessAndIsNamed) {
    if (!Sandbox::is_watching()) GTEST_SKIP() << "the address sanitizer has these functions";
    for (const ForbiddenCall& forbidden : forbidden_calls()) {
        EXPECT_DEATH(
            {
                const Sandbox sandbox;
                forbidden.call();
            },
            "assertion failed: no .* in a simulation: " + forbidden.function);
    }
}

TEST(Sandbox, OutsideOfASimulationNothingIsForbidden) {
    {
        const Sandbox sandbox;
    }
    for (const ForbiddenCall& forbidden : forbidden_calls())
        forbidden.call();
}

TEST(Sandbox, OtherThreadsAreFree) {
    // Begun before the simulation: within it none can be.
    std::atomic<bool> is_simulating = false;
    std::time_t seen = 0;
    std::thread other([&] {
        is_simulating.wait(false);
        seen = std::time(nullptr);
        is_simulating = false;
        is_simulating.notify_one();
    });
    {
        const Sandbox sandbox;
        is_simulating = true;
        is_simulating.notify_one();
        is_simulating.wait(true);
    }
    other.join();
    EXPECT_GT(seen, 0);
}

TEST(SandboxDeathTest, AWholeRunIsASimulation) {
    if (!Sandbox::is_watching()) GTEST_SKIP() << "the address sanitizer has these functions";
    DrawOptions draw;
    draw.servers = 3;
    draw.chaos_ms = 60'000;
    EXPECT_DEATH(run(draw_scenario(draw), {.plant = "look-at-the-clock"}),
                 "no wall clock in a simulation: time was called");
}

}  // namespace
}  // namespace matrix::simulator
