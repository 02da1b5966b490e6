#include "simulator/planted/planted_bug.h"

#include <algorithm>

namespace matrix::simulator {

const std::vector<PlantedBug>& all_planted_bugs() {
    static const std::vector<PlantedBug> kBugs = [] {
        std::vector<PlantedBug> bugs;
        for (const auto table : {network_bugs(),
                                 signature_bugs(),
                                 database_bugs(),
                                 shared_bugs(),
                                 endless_bugs(),
                                 answer_bugs(),
                                 client_bugs()})
            bugs.insert(bugs.end(), table.begin(), table.end());
        return bugs;
    }();
    return kBugs;
}

const PlantedBug* find_planted_bug(std::string_view name) {
    const auto place = std::ranges::find(all_planted_bugs(), name, &PlantedBug::name);
    return place == all_planted_bugs().end() ? nullptr : &*place;
}

}  // namespace matrix::simulator
