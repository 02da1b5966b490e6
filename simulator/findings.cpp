#include "simulator/findings.h"

#include <algorithm>
#include <utility>

namespace matrix::simulator {
namespace {

constexpr std::uint64_t kFindingsKept = 20;

}  // namespace

void Findings::add(std::string_view checker, std::int64_t at_us, std::string what) {
    ++count_;
    auto counted =
        std::ranges::find(counts_, checker, &std::pair<std::string, std::uint64_t>::first);
    if (counted == counts_.end()) counted = counts_.insert(counted, {std::string(checker), 0});
    if (counted->second++ < kFindingsKept) {
        kept_.push_back({std::string(checker), std::move(what), at_us});
    }
}

std::uint64_t Findings::count_of(std::string_view checker) const {
    const auto counted =
        std::ranges::find(counts_, checker, &std::pair<std::string, std::uint64_t>::first);
    return counted == counts_.end() ? 0 : counted->second;
}

}  // namespace matrix::simulator
