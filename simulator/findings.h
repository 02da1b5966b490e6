// Findings: what checkers found wrong in a run, one sentence each.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace matrix::simulator {

struct Finding {
    std::string checker;     ///< Which checker says so, see checkers/checkers.h.
    std::string what;        ///< A sentence with the servers, rooms and events that it is about.
    std::int64_t at_us = 0;  ///< Virtual time at which it was found.
};

class Recorder;

class Findings {
public:
    /// The recorder, if it is not null, is told of each that is kept.
    explicit Findings(Recorder* recorder = nullptr) : recorder_(recorder) {}

    /// Every finding is counted; of each checker the first are kept.
    void add(std::string_view checker, std::int64_t at_us, std::string what);

    const std::vector<Finding>& kept() const { return kept_; }
    std::uint64_t count() const { return count_; }

private:
    Recorder* recorder_;
    std::vector<Finding> kept_;
    std::map<std::string, std::uint64_t> counts_;  ///< By checker.
    std::uint64_t count_ = 0;
};

}  // namespace matrix::simulator
