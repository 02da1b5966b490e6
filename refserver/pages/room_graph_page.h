// The events of one room as an HTML page: the graph, and each event with its checks and state.
//
// The page knows nothing of servers: whoever has events can show them, one server's or several's.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace matrix::pages {

/// What became of an event; its colour.
enum class GraphStatus {
    Accepted,
    SoftFailed,
    Rejected,
    Outlier,  ///< Known without its place in the graph.
    Unseen,   ///< Named by others, and not known, or not on this page.
};

/// A check on receipt, and the events that it looked at.
struct GraphCheck {
    std::string name;
    bool is_allowed = true;
    std::string rule;
    std::string detail;
    std::vector<std::string> inputs;  ///< A line for each.
};

/// An event; others are named by their index in `RoomGraph::events`.
struct RoomGraphEvent {
    std::string id;
    std::string label;  ///< Type and state key.
    std::string sender;
    GraphStatus status = GraphStatus::Unseen;
    bool is_extremity = false;
    std::vector<std::size_t> prev_events;
    std::vector<std::size_t> auth_events;
    std::vector<std::pair<std::string, std::string>> facts;  ///< Name and value, as text.
    std::vector<GraphCheck> checks;
    std::optional<std::size_t> state_before;  ///< In `RoomGraph::states`.
    std::string text;                         ///< Its JSON.
};

struct GraphStateEntry {
    std::string key;  ///< Type and state key.
    std::string event_id;
    std::optional<std::size_t> event;  ///< If it is on the page.
};

struct RoomGraph {
    std::string title;
    std::vector<std::pair<std::string, std::string>> facts;
    std::vector<RoomGraphEvent> events;                ///< The older first, where that can be said.
    std::vector<std::vector<GraphStateEntry>> states;  ///< Each once: many events have the same.
};

std::string room_graph_page(const RoomGraph& graph);

}  // namespace matrix::pages
