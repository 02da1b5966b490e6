#include <map>

#include "conformance/records/views.h"

namespace matrix::records {
namespace {

constexpr std::size_t kExchangesShown = 3;
constexpr std::size_t kBodyShown = 4000;

// Text inside a paragraph or a table: nothing of it is markup.
std::string escape_markdown(std::string_view text) {
    std::string escaped;
    for (const char c : text) {
        if (std::string_view("\\`*_[]<>|").find(c) != std::string_view::npos) escaped += '\\';
        escaped += c == '\n' ? ' ' : c;
    }
    return escaped;
}

// A code block whose fence is longer than any in the text.
std::string code_block(const std::string& text) {
    std::string fence = "```";
    while (text.find(fence) != std::string::npos)
        fence += '`';
    return fence + "\n" + text + (text.ends_with('\n') ? "" : "\n") + fence + "\n";
}

std::string exchange_text(const Exchange& exchange) {
    std::string text = exchange.who + ": " + exchange.method + " " + exchange.url + "\n";
    if (!exchange.request_body.empty()) text += shorten(exchange.request_body, kBodyShown) + "\n";
    text += "-> " +
            (exchange.status == 0 ? "no response: " + exchange.failure
                                  : std::to_string(exchange.status)) +
            " (" + std::to_string(exchange.duration_ms) + " ms)\n";
    return text + shorten(exchange.response_body, kBodyShown);
}

std::string section_of(const Record& test) {
    std::string text = "### " + std::string(name_of(test.outcome)) + ": `" + test.id + "`\n\n";
    text += test.level + ": " + escape_markdown(test.requirement) + " ([specification](" +
            test.place + "))\n\n";
    if (!test.reason.empty()) text += escape_markdown(test.reason) + "\n\n";
    for (const Finding& finding : test.findings) {
        text += code_block(finding.where + "\n" + finding.message) + "\n";
    }
    for (const Exchange& exchange : last_exchanges(test, kExchangesShown)) {
        text += code_block(exchange_text(exchange)) + "\n";
    }
    return text + "Repeat: `" + test.repeat + "`\n\n";
}

std::string table_row(const std::string& name, const Counts& counts) {
    return "| " + name + " | " + std::to_string(counts.passed) + " | " +
           std::to_string(counts.failed) + " | " + std::to_string(counts.warned) + " | " +
           std::to_string(counts.skipped) + " | " + std::to_string(counts.crashed) + " |\n";
}

}  // namespace

std::string to_markdown(const std::vector<Record>& records) {
    const std::vector<Record> tests = latest_tests(records);
    std::string text = "# Conformance report\n\n";
    for (const Record& record : records) {
        if (record.kind != "run") continue;
        text += "- " + escape_markdown(record.target) + " (" + escape_markdown(record.server_name) +
                "), run `" + record.run + "`\n";
    }
    std::map<std::string, std::vector<Record>> modules;
    for (const Record& test : tests)
        modules[module_of(test.id)].push_back(test);
    text +=
        "\n| module | passed | failed | warned | skipped | crashed |\n|---|---|---|---|---|---|\n";
    for (const auto& [module, some] : modules)
        text += table_row(module, count(some));
    text += table_row("**all**", count(tests)) + "\n";

    for (const Outcome outcome : {Outcome::Crashed, Outcome::Failed, Outcome::Warned}) {
        for (const Record& test : tests) {
            if (test.outcome == outcome) text += section_of(test);
        }
    }
    return text;
}

}  // namespace matrix::records
