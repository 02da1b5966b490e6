// Records of a sweep: one line for each seed, one for each shard of the sweep that began.
//
// Schema: fixtures/schemas/record.json, kinds "seed" and "sweep".
#pragma once

#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/records/lines.h"

namespace matrix::simulator {

/// What became of one seed.
struct SeedRecord {
    std::string run;
    std::uint64_t seed = 0;
    std::string name;     ///< How the seed was written.
    std::string outcome;  ///< The name of an exit code: "passed", "failed-check", ...
    /// Findings of each checker.
    std::map<std::string, std::uint64_t> checkers;
    std::string reason;  ///< The first finding, the assertion, the phase in which it is stuck.
    std::string trace_hash;
    std::string repeat;  ///< The one line that repeats it.
    std::map<std::string, std::uint64_t> metrics;
    std::vector<std::string> reached;  ///< Marks (refserver/base/sometimes.h), by name.
    std::int64_t time_ms = 0;          ///< When it began, in milliseconds since 1970.
    std::int64_t duration_ms = 0;      ///< Of real time.
    friend bool operator==(const SeedRecord&, const SeedRecord&) = default;
};

std::string write(const SeedRecord& record);
/// What is wrong with the line, if it is no record of a seed.
std::expected<SeedRecord, std::string> parse_seed_record(std::string_view line);

/// The start of one shard of a sweep.
struct SweepRecord {
    std::string run;
    std::string shard;  ///< "1/4".
    std::string build;
    std::string seeds;  ///< Of all shards, as they were given.
    std::string flags;
    std::int64_t time_ms = 0;
    std::int64_t planned_count = 0;
};
std::string write(const SweepRecord& record);

/// The records of seeds among lines, in the order of numbers.
std::vector<SeedRecord> seed_records_of(const records::RecordLines& lines);

}  // namespace matrix::simulator
