// The graph of auth events, looked up as far as somebody walks.

#include "refserver/protocol/state_resolution_graph.h"

#include <algorithm>

namespace matrix::resolution {

std::optional<Index> AuthGraph::find(const EventId& id) {
    const auto [index, is_new] = indices_.emplace(id.view());
    if (!is_new) return index;
    auth::CitedEvent found = find_event_(id);
    if (!found.event) return std::nullopt;
    index = static_cast<Index>(nodes_.size());
    nodes_.push_back({.event = std::move(found.event), .is_rejected = found.is_rejected});
    return index;
}

std::span<const Index> AuthGraph::parents(Index index) {
    Node& node = nodes_[index];  // Stays where it is while others are added.
    if (!node.has_parents) {
        node.has_parents = true;
        for (const EventId& id : node.event->auth_events) {
            const std::optional<Index> parent = find(id);
            if (parent && std::ranges::find(node.parents, *parent) == node.parents.end()) {
                node.parents.push_back(*parent);
            }
        }
    }
    return node.parents;
}

std::optional<Index> AuthGraph::find_parent(Index index,
                                            std::string_view type,
                                            std::string_view state_key) {
    for (const Index parent : parents(index)) {
        if (event(parent).is(type, state_key)) return parent;
    }
    return std::nullopt;
}

std::optional<Index> AuthGraph::find_create(Index index) {
    const Event& child = event(index);
    if (child.rules->event_format != EventFormat::HashedRoomId) {
        return find_parent(index, "m.room.create", "");
    }
    if (child.room_id.empty()) return std::nullopt;
    const std::optional<Index> create = find(EventId("$" + child.room_id.text().substr(1)));
    if (!create || is_rejected(*create)) return std::nullopt;
    return create;
}

std::vector<Index> AuthGraph::list_ancestors(std::span<const Index> starts) {
    IndexSet seen;
    std::vector<Index> ancestors;
    const auto add_parents = [&](Index index) {
        for (const Index parent : parents(index)) {
            if (seen.insert(parent)) ancestors.push_back(parent);
        }
    };
    for (const Index start : starts)
        add_parents(start);
    for (std::size_t next = 0; next < ancestors.size(); ++next)
        add_parents(ancestors[next]);
    return ancestors;
}

}  // namespace matrix::resolution
