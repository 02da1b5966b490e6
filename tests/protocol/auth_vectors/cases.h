// The cases of the authorization vectors: tables, from which `make_auth_vectors` makes the file.
//
// A row is tried in each room version that has its rule. For every rule there is a row that it
// accepts and one that it refuses: a rule that only refuses accepts what differs from the refused
// case in the one point; a rule that only allows refuses what misses it, by a rule after it.
#pragma once

#include <initializer_list>
#include <span>
#include <string_view>
#include <vector>

#include "tests/protocol/auth_vectors/scene.h"

namespace matrix::testing {

enum class Outcome { Allowed, Refused };

struct Expectation {
    Outcome outcome;
    std::string_view rule;  ///< The rule that decides; as in ci/spec_rules.txt.
};
constexpr Expectation allowed(std::string_view rule) {
    return {Outcome::Allowed, rule};
}
constexpr Expectation refused(std::string_view rule) {
    return {Outcome::Refused, rule};
}

struct CaseRow {
    std::string_view rule;  ///< What the case is about; as in ci/spec_rules.txt.
    std::string_view name;  ///< Unique and stable: others refer to it.
    std::string_view reason;
    Expectation expected;
    void (*arrange)(Scene& scene);
    int first_version = 1;
    int last_version = 12;
    /// Where the specification leaves a choice: why we chose as expected. Empty where it does not.
    std::string_view why = {};
};

/// All of some tables.
inline std::vector<CaseRow> join_tables(std::initializer_list<std::span<const CaseRow>> tables) {
    std::vector<CaseRow> rows;
    for (const auto& table : tables)
        rows.insert(rows.end(), table.begin(), table.end());
    return rows;
}

std::vector<CaseRow> room_case_rows();         ///< v12 1 to 4, 6 to 9 and 11; v5 4; v2 11.
std::vector<CaseRow> member_case_rows();       ///< v12 5.1 to 5.3, and 5.5 to 5.8.
std::vector<CaseRow> invite_case_rows();       ///< v12 5.4.
std::vector<CaseRow> power_level_case_rows();  ///< v12 10.

}  // namespace matrix::testing
