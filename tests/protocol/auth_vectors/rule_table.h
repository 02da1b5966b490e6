// The table of authorization rules and their numbers: ci/spec_rules.txt.
#pragma once

#include <array>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "refserver/protocol/room_rules.h"

namespace matrix::testing {

class RuleTable {
public:
    /// Nothing if the file cannot be read or is no such table.
    static std::optional<RuleTable> read(const std::string& path);

    bool contains(std::string_view rule) const { return numbers_.contains(rule); }
    /// The number of a rule in a room version, as rendered there; empty where it does not exist.
    std::string number(std::string_view rule, const RoomRules& version) const;

private:
    static constexpr std::size_t kVersionCount = 12;
    std::map<std::string, std::array<std::string, kVersionCount>, std::less<>> numbers_;
};

/// 1 to 12.
int number_of_version(const RoomRules& rules);

}  // namespace matrix::testing
