// Redactions: as a rule of authorization in room versions 1 and 2, and later when they are applied.

#include "refserver/base/sometimes.h"
#include "refserver/protocol/auth_rules_families.h"

namespace matrix::auth {

// v2 11. The event itself need not be known: its id names its server.
Verdict check_redaction(const AuthState& state, const Event& event) {
    if (state.level_of(event.sender) >= state.level_for(Action::Redact)) return allow("v2 11.1");
    const std::optional<ServerName> own_server = event.id.server();
    if (own_server && event.redacts && event.redacts->server() == own_server) {
        return allow("v2 11.2");
    }
    SIM_SOMETIMES("v2 11.3 refuses: the sender may not redact events of other servers");
    return refuse("v2 11.3", "the sender may not redact events of other servers");
}

bool may_redact(const AuthState& state, const Event& redaction, const Event& target) {
    return state.level_of(redaction.sender) >= state.level_for(Action::Redact) ||
           redaction.sender.domain() == target.sender.domain();
}

}  // namespace matrix::auth
