// What a live run found out.
#pragma once

#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <vector>

namespace matrix::live {

/// One thing that the target does and the specification does not allow.
struct Finding {
    std::string check;     ///< The checker's name.
    std::string place;     ///< In the specification: page/#anchor.
    std::string what;      ///< A sentence.
    std::string evidence;  ///< Requests, answers, ids.
};

enum class Outcome {
    Passed = 0,
    FailedCheck = 1,   ///< There are findings.
    Usage = 2,         ///< The target cannot be reached, or not as it would have to be.
    Inconclusive = 3,  ///< Nothing was found, but too little happened to say so.
    Stuck = 4,         ///< The servers did not come to rest in time: nothing is known.
};
std::string_view name_of(Outcome outcome);

/// Thread-safe.
class Report {
public:
    /// Of one checker so many are kept; the rest is counted.
    static constexpr std::size_t kFindingsPerCheckMax = 10;

    void add(Finding finding);
    /// Something that was seen and is no breach, for people.
    void note(std::string text);
    void count(const std::string& what, std::uint64_t number = 1);
    /// Demands that something was counted so often, or the run says nothing.
    void demand(const std::string& what, std::uint64_t least);
    void say_stuck(std::string why);

    Outcome outcome() const;
    std::vector<Finding> findings() const;
    std::string text() const;
    /// One JSON object; `about` are members that say what was run.
    std::string json(const std::map<std::string, std::string>& about) const;

private:
    Outcome outcome_locked() const;
    std::vector<std::string> list_unmet() const;

    mutable std::mutex mutex_;
    std::vector<Finding> findings_;
    std::map<std::string, std::size_t> findings_by_check_;
    std::vector<std::string> notes_;
    std::vector<std::string> order_;  ///< Of counters, as they were first named.
    std::map<std::string, std::uint64_t> counts_;
    std::map<std::string, std::uint64_t> demands_;
    std::vector<std::string> stuck_;
};

}  // namespace matrix::live
