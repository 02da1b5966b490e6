#include "simulator/findings.h"

#include <utility>

#include "simulator/recording/recorder.h"

namespace matrix::simulator {
namespace {

constexpr std::uint64_t kFindingsKept = 20;

}  // namespace

void Findings::add(std::string_view checker, std::int64_t at_us, std::string what) {
    ++count_;
    std::string name(checker);
    if (counts_[name]++ >= kFindingsKept) return;
    if (recorder_ != nullptr) recorder_->finding(name, what);
    kept_.push_back({std::move(name), std::move(what), at_us});
}

}  // namespace matrix::simulator
