// Tokens of invited addresses, and invites that redeem them.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#third-party-invites

#include <array>

#include "refserver/protocol/base64.h"
#include "tests/generators/drafts.h"
#include "tests/generators/room.h"

namespace matrix::generators {
namespace {

// The identity servers whose keys tokens name.
std::unique_ptr<Signer> identity_signer(std::uint64_t number) {
    return make_server_signer(ServerName("id" + std::to_string(number) + ".test"));
}

std::string identity_key(std::uint64_t number) {
    return encode_base64(identity_signer(number)->public_key());
}

constexpr std::array<std::string_view, 2> kTokens = {"token-a", "token-b"};

// A signature that no key made.
void add_wrong_signature(json::Object& signed_part, std::string_view server) {
    constexpr std::size_t kSignatureBytes = 64;
    json::Value& signatures = signed_part["signatures"];
    if (!signatures.is_object()) signatures = json::Object();
    signatures.if_object()->set(
        server, json::Object{{"ed25519:1", encode_base64(std::string(kSignatureBytes, 'x'))}});
}

}  // namespace

EventTemplate draft_token(const UserId& sender, Selector params) {
    json::Object content = {{"display_name", "somebody"}, {"key_validity_url", "https://id0.test"}};
    const std::string_view token = params.among(kTokens);
    // An empty content takes the token back.
    const std::uint64_t variant = params.below(4);
    if (variant == 3) return draft_state(sender, "m.room.third_party_invite", token, {});
    content.set("public_key", identity_key(variant == 1 ? 1 : 0));
    if (variant == 2) {
        content.set("public_keys",
                    json::Array{json::Object{{"public_key", identity_key(1)}},
                                json::Object{{"public_key", "no key"}}});
    }
    return draft_state(sender, "m.room.third_party_invite", token, std::move(content));
}

EventTemplate draft_token_invite(const UserId& sender, const UserId& target, Selector params) {
    enum Variant : std::uint64_t { Good, OtherKey, WrongUser, NoToken, Unsigned, GoodAndBad, Null };
    constexpr std::uint64_t kVariants = 12;  // Those without a name are good ones.
    const std::uint64_t variant = params.below(kVariants);

    json::Object signed_part = {{"mxid", target.text()}, {"token", params.among(kTokens)}};
    if (variant == WrongUser) signed_part.set("mxid", sender.text());
    if (variant == NoToken) signed_part.erase("token");
    if (variant == GoodAndBad) add_wrong_signature(signed_part, "a-bad-one.test");
    if (variant != Unsigned) {
        sign_json(signed_part, "id.test", *identity_signer(variant == OtherKey ? 1 : 0));
    }
    EventTemplate invite = draft_member(sender, target, "invite");
    invite.content.set("third_party_invite",
                       variant == Null ? json::Value()
                                       : json::Object{{"display_name", "somebody"},
                                                      {"signed", std::move(signed_part)}});
    return invite;
}

}  // namespace matrix::generators
