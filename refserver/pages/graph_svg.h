// A graph of events as SVG, for the pages that have one.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace matrix::pages {

/// A node; others are named by their index.
struct GraphNode {
    std::string css_class;  ///< Beside `node`; of ours, not a stranger's text.
    std::string first;      ///< Two lines, which are cut to fit.
    std::string second;
    std::string tooltip;
    std::vector<std::size_t> prev_events;
    std::vector<std::size_t> auth_events;
};

/// The older above. Node `i` is `<g id="ni">`, a link to `#event-i`; an edge is a path of class
/// `prev` or `auth` whose `data-child` is the later event.
std::string graph_svg(const std::vector<GraphNode>& nodes);

/// For the style of a page: nodes, edges, and `.show-auth` around the graph, which shows all edges.
std::string_view graph_style();

}  // namespace matrix::pages
