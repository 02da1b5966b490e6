// The authorization rules of room versions 1 to 12, sentence by sentence, in the order of the text.
//
// Slow and literal, to be read beside the specification; nothing is shared with the fast
// implementation but the numbers of the rules: a rule is cited by the last room version that has it
// and its number there as rendered (ci/spec_rules.txt).
//
// Spec: https://spec.matrix.org/v1.19/rooms/v12/#authorisation-rules and the same section of the others
#pragma once

#include <expected>
#include <iosfwd>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "conformance/oracle/room.h"
#include "conformance/oracle/switches.h"
#include "refserver/protocol/signatures.h"

namespace matrix::oracle {

struct Refusal {
    std::string rule;  ///< For example "v12 5.3.2"; of several that refuse, the first in the text.
    std::string why;   ///< For people.
};
std::ostream& operator<<(std::ostream& out, const Refusal& refusal);

/// Why an event is allowed.
struct Grant {
    std::string rule;  ///< For example "v12 5.3.6"; of several that allow, the first in the text.
};
/// What all rules together say.
using Verdict = std::expected<Grant, Refusal>;
/// What a part of the rules says, none of which allows.
using Passed = std::expected<void, Refusal>;

/// "allowed", or the rule that refuses.
std::string rule_of(const Verdict& verdict);
std::string rule_of(const Passed& passed);

/// A state as the rules look at it: no value is null.
using RuleState = std::map<Key, const ReadEvent*>;

/// What the event should cite of a state, if it is there; v12 leaves out m.room.create.
/// Spec: server-server-api, "Auth events selection".
std::set<Key> select_auth_events(const ReadEvent& event);

/// The rules about `auth_events` and the room (v12 1 to 3), which need no state.
///
/// `cited` are the events of `auth_events` in their order, null where one is unknown; `create` is
/// the create event that a v12 room id names, if it is known and was accepted.
Passed check_cited(const ReadEvent& event,
                   const std::vector<const ReadEvent*>& cited,
                   const ReadEvent* create);

/// All other rules, by one state of the room, which holds the create event also in v12.
/// Signatures of servers are verified before.
Verdict check_against(const RuleState& state,
                      const ReadEvent& event,
                      const Verifier& verifier,
                      const Deviations& deviations = {});

/// Is this redaction applied to `target`, of the same room? (v3 and later)
/// Spec: room version 3, "Handling redactions".
bool may_redact(const RuleState& state, const ReadEvent& redaction, const ReadEvent& target);

}  // namespace matrix::oracle
