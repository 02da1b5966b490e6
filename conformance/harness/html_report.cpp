#include "conformance/harness/html_report.h"

#include <nlohmann/json.hpp>

#include "conformance/records/views.h"
#include "refserver/pages/report_page.h"

namespace matrix::conformance {
namespace {

constexpr std::size_t kShownBodyMax = 20'000;

// JSON with line breaks, everything else as it is.
std::string readable(const std::string& body) {
    const nlohmann::json json = nlohmann::json::parse(body, nullptr, false);
    const bool is_plain = json.is_discarded() || body.size() > kShownBodyMax;
    return records::shorten(
        is_plain ? body : json.dump(2, ' ', false, nlohmann::json::error_handler_t::replace),
        kShownBodyMax);
}

std::string message_text(const std::vector<std::pair<std::string, std::string>>& headers,
                         const std::string& body) {
    std::string text;
    for (const auto& [name, value] : headers)
        text += name + ": " + value + "\n";
    if (!body.empty()) text += (text.empty() ? "" : "\n") + readable(body);
    return text;
}

pages::ReportExchange to_page(const records::Exchange& exchange) {
    pages::ReportExchange page;
    page.title = exchange.who + ": " + exchange.method + " " + exchange.url;
    page.answer = (exchange.status == 0 ? "no response: " + exchange.failure
                                        : std::to_string(exchange.status)) +
                  " in " + std::to_string(exchange.duration_ms) + " ms";
    page.request = message_text(exchange.request_headers, exchange.request_body);
    page.response = message_text(exchange.response_headers, exchange.response_body);
    return page;
}

pages::ReportCase to_page(const records::Record& test) {
    pages::ReportCase page{.id = test.id,
                           .outcome = std::string(name_of(test.outcome)),
                           .level = test.level,
                           .sentence = test.requirement,
                           .place = test.place,
                           .reason = test.reason,
                           .repeat = test.repeat,
                           .duration_ms = test.duration_ms};
    for (const records::Finding& finding : test.findings) {
        page.findings.emplace_back(finding.where, finding.message);
    }
    for (const records::Exchange& exchange : test.exchanges) {
        page.exchanges.push_back(to_page(exchange));
    }
    return page;
}

}  // namespace

std::string to_html(const std::vector<records::Record>& records) {
    pages::Report report{.title = "Conformance report", .facts = {}, .cases = {}};
    for (const records::Record& record : records) {
        if (record.kind != "run") continue;
        report.facts.emplace_back("Server", record.target + " (" + record.server_name + ")");
        if (!record.software.empty()) report.facts.emplace_back("Software", record.software);
        report.facts.emplace_back("Command", record.arguments);
        report.facts.emplace_back(
            "Run", record.run + ", " + std::to_string(record.planned_count) + " tests chosen");
    }
    for (const records::Record& test : records::latest_tests(records)) {
        report.cases.push_back(to_page(test));
    }
    return pages::report_page(report);
}

}  // namespace matrix::conformance
