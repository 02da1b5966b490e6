// The fields of room rules by their names, as files have them.
//
// For who reads or varies room versions by the names of their fields.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "refserver/protocol/room_rules.h"

namespace matrix::versions {

/// A field whose value is one word; a list of words for `resolution_steps.power_events`.
struct RuleField {
    std::string group;  ///< "redaction", "resolution_steps", or empty.
    std::string name;
    bool is_list = false;
    /// All that it may be, or that its list may have; none of a number.
    std::vector<std::string> choices = {};
    /// Sets it; else says what was expected instead of these words.
    std::function<std::expected<void, std::string>(std::span<const std::string> words,
                                                   RoomRules& rules)>
        set;
    std::function<std::string(const RoomRules& rules)> tell;
    /// Takes the value over, and nothing else.
    std::function<void(const RoomRules& from, RoomRules& to)> copy;

    std::string key() const { return group.empty() ? name : group + '.' + name; }
};

/// All of them; the algorithm comes before its steps, which it sets.
const std::vector<RuleField>& rule_fields();

/// A field that does not go with the others, and what it had to be with them.
struct Contradiction {
    std::string_view key;
    std::string_view expected;
};
/// The first contradiction of rules of which no room could be made, or of which nobody could say
/// what they mean.
std::optional<Contradiction> find_contradiction(const RoomRules& rules);

}  // namespace matrix::versions
