// Rule 5.4.1 of the authorization rules: an invite of somebody whose address was invited before.

#include <vector>

#include "refserver/base/sometimes.h"
#include "refserver/protocol/auth_rules_families.h"
#include "refserver/protocol/base64.h"

namespace matrix::auth {
namespace {

// DEVIATION: no more signatures than this are tried with no more keys, because an event with
// thousands of each would take minutes; an invite in use has one signature and two keys.
constexpr std::size_t kSignaturesMax = 32;
constexpr std::size_t kKeysMax = 32;

constexpr std::size_t kPublicKeyBytes = 32;
constexpr std::string_view kAlgorithm = "ed25519:";

std::vector<std::string> decode_keys(const ThirdPartyInviteTokenContent& token) {
    std::vector<std::string> keys;
    for (const std::string& text : token.public_keys) {
        std::optional<std::string> key = decode_base64(text);
        if (!key) key = decode_base64_url(text);
        if (!key || key->size() != kPublicKeyBytes) continue;
        keys.push_back(std::move(*key));
        if (keys.size() == kKeysMax) break;
    }
    return keys;
}

// v12 5.4.1.7: does any signature match any key? Who signed it, and under which name, is all one.
bool is_signed_by_any(const json::Object& signed_part,
                      const std::vector<std::string>& keys,
                      const Verifier& verifier) {
    std::size_t count = 0;
    for (const SignatureRef& ref : list_signatures(signed_part)) {
        if (ref.signature.empty() || !ref.key_id.view().starts_with(kAlgorithm)) continue;
        if (++count > kSignaturesMax) return false;
        for (const std::string& key : keys) {
            if (has_signature(signed_part, ref.signature, key, verifier)) return true;
        }
    }
    return false;
}

}  // namespace

Verdict check_third_party_invite(const MemberCheck& check) {
    if (check.target_membership == Membership::Ban) {
        SIM_SOMETIMES("v12 5.4.1.1 refuses: the invited user is banned");
        return refuse("v12 5.4.1.1", "the invited user is banned");
    }
    const json::Value* signed_part = check.content.third_party_invite->value.find("signed");
    if (!signed_part) {
        SIM_SOMETIMES("v12 5.4.1.2 refuses: third_party_invite has nothing signed");
        return refuse("v12 5.4.1.2", "third_party_invite has nothing signed");
    }

    const json::Value* mxid = signed_part->find("mxid");
    const json::Value* token = signed_part->find("token");
    if (!mxid || !token) {
        SIM_SOMETIMES("v12 5.4.1.3 refuses: 'signed' lacks mxid or token");
        return refuse("v12 5.4.1.3", "`signed` lacks mxid or token");
    }
    if (!mxid->if_string() || *mxid->if_string() != check.target) {
        SIM_SOMETIMES("v12 5.4.1.4 refuses: 'mxid' is not the invited user");
        return refuse("v12 5.4.1.4", "`mxid` is not the invited user");
    }
    const Event* token_event = check.state[Role::Token];
    if (!token_event) {
        SIM_SOMETIMES("v12 5.4.1.5 refuses: the room has no invite with this token");
        return refuse("v12 5.4.1.5", "the room has no invite with this token");
    }
    if (token_event->sender != check.event.sender) {
        SIM_SOMETIMES("v12 5.4.1.6 refuses: the token was made by another user than the sender");
        return refuse("v12 5.4.1.6", "the token was made by another user than the sender");
    }
    const auto& content = std::get<ThirdPartyInviteTokenContent>(token_event->content);
    if (is_signed_by_any(*signed_part->if_object(), decode_keys(content), check.verifier)) {
        return allow("v12 5.4.1.7");
    }
    SIM_SOMETIMES("v12 5.4.1.8 refuses: no signature matches a public key of the token");
    return refuse("v12 5.4.1.8", "no signature matches a public key of the token");
}

}  // namespace matrix::auth
