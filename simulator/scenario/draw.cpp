#include "simulator/scenario/draw.h"

#include <algorithm>

#include "refserver/base/assert.h"
#include "simulator/scenario/disturbance.h"
#include "simulator/simulated_random.h"

namespace matrix::simulator {
namespace {

constexpr std::string_view kStreamPrefix = "draw ";

std::vector<const Disturbance*> choose_disturbances(const DrawOptions& options,
                                                    runtime::RandomSource& source) {
    std::vector<const Disturbance*> chosen;
    for (const Disturbance& disturbance : all_disturbances()) {
        // One stream each: a new disturbance changes no other's fate.
        runtime::Random& random = source.stream("swarm " + std::string(disturbance.name));
        const bool is_listed =
            std::ranges::find(options.disturbances, disturbance.name) != options.disturbances.end();
        const bool is_drawn = random.below(100) < disturbance.percent;
        if (options.is_swarm ? is_drawn : is_listed) chosen.push_back(&disturbance);
    }
    return chosen;
}

// Each of them costs about as much as the users of one server.
constexpr std::uint64_t kSyncingMax = 3;

void draw_syncing(Scenario& scenario, runtime::Random& random) {
    const std::uint64_t count = 1 + random.below(kSyncingMax);
    for (std::uint64_t draw = 0; draw < count; ++draw) {
        const auto server =
            static_cast<int>(random.below(static_cast<std::uint64_t>(scenario.servers)));
        const auto user =
            static_cast<int>(random.below(static_cast<std::uint64_t>(scenario.users_per_server)));
        const std::string name = name_of_user(server, user);
        const bool is_drawn = std::ranges::find(scenario.syncing, name) != scenario.syncing.end();
        if (!is_drawn) scenario.syncing.push_back(name);
    }
}

bool has_version_for(const Workload& workload, const std::vector<std::string>& versions) {
    return workload.needs == nullptr ||
           std::ranges::any_of(versions, [&](const std::string& version) {
               return find_room_rules(version)->*workload.needs;
           });
}

std::vector<const Workload*> choose_workloads(const DrawOptions& options,
                                              runtime::RandomSource& source) {
    std::vector<const Workload*> chosen;
    for (const std::string& name : options.workloads)
        chosen.push_back(find_workload(name));
    if (chosen.empty() && options.is_swarm) {
        for (const Workload& workload : all_workloads()) {
            runtime::Random& random = source.stream("swarm workload " + std::string(workload.name));
            const bool is_drawn = random.below(100) < workload.percent;
            if (is_drawn && has_version_for(workload, options.workload.room_versions))
                chosen.push_back(&workload);
        }
    }
    if (chosen.empty()) chosen.push_back(find_workload(kDefaultWorkload));
    return chosen;
}

// For people: "power_struggle, split, intruder".
std::string describe(const std::vector<const Workload*>& workloads,
                     const std::vector<const Disturbance*>& disturbances) {
    std::string text;
    for (const Workload* workload : workloads)
        text += (text.empty() ? "" : ", ") + std::string(workload->name);
    for (const Disturbance* disturbance : disturbances)
        text += ", " + std::string(disturbance->name);
    return text;
}

}  // namespace

const std::vector<Disturbance>& all_disturbances() {
    static const std::vector<Disturbance> kAll = [] {
        std::vector<Disturbance> all;
        for (const auto table : {fault_disturbances(), byzantine_disturbances()})
            all.insert(all.end(), table.begin(), table.end());
        return all;
    }();
    return kAll;
}

const Disturbance* find_disturbance(std::string_view name) {
    const auto place = std::ranges::find(all_disturbances(), name, &Disturbance::name);
    return place == all_disturbances().end() ? nullptr : &*place;
}

Scenario draw_scenario(const DrawOptions& options) {
    SimulatedRandomSource source(options.seed);
    Scenario scenario;
    scenario.name = "seed " + std::to_string(options.seed);
    scenario.servers = options.servers;
    scenario.users_per_server = options.users_per_server;
    scenario.identity_seed = options.seed;
    scenario.seed = options.seed;
    scenario.link = options.link;
    scenario.chaos_ms = options.chaos_ms;

    const auto disturbances = choose_disturbances(options, source);
    const auto workloads = choose_workloads(options, source);
    scenario.description = describe(workloads, disturbances);
    WorkloadOptions workload_options = options.workload;
    workload_options.has_split =
        options.servers > 1 && std::ranges::any_of(disturbances, [](const Disturbance* chosen) {
            return chosen->name == "split";
        });
    for (const Workload* workload : workloads) {
        MATRIX_ASSERT(workload != nullptr);
        Plan plan(scenario,
                  workload_options,
                  source.stream(std::string(kStreamPrefix) + std::string(workload->name)));
        workload->draw(plan);
    }
    for (const Disturbance* disturbance : disturbances) {
        disturbance->draw(
            scenario, source.stream(std::string(kStreamPrefix) + std::string(disturbance->name)));
    }
    draw_syncing(scenario, source.stream("draw syncing users"));
    sort_timeline(scenario);
    return scenario;
}

}  // namespace matrix::simulator
