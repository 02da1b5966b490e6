// TracedRandomSource: the chance of one server in a run, from the seed; every draw is in the trace.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <string_view>

#include "refserver/runtime/random.h"
#include "simulator/simulated_random.h"
#include "simulator/trace.h"

namespace matrix::simulator {

class TracedRandomSource final : public runtime::RandomSource {
public:
    /// `owner` stands before the names of streams in the trace.
    TracedRandomSource(std::uint64_t seed, std::string owner, Trace& trace);
    ~TracedRandomSource() override;

    runtime::Random& stream(std::string_view name) override;

    /// For a test of the determinism check: mixes an address into every further draw.
    void plant_pointer_draw() { has_pointer_draw_ = true; }

private:
    class Stream;
    SimulatedRandomSource source_;
    std::string owner_;
    Trace& trace_;
    bool has_pointer_draw_ = false;
    std::map<std::string, std::unique_ptr<Stream>, std::less<>> streams_;
};

}  // namespace matrix::simulator
