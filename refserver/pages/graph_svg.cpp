#include "refserver/pages/graph_svg.h"

#include <algorithm>
#include <utility>

#include "refserver/pages/graph_layout.h"
#include "refserver/pages/html.h"

namespace matrix::pages {

namespace {

constexpr std::string_view kGraphStyle = R"(
.graph svg { display: block; margin: 0 auto; }
.node rect { fill: var(--panel); stroke: var(--line); stroke-width: 1.2; rx: 6; }
.node text { fill: var(--text); font: 11.5px ui-monospace, "DejaVu Sans Mono", Menlo, monospace; }
.node text.second { fill: var(--quiet); font-size: 10.5px; }
.edge { fill: none; stroke: var(--quiet); stroke-width: 1.1; opacity: .75; }
.edge.auth { stroke: var(--skip); stroke-dasharray: 3 3; display: none; }
.show-auth .edge.auth { display: inline; opacity: .6; }
.edge.auth.lit { display: inline; opacity: 1; stroke-width: 1.9; stroke: var(--accent); }
)";

constexpr std::size_t kNodeWidth = 176;
constexpr std::size_t kNodeHeight = 40;
constexpr std::size_t kColumnWidth = 196;
constexpr std::size_t kRowHeight = 74;
constexpr std::size_t kMargin = 14;
constexpr std::size_t kSideMargin = 110;  // On the right, where auth edges pass.
constexpr std::size_t kLabelCharacters = 23;

struct Point {
    std::size_t x;
    std::size_t y;
};

Point top_left(const GridPlace& place) {
    return {kMargin + place.half_column * kColumnWidth / 2, kMargin + place.row * kRowHeight};
}

// The beginning of a text, cut between characters.
std::string shorten(std::string_view text) {
    std::size_t characters = 0;
    for (std::size_t at = 0; at < text.size(); ++at) {
        const bool is_start = (static_cast<unsigned char>(text[at]) & 0xc0u) != 0x80u;
        if (is_start && ++characters > kLabelCharacters) {
            return std::string(text.substr(0, at)) + "\xe2\x80\xa6";
        }
    }
    return std::string(text);
}

std::string path_svg(std::string_view css_class, std::size_t child, const std::string& path) {
    return "<path" + attribute("class", css_class) + " data-child=\"" + std::to_string(child) +
           "\" d=\"" + path + "\"/>\n";
}

std::string curve(const Point& from, const Point& bend, const Point& other_bend, const Point& to) {
    const auto text = [](const Point& point) {
        return std::to_string(point.x) + " " + std::to_string(point.y);
    };
    return "M" + text(from) + " C" + text(bend) + " " + text(other_bend) + " " + text(to);
}

// From the bottom of the parent to the top of the child.
std::string prev_edge_svg(const GridPlace& parent, const GridPlace& child, std::size_t index) {
    const Point from{top_left(parent).x + kNodeWidth / 2, top_left(parent).y + kNodeHeight};
    const Point to{top_left(child).x + kNodeWidth / 2, top_left(child).y};
    const std::size_t bend = (kRowHeight - kNodeHeight) / 2;
    return path_svg("edge prev",
                    index,
                    curve(from, {from.x, from.y + bend}, {to.x, to.y - std::min(bend, to.y)}, to));
}

// From side to side, the wider the more rows lie between, so that it passes by the nodes there.
std::string auth_edge_svg(const GridPlace& parent, const GridPlace& child, std::size_t index) {
    const Point from{top_left(parent).x + kNodeWidth, top_left(parent).y + kNodeHeight / 2};
    const Point to{top_left(child).x + kNodeWidth, top_left(child).y + kNodeHeight / 2};
    const std::size_t rows =
        child.row > parent.row ? child.row - parent.row : parent.row - child.row;
    const std::size_t bend = 14 + std::min<std::size_t>(8 * rows, kSideMargin - 30);
    return path_svg(
        "edge auth", index, curve(from, {from.x + bend, from.y}, {to.x + bend, to.y}, to));
}

std::string node_svg(const GraphNode& node, std::size_t index, const GridPlace& place) {
    const Point at = top_left(place);
    const std::string number = std::to_string(index);
    const auto text = [&](std::size_t line, std::string_view line_class, std::string_view words) {
        return "<text" + attribute("class", line_class) + " x=\"" + std::to_string(at.x + 8) +
               "\" y=\"" + std::to_string(at.y + 3 + 14 * line) + "\">" +
               escape_html(shorten(words)) + "</text>";
    };
    const std::string separator = node.css_class.empty() ? "" : " ";
    return "<g id=\"n" + number + "\"" + attribute("class", "node" + separator + node.css_class) +
           "><a href=\"#event-" + number + "\"><title>" + escape_html(node.tooltip) +
           "</title><rect x=\"" + std::to_string(at.x) + "\" y=\"" + std::to_string(at.y) +
           "\" width=\"" + std::to_string(kNodeWidth) + "\" height=\"" +
           std::to_string(kNodeHeight) + "\"/>" + text(1, "first", node.first) +
           text(2, "second", node.second) + "</a></g>\n";
}

// Where events say what they follow on, that makes the rows; else what they cite does.
std::vector<std::vector<std::size_t>> parents_of(const std::vector<GraphNode>& nodes) {
    std::vector<std::vector<std::size_t>> parents;
    for (const GraphNode& node : nodes) {
        std::vector<std::size_t> above =
            node.prev_events.empty() ? node.auth_events : node.prev_events;
        std::ranges::sort(above);
        above.erase(std::ranges::unique(above).begin(), above.end());
        parents.push_back(std::move(above));
    }
    return parents;
}

}  // namespace

std::string_view graph_style() {
    return kGraphStyle;
}

std::string graph_svg(const std::vector<GraphNode>& nodes) {
    const std::vector<GridPlace> places = place_graph(parents_of(nodes));
    std::size_t rows = 0;
    for (const GridPlace& place : places)
        rows = std::max(rows, place.row + 1);
    std::string svg =
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-label=\"Event "
        "graph\" width=\"" +
        std::to_string(kMargin + kColumnsMax * kColumnWidth + kSideMargin) + "\" height=\"" +
        std::to_string(2 * kMargin + rows * kRowHeight) + "\">\n";
    for (std::size_t index = 0; index < nodes.size(); ++index) {
        for (const std::size_t parent : nodes[index].prev_events)
            svg += prev_edge_svg(places[parent], places[index], index);
        for (const std::size_t parent : nodes[index].auth_events)
            svg += auth_edge_svg(places[parent], places[index], index);
    }
    for (std::size_t index = 0; index < nodes.size(); ++index)
        svg += node_svg(nodes[index], index, places[index]);
    return svg + "</svg>\n";
}

}  // namespace matrix::pages
