#include "refserver/pages/resolution_page.h"

#include <algorithm>
#include <string_view>

#include "refserver/base/assert.h"
#include "refserver/pages/graph_layout.h"
#include "refserver/pages/html.h"

namespace matrix::pages {
namespace {

constexpr std::string_view kResolutionStyle = R"(
main { max-width: 1560px; }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: 2px 14px; margin: 10px 0 14px; }
dl.facts dt { color: var(--quiet); } dl.facts dd { margin: 0; overflow-wrap: anywhere; }
.bar { position: sticky; top: 0; background: var(--ground); padding: 10px 0; z-index: 2; display: flex;
  flex-wrap: wrap; gap: 8px; align-items: center; border-bottom: 1px solid var(--line); }
.bar button { padding: 5px 13px; border: 1px solid var(--line); border-radius: 6px; cursor: pointer;
  background: var(--panel); color: var(--text); font: inherit; }
.bar button:disabled { color: var(--quiet); cursor: default; }
.bar button[aria-pressed=true] { border-color: var(--accent); color: var(--accent); }
.bar .count { min-width: 7em; color: var(--quiet); }
.columns { display: grid; grid-template-columns: minmax(0, 1fr) minmax(320px, 460px); gap: 18px; margin-top: 12px; }
.graph { border: 1px solid var(--line); border-radius: 6px; background: var(--panel); overflow: auto; height: 78vh; }
.graph svg { display: block; margin: 0 auto; }
.node rect { fill: var(--panel); stroke: var(--line); stroke-width: 1.2; rx: 6; }
.node text { fill: var(--text); font: 11.5px ui-monospace, "DejaVu Sans Mono", Menlo, monospace; }
.node text.second { fill: var(--quiet); font-size: 10.5px; }
.node.conflicted rect { stroke: var(--accent); stroke-width: 2; }
.node.rejected text { text-decoration: line-through; }
.node.allowed rect { stroke: var(--good); stroke-width: 2.4; }
.node.refused rect { stroke: var(--bad); stroke-width: 2.4; stroke-dasharray: 5 3; }
.node.marked rect { fill: var(--code); }
.node.judge rect { fill: color-mix(in srgb, var(--skip) 26%, var(--panel)); }
.node.focus rect { fill: color-mix(in srgb, var(--accent) 32%, var(--panel)); stroke-width: 3.2; }
.stepping .node:not(.marked):not(.judge):not(.focus):not(.allowed):not(.refused) { opacity: .42; }
.edge { fill: none; stroke: var(--quiet); stroke-width: 1.1; opacity: .75; }
.edge.auth { stroke: var(--skip); stroke-dasharray: 3 3; display: none; }
.show-auth .edge.auth { display: inline; opacity: .6; }
.edge.auth.lit { display: inline; opacity: 1; stroke-width: 1.9; stroke: var(--accent); }
ol.steps { position: relative; list-style: none; margin: 0; padding: 0; height: 78vh; overflow: auto; border: 1px solid var(--line);
  border-radius: 6px; background: var(--panel); }
ol.steps > li { padding: 7px 12px; border-left: 4px solid transparent; border-bottom: 1px solid var(--line); cursor: pointer; }
ol.steps > li[aria-current=step] { border-left-color: var(--accent); background: var(--code); }
ol.steps .phase { color: var(--quiet); font-size: 12.5px; } ol.steps .title { font-weight: 600; overflow-wrap: anywhere; }
ol.steps p { margin: 2px 0; overflow-wrap: anywhere; font-size: 14px; }
.verdict { font-weight: 600; font-size: 12.5px; } .verdict.allowed { color: var(--good); } .verdict.refused { color: var(--bad); }
details.event { border: 1px solid var(--line); border-radius: 5px; background: var(--panel); margin: 5px 0; padding: 4px 10px; }
details.event:target { border-color: var(--accent); } details.event summary { cursor: pointer; overflow-wrap: anywhere; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 16px; font-size: 13px; color: var(--quiet); margin: 8px 0; }
@media (max-width: 900px) { .columns { grid-template-columns: 1fr; } .graph, ol.steps { height: 55vh; } }
)";

// Without scripts the page shows the graph and all steps.
constexpr std::string_view kResolutionScript = R"(
(function () {
  var steps = Array.from(document.querySelectorAll('ol.steps > li'));
  var list = document.querySelector('ol.steps');
  var graph = document.getElementById('graph');
  var count = document.getElementById('count');
  var current = -1;
  function numbers(text) { return text ? text.split(' ') : []; }
  function node(index) { return document.getElementById('n' + index); }
  function add(name, index) { var found = node(index); if (found) found.classList.add(name); }
  function show(next) {
    current = Math.max(0, Math.min(steps.length - 1, next));
    graph.classList.add('stepping');
    ['marked', 'judge', 'focus', 'allowed', 'refused'].forEach(function (name) {
      graph.querySelectorAll('.node.' + name).forEach(function (one) { one.classList.remove(name); });
    });
    graph.querySelectorAll('.edge.lit').forEach(function (one) { one.classList.remove('lit'); });
    steps.forEach(function (step, index) {
      if (index === current) step.setAttribute('aria-current', 'step');
      else step.removeAttribute('aria-current');
      if (index <= current && step.dataset.verdict) add(step.dataset.verdict, step.dataset.event);
    });
    var step = steps[current];
    numbers(step.dataset.marked).forEach(function (index) { add('marked', index); });
    numbers(step.dataset.judges).forEach(function (index) { add('judge', index); });
    if (step.dataset.event) {
      add('focus', step.dataset.event);
      graph.querySelectorAll('.edge.auth[data-child="' + step.dataset.event + '"]').forEach(
        function (one) { one.classList.add('lit'); });
    }
    var shown = step.dataset.event || numbers(step.dataset.marked)[0];
    if (shown && node(shown)) {
      var place = node(shown).getBoundingClientRect(), frame = graph.getBoundingClientRect();
      graph.scrollTop += place.top - frame.top - frame.height / 2;
      graph.scrollLeft += place.left - frame.left - frame.width / 2;
    }
    // The list alone scrolls: the page stays where its reader is.
    if (step.offsetTop < list.scrollTop) list.scrollTop = step.offsetTop;
    var end = step.offsetTop + step.offsetHeight - list.clientHeight;
    if (list.scrollTop < end) list.scrollTop = end;
    count.textContent = 'step ' + (current + 1) + ' of ' + steps.length;
    document.getElementById('first').disabled = document.getElementById('back').disabled = current === 0;
    document.getElementById('next').disabled = document.getElementById('last').disabled =
      current === steps.length - 1;
    history.replaceState(null, '', '#step-' + (current + 1));
  }
  function on(id, act) { document.getElementById(id).addEventListener('click', act); }
  on('first', function () { show(0); });
  on('back', function () { show(current - 1); });
  on('next', function () { show(current + 1); });
  on('last', function () { show(steps.length - 1); });
  on('auth', function () {
    var shows = graph.classList.toggle('show-auth');
    document.getElementById('auth').setAttribute('aria-pressed', shows ? 'true' : 'false');
  });
  steps.forEach(function (step, index) { step.addEventListener('click', function () { show(index); }); });
  graph.querySelectorAll('.node a').forEach(function (link) {
    link.addEventListener('click', function () {
      document.getElementById(link.getAttribute('href').slice(1)).open = true;
    });
  });
  document.addEventListener('keydown', function (event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    var moves = {ArrowRight: current + 1, ArrowLeft: current - 1, Home: 0, End: steps.length - 1};
    if (!(event.key in moves)) return;
    event.preventDefault();
    show(moves[event.key]);
  });
  var linked = /^#step-(\d+)$/.exec(location.hash);
  if (steps.length) show(linked ? Number(linked[1]) - 1 : 0);
})();
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

std::string attribute(std::string_view name, std::string_view value) {
    return " " + std::string(name) + "=\"" + escape_html(value) + "\"";
}

std::string numbers(const std::vector<std::size_t>& indices) {
    std::string text;
    for (const std::size_t index : indices)
        text += (text.empty() ? "" : " ") + std::to_string(index);
    return text;
}

std::string text_element(std::string_view name, std::string_view css_class, std::string_view text) {
    return "<" + std::string(name) + attribute("class", css_class) + ">" + escape_html(text) +
           "</" + std::string(name) + ">";
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

std::string node_svg(const GraphEvent& event, std::size_t index, const GridPlace& place) {
    const Point at = top_left(place);
    std::string css_class = "node";
    if (event.is_conflicted) css_class += " conflicted";
    if (event.is_rejected) css_class += " rejected";
    const std::string number = std::to_string(index);
    const auto text = [&](std::size_t line, std::string_view line_class, std::string_view words) {
        return "<text" + attribute("class", line_class) + " x=\"" + std::to_string(at.x + 8) +
               "\" y=\"" + std::to_string(at.y + 3 + 14 * line) + "\">" +
               escape_html(shorten(words)) + "</text>";
    };
    return "<g id=\"n" + number + "\"" + attribute("class", css_class) + "><a href=\"#event-" +
           number + "\"><title>" +
           escape_html(event.id + "\n" + event.label + "\n" + event.sender) + "</title><rect x=\"" +
           std::to_string(at.x) + "\" y=\"" + std::to_string(at.y) + "\" width=\"" +
           std::to_string(kNodeWidth) + "\" height=\"" + std::to_string(kNodeHeight) + "\"/>" +
           text(1, "first", event.label) + text(2, "second", event.id) + "</a></g>\n";
}

// Where events say what they follow on, that makes the rows; else what they cite does.
std::vector<std::vector<std::size_t>> parents_of(const std::vector<GraphEvent>& events) {
    std::vector<std::vector<std::size_t>> parents;
    for (const GraphEvent& event : events) {
        std::vector<std::size_t> above =
            event.prev_events.empty() ? event.auth_events : event.prev_events;
        std::ranges::sort(above);
        above.erase(std::ranges::unique(above).begin(), above.end());
        parents.push_back(std::move(above));
    }
    return parents;
}

std::string graph_svg(const std::vector<GraphEvent>& events) {
    const std::vector<GridPlace> places = place_graph(parents_of(events));
    std::size_t rows = 0;
    for (const GridPlace& place : places)
        rows = std::max(rows, place.row + 1);
    std::string svg =
        "<svg xmlns=\"http://www.w3.org/2000/svg\" role=\"img\" aria-label=\"Event "
        "graph\" width=\"" +
        std::to_string(kMargin + kColumnsMax * kColumnWidth + kSideMargin) + "\" height=\"" +
        std::to_string(2 * kMargin + rows * kRowHeight) + "\">\n";
    for (std::size_t index = 0; index < events.size(); ++index) {
        for (const std::size_t parent : events[index].prev_events)
            svg += prev_edge_svg(places[parent], places[index], index);
        for (const std::size_t parent : events[index].auth_events)
            svg += auth_edge_svg(places[parent], places[index], index);
    }
    for (std::size_t index = 0; index < events.size(); ++index)
        svg += node_svg(events[index], index, places[index]);
    return svg + "</svg>\n";
}

std::string_view name_of(ResolutionStep::Verdict verdict) {
    switch (verdict) {
        case ResolutionStep::Verdict::None:
            return "";
        case ResolutionStep::Verdict::Allowed:
            return "allowed";
        case ResolutionStep::Verdict::Refused:
            return "refused";
    }
    unreachable();
}

std::string step_html(const ResolutionStep& step) {
    std::string html = "<li";
    if (step.verdict != ResolutionStep::Verdict::None) {
        html += attribute("data-verdict", name_of(step.verdict));
    }
    if (step.event) html += attribute("data-event", std::to_string(*step.event));
    if (!step.judged_by.empty()) html += attribute("data-judges", numbers(step.judged_by));
    if (!step.marked.empty()) html += attribute("data-marked", numbers(step.marked));
    html +=
        ">" + text_element("div", "phase", step.phase) + text_element("div", "title", step.title);
    if (step.verdict != ResolutionStep::Verdict::None) {
        html += text_element(
            "span", "verdict " + std::string(name_of(step.verdict)), name_of(step.verdict));
    }
    for (const std::string& line : step.lines)
        html += "<p>" + escape_html(line) + "</p>";
    return html + "</li>\n";
}

std::string event_html(const GraphEvent& event, std::size_t index) {
    return "<details class=\"event\" id=\"event-" + std::to_string(index) + "\"><summary><code>" +
           escape_html(event.id) + "</code> " + escape_html(event.label) +
           " <span class=\"quiet\">by " + escape_html(event.sender) + " at " +
           std::to_string(event.origin_server_ts) + "</span></summary><pre>" +
           escape_html(event.text) + "</pre></details>\n";
}

constexpr std::string_view kBar = R"(<div class="bar">
<button type="button" id="first" title="Home">first</button>
<button type="button" id="back" title="left arrow">&#x25C0;&#xFE0E; back</button>
<button type="button" id="next" title="right arrow">next &#x25B6;&#xFE0E;</button>
<button type="button" id="last" title="End">last</button>
<span class="count" id="count"></span>
<button type="button" id="auth" aria-pressed="false">all auth edges</button>
</div>
<div class="legend"><span>solid edges: prev_events; dashed: auth_events (of the event that is checked)</span>
<span>gold border: in the full conflicted set</span><span>green: allowed</span><span>red, dashed: refused</span>
<span>blue: the state that the event is judged by</span><span>struck out: rejected on receipt</span></div>
)";

}  // namespace

std::string resolution_page(const ResolutionReport& report) {
    std::string body = "<h1>" + escape_html(report.title) + "</h1>\n<dl class=\"facts\">\n";
    for (const auto& [name, value] : report.facts)
        body += "<dt>" + escape_html(name) + "</dt><dd>" + escape_html(value) + "</dd>\n";
    body += "</dl>\n";
    body += kBar;
    body += "<div class=\"columns\">\n<div class=\"graph\" id=\"graph\">\n" +
            graph_svg(report.events) + "</div>\n<ol class=\"steps\">\n";
    for (const ResolutionStep& step : report.steps)
        body += step_html(step);
    body += "</ol>\n</div>\n<h2>Events</h2>\n";
    for (std::size_t index = 0; index < report.events.size(); ++index)
        body += event_html(report.events[index], index);
    return page(report.title, body, kResolutionStyle, kResolutionScript);
}

}  // namespace matrix::pages
