#include "refserver/protocol/policy_server.h"

#include <algorithm>

#include "refserver/base/sometimes.h"
#include "refserver/protocol/base64.h"
#include "refserver/protocol/redaction.h"

namespace matrix {

std::optional<PolicyServer> parse_policy_server(const Event& policy) {
    const json::Object content = policy.parse_content();
    const json::Value* via = content.find("via");
    const json::Value* keys = content.find("public_keys");
    const std::string* key = keys ? keys->find_string("ed25519") : nullptr;
    if (!via || !via->if_string() || !key) return std::nullopt;
    auto public_key = decode_base64(*key);
    if (!public_key) public_key = decode_base64_url(*key);
    return PolicyServer{ServerName(*via->if_string()), public_key.value_or("")};
}

bool needs_policy_signature(const Event& event) {
    return !event.is("m.room.policy", "");
}

bool has_policy_signature(const json::Object& pdu,
                          const RoomRules& rules,
                          const PolicyServer& policy,
                          const Verifier& verifier) {
    const std::vector<SignatureRef> signatures = list_signatures(pdu);
    const auto found = std::ranges::find_if(signatures, [&](const SignatureRef& ref) {
        return ref.entity == policy.via.view() && ref.key_id.view() == kPolicyKeyId;
    });
    if (found == signatures.end()) {
        SIM_SOMETIMES("an event lacks the policy server's signature");
        return false;
    }
    return verifier.is_valid(
        policy.public_key, write_redacted_unsigned(pdu, rules), found->signature);
}

void add_policy_signature(json::Object& pdu,
                          const json::Object& signatures,
                          const PolicyServer& policy) {
    const json::Value* of_server = signatures.find(policy.via.view());
    const std::string* signature = of_server ? of_server->find_string(kPolicyKeyId) : nullptr;
    if (!signature) return;
    json::Value& all = pdu["signatures"];
    if (!all.is_object()) all = json::Object();
    json::Value& theirs = (*all.if_object())[policy.via.view()];
    if (!theirs.is_object()) theirs = json::Object();
    theirs.if_object()->set(kPolicyKeyId, *signature);
}

}  // namespace matrix
