// The events that a resolution of some states asks for, put into the table before it, bit by bit.
//
// Private to state_resolution*.cpp.
#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <optional>
#include <span>
#include <vector>

#include "refserver/protocol/auth_index.h"
#include "refserver/protocol/state_walk.h"

namespace matrix::resolution {

/// Which entries of the first state count: all, or those alone that another state disputes.
enum class LookUpScope { Whole, Disputed };

class LookUp {
public:
    /// Of what `indexed` holds all events are in the table. `index` must outlive this.
    LookUp(AuthIndex& index,
           std::span<const State> states,
           const State& indexed,
           LookUpScope scope);
    LookUp(const LookUp&) = delete;
    LookUp& operator=(const LookUp&) = delete;

    /// Goes on for about `steps` times what one event costs; true if nothing is left.
    bool go_on(std::size_t steps);
    /// The state all of whose events are in the table at the end, if there is one.
    State indexed() const { return scope_ == LookUpScope::Whole ? states_.front() : State(); }
    bool is_of(std::span<const State> states) const;
    /// Has the table forgotten everything meanwhile?
    bool is_void() const { return epoch_ != index_.epoch(); }

private:
    bool take_next();

    AuthIndex& index_;
    const std::uint64_t epoch_;
    const LookUpScope scope_;
    const std::vector<State> states_;
    std::deque<StateWalk> walks_;   ///< What is left of them.
    std::optional<EventId> begun_;  ///< Not in the table yet with all that it cites.
    std::size_t entries_ = 0;       ///< Passed so far.
};

}  // namespace matrix::resolution
