#include "simulator/traced_random.h"

namespace matrix::simulator {

class TracedRandomSource::Stream final : public runtime::Random {
public:
    Stream(TracedRandomSource& source, runtime::Random& drawn, std::string name)
        : source_(source), drawn_(drawn), name_(std::move(name)) {}

    std::uint64_t bits() override {
        std::uint64_t draw = drawn_.bits();
        if (source_.has_pointer_draw_) draw ^= reinterpret_cast<std::uintptr_t>(this);
        source_.trace_.draw(name_, draw);
        return draw;
    }

private:
    TracedRandomSource& source_;
    runtime::Random& drawn_;
    std::string name_;
};

TracedRandomSource::TracedRandomSource(std::uint64_t seed, std::string owner, Trace& trace)
    : source_(seed), owner_(std::move(owner)), trace_(trace) {}

TracedRandomSource::~TracedRandomSource() = default;

runtime::Random& TracedRandomSource::stream(std::string_view name) {
    const auto known = streams_.find(name);
    if (known != streams_.end()) return *known->second;
    auto made =
        std::make_unique<Stream>(*this, source_.stream(name), owner_ + "/" + std::string(name));
    return *streams_.emplace(std::string(name), std::move(made)).first->second;
}

}  // namespace matrix::simulator
