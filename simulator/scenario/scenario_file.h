// A scenario as a YAML file.
//
// The keys are those of the README's table. What cannot be understood is refused with the line, the
// key and what was expected; nothing is guessed, and no unknown key is passed over.
#pragma once

#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "simulator/scenario/scenario.h"

namespace matrix::simulator {

/// The value of the key `touchstone` of every scenario file.
inline constexpr std::string_view kScenarioFormat = "scenario/1";

/// Parses and validates; `name` stands before the line in errors: `file.yaml:12: timeline[3].level:
/// expected an integer ...`.
std::expected<Scenario, std::string> parse_scenario(std::string_view yaml, std::string_view name);

/// The same scenario as YAML: `parse_scenario(write_scenario(s))` gives `s` again.
std::string write_scenario(const Scenario& scenario);

/// Reads a file; a file that cannot be read is an error of the same kind.
std::expected<Scenario, std::string> read_scenario(const std::string& path);

/// What is wrong with a scenario, as `key: what was expected`; nothing: it is sound.
std::optional<std::string> find_fault_of(const Scenario& scenario);

}  // namespace matrix::simulator
