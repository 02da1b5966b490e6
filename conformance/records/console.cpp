#include <algorithm>
#include <map>

#include "conformance/records/views.h"

namespace matrix::records {
namespace {

constexpr std::size_t kExchangesPrinted = 2;
constexpr std::size_t kBodyPrinted = 600;
constexpr std::size_t kListedMax = 12;

std::string_view colour_of(Outcome outcome) {
    switch (outcome) {
        case Outcome::Passed:
            return "\033[32m";
        case Outcome::Failed:
        case Outcome::Crashed:
            return "\033[31m";
        case Outcome::Warned:
            return "\033[33m";
        case Outcome::Skipped:
            return "\033[36m";
    }
    return "";
}

std::string paint(const std::string& text, Outcome outcome, Colours colours) {
    if (colours == Colours::None) return text;
    return std::string(colour_of(outcome)) + text + "\033[0m";
}

std::string pad(std::string text, std::size_t width) {
    text.resize(std::max(width, text.size()), ' ');
    return text;
}

// Terminal control characters in what a server sent stay harmless.
std::string printable(std::string text) {
    std::ranges::replace_if(
        text,
        [](unsigned char c) { return (c < 0x20 && c != '\n' && c != '\t') || c == 0x7f; },
        '?');
    return text;
}

std::string indent(const std::string& text) {
    std::string indented = "    ";
    for (const char c : text) {
        indented += c;
        if (c == '\n') indented += "    ";
    }
    while (indented.ends_with(' ') || indented.ends_with('\n'))
        indented.pop_back();
    return indented + "\n";
}

std::string exchange_lines(const Exchange& exchange) {
    std::string text = exchange.who + ": " + exchange.method + " " + exchange.url + "\n";
    if (!exchange.request_body.empty()) text += shorten(exchange.request_body, kBodyPrinted) + "\n";
    text += "-> ";
    text += exchange.status == 0 ? "no response: " + exchange.failure
                                 : std::to_string(exchange.status) + " " +
                                       shorten(exchange.response_body, kBodyPrinted);
    return text + "\n";
}

std::string list_of(const std::vector<Record>& tests, Outcome outcome, Colours colours) {
    std::string text;
    std::size_t listed = 0;
    for (const Record& test : tests) {
        if (test.outcome != outcome) continue;
        if (++listed > kListedMax) continue;
        text +=
            "  " + paint(pad(std::string(name_of(outcome)), 8), outcome, colours) + test.id + "\n";
    }
    if (listed > kListedMax) {
        text += "  ... and " + std::to_string(listed - kListedMax) + " more " +
                std::string(name_of(outcome)) + "\n";
    }
    return text;
}

// Why tests were skipped, the most frequent reason first.
std::string skip_reasons(const std::vector<Record>& tests) {
    std::map<std::string, int> counts;
    for (const Record& test : tests) {
        if (test.outcome == Outcome::Skipped) ++counts[test.reason];
    }
    std::vector<std::pair<int, std::string>> sorted;
    for (const auto& [reason, number] : counts)
        sorted.emplace_back(-number, reason);
    std::ranges::sort(sorted);
    std::string text;
    for (const auto& [number, reason] : sorted) {
        text += "  " + pad(std::to_string(-number), 4) + " skipped: " + printable(reason) + "\n";
    }
    return text;
}

}  // namespace

std::string shorten(const std::string& text, std::size_t bytes_max) {
    if (text.size() <= bytes_max) return text;
    return text.substr(0, bytes_max) + "... (" + std::to_string(text.size()) + " bytes)";
}

std::string module_of(std::string_view id) {
    const std::size_t first = id.find('/');
    const std::size_t second = first == std::string_view::npos ? first : id.find('/', first + 1);
    return std::string(id.substr(0, second));
}

std::vector<Exchange> last_exchanges(const Record& test, std::size_t count) {
    const std::size_t skipped = test.exchanges.size() - std::min(test.exchanges.size(), count);
    return {test.exchanges.begin() + static_cast<std::ptrdiff_t>(skipped), test.exchanges.end()};
}

std::string to_failure_text(const Record& test, Colours colours) {
    std::string text =
        paint(std::string(name_of(test.outcome)), test.outcome, colours) + " " + test.id + "\n";
    text += "  " + test.level + ": " + printable(test.requirement) + "\n  " +
            printable(test.place) + "\n";
    if (!test.reason.empty()) text += indent(printable(test.reason));
    for (const Finding& finding : test.findings) {
        text += indent(printable(finding.where + ": " + shorten(finding.message, kBodyPrinted)));
    }
    for (const Exchange& exchange : last_exchanges(test, kExchangesPrinted)) {
        text += indent(printable(exchange_lines(exchange)));
    }
    return text + "  repeat: " + printable(test.repeat) + "\n";
}

std::string to_summary(const std::vector<Record>& records, Colours colours) {
    const std::vector<Record> tests = latest_tests(records);
    std::map<std::string, std::vector<Record>> modules;
    for (const Record& test : tests)
        modules[module_of(test.id)].push_back(test);

    std::string text = "\n" + pad("module", 32) + "passed  failed  warned skipped crashed\n";
    const auto add_line = [&](const std::string& name, const Counts& counts) {
        text += pad(name, 30);
        const std::pair<Outcome, int> columns[] = {{Outcome::Passed, counts.passed},
                                                   {Outcome::Failed, counts.failed},
                                                   {Outcome::Warned, counts.warned},
                                                   {Outcome::Skipped, counts.skipped},
                                                   {Outcome::Crashed, counts.crashed}};
        for (const auto& [outcome, number] : columns) {
            std::string cell = number == 0 ? "-" : std::to_string(number);
            cell.insert(0, 8 - std::min<std::size_t>(cell.size(), 8), ' ');
            text += number == 0 ? cell : paint(cell, outcome, colours);
        }
        text += "\n";
    };
    for (const auto& [module, some] : modules)
        add_line(module, count(some));
    add_line("all", count(tests));
    text += "\n" + list_of(tests, Outcome::Crashed, colours) +
            list_of(tests, Outcome::Failed, colours) + list_of(tests, Outcome::Warned, colours) +
            skip_reasons(tests);
    return text;
}

}  // namespace matrix::records
