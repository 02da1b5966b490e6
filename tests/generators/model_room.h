// The room that commands are interpreted against: who is in it, what its state is, what it allows.
//
// Private to tests/generators.
#pragma once

#include <optional>
#include <set>
#include <span>

#include "tests/generators/drafts.h"
#include "tests/generators/event_maker.h"
#include "tests/generators/room.h"

namespace matrix::generators {

/// What is wrong with an event, or with how it was received.
enum class Deviation {
    None,
    KeptIfRefused,      ///< If the rules refuse it, it stays in the room as a rejected event.
    AcceptedIfRefused,  ///< A server with a fault accepted it.
    Rejected,           ///< Whatever the rules say.
    SoftFailed,
    CitesRejected,  ///< One cited event is replaced by a rejected one of the same key; accepted.
    CitesOlder,     ///< One cited event is replaced by an older one of the same key.
    CitesLess,      ///< One cited event is left out.
    CitesMore,      ///< An event that is not selected is cited; accepted.
    CitesTwice,     ///< Two events of one key are cited; accepted.
};

/// An event that somebody tries to send, and where.
struct Draft {
    EventTemplate event;
    std::vector<std::size_t> parents;  ///< Indices of `Room::events`.
    State before;                      ///< As the sender's server sees it.
    Deviation deviation = Deviation::None;
    Selector details = {};  ///< Of the deviation.
};

/// A concurrent branch: where its next event follows on, and the state there.
struct Branch {
    std::vector<std::size_t> parents;
    State state;
};

class ModelRoom {
public:
    /// Draws how this room is (its beginning is `make_beginning`).
    ModelRoom(Choices& choices, const RoomRules& rules, const RoomLimits& limits);

    const RoomRules& rules() const { return room_.rules(); }
    const RoomLimits& limits() const { return limits_; }
    const Room& room() const { return room_; }
    Room& room() { return room_; }
    std::span<const UserId> users() const { return users_; }
    const UserId& user(std::uint64_t number) const { return users_[number % users_.size()]; }

    /// Create event, the creator's join and, in most rooms, power levels and join rules.
    void make_beginning(Choices& choices);

    /// Adds the event if its room allows it, or as `deviation` says; nothing if it was not added.
    std::optional<std::size_t> send(Draft draft, Selector clock);
    /// The same at the end of a branch, which then ends with the new event.
    std::optional<std::size_t> send(Branch& branch, EventTemplate event, Selector clock);

    /// Resolves the states after some events.
    State state_after(std::span<const std::size_t> parents) const;
    /// The newest events, on which nothing follows.
    Branch newest() const;
    const std::set<std::size_t>& extremities() const { return extremities_; }

    /// The content of the power levels of a state; that of a first power levels event if there are
    /// none.
    json::Object levels_in(const State& state) const;
    std::int64_t level_in(const State& state, const UserId& user) const;
    std::optional<Membership> membership_in(const State& state, const UserId& user) const;
    /// The time of the next event, and how a race pattern sets it.
    std::int64_t clock() const { return clock_; }
    void set_clock(std::int64_t time) { clock_ = time; }

private:
    const EventPtr& create() const { return room_.events().front().event; }
    void send_create(EventTemplate create);
    std::int64_t choose_time(Selector& clock);
    std::int64_t choose_depth(const Draft& draft, Selector& clock) const;
    void cite(Draft& draft) const;
    void deviate(Draft& draft) const;
    bool is_allowed(const Event& event, const State& before) const;
    std::size_t add(EventPtr event, const Draft& draft, bool is_rejected);

    const RoomLimits limits_;
    const EventMaker maker_;
    Room room_;
    RoomId room_id_;
    std::vector<UserId> users_;
    std::set<std::size_t> extremities_;
    std::int64_t clock_ = 1'700'000'000'000;
    bool has_wild_depths_ = false;
};

}  // namespace matrix::generators
