#include "simulator/sweep/shard.h"

#include <algorithm>
#include <vector>

#include "simulator/sweep/seeds.h"

namespace matrix::simulator {
namespace {

constexpr std::uint64_t kShardsMax = 1'000'000;

using Found = std::expected<std::optional<ShardChoice>, std::string>;

// The variables of one engine.
class Reader {
public:
    Reader(const Environment& environment, std::optional<std::uint64_t> count_flag)
        : environment_(environment), count_flag_(count_flag) {}

    bool has(const std::string& name) const { return environment_(name).has_value(); }
    bool has_count_flag() const { return count_flag_.has_value(); }

    std::expected<std::uint64_t, std::string> number(const std::string& name) const {
        const auto text = environment_(name);
        if (!text) return std::unexpected(name + ": expected a number, it is not set");
        if (const auto value = parse_number(*text)) return *value;
        return std::unexpected(name + ": expected a number without a sign, found '" + *text + "'");
    }
    /// From a variable, or from `--shards`; both must agree.
    std::expected<std::uint64_t, std::string> count(const std::string& name) const {
        if (!has(name)) {
            if (count_flag_) return *count_flag_;
            return std::unexpected(name + ": it is not set; set it, or say --shards COUNT");
        }
        const auto value = number(name);
        if (value && count_flag_ && *count_flag_ != *value) {
            return std::unexpected(name + " is " + std::to_string(*value) + ", but --shards is " +
                                   std::to_string(*count_flag_));
        }
        return value;
    }
    /// `index` counts from `first`.
    static Found shard(const std::string& name,
                       std::uint64_t index,
                       std::uint64_t first,
                       std::uint64_t count) {
        if (count < 1 || count > kShardsMax) {
            return std::unexpected(name + ": expected 1 to " + std::to_string(kShardsMax) +
                                   " shards, found " + std::to_string(count));
        }
        if (index < first || index - first >= count) {
            return std::unexpected(name + ": expected a number from " + std::to_string(first) +
                                   " to " + std::to_string(first + count - 1) + ", found " +
                                   std::to_string(index));
        }
        return ShardChoice{{index - first, count}, name};
    }
    /// A pair of variables.
    Found pair(const std::string& index_name,
               std::uint64_t first,
               const std::string& count_name) const {
        if (!has(index_name)) return std::nullopt;
        const auto index = number(index_name);
        if (!index) return std::unexpected(index.error());
        const auto shards = count(count_name);
        if (!shards) return std::unexpected(shards.error());
        return shard(index_name, *index, first, *shards);
    }

private:
    const Environment& environment_;
    std::optional<std::uint64_t> count_flag_;
};

// `--array=10-40:10` has ids 10, 20, 30, 40.
Found find_slurm(const Reader& reader) {
    const std::string name = "SLURM_ARRAY_TASK_ID";
    if (!reader.has(name)) return std::nullopt;
    std::uint64_t numbers[3];
    const std::string names[3] = {name, "SLURM_ARRAY_TASK_MIN", "SLURM_ARRAY_TASK_MAX"};
    for (int i = 0; i < 3; ++i) {
        const auto number = reader.number(names[i]);
        if (!number) return std::unexpected(number.error());
        numbers[i] = *number;
    }
    const auto count = reader.count("SLURM_ARRAY_TASK_COUNT");
    if (!count) return std::unexpected(count.error());
    const auto [id, least, most] = numbers;
    if (most < least || id < least || id > most) {
        return std::unexpected(name + ": expected a number from " + std::to_string(least) + " to " +
                               std::to_string(most) + ", found " + std::to_string(id));
    }
    const std::uint64_t step = *count > 1 ? (most - least) / (*count - 1) : 1;
    if (step == 0 || least + step * (*count - 1) != most || (id - least) % step != 0) {
        return std::unexpected(name +
                               ": expected an array with equal steps (--array=FIRST-LAST:STEP), "
                               "found " +
                               std::to_string(*count) + " ids from " + std::to_string(least) +
                               " to " + std::to_string(most));
    }
    return Reader::shard(name, (id - least) / step, 0, *count);
}

// People also use it to hand out seeds themselves (`parallel simulator sweep --seeds {} ::: ...`):
// without a count it says nothing.
Found find_parallel(const Reader& reader) {
    if (!reader.has_count_flag()) return std::nullopt;
    return reader.pair("PARALLEL_SEQ", 1, "PARALLEL_TOTAL");
}

Found find_flag(const std::string& text, std::optional<std::uint64_t> count_flag) {
    const std::size_t slash = text.find('/');
    const auto index = parse_number(std::string_view(text).substr(0, slash));
    const auto count = slash == std::string::npos
                           ? std::nullopt
                           : parse_number(std::string_view(text).substr(slash + 1));
    if (!index || !count)
        return std::unexpected("--shard: expected INDEX/COUNT, as in 2/8, found '" + text + "'");
    if (count_flag && *count_flag != *count)
        return std::unexpected("--shard says " + text + ", but --shards another count");
    return Reader::shard("--shard", *index, 1, *count);
}

}  // namespace

std::expected<ShardChoice, std::string> choose_shard(const std::optional<std::string>& flag,
                                                     std::optional<std::uint64_t> count_flag,
                                                     const Environment& environment) {
    if (flag) {
        auto chosen = find_flag(*flag, count_flag);
        if (!chosen) return std::unexpected(chosen.error());
        return **chosen;
    }
    const Reader reader(environment, count_flag);
    std::vector<ShardChoice> choices;
    for (auto& found : {find_slurm(reader),
                        reader.pair("JOB_COMPLETION_INDEX", 0, "JOB_COMPLETIONS"),
                        reader.pair("GTEST_SHARD_INDEX", 0, "GTEST_TOTAL_SHARDS"),
                        reader.pair("CI_NODE_INDEX", 1, "CI_NODE_TOTAL"),
                        find_parallel(reader)}) {
        if (!found) return std::unexpected(found.error());
        if (*found) choices.push_back(**found);
    }
    if (choices.empty()) {
        if (count_flag && *count_flag != 1)
            return std::unexpected("--shards: no variable of a batch engine says which shard");
        return ShardChoice{{}, ""};
    }
    for (const ShardChoice& other : choices) {
        if (other.shard == choices.front().shard) continue;
        return std::unexpected(choices.front().source + " and " + other.source +
                               " choose different shards; unset one, or say --shard INDEX/COUNT");
    }
    return choices.front();
}

}  // namespace matrix::simulator
