#include "refserver/pages/room_graph_page.h"

#include <string_view>
#include <utility>

#include "refserver/base/assert.h"
#include "refserver/pages/graph_svg.h"
#include "refserver/pages/html.h"

namespace matrix::pages {
namespace {

constexpr std::string_view kRoomGraphStyle = R"(
main { max-width: 1760px; }
.bar { display: flex; flex-wrap: wrap; gap: 8px 16px; align-items: center; margin: 10px 0; color: var(--quiet); }
.bar button { padding: 5px 13px; border: 1px solid var(--line); border-radius: 6px; cursor: pointer;
  background: var(--panel); color: var(--text); font: inherit; }
.bar button[aria-pressed=true] { border-color: var(--accent); color: var(--accent); }
.columns { display: grid; grid-template-columns: minmax(0, 1fr) minmax(340px, 560px); gap: 18px; }
.graph { border: 1px solid var(--line); border-radius: 6px; background: var(--panel); overflow: auto; height: 80vh; }
.events { height: 80vh; overflow: auto; }
.event, .state { border: 1px solid var(--line); border-radius: 6px; background: var(--panel); padding: 8px 14px; margin: 0 0 10px; }
.scripted .event:not(.shown), .scripted .state:not(.shown) { display: none; }
.event h2, .state h2 { font-size: 15px; margin: 0 0 4px; overflow-wrap: anywhere; }
dl { display: grid; grid-template-columns: max-content 1fr; gap: 2px 14px; margin: 6px 0; }
dt { color: var(--quiet); } dd { margin: 0; overflow-wrap: anywhere; }
.check { margin: 6px 0; border-left: 4px solid var(--good); padding-left: 10px; overflow-wrap: anywhere; }
.check.refused { border-left-color: var(--bad); }
.check ul { margin: 2px 0; padding-left: 18px; color: var(--quiet); font-size: 13.5px; }
.status { font-weight: 600; }
.status.accepted, .legend .accepted { color: var(--good); }
.status.soft-failed, .legend .soft-failed { color: var(--warn); }
.status.rejected, .legend .rejected { color: var(--bad); }
.status.outlier, .legend .outlier { color: var(--skip); }
.node.accepted rect { stroke: var(--good); }
.node.soft-failed rect { stroke: var(--warn); stroke-width: 2.2; stroke-dasharray: 5 3; }
.node.rejected rect { stroke: var(--bad); stroke-width: 2.2; stroke-dasharray: 5 3; }
.node.outlier rect { stroke: var(--skip); stroke-dasharray: 2 2; }
.node.unseen { opacity: .5; }
.node.extremity rect { stroke-width: 3.4; }
.node.focus rect { fill: color-mix(in srgb, var(--accent) 32%, var(--panel)); }
table { border-collapse: collapse; font-size: 13.5px; } td { padding: 1px 10px 1px 0; overflow-wrap: anywhere; }
@media (max-width: 900px) { .columns { grid-template-columns: 1fr; } .graph, .events { height: 55vh; } }
)";

// Without scripts the page shows the graph, and all events and states below each other.
constexpr std::string_view kRoomGraphScript = R"(
(function () {
  var graph = document.getElementById('graph');
  var button = document.getElementById('auth');
  document.body.classList.add('scripted');
  function show(hash) {
    var wanted = /^#(event|state)-(\d+)$/.exec(hash);
    var place = wanted && document.getElementById(hash.slice(1));
    if (!place) return;
    document.querySelectorAll('.shown').forEach(function (one) { one.classList.remove('shown'); });
    graph.querySelectorAll('.lit').forEach(function (one) { one.classList.remove('lit'); });
    place.classList.add('shown');
    if (wanted[1] === 'state') return;
    graph.querySelectorAll('.focus').forEach(function (one) { one.classList.remove('focus'); });
    var node = document.getElementById('n' + wanted[2]);
    node.classList.add('focus');
    graph.querySelectorAll('.edge.auth[data-child="' + wanted[2] + '"]').forEach(
      function (one) { one.classList.add('lit'); });
    var box = node.getBoundingClientRect(), frame = graph.getBoundingClientRect();
    if (box.top < frame.top || box.bottom > frame.bottom) {
      graph.scrollTop += box.top - frame.top - frame.height / 2;
    }
    graph.scrollLeft += box.left - frame.left - frame.width / 2;
  }
  document.addEventListener('click', function (event) {
    var link = event.target.closest('a');
    if (!link || !/^#(event|state)-/.test(link.getAttribute('href') || '')) return;
    event.preventDefault();
    history.replaceState(null, '', link.getAttribute('href'));
    show(link.getAttribute('href'));
  });
  button.addEventListener('click', function () {
    var shows = graph.classList.toggle('show-auth');
    button.setAttribute('aria-pressed', shows ? 'true' : 'false');
  });
  var last = document.querySelector('.event.newest');
  show(location.hash || (last ? '#' + last.id : ''));
})();
)";

constexpr std::string_view kRoomGraphBar = R"(<div class="bar">
<button type="button" id="auth" aria-pressed="false">all auth edges</button>
<span class="legend"><span class="accepted">accepted</span> &middot; <span class="soft-failed">soft-failed</span>
&middot; <span class="rejected">rejected</span> &middot; <span class="outlier">outlier</span> &middot; pale: not
shown here &middot; thick: forward extremity &middot; solid edges: prev_events; dashed: auth_events</span>
</div>
)";

std::string_view name_of_status(GraphStatus status) {
    switch (status) {
        case GraphStatus::Accepted:
            return "accepted";
        case GraphStatus::SoftFailed:
            return "soft-failed";
        case GraphStatus::Rejected:
            return "rejected";
        case GraphStatus::Outlier:
            return "outlier";
        case GraphStatus::Unseen:
            return "unseen";
    }
    unreachable();
}

std::vector<GraphNode> nodes_of_room(const std::vector<RoomGraphEvent>& events) {
    std::vector<GraphNode> nodes;
    for (const RoomGraphEvent& event : events) {
        std::string css_class(name_of_status(event.status));
        if (event.is_extremity) css_class += " extremity";
        nodes.push_back({.css_class = std::move(css_class),
                         .first = event.label.empty() ? "(not shown here)" : event.label,
                         .second = event.id,
                         .tooltip = event.id + "\n" + event.label + "\n" + event.sender,
                         .prev_events = event.prev_events,
                         .auth_events = event.auth_events});
    }
    return nodes;
}

std::string facts_html(const std::vector<std::pair<std::string, std::string>>& facts) {
    std::string html = "<dl>\n";
    for (const auto& [name, value] : facts)
        html += "<dt>" + escape_html(name) + "</dt><dd>" + escape_html(value) + "</dd>\n";
    return html + "</dl>\n";
}

std::string event_link(const RoomGraph& graph, std::size_t event) {
    return "<a href=\"#event-" + std::to_string(event) + "\">" +
           escape_html(graph.events[event].id) + "</a>";
}

std::string links_html(const RoomGraph& graph,
                       std::string_view name,
                       const std::vector<std::size_t>& events) {
    if (events.empty()) return "";
    std::string html = "<div><span class=\"quiet\">" + escape_html(name) + "</span>";
    for (const std::size_t event : events)
        html += " " + event_link(graph, event);
    return html + "</div>\n";
}

std::string check_html(const GraphCheck& check) {
    const std::string_view verdict = check.is_allowed ? "allowed" : "refused";
    std::string html = "<div" + attribute("class", "check " + std::string(verdict)) + "><strong>" +
                       escape_html(check.name) + "</strong> " + std::string(verdict);
    if (!check.rule.empty()) html += " by rule <code>" + escape_html(check.rule) + "</code>";
    if (!check.detail.empty()) html += ": " + escape_html(check.detail);
    if (!check.inputs.empty()) {
        html += "<ul>";
        for (const std::string& input : check.inputs)
            html += "<li>" + escape_html(input) + "</li>";
        html += "</ul>";
    }
    return html + "</div>\n";
}

std::string room_event_html(const RoomGraph& graph, std::size_t index, bool is_newest) {
    const RoomGraphEvent& event = graph.events[index];
    const std::string status(name_of_status(event.status));
    std::string html = "<section" + attribute("class", is_newest ? "event newest" : "event") +
                       attribute("id", "event-" + std::to_string(index)) + "><h2>" +
                       escape_html(event.label) + "</h2><div><code>" + escape_html(event.id) +
                       "</code></div><div>" + text_element("span", "status " + status, status);
    if (!event.sender.empty()) html += " by " + escape_html(event.sender);
    html += "</div>\n" + facts_html(event.facts);
    html += links_html(graph, "prev_events", event.prev_events);
    html += links_html(graph, "auth_events", event.auth_events);
    for (const GraphCheck& check : event.checks)
        html += check_html(check);
    if (event.state_before) {
        html += "<div><a href=\"#state-" + std::to_string(*event.state_before) +
                "\">the state before it</a></div>\n";
    }
    if (!event.text.empty()) html += "<pre>" + escape_html(event.text) + "</pre>";
    return html + "</section>\n";
}

std::string state_html(const RoomGraph& graph, std::size_t index) {
    std::string html = "<section" + attribute("class", "state") +
                       attribute("id", "state-" + std::to_string(index)) + "><h2>State of " +
                       std::to_string(graph.states[index].size()) + " entries</h2><table>\n";
    for (const GraphStateEntry& entry : graph.states[index]) {
        html += "<tr><td>" + escape_html(entry.key) + "</td><td>" +
                (entry.event ? event_link(graph, *entry.event) : escape_html(entry.event_id)) +
                "</td></tr>\n";
    }
    return html + "</table></section>\n";
}

}  // namespace

std::string room_graph_page(const RoomGraph& graph) {
    std::string body = "<h1>" + escape_html(graph.title) + "</h1>\n" + facts_html(graph.facts);
    body += kRoomGraphBar;
    body += "<div class=\"columns\">\n<div class=\"graph\" id=\"graph\">\n" +
            graph_svg(nodes_of_room(graph.events)) + "</div>\n<div class=\"events\">\n";
    // What only others name stands behind those that are known.
    std::size_t known = graph.events.size();
    while (known > 0 && graph.events[known - 1].status == GraphStatus::Unseen)
        --known;
    for (std::size_t index = 0; index < graph.events.size(); ++index)
        body += room_event_html(graph, index, index + 1 == known);
    for (std::size_t index = 0; index < graph.states.size(); ++index)
        body += state_html(graph, index);
    body += "</div>\n</div>\n";
    const std::string style = std::string(graph_style()) + std::string(kRoomGraphStyle);
    return page(graph.title, body, style, kRoomGraphScript);
}

}  // namespace matrix::pages
