// Tries the authorization vectors on the rules, and prints what they say: one JSON object a line.
//
// `rule` and `expected` are what the case is about and expects; `verdict` and `by` what the rules
// said, and which of them. `ci/rules-coverage` reads it.
//
// Usage: auth_verdicts fixtures/vectors/auth_rules.json

#include <iostream>

#include "tests/protocol/auth_vectors/vector_room.h"

int main(int argc, char** argv) {
    using namespace matrix;
    if (argc != 2) {
        std::cerr << "usage: auth_verdicts FILE\n";
        return 2;
    }
    const auto cases = testing::read_auth_cases(argv[1]);
    if (!cases) return 2;
    for (const testing::AuthCase& auth_case : *cases) {
        const testing::AuthAnswer answer = testing::ask_fast_rules(auth_case);
        const auto name_of = [](bool is_allowed) { return is_allowed ? "allowed" : "refused"; };
        const json::Object line = {{"name", auth_case.name},
                                   {"room_version", auth_case.rules->version},
                                   {"rule", auth_case.rule},
                                   {"expected", name_of(auth_case.is_valid)},
                                   {"expected_by", auth_case.decided_by},
                                   {"verdict", name_of(answer.is_allowed)},
                                   {"by", answer.rule}};
        std::cout << json::write(line) << '\n';
    }
    return 0;
}
