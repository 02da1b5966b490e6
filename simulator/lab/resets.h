// State resets: when a resolution takes a room back to an older state that nobody argued for.
//
// A resolution has inputs S1 to Sn and a result R. For a key,
//
// - the *newest value* v is an event that some input has, while every other input has v too, or an
//   event before it in the room's graph (a strict ancestor by prev_events), or nothing. If there is
//   none, the inputs argue about the key, and whatever the result has is no reset;
// - the key is *taken back* if R does not have v, but an event before v, or nothing;
// - it is taken back *with reason* if something that R holds and v did not know forbids v: v is
//   refused by the authorization rules in the state before v, where each entry that R has in its
//   place by an event concurrent with v (neither before nor after it) counts instead. Else it is a
//   *reset*: what came after v on its own branch is no reason, for it built on v.
//
// See MSC4297, problems A and B.
#pragma once

#include <iosfwd>
#include <map>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "refserver/protocol/auth_rules.h"
#include "refserver/protocol/state.h"

namespace matrix::lab {

enum class KeyClass { Membership, PowerLevels, JoinRules, Other };
inline constexpr std::size_t kKeyClasses = 4;
KeyClass class_of(const StateKey& key);
std::string_view name_of(KeyClass key_class);

/// The events of a room, and which come before which. Costs the square of their number in bits.
class History {
public:
    /// An event behind all that it follows on; parents that are not here do not count. `before` is
    /// the state before it.
    void add(EventPtr event, State before);

    std::size_t size() const { return nodes_.size(); }
    bool has(const EventId& id) const { return indices_.contains(id); }
    const EventPtr& event(const EventId& id) const { return node(id).event; }
    const State& before(const EventId& id) const { return node(id).before; }
    /// Null while there is none.
    EventPtr create() const;
    /// Its place in the order in which events were added.
    std::size_t index_of(const EventId& id) const { return indices_.at(id); }

    /// Is the first a strict ancestor of the second by prev_events?
    bool is_before(const EventId& first, const EventId& second) const;
    bool are_concurrent(const EventId& a, const EventId& b) const {
        return a != b && !is_before(a, b) && !is_before(b, a);
    }

private:
    struct Node {
        EventPtr event;
        State before;
        std::vector<bool> ancestors;  ///< By index; what is behind its end is none.
    };
    const Node& node(const EventId& id) const { return nodes_[indices_.at(id)]; }

    std::vector<Node> nodes_;
    std::map<EventId, std::size_t> indices_;
};

/// A key that a resolution took back.
struct TakenBack {
    StateKey key;
    EventId newest;
    std::optional<EventId> value;  ///< In the result; nothing if it has none.
    bool is_reset = false;         ///< Else there was a reason.
    friend bool operator==(const TakenBack&, const TakenBack&) = default;
};
std::ostream& operator<<(std::ostream& out, const TakenBack& taken);

/// In the order of keys. A key with an event that `history` lacks is left out.
std::vector<TakenBack> find_taken_back(const History& history,
                                       std::span<const State> inputs,
                                       const State& result);

}  // namespace matrix::lab
