#include "simulator/divergence.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string_view>

#include "refserver/protocol/json.h"

namespace matrix::simulator {
namespace {

constexpr std::size_t kShownBytes = 400;
constexpr std::size_t kShownBefore = 200;

// A run that crashed ended in the middle of a line: then 0 stands for what it lacks.
std::int64_t number_in(const std::string& record, std::string_view key) {
    const auto parsed = json::parse(record);
    const std::int64_t* number = parsed ? parsed->find_integer(key) : nullptr;
    return number == nullptr ? 0 : *number;
}

std::string part_around(const std::string& record, std::size_t place) {
    if (record.empty()) return "(this run has ended)";
    if (record.size() <= kShownBytes) return record;
    const std::size_t begin = place < kShownBefore ? 0 : place - kShownBefore;
    std::string part = record.substr(begin, kShownBytes);
    if (begin > 0) part = "... " + part;
    if (begin + kShownBytes < record.size()) part += " ...";
    return part;
}

}  // namespace

std::optional<Divergence> find_divergence(std::istream& first, std::istream& second) {
    Divergence divergence;
    while (true) {
        ++divergence.line;
        divergence.first.clear();
        divergence.second.clear();
        const bool has_first = static_cast<bool>(std::getline(first, divergence.first));
        const bool has_second = static_cast<bool>(std::getline(second, divergence.second));
        if (!has_first && !has_second) return std::nullopt;
        if (divergence.first != divergence.second) break;
    }
    const std::string& there = divergence.first.empty() ? divergence.second : divergence.first;
    divergence.time_us = number_in(there, "time_us");
    divergence.server = static_cast<int>(number_in(there, "server"));
    return divergence;
}

std::string describe(const Divergence& divergence) {
    const auto place = static_cast<std::size_t>(
        std::ranges::mismatch(divergence.first, divergence.second).in1 - divergence.first.begin());
    std::array<char, 128> head{};
    std::snprintf(head.data(),
                  head.size(),
                  "first diverging record: number %llu, at %.6f virtual s, in a turn of ",
                  static_cast<unsigned long long>(divergence.line),
                  static_cast<double>(divergence.time_us) / 1e6);
    const std::string whose =
        divergence.server < 0 ? "the world" : "server " + std::to_string(divergence.server);
    return head.data() + whose + "\n  first:  " + part_around(divergence.first, place) +
           "\n  second: " + part_around(divergence.second, place) + "\n";
}

}  // namespace matrix::simulator
