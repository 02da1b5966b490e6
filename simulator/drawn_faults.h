// DrawnFaults: makes the fault points of the servers fire, as the world's choices decide.
//
// A scenario says which of them a run uses, from when to when; then chance decides each time that
// one is passed. A choice of 0 means no, so that a run without chance has no such faults. None
// fires more often than `kFiringsMax` each time that it is used: a run must come to its end.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "refserver/runtime/fault_point.h"
#include "refserver/runtime/random.h"

namespace matrix::simulator {

/// The names of all fault points of this program, in order.
std::vector<std::string_view> list_fault_points();

class DrawnFaults final : public runtime::FaultPlan {
public:
    static constexpr std::uint64_t kFiringsMax = 50;

    /// In place from here on, until it is destroyed; nothing fires at first.
    explicit DrawnFaults(runtime::RandomSource& choices) : choices_(choices) {}

    /// From now on this fault point fires once in so many times that it is passed.
    void use(std::string_view name, std::uint64_t one_in);
    void stop(std::string_view name);

    bool fires(std::string_view name) override;

    /// Of all fault points together.
    std::uint64_t firings() const { return firings_; }

private:
    struct Used {
        std::uint64_t one_in = 1;
        std::uint64_t firings = 0;
    };

    runtime::RandomSource& choices_;
    std::map<std::string, Used, std::less<>> used_;
    std::uint64_t firings_ = 0;
};

}  // namespace matrix::simulator
