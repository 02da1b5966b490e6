// Rules about invites, also of third parties.

#include "refserver/protocol/base64.h"
#include "refserver/protocol/signatures.h"
#include "tests/protocol/auth_vectors/cases.h"

namespace matrix::testing {
namespace {

constexpr const char* kToken = "token";
constexpr const char* kIdentityServer = "identity.test";

std::unique_ptr<Signer> make_signer(char seed) {
    return make_ed25519_signer(KeyId("ed25519:0"), std::string(32, seed));
}
std::string key_of(char seed) {
    return encode_base64(make_signer(seed)->public_key());
}

void invite(Scene& s, std::string_view sender, std::string_view membership) {
    s.set_levels({{"invite", 50}});
    if (!membership.empty()) s.set_member(kStranger, membership);
    s.send_member(sender, kStranger, "invite");
}

json::Object sign(json::Object part, char seed) {
    sign_json(part, kIdentityServer, *make_signer(seed));
    return part;
}
json::Object signed_token() {
    return sign({{"mxid", kStranger}, {"token", kToken}}, 's');
}

void send_invite(Scene& s, json::Value third_party_invite) {
    s.send_member(
        kUser, kStranger, "invite", {{"third_party_invite", std::move(third_party_invite)}});
}

// The user, who may not invite otherwise, redeems a token of theirs for the stranger.
void redeem(Scene& s, const json::Object& signed_part, json::Object token_content) {
    s.set_levels({{"invite", 100}});
    s.set("m.room.third_party_invite", kToken, kUser, std::move(token_content));
    send_invite(s, json::Object{{"display_name", "s...@..."}, {"signed", signed_part}});
}
void redeem(Scene& s, const json::Object& signed_part) {
    redeem(s, signed_part, {{"public_key", key_of('s')}});
}

const CaseRow kTokenRows[] = {
    {"v12 5.4.1.1",
     "redeems-for-who-has-left",
     "the target is not banned",
     allowed("v12 5.4.1.7"),
     [](Scene& s) {
         s.set_member(kStranger, "leave");
         redeem(s, signed_token());
     }},
    {"v12 5.4.1.1",
     "redeems-for-the-banned",
     "the target is banned",
     refused("v12 5.4.1.1"),
     [](Scene& s) {
         s.set_member(kStranger, "ban");
         redeem(s, signed_token());
     }},
    {"v12 5.4.1.2",
     "redeems-signed",
     "third_party_invite has something signed",
     allowed("v12 5.4.1.7"),
     [](Scene& s) { redeem(s, signed_token()); }},
    {"v12 5.4.1.2",
     "redeems-nothing",
     "third_party_invite has nothing signed",
     refused("v12 5.4.1.2"),
     [](Scene& s) { send_invite(s, json::Object{}); }},
    {"v12 5.4.1.2",
     "redeems-null",
     "third_party_invite is there when it is null",
     refused("v12 5.4.1.2"),
     [](Scene& s) { send_invite(s, nullptr); }},
    {"v12 5.4.1.3",
     "redeems-with-mxid-and-token",
     "what is signed has mxid and token",
     allowed("v12 5.4.1.7"),
     [](Scene& s) { redeem(s, signed_token()); }},
    {"v12 5.4.1.3",
     "redeems-without-mxid",
     "what is signed has no mxid",
     refused("v12 5.4.1.3"),
     [](Scene& s) { redeem(s, sign({{"token", kToken}}, 's')); }},
    {"v12 5.4.1.3",
     "redeems-without-token",
     "what is signed has no token",
     refused("v12 5.4.1.3"),
     [](Scene& s) { redeem(s, sign({{"mxid", kStranger}}, 's')); }},
    {"v12 5.4.1.3",
     "redeems-a-string",
     "what is signed is no object",
     refused("v12 5.4.1.3"),
     [](Scene& s) { send_invite(s, json::Object{{"signed", "mxid token"}}); }},
    {"v12 5.4.1.4",
     "redeems-for-mxid",
     "mxid is the target",
     allowed("v12 5.4.1.7"),
     [](Scene& s) { redeem(s, signed_token()); }},
    {"v12 5.4.1.4",
     "redeems-for-another-mxid",
     "mxid is another user",
     refused("v12 5.4.1.4"),
     [](Scene& s) { redeem(s, sign({{"mxid", kMod}, {"token", kToken}}, 's')); }},
    {"v12 5.4.1.5",
     "redeems-token-of-room",
     "the room has the token",
     allowed("v12 5.4.1.7"),
     [](Scene& s) { redeem(s, signed_token()); }},
    {"v12 5.4.1.5",
     "redeems-unknown-token",
     "the room has no such token",
     refused("v12 5.4.1.5"),
     [](Scene& s) { redeem(s, sign({{"mxid", kStranger}, {"token", "other"}}, 's')); }},
    {"v12 5.4.1.5",
     "redeems-removed-token",
     "the token is gone",
     refused("v12 5.4.1.5"),
     [](Scene& s) {
         redeem(s, signed_token());
         s.clear("m.room.third_party_invite");
     }},
    {"v12 5.4.1.6",
     "redeems-own-token",
     "the sender made the token",
     allowed("v12 5.4.1.7"),
     [](Scene& s) { redeem(s, signed_token()); }},
    {"v12 5.4.1.6",
     "redeems-token-of-another-user",
     "another user made the token",
     refused("v12 5.4.1.6"),
     [](Scene& s) {
         redeem(s, signed_token());
         s.set("m.room.third_party_invite", kToken, kMod, {{"public_key", key_of('s')}});
     }},
    {"v12 5.4.1.7",
     "redeems-with-signature",
     "a signature matches a key",
     allowed("v12 5.4.1.7"),
     [](Scene& s) { redeem(s, signed_token()); }},
    {"v12 5.4.1.7",
     "redeems-with-signature-of-another-key",
     "no signature matches a key",
     refused("v12 5.4.1.8"),
     [](Scene& s) { redeem(s, sign({{"mxid", kStranger}, {"token", kToken}}, 'x')); }},
    {"v12 5.4.1.7",
     "redeems-with-one-good-signature-of-two",
     "one of two signatures matches",
     allowed("v12 5.4.1.7"),
     [](Scene& s) {
         json::Object part = signed_token();
         sign_json(part, "a.test", *make_signer('x'));
         redeem(s, part);
     }},
    {"v12 5.4.1.7",
     "redeems-more-than-mxid-and-token",
     "what else is signed is covered by the signature",
     allowed("v12 5.4.1.7"),
     [](Scene& s) {
         redeem(s, sign({{"mxid", kStranger}, {"token", kToken}, {"sender", kUser}}, 's'));
     }},
    {"v12 5.4.1.7.1",
     "redeems-by-public-key",
     "the key is in public_key",
     allowed("v12 5.4.1.7"),
     [](Scene& s) { redeem(s, signed_token(), {{"public_key", key_of('s')}}); }},
    {"v12 5.4.1.7.1",
     "redeems-by-other-public-key",
     "another key is in public_key",
     refused("v12 5.4.1.8"),
     [](Scene& s) { redeem(s, signed_token(), {{"public_key", key_of('x')}}); }},
    {"v12 5.4.1.7.2",
     "redeems-by-public-keys",
     "the key is among public_keys",
     allowed("v12 5.4.1.7"),
     [](Scene& s) {
         redeem(s,
                signed_token(),
                {{"public_key", key_of('x')},
                 {"public_keys",
                  json::Array{json::Object{{"public_key", key_of('y')}},
                              json::Object{{"public_key", key_of('s')}}}}});
     }},
    {"v12 5.4.1.7.2",
     "redeems-by-other-public-keys",
     "the key is not among public_keys",
     refused("v12 5.4.1.8"),
     [](Scene& s) {
         redeem(s,
                signed_token(),
                {{"public_keys", json::Array{json::Object{{"public_key", key_of('y')}}}}});
     }},
    {"v12 5.4.1.8",
     "redeems-otherwise",
     "what is signed was changed",
     refused("v12 5.4.1.8"),
     [](Scene& s) {
         json::Object part = signed_token();
         part.set("sender", kUser);
         redeem(s, part);
     }},
    {"v12 5.4.1.8",
     "redeems-otherwise-twin",
     "what is signed is as it was signed",
     allowed("v12 5.4.1.7"),
     [](Scene& s) { redeem(s, signed_token()); }},
    {"v12 5.4.1.8",
     "redeems-without-signature",
     "there is no signature",
     refused("v12 5.4.1.8"),
     [](Scene& s) { redeem(s, {{"mxid", kStranger}, {"token", kToken}}); }},
    {"v12 5.4.1.8",
     "redeems-without-keys",
     "the token has no key",
     refused("v12 5.4.1.8"),
     [](Scene& s) { redeem(s, signed_token(), {}); }},
};

const CaseRow kInviteRows[] = {
    {"v12 5.4.2",
     "invites-as-member",
     "the sender is in the room",
     allowed("v12 5.4.4"),
     [](Scene& s) { invite(s, kMod, ""); }},
    {"v12 5.4.2",
     "invites-from-outside",
     "the sender is not in the room",
     refused("v12 5.4.2"),
     [](Scene& s) {
         s.set_member(kMod, "leave");
         invite(s, kMod, "");
     }},
    {"v12 5.4.3",
     "invites-who-has-left",
     "the target is neither in the room nor banned",
     allowed("v12 5.4.4"),
     [](Scene& s) { invite(s, kMod, "leave"); }},
    {"v12 5.4.3",
     "invites-member",
     "the target is in the room",
     refused("v12 5.4.3"),
     [](Scene& s) { invite(s, kMod, "join"); }},
    {"v12 5.4.3",
     "invites-the-banned",
     "the target is banned",
     refused("v12 5.4.3"),
     [](Scene& s) { invite(s, kMod, "ban"); }},
    {"v12 5.4.4",
     "invites",
     "the invite level is reached",
     allowed("v12 5.4.4"),
     [](Scene& s) { invite(s, kMod, ""); }},
    {"v12 5.4.4",
     "invites-below-invite-level",
     "the invite level is not reached",
     refused("v12 5.4.5"),
     [](Scene& s) { invite(s, kUser, ""); }},
    {"v12 5.4.4",
     "invites-when-no-level-is-written",
     "the invite level is 0 where nothing is written",
     allowed("v12 5.4.4"),
     [](Scene& s) { s.send_member(kUser, kStranger, "invite"); }},
    {"v12 5.4.4",
     "invites-who-knocked",
     "who knocked is let in by an invite",
     allowed("v12 5.4.4"),
     [](Scene& s) { invite(s, kMod, "knock"); },
     7},
    {"v12 5.4.4",
     "invites-again",
     "an invite may be repeated",
     allowed("v12 5.4.4"),
     [](Scene& s) { invite(s, kMod, "invite"); }},
    {"v12 5.4.5",
     "invites-otherwise",
     "the sender is below the invite level",
     refused("v12 5.4.5"),
     [](Scene& s) {
         s.set_levels({{"invite", 51}});
         s.send_member(kMod, kStranger, "invite");
     }},
    {"v12 5.4.5",
     "invites-otherwise-twin",
     "the sender has the invite level",
     allowed("v12 5.4.4"),
     [](Scene& s) {
         s.set_levels({{"invite", 51}});
         s.send_member(kCreator, kStranger, "invite");
     }},
};

}  // namespace

std::vector<CaseRow> invite_case_rows() {
    return join_tables({kTokenRows, kInviteRows});
}

}  // namespace matrix::testing
