#include <cstdint>
#include <iomanip>
#include <map>
#include <sstream>

#include "conformance/records/views.h"

namespace matrix::records {
namespace {

// One character of UTF-8 at `at`: its length in bytes and value; length 0 where there is none.
std::pair<std::size_t, std::uint32_t> decode_utf8(std::string_view text, std::size_t at) {
    const auto byte = [&](std::size_t i) {
        return at + i < text.size() ? static_cast<unsigned char>(text[at + i]) : 0u;
    };
    const unsigned lead = byte(0);
    if (lead < 0x80) return {1, lead};
    const std::size_t size = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (lead < 0xc2 || lead > 0xf4) return {0, 0};
    std::uint32_t value = lead & (0xffu >> (size + 1));
    for (std::size_t i = 1; i < size; ++i) {
        if ((byte(i) & 0xc0) != 0x80) return {0, 0};
        value = value << 6 | (byte(i) & 0x3f);
    }
    constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
    return value < kSmallest[size] ? std::pair<std::size_t, std::uint32_t>(0, 0)
                                   : std::pair<std::size_t, std::uint32_t>(size, value);
}

// XML 1.0, production 2.
bool is_xml_character(std::uint32_t value) {
    return value == 9 || value == 10 || value == 13 || (value >= 0x20 && value <= 0xd7ff) ||
           (value >= 0xe000 && value <= 0xfffd) || (value >= 0x10000 && value <= 0x10ffff);
}

std::string seconds(std::int64_t ms) {
    std::ostringstream out;
    out << ms / 1000 << '.' << std::setw(3) << std::setfill('0') << ms % 1000;
    return out.str();
}

std::string details(const Record& test) {
    std::string text = test.requirement + "\n" + test.place + "\n";
    for (const Finding& finding : test.findings) {
        text += finding.where + ": " + finding.message + "\n";
    }
    for (const Exchange& exchange : last_exchanges(test, 3)) {
        text += exchange.method + " " + exchange.url + "\n" + shorten(exchange.request_body, 2000) +
                "\n-> " + std::to_string(exchange.status) + " " + exchange.failure + "\n" +
                shorten(exchange.response_body, 2000) + "\n";
    }
    return text + "repeat: " + test.repeat + "\n";
}

void write_test(std::ostream& out, const Record& test) {
    out << "    <testcase classname=\"" << escape_xml(module_of(test.id)) << "\" name=\""
        << escape_xml(test.id) << "\" time=\"" << seconds(test.duration_ms) << "\">\n";
    const std::string message =
        escape_xml(test.findings.empty() ? test.reason : test.findings.front().message);
    switch (test.outcome) {
        case Outcome::Passed:
            break;
        case Outcome::Failed:
            out << "      <failure type=\"" << test.level << "\" message=\"" << message << "\">"
                << escape_xml(details(test)) << "</failure>\n";
            break;
        case Outcome::Crashed:
            out << "      <error type=\"crash\" message=\"" << escape_xml(test.reason) << "\">"
                << escape_xml(details(test)) << "</error>\n";
            break;
        case Outcome::Skipped:
            out << "      <skipped message=\"" << escape_xml(test.reason) << "\"/>\n";
            break;
        case Outcome::Warned:
            out << "      <system-out>warning: " << escape_xml(details(test)) << "</system-out>\n";
            break;
    }
    out << "    </testcase>\n";
}

}  // namespace

std::string escape_xml(std::string_view text) {
    std::string escaped;
    for (std::size_t at = 0; at < text.size();) {
        const auto [size, value] = decode_utf8(text, at);
        if (size == 0 || !is_xml_character(value)) {
            escaped += "\xef\xbf\xbd";  // The replacement character.
        } else if (value == '&') {
            escaped += "&amp;";
        } else if (value == '<') {
            escaped += "&lt;";
        } else if (value == '>') {
            escaped += "&gt;";
        } else if (value == '"') {
            escaped += "&quot;";
        } else {
            escaped += text.substr(at, size);
        }
        at += std::max<std::size_t>(size, 1);
    }
    return escaped;
}

std::string to_junit(const std::vector<Record>& records) {
    const std::vector<Record> tests = latest_tests(records);
    std::map<std::string, std::vector<Record>> suites;
    for (const Record& test : tests)
        suites[module_of(test.id)].push_back(test);

    const auto attributes = [](const std::vector<Record>& some) {
        const Counts counts = count(some);
        std::int64_t duration_ms = 0;
        for (const Record& test : some)
            duration_ms += test.duration_ms;
        return " tests=\"" + std::to_string(counts.total()) + "\" failures=\"" +
               std::to_string(counts.failed) + "\" errors=\"" + std::to_string(counts.crashed) +
               "\" skipped=\"" + std::to_string(counts.skipped) + "\" time=\"" +
               seconds(duration_ms) + "\"";
    };
    std::ostringstream out;
    out << "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"conformance\""
        << attributes(tests) << ">\n";
    for (const auto& [module, suite] : suites) {
        out << "  <testsuite name=\"" << escape_xml(module) << "\"" << attributes(suite) << ">\n";
        for (const Record& test : suite)
            write_test(out, test);
        out << "  </testsuite>\n";
    }
    out << "</testsuites>\n";
    return out.str();
}

}  // namespace matrix::records
