// Race patterns: what real rooms fight about, as macro commands.
//
// A pattern sends events on concurrent branches of the room as it then is, and remembers the states
// that a server which lived through it may have to resolve. Random commands alone seldom hit the
// rare ones: on some of them only one known deviation of an implementation shows.
//
// Private to tests/generators.
#pragma once

#include <span>
#include <string_view>

#include "tests/generators/model_room.h"

namespace matrix::generators {

/// One pattern as it is played.
class Race {
public:
    Race(ModelRoom& room, const Command& command);
    ~Race();
    Race(const Race&) = delete;
    Race& operator=(const Race&) = delete;

    ModelRoom& room() { return room_; }
    /// Where the branches begin.
    const Branch& base() const { return base_; }
    /// Sends on the common part; branches that are copied from `base` later follow on it.
    std::optional<std::size_t> prepare(EventTemplate event) {
        return send(base_, std::move(event));
    }
    /// Sends at the end of `branch`, with a time a little later than the last one.
    std::optional<std::size_t> send(Branch& branch, EventTemplate event);
    /// The same with a time of its own: milliseconds since the beginning of the pattern.
    std::optional<std::size_t> send_at(std::int64_t time, Branch& branch, EventTemplate event);
    /// Remembers states that may have to be resolved.
    void dispute(std::vector<State> states) { room_.room().add_race_states(std::move(states)); }

    /// The members by their power, the strongest first; who is no member comes last.
    const UserId& member(std::size_t rank) const { return by_rank_[rank % by_rank_.size()]; }
    const UserId& strongest() const { return member(0); }
    /// Anybody but the strongest.
    const UserId& other() const { return other_; }
    Selector& params() { return params_; }
    std::uint64_t sent() const { return sent_; }

    /// A power levels event that sets some users' levels in the state of `branch`.
    EventTemplate promote(const Branch& branch,
                          const UserId& sender,
                          const UserId& user,
                          std::int64_t level) const;
    EventTemplate rejoin(const UserId& user);
    /// The event of a state, to put it into another one.
    State with_entry_of(const State& state, std::string_view type, const State& from) const;

private:
    ModelRoom& room_;
    Branch base_;
    std::vector<UserId> by_rank_;
    UserId other_;
    Selector params_;
    std::int64_t start_;
    std::int64_t latest_;
    std::uint64_t sent_ = 0;
};

struct RacePattern {
    std::string_view name;
    void (*play)(Race& race);
};
/// Concurrent memberships, power levels, join rules, invites and creations.
std::span<const RacePattern> common_race_patterns();
/// The shapes on which known deviations of resolution algorithms show.
std::span<const RacePattern> counter_example_patterns();

/// Plays one of all patterns; how many events it sent.
std::uint64_t play_race(ModelRoom& room, const Command& command);

}  // namespace matrix::generators
