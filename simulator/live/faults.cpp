#include "simulator/live/faults.h"

#include <algorithm>
#include <array>
#include <utility>

namespace matrix::live {
namespace {

constexpr std::array kRefusals = {429, 500, 502, 503, 504};
constexpr std::uint64_t kResetBytesMax = 16 * 1024;
// Slow enough for a page of events to take seconds, and fast enough for it to end.
constexpr std::uint64_t kSlowBytesPerSecond = 8 * 1024;

}  // namespace

std::string to_string(const Link& link) {
    return link.from + ">" + link.to;
}

void Faults::put_in_force(LinkFaults faults) {
    const std::lock_guard lock(mutex_);
    faults_ = std::move(faults);
}

LinkFault Faults::find(const Link& link) const {
    const auto known = faults_.find(link);
    return known == faults_.end() ? LinkFault{} : known->second;
}

bool Faults::is_cut(const Link& link) const {
    const std::lock_guard lock(mutex_);
    return find(link).is_cut;
}

bool Faults::is_healed() const {
    const std::lock_guard lock(mutex_);
    return faults_.empty();
}

FaultCounts Faults::counts() const {
    const std::lock_guard lock(mutex_);
    return counts_;
}

// As many draws for each request, whatever is in force: a fault of one kind shifts no other.
RequestFate Faults::draw_request(const Link& link) {
    const std::lock_guard lock(mutex_);
    runtime::Random& random = random_.stream("requests " + to_string(link));
    const auto percent = static_cast<int>(random.below(100));
    const std::uint64_t fraction = random.below(1000);
    const std::size_t variety = random.below(kRefusals.size());
    const bool is_before = random.one_in(2);

    const LinkFault fault = find(link);
    RequestFate fate;
    fate.delay.value =
        static_cast<std::int64_t>(fraction) * static_cast<std::int64_t>(fault.delay_ms_max) / 1000;
    if (fate.delay.value > 0) ++counts_.delayed;
    if (fault.is_cut) {
        ++counts_.cut;
        fate.is_cut = true;
        fate.passage = Passage::LostBefore;
    } else if (percent < fault.refused_percent) {
        ++counts_.refused;
        fate.passage = Passage::Refused;
        fate.status = kRefusals[variety];
    } else if (percent < fault.refused_percent + fault.lost_percent) {
        ++counts_.lost;
        fate.passage = is_before ? Passage::LostBefore : Passage::LostAfter;
    }
    return fate;
}

ConnectionFate Faults::draw_connection(const Link& link) {
    const std::lock_guard lock(mutex_);
    runtime::Random& random = random_.stream("connections " + to_string(link));
    const auto percent = static_cast<int>(random.below(100));
    const std::uint64_t bytes = random.below(kResetBytesMax) + 1;

    const LinkFault fault = find(link);
    ConnectionFate fate;
    if (percent < fault.reset_percent) {
        ++counts_.connections_reset;
        fate.reset_after_bytes = bytes;
    } else if (percent < fault.reset_percent + fault.slow_percent) {
        ++counts_.connections_slow;
        fate.bytes_per_second = kSlowBytesPerSecond;
    }
    return fate;
}

}  // namespace matrix::live
