// DrawnFaults: makes the fault points of the servers fire, as the seed draws it.
//
// A run draws for each fault point whether it is one of the run's at all, so that runs differ in
// kind and not only in luck; then each time that one is passed whether it fires. A draw of 0 means
// no, so that a shrunk run has fewer faults. No fault point fires more often than `kFiringsMax`:
// a run must come to its end.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "refserver/runtime/fault_point.h"
#include "refserver/runtime/random.h"

namespace matrix::simulator {

class DrawnFaults final : public runtime::FaultPlan {
public:
    static constexpr std::uint64_t kUsedOneIn = 4;   ///< Of the fault points.
    static constexpr std::uint64_t kFiresOneIn = 4;  ///< Of the times that a used one is passed.
    static constexpr std::uint64_t kFiringsMax = 20;

    /// In place from here on, until it is destroyed.
    explicit DrawnFaults(runtime::Random& random) : random_(random) {}

    bool fires(std::string_view name) override;

    /// No fault point fires any more, as when faults have to heal.
    void stop() { is_stopped_ = true; }

    /// How often each fault point has fired that did so.
    std::map<std::string, std::uint64_t> list_firings() const;

private:
    struct Point {
        bool is_used = false;
        std::uint64_t firings = 0;
    };

    runtime::Random& random_;
    bool is_stopped_ = false;
    std::map<std::string, Point, std::less<>> points_;
};

}  // namespace matrix::simulator
