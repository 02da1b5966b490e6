// What a fuzz target is: one function over any bytes, which tells what law they break.
//
// The same function serves libFuzzer (`TARGET_fuzz`, made with the preset `fuzz`), the replay of
// its corpus in CI (`fuzz_replay`) and a RapidCheck property (tests/fuzz). A new target is a file
// of its own, a line in `targets.cpp` and one in `CMakeLists.txt`, and a corpus.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>

#include "refserver/protocol/json.h"

namespace matrix::fuzz {

/// A law that does not hold.
struct Finding {
    std::string law;      ///< The sentence that the input contradicts.
    json::Object vector;  ///< The case as people read it: what went in, and what came out.
};
using Outcome = std::optional<Finding>;

struct Target {
    std::string_view name;
    std::string_view about;  ///< One line.
    /// Gives nothing if all laws hold. The bytes are anybody's: it must not crash either.
    Outcome (*run)(std::string_view bytes);
};

/// In the order of names.
std::span<const Target> all_targets();
/// Null if there is none of that name.
const Target* find_target(std::string_view name);

Outcome run_adapter_request(std::string_view bytes);
Outcome run_auth_rules(std::string_view bytes);
Outcome run_base64(std::string_view bytes);
Outcome run_canonical_json(std::string_view bytes);
Outcome run_event(std::string_view bytes);
Outcome run_identifiers(std::string_view bytes);
Outcome run_room_file(std::string_view bytes);
Outcome run_signatures(std::string_view bytes);
Outcome run_state_resolution(std::string_view bytes);
Outcome run_x_matrix(std::string_view bytes);

}  // namespace matrix::fuzz
