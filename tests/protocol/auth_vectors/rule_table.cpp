#include "tests/protocol/auth_vectors/rule_table.h"

#include <fstream>
#include <sstream>

namespace matrix::testing {

int number_of_version(const RoomRules& rules) {
    return std::stoi(std::string(rules.version));
}

std::optional<RuleTable> RuleTable::read(const std::string& path) {
    std::ifstream file(path);
    RuleTable table;
    for (std::string line; std::getline(file, line);) {
        std::istringstream columns(line);
        std::string rule;
        std::string verdict;
        std::getline(columns, rule, '\t');
        std::getline(columns, verdict, '\t');
        for (std::string& number : table.numbers_[rule]) {
            if (!std::getline(columns, number, '\t')) return std::nullopt;
            if (number == "-") number.clear();
        }
    }
    if (table.numbers_.empty()) return std::nullopt;
    return table;
}

std::string RuleTable::number(std::string_view rule, const RoomRules& version) const {
    const auto found = numbers_.find(rule);
    if (found == numbers_.end()) return "";
    return found->second[static_cast<std::size_t>(number_of_version(version) - 1)];
}

}  // namespace matrix::testing
