#include "simulator/lab/repairs.h"

#include <algorithm>
#include <vector>

#include "refserver/versions/room_version_fields.h"

namespace matrix::lab {
namespace {

/// A version with one of the other version's steps.
struct MixedRules {
    std::string name;
    RoomRules rules;
};

std::vector<MixedRules> list_mixtures(const RoomRules& own, const RoomRules& other) {
    std::vector<MixedRules> mixtures;
    for (const versions::RuleField& field : versions::rule_fields()) {
        if (field.group != "resolution_steps" || field.tell(own) == field.tell(other)) continue;
        mixtures.push_back({field.name + ' ' + field.tell(other), own});
        field.copy(other, mixtures.back().rules);
    }
    return mixtures;
}

bool still_resets(const History& history,
                  const FindEvent& find_event,
                  std::span<const State> inputs,
                  const RoomRules& rules) {
    const State result = resolve(inputs, find_event, rules, ed25519_verifier());
    return std::ranges::any_of(find_taken_back(history, inputs, result), &TakenBack::is_reset);
}

}  // namespace

std::string find_repair(const History& history,
                        const FindEvent& find_event,
                        std::span<const State> inputs,
                        const RoomRules& own,
                        const RoomRules& other) {
    std::string names;
    for (const MixedRules& mixture : list_mixtures(own, other)) {
        if (still_resets(history, find_event, inputs, mixture.rules)) continue;
        names += (names.empty() ? "" : " or ") + mixture.name;
    }
    if (!names.empty()) return names;
    RoomRules all = own;
    all.state_resolution = other.state_resolution;
    all.resolution_steps = other.resolution_steps;
    return still_resets(history, find_event, inputs, all) ? "none of them"
                                                          : "only all of them together";
}

}  // namespace matrix::lab
