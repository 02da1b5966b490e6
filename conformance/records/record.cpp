#include "conformance/records/record.h"

#include <algorithm>
#include <map>
#include <tuple>
#include <utility>

#include "conformance/records/lines.h"

namespace matrix::records {
namespace {

using Key = std::tuple<std::string, std::string, std::string, int>;
Key key_of(const Record& record) {
    return {record.run, record.kind, record.id, record.attempt};
}

}  // namespace

std::expected<Stream, std::string> read(std::istream& in, std::string_view name) {
    Stream stream;
    auto warnings =
        for_each_line(in, name, [&](const std::string& line) -> std::expected<void, std::string> {
            auto record = parse(line);
            if (!record) return std::unexpected(std::move(record).error());
            stream.records.push_back(*std::move(record));
            return {};
        });
    if (!warnings) return std::unexpected(std::move(warnings).error());
    stream.warnings = *std::move(warnings);
    return stream;
}

std::vector<Record> merge(std::vector<Record> a, const std::vector<Record>& b) {
    std::map<Key, Record> merged;
    a.insert(a.end(), b.begin(), b.end());
    for (Record& record : a) {
        const auto [entry, is_new] = merged.try_emplace(key_of(record), record);
        if (!is_new && write(entry->second) < write(record)) entry->second = std::move(record);
    }
    std::vector<Record> sorted;
    for (auto& [key, record] : merged)
        sorted.push_back(std::move(record));
    return sorted;
}

std::vector<Record> latest_tests(const std::vector<Record>& records) {
    const auto age = [](const Record& record) {
        return std::tuple(record.time_ms, record.attempt, record.run);
    };
    std::map<std::string, Record> latest;
    for (const Record& record : records) {
        if (record.kind != "test") continue;
        const auto [entry, is_new] = latest.try_emplace(record.id, record);
        if (!is_new && age(entry->second) < age(record)) entry->second = record;
    }
    std::vector<Record> tests;
    for (auto& [id, record] : latest)
        tests.push_back(std::move(record));
    return tests;
}

Counts count(const std::vector<Record>& tests) {
    Counts counts;
    for (const Record& test : tests) {
        switch (test.outcome) {
            case Outcome::Passed:
                ++counts.passed;
                break;
            case Outcome::Failed:
                ++counts.failed;
                break;
            case Outcome::Warned:
                ++counts.warned;
                break;
            case Outcome::Skipped:
                ++counts.skipped;
                break;
            case Outcome::Crashed:
                ++counts.crashed;
                break;
        }
        if (test.is_untested && test.level == "MUST") ++counts.untested_musts;
    }
    return counts;
}

}  // namespace matrix::records
