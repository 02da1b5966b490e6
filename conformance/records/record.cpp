#include "conformance/records/record.h"

#include <algorithm>
#include <istream>
#include <map>
#include <tuple>

namespace matrix::records {
namespace {

using Key = std::tuple<std::string, std::string, std::string, int>;
Key key_of(const Record& record) {
    return {record.run, record.kind, record.id, record.attempt};
}

}  // namespace

std::expected<Stream, std::string> read(std::istream& in, std::string_view name) {
    Stream stream;
    std::string line;
    for (int number = 1; std::getline(in, line); ++number) {
        const bool is_cut_off = in.eof();  // No line break behind it.
        if (line.empty()) continue;
        std::expected<Record, std::string> record = parse(line);
        const std::string where = std::string(name) + ":" + std::to_string(number) + ": ";
        if (record) {
            stream.records.push_back(*std::move(record));
        } else if (is_cut_off) {
            stream.warnings.push_back(where + "left out, the line was not finished");
        } else {
            return std::unexpected(where + record.error());
        }
    }
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
