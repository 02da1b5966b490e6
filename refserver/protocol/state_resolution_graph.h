// The events that one resolution looks at, as a graph over their auth events.
//
// Private to state_resolution*.cpp. Events get dense indices when they are first met, so that the
// algorithms work on numbers; each is looked up once.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "refserver/base/index_map.h"
#include "refserver/protocol/state_resolution.h"

namespace matrix::resolution {

/// An event of one graph.
using Index = std::uint32_t;

/// A growing set of indices.
class IndexSet {
public:
    bool contains(Index index) const { return index < members_.size() && members_[index]; }
    /// False if it was there.
    bool insert(Index index) {
        if (index >= members_.size()) members_.resize(index + 1);
        if (members_[index]) return false;
        members_[index] = true;
        return true;
    }
    /// False if it was not there.
    bool erase(Index index) {
        if (!contains(index)) return false;
        members_[index] = false;
        return true;
    }

private:
    std::vector<bool> members_;
};

class AuthGraph {
public:
    explicit AuthGraph(const FindEvent& find_event) : find_event_(find_event) {}

    /// Nothing if the event is unknown.
    std::optional<Index> find(const EventId& id);
    const Event& event(Index index) const { return *nodes_[index].event; }
    const EventPtr& event_ptr(Index index) const { return nodes_[index].event; }
    bool is_rejected(Index index) const { return nodes_[index].is_rejected; }

    /// The known auth events of an event, each once.
    std::span<const Index> parents(Index index);
    /// The auth event with this key; rejected ones too.
    std::optional<Index> find_parent(Index index,
                                     std::string_view type,
                                     std::string_view state_key);
    /// The create event of an event's room: cited, or from v12 on named by the room id.
    std::optional<Index> find_create(Index index);

    /// The auth chains of `starts`: every event that can be reached from one of them, in no
    /// particular order. A start is among them only if another one reaches it.
    std::vector<Index> list_ancestors(std::span<const Index> starts);

    /// How many events have been looked up; indices are smaller.
    std::size_t size() const { return nodes_.size(); }

private:
    struct Node {
        EventPtr event;
        bool is_rejected = false;
        bool has_parents = false;  ///< Have `parents` been looked up?
        std::vector<Index> parents;
    };

    const FindEvent& find_event_;
    std::deque<Node> nodes_;
    IndexMap<std::optional<Index>> indices_;
};

}  // namespace matrix::resolution
