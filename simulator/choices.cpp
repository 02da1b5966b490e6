#include "simulator/choices.h"

#include <algorithm>
#include <utility>

#include "refserver/base/index_map.h"
#include "simulator/simulated_random.h"

namespace matrix::simulator {

class Choices::Stream final : public runtime::Random {
public:
    Stream(Choices& choices, std::string name) : choices_(choices), name_(std::move(name)) {
        if (choices.settings_.seed) {
            // The stream does not depend on which others there are.
            drawn_.emplace(*choices.settings_.seed ^ stable_hash(name_));
        }
        const auto replayed = choices.settings_.replayed.find(name_);
        if (replayed != choices.settings_.replayed.end()) replayed_ = &replayed->second;
        if (choices.settings_.is_recording) recorded_ = &choices.recorded_[name_];
    }

    std::uint64_t bits() override {
        return note(replayed() ? (*replayed_)[next_] : drawn_ ? drawn_->bits() : 0);
    }

    std::uint64_t below(std::uint64_t n) override {
        MATRIX_ASSERT(n > 0);
        return note(replayed() ? std::min((*replayed_)[next_], n - 1)
                    : drawn_   ? drawn_->below(n)
                               : 0);
    }

private:
    bool replayed() const { return replayed_ != nullptr && next_ < replayed_->size(); }

    std::uint64_t note(std::uint64_t decision) {
        ++next_;
        choices_.trace_.draw(name_, decision);
        if (recorded_ != nullptr) recorded_->push_back(decision);
        return decision;
    }

    Choices& choices_;
    std::string name_;
    std::optional<SimulatedRandom> drawn_;
    const std::vector<std::uint64_t>* replayed_ = nullptr;
    std::vector<std::uint64_t>* recorded_ = nullptr;
    std::size_t next_ = 0;
};

Choices::Choices(Settings settings, Trace& trace) : settings_(std::move(settings)), trace_(trace) {}

Choices::~Choices() = default;

runtime::Random& Choices::stream(std::string_view name) {
    const auto known = streams_.find(name);
    if (known != streams_.end()) return *known->second;
    auto made = std::make_unique<Stream>(*this, std::string(name));
    return *streams_.emplace(std::string(name), std::move(made)).first->second;
}

}  // namespace matrix::simulator
