// How many draws of the generator become something.
//
// A generator whose draws are mostly thrown away tests little and says so nowhere; this one counts,
// and a program that uses it refuses to go on.
#pragma once

#include <array>
#include <cstdint>
#include <expected>
#include <iosfwd>
#include <string>

#include "tests/generators/command.h"

namespace matrix::generators {

/// What became of the commands of one kind.
struct AcceptanceCounts {
    std::uint64_t drawn = 0;
    std::uint64_t accepted = 0;   ///< Became an event of the room, perhaps after other attempts.
    std::uint64_t rejected = 0;   ///< Became an event that is kept as rejected.
    std::uint64_t discarded = 0;  ///< Became nothing.
    std::uint64_t attempts = 0;   ///< Events that were tried, of which the room refused some.
};

class Acceptance {
public:
    AcceptanceCounts& of(CommandKind kind) { return counts_[static_cast<std::size_t>(kind)]; }
    const AcceptanceCounts& of(CommandKind kind) const {
        return counts_[static_cast<std::size_t>(kind)];
    }
    AcceptanceCounts total() const;
    void add(const Acceptance& other);

    /// Fails, with a sentence for the one who runs it, if more than half of the draws were
    /// discarded; a few draws say nothing and pass.
    std::expected<void, std::string> check() const;

private:
    std::array<AcceptanceCounts, kCommandKinds> counts_{};
};

/// A table: one row per kind that was drawn, and the total.
std::ostream& operator<<(std::ostream& out, const Acceptance& acceptance);

}  // namespace matrix::generators
