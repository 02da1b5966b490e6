// Every authorization vector on both implementations: the verdict, and the number of the rule.

#include <memory>

#include <gtest/gtest.h>

#include "conformance/oracle/auth_rules.h"
#include "tests/protocol/auth_vectors/vector_room.h"

namespace matrix::testing {
namespace {

using Ask = AuthAnswer (*)(const AuthCase&);

void check_all(Ask ask) {
    const auto cases = read_auth_cases("fixtures/vectors/auth_rules.json");
    ASSERT_TRUE(cases);
    ASSERT_FALSE(cases->empty());
    for (const AuthCase& auth_case : *cases) {
        const AuthAnswer answer = ask(auth_case);
        EXPECT_EQ(answer.is_allowed, auth_case.is_valid)
            << auth_case.name << ", v" << auth_case.rules->version << ": " << answer;
        EXPECT_EQ(answer.rule, auth_case.decided_by)
            << auth_case.name << ", v" << auth_case.rules->version;
    }
}

AuthAnswer answer_of(const oracle::Verdict& verdict) {
    if (!verdict) return {.is_allowed = false, .rule = verdict.error().rule};
    return {.is_allowed = true, .rule = verdict->rule};
}

AuthAnswer ask_oracle(const AuthCase& auth_case) {
    std::vector<std::unique_ptr<oracle::ReadEvent>> events;
    const auto read = [&](const EventPtr& event, bool is_rejected) -> const oracle::ReadEvent* {
        if (!event) return nullptr;
        const auto standing = is_rejected ? oracle::Standing::Rejected : oracle::Standing::Accepted;
        events.push_back(std::make_unique<oracle::ReadEvent>(event, standing));
        return events.back().get();
    };
    const oracle::ReadEvent& event = *read(auth_case.event, false);
    const oracle::ReadEvent* create = read(auth_case.create, false);
    std::vector<const oracle::ReadEvent*> cited;
    for (const auth::CitedEvent& entry : auth_case.cited)
        cited.push_back(read(entry.event, entry.is_rejected));
    const oracle::Passed passed = oracle::check_cited(event, cited, create);
    if (!passed) return {.is_allowed = false, .rule = passed.error().rule};

    oracle::RuleState by_cited;
    for (const oracle::ReadEvent* entry : cited)
        by_cited.emplace(entry->key(), entry);
    oracle::RuleState state;
    for (const EventPtr& entry : auth_case.state) {
        const oracle::ReadEvent* found = read(entry, false);
        state.emplace(found->key(), found);
    }
    if (create) by_cited.emplace(create->key(), create);

    const oracle::Verdict verdict = oracle::check_against(by_cited, event, ed25519_verifier());
    if (!verdict) return answer_of(verdict);
    return answer_of(oracle::check_against(state, event, ed25519_verifier()));
}

TEST(RedactionHandlingVectors, AgreeWithBothImplementations) {
    const auto cases = read_redaction_cases("fixtures/vectors/redaction_handling.json");
    ASSERT_TRUE(cases);
    ASSERT_FALSE(cases->empty());
    for (const RedactionCase& one : *cases) {
        const std::string name = one.name + ", v" + std::string(one.rules->version);
        const auth::AuthState state = select_state(*one.redaction, one.state, one.state.front());
        EXPECT_EQ(auth::may_redact(state, *one.redaction, *one.target), one.is_applied) << name;

        std::vector<std::unique_ptr<oracle::ReadEvent>> read;
        oracle::RuleState literal;
        for (const EventPtr& entry : one.state) {
            read.push_back(std::make_unique<oracle::ReadEvent>(entry));
            literal.emplace(read.back()->key(), read.back().get());
        }
        EXPECT_EQ(oracle::may_redact(
                      literal, oracle::ReadEvent(one.redaction), oracle::ReadEvent(one.target)),
                  one.is_applied)
            << name << ", oracle";
    }
}

TEST(AuthVectors, AgreeWithTheFastRules) {
    check_all(ask_fast_rules);
}

TEST(AuthVectors, AgreeWithTheOracle) {
    check_all(ask_oracle);
}

}  // namespace
}  // namespace matrix::testing
