// Reads the authorization vectors, and tries them on both implementations.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "refserver/protocol/auth_rules.h"

namespace matrix::testing {

/// A case of fixtures/vectors/auth_rules.json.
struct AuthCase {
    std::string name;
    std::string rule;        ///< What the case is about.
    std::string decided_by;  ///< The rule that decides.
    bool is_valid = false;   ///< By our choice where the specification leaves one.
    const RoomRules* rules = nullptr;
    EventPtr event;
    std::vector<EventPtr> state;
    /// What the event cites, in order: null where it is not in the file.
    std::vector<auth::CitedEvent> cited;
    /// The room's create event, if it was accepted; null when the event creates the room.
    EventPtr create;
};

/// What an implementation says: step 4 of the checks on receipt, then step 5.
struct AuthAnswer {
    bool is_allowed = false;
    std::string rule;  ///< That allows or refuses.
    friend bool operator==(const AuthAnswer&, const AuthAnswer&) = default;
};
std::ostream& operator<<(std::ostream& out, const AuthAnswer& answer);

/// Nothing if the file is no file of such vectors; says on standard error what was expected.
std::optional<std::vector<AuthCase>> read_auth_cases(const std::string& path);

/// What the rules need of `state` to judge `event`.
auth::AuthState select_state(const Event& event,
                             const std::vector<EventPtr>& state,
                             const EventPtr& create);

/// A case of fixtures/vectors/redaction_handling.json, in one of its room versions.
struct RedactionCase {
    std::string name;
    const RoomRules* rules = nullptr;
    EventPtr redaction;
    EventPtr target;
    std::vector<EventPtr> state;
    bool is_applied = false;
};
/// As `read_auth_cases`.
std::optional<std::vector<RedactionCase>> read_redaction_cases(const std::string& path);

AuthAnswer ask_fast_rules(const AuthCase& auth_case);

}  // namespace matrix::testing
