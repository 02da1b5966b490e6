// The table of fuzz targets.

#include <algorithm>
#include <array>

#include "fuzz/target.h"

namespace matrix::fuzz {
namespace {

constexpr auto kTargets = std::to_array<Target>({
    {"adapter_request",
     "requests to `refserver adapter`: always an answer, and by both the same",
     run_adapter_request},
    {"auth_rules", "events of drawn rooms by drawn states, against the oracle", run_auth_rules},
    {"base64", "both alphabets: what decodes, and what is written back", run_base64},
    {"canonical_json",
     "parser and canonical form, strict and lenient, against nlohmann_json",
     run_canonical_json},
    {"event", "PDUs of all room versions: round trips, redaction, ids and hashes", run_event},
    {"identifiers",
     "grammars of ids and server names: limits, and parts that fit",
     run_identifiers},
    {"room_file", "files for `refserver resolve` and `check`, resolved and checked", run_room_file},
    {"signatures", "signing and verifying any object and event, server keys", run_signatures},
    {"state_resolution",
     "states of drawn rooms, against the oracle step by step",
     run_state_resolution},
    {"x_matrix", "the Authorization header of federation", run_x_matrix},
});

}  // namespace

std::span<const Target> all_targets() {
    return kTargets;
}

const Target* find_target(std::string_view name) {
    const auto found = std::ranges::find(kTargets, name, &Target::name);
    return found == kTargets.end() ? nullptr : &*found;
}

}  // namespace matrix::fuzz
