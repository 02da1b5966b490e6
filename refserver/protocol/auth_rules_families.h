// What the files of the authorization rules share: one function per family of rules.
//
// Private to auth_rules*.cpp. Rules are cited as in ci/spec_rules.txt: by the last room version
// that contains them and their number there.
#pragma once

#include <string_view>

#include "refserver/protocol/auth_rules.h"

namespace matrix::auth {

inline Passed pass() {
    return {};
}
inline Verdict allow(std::string_view rule) {
    return Grant{rule};
}
/// Both are literals; `about` is copied.
inline std::unexpected<Failure> refuse(std::string_view rule,
                                       std::string_view detail,
                                       std::string_view about = {}) {
    return std::unexpected(Failure{rule, detail, Excerpt(about)});
}

/// Is `user` a creator of the room of `create`: since v12, also an additional one?
bool is_creator(const Event& create, std::string_view user_id);

/// The level that a property of m.room.power_levels has when nothing is written.
inline constexpr std::int64_t kDefaultBan = 50;
inline constexpr std::int64_t kDefaultEvents = 0;
inline constexpr std::int64_t kDefaultInvite = 0;
inline constexpr std::int64_t kDefaultKick = 50;
inline constexpr std::int64_t kDefaultRedact = 50;
inline constexpr std::int64_t kDefaultState = 50;
inline constexpr std::int64_t kDefaultUsers = 0;
/// Of the creator, while there are no power levels (v1 to v11).
inline constexpr std::int64_t kCreatorLevelByDefault = 100;

/// v12 1: an m.room.create event.
Verdict check_create(const Event& event);

/// A membership event, and the two memberships that its rules look at.
struct MemberCheck {
    const AuthState& state;
    const Event& event;
    const MemberContent& content;
    const Verifier& verifier;
    std::string_view target;  ///< Whom `state_key` names; need not be a user id.
    std::optional<Membership> sender_membership;
    std::optional<Membership> target_membership;

    const RoomRules& rules() const { return *event.rules; }
    bool is_about_self() const { return target == event.sender.view(); }
    std::int64_t sender_level() const { return state.level_of(event.sender); }
    std::int64_t target_level() const { return state.level_of(target); }
};

/// The join rule of the room, as far as the room version knows it.
JoinRule known_join_rule(const AuthState& state, const RoomRules& rules);

Verdict check_member(const AuthState& state, const Event& event, const Verifier& verifier);
Verdict check_join(const MemberCheck& check);                ///< v12 5.3
Verdict check_invite(const MemberCheck& check);              ///< v12 5.4
Verdict check_third_party_invite(const MemberCheck& check);  ///< v12 5.4.1
Verdict check_leave(const MemberCheck& check);               ///< v12 5.5
Verdict check_ban(const MemberCheck& check);                 ///< v12 5.6
Verdict check_knock(const MemberCheck& check);               ///< v12 5.7

/// v12 10: an m.room.power_levels event.
Verdict check_power_levels(const AuthState& state, const Event& event);

/// v2 11: an m.room.redaction event of room versions 1 and 2.
Verdict check_redaction(const AuthState& state, const Event& event);

}  // namespace matrix::auth
