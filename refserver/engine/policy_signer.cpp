#include "refserver/engine/policy_signer.h"

#include <algorithm>

#include "refserver/protocol/policy_server.h"

namespace matrix::engine {

Result<json::Object> PolicySigner::sign(const Event& event) const {
    if (!needs_policy_signature(event)) {
        return bad_request("M_FORBIDDEN", "m.room.policy is not the policy server's to recommend");
    }
    const bool is_refused = std::ranges::any_of(refused_texts_, [&](const std::string& text) {
        return event.text.find(text) != std::string::npos;
    });
    if (is_refused) return bad_request("M_FORBIDDEN", "the event holds what is refused here");
    json::Object pdu = event.parse_text();
    pdu.erase("signatures");
    sign_event(pdu, server_, *signer_, *event.rules);
    return *pdu.find("signatures")->if_object();
}

}  // namespace matrix::engine
