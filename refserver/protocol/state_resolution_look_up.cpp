#include "refserver/protocol/state_resolution_look_up.h"

#include <algorithm>
#include <utility>

#include "refserver/protocol/state_resolver.h"

namespace matrix {
namespace {

/// Of so many events, memory to be made for a resolution is a turn's work by itself.
constexpr std::size_t kEventsOfLargeRoom = 16'384;
constexpr std::size_t kEventsToCome = 4'096;  // Before the next look-up.

}  // namespace

namespace resolution {
namespace {

/// Entries whose events are in the table already, for the price of one that is looked up.
constexpr std::size_t kEntriesPerStep = 16;

}  // namespace

LookUp::LookUp(AuthIndex& index,
               std::span<const State> states,
               const State& indexed,
               LookUpScope scope)
    : index_(index), epoch_(index.epoch()), scope_(scope), states_(states.begin(), states.end()) {
    if (scope_ == LookUpScope::Whole) walks_.emplace_back(states_[0], indexed);
    for (const State& state : std::span(states_).subspan(1)) {
        walks_.emplace_back(state, states_[0]);
        if (scope_ == LookUpScope::Disputed) walks_.emplace_back(states_[0], state);
    }
}

bool LookUp::take_next() {
    for (; !walks_.empty(); walks_.pop_front()) {
        if (const auto item = walks_.front().next()) {
            begun_ = item->event_id;
            return true;
        }
    }
    return false;
}

bool LookUp::go_on(std::size_t steps) {
    while (begun_ || take_next()) {
        if (steps == 0 || !index_.require_some(*begun_, steps)) return false;
        begun_.reset();
        if (++entries_ % kEntriesPerStep == 0 && steps > 0) --steps;
    }
    return true;
}

bool LookUp::is_of(std::span<const State> states) const {
    return std::ranges::equal(
        states_, states, [](const State& a, const State& b) { return a.tree() == b.tree(); });
}

}  // namespace resolution

bool Resolver::look_up(std::span<const State> states, std::size_t steps_max) {
    using resolution::LookUp;
    using resolution::LookUpScope;
    if (states.size() < 2) return true;
    const bool has_chains = rules_.state_resolution != StateResolution::V1 &&
                            rules_.resolution_steps.auth_difference != AuthDifference::None;
    const auto begin = [&] {
        look_up_ =
            std::make_unique<LookUp>(index_,
                                     states,
                                     conflict_.indexed(),
                                     has_chains ? LookUpScope::Whole : LookUpScope::Disputed);
    };
    if (!look_up_ || look_up_->is_void()) begin();
    if (!look_up_->go_on(steps_max)) return false;
    const std::size_t events = index_.size() + kEventsToCome;
    const bool is_large = index_.size() > kEventsOfLargeRoom;
    if (is_large && (conflict_.make_room(events) || power_order_.make_room(events) ||
                     mainline_order_.make_room(events))) {
        return false;
    }
    if (has_chains) conflict_.set_indexed(look_up_->indexed());
    if (std::exchange(look_up_, nullptr)->is_of(states)) return true;
    begin();
    return false;
}

}  // namespace matrix
