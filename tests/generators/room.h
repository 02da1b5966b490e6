// THE room generator: a room with forks, conflicts, refusals and servers that are wrong about the
// state, from a stream of choices.
//
// The same commands make rooms of three levels of realism. How they are chosen is in command.h,
// what happens at once in race_patterns.h, and which states of a room are resolved in state_sets.h.
#pragma once

#include <map>
#include <memory>
#include <vector>

#include "refserver/protocol/state_resolution.h"
#include "tests/generators/acceptance.h"
#include "tests/generators/choices.h"

namespace matrix::generators {

/// How much of an event is real.
enum class Realism {
    Abstract,  ///< Ids are labels, nothing is hashed: by far the fastest.
    Encoded,   ///< Canonical JSON, content hashes, and ids that are hashes where they should be.
    Signed,    ///< Signed by the servers besides, with the keys of `make_server_signer`.
};

struct RoomEvent {
    EventPtr event;
    bool is_rejected = false;
    bool is_soft_failed = false;  ///< Accepted, but nothing followed on it by itself.
    State before;                 ///< As the sender's server saw it, rightly or not.
    State after;                  ///< The same when the event was rejected.
    /// What it follows on, as indices of `Room::events`.
    std::vector<std::size_t> parents = {};
};

class Room {
public:
    explicit Room(const RoomRules& rules) : rules_(&rules) {}

    const RoomRules& rules() const { return *rules_; }
    /// What an event cites stands before it. The first one creates the room.
    const std::vector<RoomEvent>& events() const { return events_; }
    auth::CitedEvent find(const EventId& id) const;
    /// Valid as long as the room.
    FindEvent finder() const {
        return [this](const EventId& id) { return find(id); };
    }
    /// What servers that lived through a race pattern may have to resolve.
    const std::vector<std::vector<State>>& race_states() const { return race_states_; }
    const Acceptance& acceptance() const { return acceptance_; }

    void add(RoomEvent event);
    void add_race_states(std::vector<State> states) { race_states_.push_back(std::move(states)); }
    Acceptance& acceptance() { return acceptance_; }

private:
    const RoomRules* rules_;
    std::vector<RoomEvent> events_;
    std::map<EventId, std::size_t> indices_;
    std::vector<std::vector<State>> race_states_;
    Acceptance acceptance_;
};

/// What servers say about the time.
enum class Clocks {
    Wrong,  ///< Some events claim the time of another one, or one before it.
    Right,  ///< What is sent later says a later time; but in race patterns.
};

struct RoomLimits {
    std::size_t commands_max = 60;  ///< Attempts to send something.
    std::size_t user_count = 5;     ///< On three servers; few users are in each other's way.
    bool has_wrong_states = true;   ///< Are some servers wrong about the state?
    Realism realism = Realism::Encoded;
    Clocks clocks = Clocks::Wrong;
    /// May there be race patterns (in 30 % of the rooms)?
    bool has_races = true;
    /// Are some events rejected, soft-failed, or wrong in what they cite?
    bool has_deviations = true;
    /// Are there power levels that few rooms have: strings, floats, the ends of the range?
    bool has_odd_levels = true;
    /// Do the labels of half of the rooms have a long prefix in common?
    bool has_long_labels = true;
};

/// Only what a room of honest servers has that always know the state.
inline constexpr RoomLimits kHonestRoom = {.has_wrong_states = false,
                                           .realism = Realism::Abstract,
                                           .has_deviations = false,
                                           .has_odd_levels = false};

/// A room. It ends early when the choices do.
Room make_room(Choices& choices, const RoomRules& rules, const RoomLimits& limits = {});

/// Two to twenty states of `room` that a server may have to resolve: those after random events,
/// after the newest ones, of an event and its descendant, with stale or mixed entries, or those
/// that a race pattern is about.
std::vector<State> choose_states(Choices& choices, const Room& room);
/// The key with which a server of a signed room signs; the same for the same server.
std::unique_ptr<Signer> make_server_signer(const ServerName& server);

}  // namespace matrix::generators
