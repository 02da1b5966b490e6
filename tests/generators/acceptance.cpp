// Counts of accepted and discarded commands.

#include "tests/generators/acceptance.h"

#include <iomanip>
#include <ostream>

namespace matrix::generators {
namespace {

void add_counts(AcceptanceCounts& sum, const AcceptanceCounts& counts) {
    sum.drawn += counts.drawn;
    sum.accepted += counts.accepted;
    sum.rejected += counts.rejected;
    sum.discarded += counts.discarded;
    sum.attempts += counts.attempts;
}

void print_row(std::ostream& out, std::string_view name, const AcceptanceCounts& counts) {
    constexpr int kNameWidth = 14;
    constexpr int kNumberWidth = 10;
    out << std::left << std::setw(kNameWidth) << name << std::right;
    for (const std::uint64_t number :
         {counts.drawn, counts.accepted, counts.rejected, counts.discarded, counts.attempts}) {
        out << std::setw(kNumberWidth) << number;
    }
    out << '\n';
}

}  // namespace

AcceptanceCounts Acceptance::total() const {
    AcceptanceCounts sum;
    for (const AcceptanceCounts& counts : counts_)
        add_counts(sum, counts);
    return sum;
}

void Acceptance::add(const Acceptance& other) {
    for (std::size_t kind = 0; kind < kCommandKinds; ++kind)
        add_counts(counts_[kind], other.counts_[kind]);
}

std::expected<void, std::string> Acceptance::check() const {
    constexpr std::uint64_t kDrawsMin = 1000;
    const AcceptanceCounts sum = total();
    if (sum.drawn < kDrawsMin || sum.discarded * 2 <= sum.drawn) return {};
    return std::unexpected("the generator discarded " + std::to_string(sum.discarded) + " of " +
                           std::to_string(sum.drawn) +
                           " commands, more than half: what it would show is worth little");
}

std::ostream& operator<<(std::ostream& out, const Acceptance& acceptance) {
    out << "command            drawn  accepted  rejected discarded  attempts\n";
    for (std::size_t index = 0; index < kCommandKinds; ++index) {
        const auto kind = static_cast<CommandKind>(index);
        if (acceptance.of(kind).drawn > 0) print_row(out, name_of(kind), acceptance.of(kind));
    }
    print_row(out, "all", acceptance.total());
    return out;
}

}  // namespace matrix::generators
