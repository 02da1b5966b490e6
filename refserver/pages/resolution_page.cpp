#include "refserver/pages/resolution_page.h"

#include <string_view>
#include <utility>

#include "refserver/base/assert.h"
#include "refserver/pages/graph_svg.h"
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
.node.conflicted rect { stroke: var(--accent); stroke-width: 2; }
.node.rejected text { text-decoration: line-through; }
.node.allowed rect { stroke: var(--good); stroke-width: 2.4; }
.node.refused rect { stroke: var(--bad); stroke-width: 2.4; stroke-dasharray: 5 3; }
.node.marked rect { fill: var(--code); }
.node.judge rect { fill: color-mix(in srgb, var(--skip) 26%, var(--panel)); }
.node.focus rect { fill: color-mix(in srgb, var(--accent) 32%, var(--panel)); stroke-width: 3.2; }
.stepping .node:not(.marked):not(.judge):not(.focus):not(.allowed):not(.refused) { opacity: .42; }
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
var walk = function () {
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
};
walk();
)";

std::string numbers(const std::vector<std::size_t>& indices) {
    std::string text;
    for (const std::size_t index : indices)
        text += (text.empty() ? "" : " ") + std::to_string(index);
    return text;
}

std::vector<GraphNode> nodes_of(const std::vector<GraphEvent>& events) {
    std::vector<GraphNode> nodes;
    for (const GraphEvent& event : events) {
        std::string css_class = event.is_conflicted ? "conflicted" : "";
        if (event.is_rejected) css_class += css_class.empty() ? "rejected" : " rejected";
        nodes.push_back({.css_class = std::move(css_class),
                         .first = event.label,
                         .second = event.id,
                         .tooltip = event.id + "\n" + event.label + "\n" + event.sender,
                         .prev_events = event.prev_events,
                         .auth_events = event.auth_events});
    }
    return nodes;
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
            graph_svg(nodes_of(report.events)) + "</div>\n<ol class=\"steps\">\n";
    for (const ResolutionStep& step : report.steps)
        body += step_html(step);
    body += "</ol>\n</div>\n<h2>Events</h2>\n";
    for (std::size_t index = 0; index < report.events.size(); ++index)
        body += event_html(report.events[index], index);
    return page(report.title,
                body,
                std::string(graph_style()) + std::string(kResolutionStyle),
                kResolutionScript);
}

}  // namespace matrix::pages
