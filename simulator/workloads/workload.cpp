#include "simulator/workloads/workload.h"

#include <algorithm>
#include <array>

namespace matrix::simulator {
namespace {

constexpr std::array kWorkloads = {
    Workload{"power_struggle",
             "People talk, edit power levels, ban, kick and invite each other.",
             50,
             draw_power_struggle},
    Workload{"join_storm",
             "Users of all servers join few rooms within seconds, leave and come back.",
             25,
             draw_join_storm},
    Workload{"moderation",
             "Moderators of all servers redact, ban, kick and deny servers the room.",
             25,
             draw_moderation},
    Workload{"knocking_and_restricted",
             "People knock, are let in or refused, and join by being in another room.",
             25,
             draw_knocking_and_restricted,
             &RoomRules::has_knock},
    Workload{"room_upgrades",
             "Rooms are replaced by rooms of other versions, and people follow.",
             25,
             draw_room_upgrades},
    Workload{"device_churn",
             "Devices come, change and go; keys are claimed and messages sent to devices.",
             25,
             draw_device_churn},
    Workload{"history_paging",
             "People page through rooms while members and history visibility change.",
             20,
             draw_history_paging},
    Workload{"spaces", "The children of two spaces come and go.", 20, draw_spaces},
    Workload{"busy_clients",
             "Everybody talks, types, reads, and comes and goes online.",
             25,
             draw_busy_clients},
};

}  // namespace

std::span<const Workload> all_workloads() {
    return kWorkloads;
}

const Workload* find_workload(std::string_view name) {
    const auto place = std::ranges::find(kWorkloads, name, &Workload::name);
    return place == kWorkloads.end() ? nullptr : &*place;
}

}  // namespace matrix::simulator
