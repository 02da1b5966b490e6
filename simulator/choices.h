// Choices: every random decision of a run that is the world's, drawn from a seed or read from a
// record.
//
// A decision is one number below a bound, in a stream with a name. A run without a seed is a run
// without chance: a stream whose record has ended gives 0, the simplest decision. So a shrunk
// scenario lists what must be, and everything else is as simple as can be.
//
// Not here: identifiers, keys and tokens, which a server draws (traced_random.h).
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "refserver/runtime/random.h"
#include "simulator/trace.h"

namespace matrix::simulator {

/// The decisions of a run, in the order in which each stream made them.
using ChoiceRecord = std::map<std::string, std::vector<std::uint64_t>, std::less<>>;

class Choices final : public runtime::RandomSource {
public:
    struct Settings {
        std::optional<std::uint64_t> seed;  ///< Nothing: without chance.
        ChoiceRecord replayed;              ///< Comes first in each stream that it has.
        bool is_recording = false;
    };

    Choices(Settings settings, Trace& trace);
    Choices(const Choices&) = delete;
    Choices& operator=(const Choices&) = delete;
    ~Choices() override;

    /// The stream of this name, the same object each time. `below(n)` is one entry of the record: a
    /// replayed one that is too large counts as the largest. `bits()` is an entry of its own kind.
    runtime::Random& stream(std::string_view name) override;

    /// What was decided so far, if that is recorded.
    const ChoiceRecord& recorded() const { return recorded_; }

private:
    class Stream;

    Settings settings_;
    Trace& trace_;
    ChoiceRecord recorded_;
    std::map<std::string, std::unique_ptr<Stream>, std::less<>> streams_;
};

}  // namespace matrix::simulator
