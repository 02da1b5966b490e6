// Plan: what a workload adds to the scenario that is being drawn: rooms, steps, minima.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "refserver/protocol/room_rules.h"
#include "refserver/runtime/random.h"
#include "simulator/scenario/scenario.h"

namespace matrix::simulator {

/// What a workload is asked for.
struct WorkloadOptions {
    std::vector<std::string> room_versions;  ///< power_struggle: one room of each.
    std::int64_t pause_ms_max = 20'000;      ///< Between two actions of one user.
    bool has_split = false;  ///< Is the network split for a while? Then conflicts are expected.
};

class Plan {
public:
    /// All of them outlive the plan. The stream is the workload's own.
    Plan(Scenario& scenario, const WorkloadOptions& options, runtime::Random& random)
        : scenario_(scenario), options_(options), random_(random) {}
    Plan(const Plan&) = delete;
    Plan& operator=(const Plan&) = delete;

    const WorkloadOptions& options() const { return options_; }
    runtime::Random& random() { return random_; }
    int servers() const { return scenario_.servers; }
    std::int64_t end_ms() const { return scenario_.chaos_ms; }

    /// Users are counted through, those of the first server first; larger numbers begin anew.
    std::uint64_t user_count() const;
    std::string user(std::uint64_t index) const;
    std::string draw_user() { return user(random_.below(user_count())); }
    /// One user of each server.
    std::vector<std::string> list_first_users() const;
    std::string draw_server();
    const std::string& draw_from(const std::vector<std::string>& items);
    std::int64_t draw_integer(std::int64_t least, std::int64_t most);

    /// One of the room versions that are asked for; nothing if none of them has the feature.
    std::optional<std::string> draw_version(bool RoomRules::* feature = nullptr);

    /// Gives the room a name that begins with `kind`, and gives it back. The creator's level is
    /// 100, or not said where creators are above all levels.
    std::string add_room(std::string_view kind, RoomPlan room);
    /// Steps after the end of the timeline are left out. True if it was added.
    bool add_step(std::int64_t at_ms, std::string_view verb, json::Object arguments);
    /// When somebody acts between two times: the pauses are those that are asked for.
    std::vector<std::int64_t> draw_moments(std::int64_t from_ms, std::int64_t to_ms);

    /// The run is inconclusive if less is counted. What several workloads demand is added up.
    void demand(std::string_view metric, std::uint64_t least);

private:
    Scenario& scenario_;
    const WorkloadOptions& options_;
    runtime::Random& random_;
};

}  // namespace matrix::simulator
