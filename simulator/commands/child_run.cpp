#include "simulator/commands/child_run.h"

#include <charconv>
#include <utility>

#include "refserver/base/assert.h"
#include "refserver/protocol/json.h"
#include "simulator/sweep/report_json.h"

namespace matrix::simulator {
namespace {

constexpr std::string_view kNoTrace = "no trace";

// Choices have 64 bits, more than the integers of canonical JSON.
std::string numbers_as_text(const std::vector<std::uint64_t>& numbers) {
    std::string text;
    for (const std::uint64_t number : numbers)
        text += std::to_string(number) + " ";
    return text;
}

std::vector<std::uint64_t> numbers_of_text(std::string_view text) {
    std::vector<std::uint64_t> numbers;
    while (!text.empty()) {
        std::uint64_t number = 0;
        const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        MATRIX_ASSERT(error == std::errc());
        numbers.push_back(number);
        text.remove_prefix(static_cast<std::size_t>(rest - text.data()) + 1);
    }
    return numbers;
}

std::int64_t integer_at(const json::Object& object, std::string_view key) {
    const json::Value* value = object.find(key);
    MATRIX_ASSERT(value != nullptr && value->if_integer() != nullptr);
    return *value->if_integer();
}

const std::string& text_at(const json::Object& object, std::string_view key) {
    const json::Value* value = object.find(key);
    MATRIX_ASSERT(value != nullptr && value->if_string() != nullptr);
    return *value->if_string();
}

// The line of an assertion, or the last line that is not empty.
std::string last_line_of(std::string_view text) {
    std::string last;
    while (!text.empty()) {
        const std::size_t end = std::min(text.find('\n'), text.size());
        const std::string_view line = text.substr(0, end);
        if (line.find("assertion failed") != std::string_view::npos) return std::string(line);
        if (!line.empty()) last = line;
        text.remove_prefix(std::min(end + 1, text.size()));
    }
    return last;
}

}  // namespace

std::string write_report(const std::optional<RunReport>& report) {
    if (!report) return std::string(kNoTrace);
    json::Object choices;
    for (const auto& [stream, numbers] : report->choices)
        choices.set(stream, numbers_as_text(numbers));
    json::Array minima;
    for (const Minimum& minimum : report->minima) {
        minima.emplace_back(json::Object{{"counted", static_cast<std::int64_t>(minimum.counted)},
                                         {"least", static_cast<std::int64_t>(minimum.least)},
                                         {"what", minimum.what}});
    }
    return json::write(
        json::Object{{"choices", std::move(choices)},
                     {"excuses", write_names(report->excuses)},
                     {"finding_count", static_cast<std::int64_t>(report->finding_count)},
                     {"findings", write_findings(report->findings)},
                     {"metrics", write_counts(report->metrics)},
                     {"minima", std::move(minima)},
                     {"outcome", static_cast<int>(report->outcome)},
                     {"reached", write_names(report->reached)},
                     {"stuck_in", report->stuck_in},
                     {"trace_hash", report->trace_hash},
                     {"virtual_us", report->virtual_us}});
}

std::optional<RunReport> parse_report(std::string_view text) {
    if (text == kNoTrace) return std::nullopt;
    // Whoever read it from the child has bounded it.
    const auto parsed = json::parse(text, json::Numbers::Canonical, {.bytes_max = text.size()});
    MATRIX_ASSERT(parsed.has_value() && parsed->is_object());
    const json::Object& object = *parsed->if_object();
    RunReport report;
    report.outcome = static_cast<Outcome>(integer_at(object, "outcome"));
    report.stuck_in = text_at(object, "stuck_in");
    report.trace_hash = text_at(object, "trace_hash");
    report.virtual_us = integer_at(object, "virtual_us");
    report.finding_count = static_cast<std::uint64_t>(integer_at(object, "finding_count"));
    for (const json::Member& metric : *object.find("metrics")->if_object())
        report.metrics[metric.key] = static_cast<std::uint64_t>(*metric.value.if_integer());
    for (const json::Value& excuse : *object.find("excuses")->if_array())
        report.excuses.push_back(*excuse.if_string());
    for (const json::Value& mark : *object.find("reached")->if_array())
        report.reached.push_back(*mark.if_string());
    for (const json::Value& entry : *object.find("findings")->if_array()) {
        const json::Object& finding = *entry.if_object();
        report.findings.push_back(
            {text_at(finding, "checker"), text_at(finding, "what"), integer_at(finding, "at_us")});
    }
    for (const json::Value& entry : *object.find("minima")->if_array()) {
        const json::Object& minimum = *entry.if_object();
        report.minima.push_back({text_at(minimum, "what"),
                                 static_cast<std::uint64_t>(integer_at(minimum, "least")),
                                 static_cast<std::uint64_t>(integer_at(minimum, "counted"))});
    }
    for (const json::Member& stream : *object.find("choices")->if_object())
        report.choices[stream.key] = numbers_of_text(*stream.value.if_string());
    return report;
}

bool start_run(Children& children,
               std::size_t job,
               const Scenario& scenario,
               const RunOptions& options,
               std::chrono::seconds time_limit) {
    return children.start(
        job,
        [&scenario, &options](std::uint64_t& counter) {
            RunOptions counted = options;
            counted.dispatches = &counter;
            return write_report(run(scenario, counted));
        },
        Children::Clock::now() + time_limit);
}

RunResult result_of(ChildEnd end) {
    RunResult result;
    result.took = end.took;
    result.dispatches = end.counter;
    switch (end.how) {
        case ChildEnd::How::TimedOut:
            result.code = ExitCode::TimeOut;
            return result;
        case ChildEnd::How::Crashed:
            result.code = ExitCode::Crash;
            result.reason = end.reason;
            if (std::string words = last_line_of(end.last_words); !words.empty())
                result.reason = std::move(words);
            return result;
        case ChildEnd::How::Answered:
            break;
    }
    std::optional<RunReport> report = parse_report(end.answer);
    if (!report) {
        result.code = ExitCode::Infrastructure;
        result.reason = "--trace: the file cannot be written";
        return result;
    }
    result.report = std::move(*report);
    result.code = exit_code_of(result.report.outcome);
    return result;
}

RunResult run_in_child(const Scenario& scenario,
                       const RunOptions& options,
                       std::chrono::seconds time_limit,
                       ChildErrors errors) {
    watch_for_stop();
    Children children(errors);
    if (!start_run(children, 0, scenario, options, time_limit))
        return {.code = ExitCode::Infrastructure, .reason = "no process can be started"};
    auto ended = children.wait(Children::Clock::time_point::max());
    if (!ended) return {.code = ExitCode::Interrupted};
    return result_of(std::move(ended->end));
}

}  // namespace matrix::simulator
