#include "simulator/sweep/table.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

#include "refserver/protocol/json.h"
#include "simulator/reachability.h"
#include "simulator/sweep/report_json.h"

namespace matrix::simulator {
namespace {

constexpr std::size_t kFirstSeeds = 5;
constexpr std::size_t kExampleBytes = 200;
constexpr std::array<std::string_view, 3> kNoFailures = {"passed", "inconclusive", "interrupted"};

// A seed counts once for each checker that found something.
std::vector<std::string> causes_of(const SeedRecord& record) {
    if (std::ranges::find(kNoFailures, record.outcome) != kNoFailures.end()) return {};
    std::vector<std::string> causes;
    for (const auto& [checker, count] : record.checkers)
        causes.push_back("checker " + checker);
    if (!causes.empty()) return causes;
    return {record.outcome + (record.reason.empty() ? "" : ": " + record.reason)};
}

std::string shortened(const std::string& text) {
    if (text.size() <= kExampleBytes) return text;
    std::size_t end = kExampleBytes;
    // Not within a character.
    while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80)
        --end;
    return text.substr(0, end) + "...";
}

std::string numbers(const FailureGroup& group) {
    std::string text;
    for (const std::uint64_t seed : group.first_seeds)
        text += (text.empty() ? "" : ", ") + std::to_string(seed);
    return text + (group.count > group.first_seeds.size() ? ", ..." : "");
}

}  // namespace

SweepTable tabulate(const std::vector<SeedRecord>& records) {
    SweepTable table;
    std::map<std::string, FailureGroup> groups;
    for (const SeedRecord& record : records) {
        ++table.seeds;
        ++table.outcomes[record.outcome];
        table.duration_ms += record.duration_ms;
        for (const auto& [metric, count] : record.metrics)
            table.metrics[metric] += count;
        table.reached.insert(record.reached.begin(), record.reached.end());
        for (const std::string& cause : causes_of(record)) {
            FailureGroup& group = groups[cause];
            if (group.count++ == 0) {
                group.cause = cause;
                group.repeat = record.repeat;
                group.example = shortened(record.reason);
            }
            if (group.first_seeds.size() < kFirstSeeds) group.first_seeds.push_back(record.seed);
        }
    }
    for (auto& [cause, group] : groups)
        table.failures.push_back(std::move(group));
    std::ranges::sort(table.failures, [](const FailureGroup& a, const FailureGroup& b) {
        return a.count != b.count ? a.count > b.count : a.cause < b.cause;
    });
    return table;
}

namespace {

std::vector<SometimesPlace> never_reached(const SweepTable& table) {
    return list_unreached_places({table.reached.begin(), table.reached.end()});
}

std::string marks_text(const SweepTable& table) {
    const auto never = never_reached(table);
    std::string text = "marks never reached: " + std::to_string(never.size()) + " of " +
                       std::to_string(list_sometimes_places().size()) + "\n";
    for (const SometimesPlace& place : never)
        text += "  " + std::string(place.name) + "\n";
    return text;
}

}  // namespace

std::string to_text(const SweepTable& table) {
    std::string text = std::to_string(table.seeds) + " seeds:";
    for (const auto& [outcome, count] : table.outcomes)
        text += " " + std::to_string(count) + " " + outcome + ",";
    text.back() = '\n';
    for (const FailureGroup& group : table.failures) {
        text += "  " + std::to_string(group.count) + " x " + group.cause + ": seeds " +
                numbers(group) + "\n";
        if (!group.example.empty()) text += "      " + group.example + "\n";
        text += "      repeat: " + group.repeat + "\n";
    }
    text += marks_text(table);
    if (table.duration_ms == 0) return text;
    char rates[128];
    const double hours = static_cast<double>(table.duration_ms) / 3'600'000;
    const auto deliveries = table.metrics.find("events_received");
    std::snprintf(rates,
                  sizeof rates,
                  "%.1f s of runs: %.0f seeds an hour and process, %.0f deliveries a second\n",
                  hours * 3600,
                  static_cast<double>(table.seeds) / hours,
                  deliveries == table.metrics.end()
                      ? 0.0
                      : static_cast<double>(deliveries->second) / (hours * 3600));
    return text + rates;
}

std::string to_json(const SweepTable& table) {
    json::Array failures;
    for (const FailureGroup& group : table.failures) {
        json::Array seeds;
        for (const std::uint64_t seed : group.first_seeds)
            seeds.emplace_back(std::to_string(seed));
        failures.emplace_back(json::Object{{"cause", group.cause},
                                           {"count", static_cast<std::int64_t>(group.count)},
                                           {"example", group.example},
                                           {"first_seeds", std::move(seeds)},
                                           {"repeat", group.repeat}});
    }
    return json::write(json::Object{{"duration_ms", table.duration_ms},
                                    {"failures", std::move(failures)},
                                    {"metrics", write_counts(table.metrics)},
                                    {"never_reached", write_places(never_reached(table))},
                                    {"outcomes", write_counts(table.outcomes)},
                                    {"seeds", static_cast<std::int64_t>(table.seeds)}});
}

}  // namespace matrix::simulator
