#include "simulator/sweep/seed_record.h"

#include <algorithm>
#include <utility>

#include "conformance/records/record.h"
#include "refserver/protocol/json.h"
#include "simulator/sweep/report_json.h"
#include "simulator/sweep/seeds.h"

namespace matrix::simulator {
namespace {

constexpr std::string_view kSeedKind = "seed";

// Reads members; the first that is missing or of another type is remembered.
class MemberReader {
public:
    explicit MemberReader(const json::Object& object) : object_(object) {}

    void read(std::string_view key, std::string& out) {
        const json::Value* value = object_.find(key);
        if (value == nullptr || value->if_string() == nullptr) return miss(key, "a text");
        out = *value->if_string();
    }
    void read(std::string_view key, std::int64_t& out) {
        const json::Value* value = object_.find(key);
        if (value == nullptr || value->if_integer() == nullptr) return miss(key, "an integer");
        out = *value->if_integer();
    }
    void read(std::string_view key, std::map<std::string, std::uint64_t>& out) {
        const json::Value* value = object_.find(key);
        if (value == nullptr || value->if_object() == nullptr) return miss(key, "an object");
        for (const json::Member& member : *value->if_object()) {
            const std::int64_t* count = member.value.if_integer();
            if (count == nullptr || *count < 0) return miss(key, "counts");
            out[member.key] = static_cast<std::uint64_t>(*count);
        }
    }
    void read(std::string_view key, std::vector<std::string>& out) {
        const json::Value* value = object_.find(key);
        if (value == nullptr || value->if_array() == nullptr) return miss(key, "an array");
        for (const json::Value& item : *value->if_array()) {
            if (item.if_string() == nullptr) return miss(key, "texts");
            out.push_back(*item.if_string());
        }
    }
    void miss(std::string_view key, std::string_view expected) {
        if (problem_.empty()) problem_ = std::string(key) + ": expected " + std::string(expected);
    }
    const std::string& problem() const { return problem_; }

private:
    const json::Object& object_;
    std::string problem_;
};

}  // namespace

std::string write(const SeedRecord& record) {
    return json::write(json::Object{{"attempt", 1},
                                    {"checkers", write_counts(record.checkers)},
                                    {"duration_ms", record.duration_ms},
                                    {"id", std::to_string(record.seed)},
                                    {"kind", kSeedKind},
                                    {"metrics", write_counts(record.metrics)},
                                    {"name", record.name},
                                    {"outcome", record.outcome},
                                    {"reached", write_names(record.reached)},
                                    {"reason", record.reason},
                                    {"repeat", record.repeat},
                                    {"run", record.run},
                                    {"schema", records::kSchema},
                                    {"time_ms", record.time_ms},
                                    {"trace_hash", record.trace_hash}});
}

std::expected<SeedRecord, std::string> parse_seed_record(std::string_view line) {
    const auto parsed = json::parse(line);
    if (!parsed || !parsed->is_object()) return std::unexpected("expected a JSON object");
    MemberReader reader(*parsed->if_object());
    SeedRecord record;
    std::string kind;
    std::string id;
    reader.read("kind", kind);
    reader.read("id", id);
    reader.read("run", record.run);
    reader.read("name", record.name);
    reader.read("outcome", record.outcome);
    reader.read("checkers", record.checkers);
    reader.read("reason", record.reason);
    reader.read("trace_hash", record.trace_hash);
    reader.read("repeat", record.repeat);
    reader.read("metrics", record.metrics);
    reader.read("reached", record.reached);
    reader.read("time_ms", record.time_ms);
    reader.read("duration_ms", record.duration_ms);
    if (kind != kSeedKind) reader.miss("kind", kSeedKind);
    if (const auto seed = parse_number(id)) {
        record.seed = *seed;
    } else {
        reader.miss("id", "a number");
    }
    if (!reader.problem().empty()) return std::unexpected(reader.problem());
    return record;
}

std::string write(const SweepRecord& record) {
    return json::write(json::Object{{"attempt", 1},
                                    {"build", record.build},
                                    {"flags", record.flags},
                                    {"id", record.shard},
                                    {"kind", "sweep"},
                                    {"planned_count", record.planned_count},
                                    {"run", record.run},
                                    {"schema", records::kSchema},
                                    {"seeds", record.seeds},
                                    {"time_ms", record.time_ms}});
}

std::vector<SeedRecord> seed_records_of(const records::RecordLines& lines) {
    std::vector<SeedRecord> found;
    for (const auto& [key, line] : lines) {
        if (key.kind != kSeedKind) continue;
        if (auto record = parse_seed_record(line)) found.push_back(std::move(*record));
    }
    std::ranges::sort(
        found, {}, [](const SeedRecord& record) { return std::pair(record.seed, record.run); });
    return found;
}

}  // namespace matrix::simulator
