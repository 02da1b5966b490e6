#include "refserver/pages/report_page.h"

#include <algorithm>
#include <array>
#include <string_view>

#include "refserver/pages/html.h"

namespace matrix::pages {
namespace {

constexpr std::array<std::string_view, 5> kOutcomes = {
    "crashed", "failed", "warned", "skipped", "passed"};

constexpr std::string_view kReportStyle = R"(
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: 2px 14px; margin: 10px 0 18px; }
dl.facts dt { color: var(--quiet); } dl.facts dd { margin: 0; overflow-wrap: anywhere; }
.bar { position: sticky; top: 0; background: var(--ground); padding: 10px 0; z-index: 1;
  display: flex; flex-wrap: wrap; gap: 8px; align-items: center; border-bottom: 1px solid var(--line); }
.bar input { flex: 1 1 220px; padding: 6px 10px; border: 1px solid var(--line); border-radius: 6px;
  background: var(--panel); color: var(--text); font: inherit; }
.bar button { padding: 5px 11px; border: 1px solid var(--line); border-radius: 6px; cursor: pointer;
  background: var(--panel); color: var(--quiet); font: inherit; }
.bar button[aria-pressed=true] { color: var(--text); border-color: currentColor; }
details.case { background: var(--panel); border: 1px solid var(--line); border-left-width: 4px;
  border-radius: 5px; margin: 8px 0; }
details.case > summary { cursor: pointer; padding: 8px 12px; display: grid;
  grid-template-columns: 5.2em 4.8em 1fr max-content; gap: 0 8px; align-items: baseline; }
details.case > summary::-webkit-details-marker { display: none; }
details.case > summary { list-style: none; }
details.case .sentence { grid-column: 3 / 5; color: var(--quiet); font-size: 14px; }
.inside { padding: 2px 14px 12px; border-top: 1px solid var(--line); }
.outcome, .level { font-weight: 600; font-size: 13px; } .level { color: var(--quiet); }
.failed, .crashed { border-left-color: var(--bad); } .warned { border-left-color: var(--warn); }
.skipped { border-left-color: var(--skip); } .passed { border-left-color: var(--good); }
.failed .outcome, .crashed .outcome, button.failed, button.crashed { color: var(--bad); }
.warned .outcome { color: var(--warn); } .skipped .outcome { color: var(--skip); }
.passed .outcome { color: var(--good); }
.exchange { margin: 6px 0; } .exchange > summary { cursor: pointer; overflow-wrap: anywhere; }
.hidden { display: none; } #none { padding: 20px 0; }
@media (max-width: 640px) { details.case > summary { grid-template-columns: max-content max-content 1fr; }
  details.case > summary code, details.case .sentence { grid-column: 1 / 4; } }
)";

// Without scripts the page shows everything, in the same order.
constexpr std::string_view kReportScript = R"(
(function () {
  var search = document.getElementById('search');
  var buttons = Array.from(document.querySelectorAll('button[data-outcome]'));
  var cases = Array.from(document.querySelectorAll('details.case'));
  var none = document.getElementById('none');
  function show() {
    var words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    var wanted = buttons.filter(function (b) { return b.getAttribute('aria-pressed') === 'true'; })
                        .map(function (b) { return b.dataset.outcome; });
    var shown = 0;
    cases.forEach(function (one) {
      var text = one.dataset.text;
      var fits = wanted.indexOf(one.dataset.outcome) >= 0 &&
                 words.every(function (word) { return text.indexOf(word) >= 0; });
      one.classList.toggle('hidden', !fits);
      if (fits) shown++;
    });
    none.classList.toggle('hidden', shown > 0);
  }
  buttons.forEach(function (button) {
    button.addEventListener('click', function () {
      var pressed = button.getAttribute('aria-pressed') === 'true';
      button.setAttribute('aria-pressed', pressed ? 'false' : 'true');
      show();
    });
  });
  search.addEventListener('input', show);
  var hash = decodeURIComponent(location.hash.slice(1));
  var linked = hash && document.getElementById(hash);
  if (linked) { linked.open = true; linked.scrollIntoView(); }
})();
)";

std::string element(std::string_view name, std::string_view css_class, std::string_view text) {
    std::string html = "<" + std::string(name);
    if (!css_class.empty()) html += " class=\"" + std::string(css_class) + "\"";
    return html + ">" + escape_html(text) + "</" + std::string(name) + ">";
}

std::string lower_case(std::string text) {
    std::ranges::transform(text, text.begin(), [](char c) {
        return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
    });
    return text;
}

// Only links into the web, whatever a record says.
std::string link(const std::string& url) {
    if (!url.starts_with("https://")) return escape_html(url);
    return "<a href=\"" + escape_html(url) + "\">" + escape_html(url) + "</a>";
}

std::string exchange_html(const ReportExchange& exchange) {
    std::string html = "<details class=\"exchange\"><summary>" +
                       element("code", "", exchange.title) + " <span class=\"quiet\">" +
                       escape_html(exchange.answer) + "</span></summary>";
    if (!exchange.request.empty()) html += element("pre", "", exchange.request);
    return html + element("pre", "", exchange.response) + "</details>\n";
}

std::string case_html(const ReportCase& one) {
    const bool is_bad = one.outcome == "failed" || one.outcome == "crashed";
    std::string html = "<details class=\"case " + escape_html(one.outcome) + "\" id=\"" +
                       escape_html(one.id) + "\" data-outcome=\"" + escape_html(one.outcome) +
                       "\" data-text=\"" +
                       escape_html(lower_case(one.id + " " + one.sentence + " " + one.level)) +
                       "\"" + (is_bad ? " open" : "") + ">\n<summary>";
    html += element("span", "outcome", one.outcome) + element("span", "level", one.level) +
            element("code", "", one.id) +
            element("span", "quiet", std::to_string(one.duration_ms) + " ms") +
            element("span", "sentence", one.sentence) + "</summary>\n<div class=\"inside\">\n";
    if (!one.place.empty()) html += "<p>" + link(one.place) + "</p>\n";
    if (!one.reason.empty()) html += element("p", "", one.reason) + "\n";
    for (const auto& [where, what] : one.findings) {
        html += element("div", "quiet", where) + element("pre", "", what) + "\n";
    }
    for (const ReportExchange& exchange : one.exchanges)
        html += exchange_html(exchange);
    if (!one.repeat.empty()) html += "<p>Repeat: " + element("code", "", one.repeat) + "</p>\n";
    return html + "</div>\n</details>\n";
}

std::string filter_bar(const Report& report) {
    std::string html =
        "<div class=\"bar\">\n<input id=\"search\" type=\"search\" "
        "placeholder=\"id or words of the sentence\" aria-label=\"Search\">\n";
    for (const std::string_view outcome : kOutcomes) {
        const auto number = std::ranges::count_if(
            report.cases, [&](const auto& one) { return one.outcome == outcome; });
        if (number == 0) continue;
        html += "<button type=\"button\" class=\"" + std::string(outcome) + "\" data-outcome=\"" +
                std::string(outcome) + "\" aria-pressed=\"true\">" + std::to_string(number) + " " +
                std::string(outcome) + "</button>\n";
    }
    return html + "</div>\n";
}

}  // namespace

std::string report_page(const Report& report) {
    std::string body = element("h1", "", report.title) + "\n<dl class=\"facts\">\n";
    for (const auto& [name, value] : report.facts) {
        body += element("dt", "", name) + element("dd", "", value) + "\n";
    }
    body += "</dl>\n" + filter_bar(report);
    for (const std::string_view outcome : kOutcomes) {
        for (const ReportCase& one : report.cases) {
            if (one.outcome == outcome) body += case_html(one);
        }
    }
    body += report.cases.empty() ? element("p", "quiet", "No test has been run.")
                                 : "<p id=\"none\" class=\"quiet hidden\">Nothing fits.</p>";
    return page(report.title, body, kReportStyle, report.cases.empty() ? "" : kReportScript);
}

}  // namespace matrix::pages
