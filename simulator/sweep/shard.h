// Which part of a sweep this process does: from flags, or from what a batch engine tells it.
#pragma once

#include <cstdint>
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

namespace matrix::simulator {

/// Part `index` of `count`, counted from 0: seeds of every `count`-th place.
struct Shard {
    std::uint64_t index = 0;
    std::uint64_t count = 1;
    friend bool operator==(const Shard&, const Shard&) = default;
};

struct ShardChoice {
    Shard shard;
    std::string source;  ///< Who chose it, for people: "--shard", "SLURM_ARRAY_TASK_ID", ...
};

/// A variable of the environment; nothing if it is not set.
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

/// `flag` is `--shard`, "2/8" for the second of eight, and wins; `count_flag` is `--shards`, for
/// engines that tell an index only. Engines: Slurm arrays, Kubernetes indexed jobs, whatever speaks
/// GoogleTest's protocol, GitLab's `parallel`, GNU parallel. An error names the variable.
std::expected<ShardChoice, std::string> choose_shard(const std::optional<std::string>& flag,
                                                     std::optional<std::uint64_t> count_flag,
                                                     const Environment& environment);

}  // namespace matrix::simulator
