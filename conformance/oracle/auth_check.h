// The words of the authorization rules, for one event and one state.
//
// Private to the oracle's auth_rules*.cpp.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "conformance/oracle/auth_rules.h"
#include "conformance/oracle/power_level.h"

namespace matrix::oracle {

inline Verdict allow_event(std::string rule) {
    return Grant{std::move(rule)};
}
inline std::unexpected<Refusal> reject_event(std::string rule, std::string why) {
    return std::unexpected(Refusal{std::move(rule), std::move(why)});
}

/// Is `user` named by the create event as a creator: v1 to v10 `creator`, v11 the sender, v12 also
/// `additional_creators`?
bool is_room_creator(std::string_view user, const ReadEvent& create);

/// A user's level by a create event and power levels, either of which may be missing (null).
Level level_of(std::string_view user, const ReadEvent* create, const ReadEvent* power_levels);

struct AuthCheck {
    const RuleState& state;
    const ReadEvent& event;
    const Verifier& verifier;
    const Deviations& deviations;

    template <class Value>
    int version(Value RoomRules::* field) const {
        return event.version(field);
    }
    std::string_view sender() const { return event.event->sender.view(); }
    /// Meaningful for events that have one.
    std::string_view state_key() const { return *event.event->state_key; }

    /// Null if the state has none.
    const ReadEvent* find(std::string_view type, std::string_view state_key) const;
    const ReadEvent* create() const { return find("m.room.create", ""); }
    const ReadEvent* power_levels() const { return find("m.room.power_levels", ""); }
    /// The current membership state of a user; empty if there is none.
    std::string_view membership(std::string_view user) const;
    /// `join_rule` of m.room.join_rules; empty if there is none.
    ///
    /// UNSPECIFIED: no join rule is no rule, so that nobody can join.
    std::string_view join_rule() const;
    Level level_of_user(std::string_view user) const;
    Level sender_level() const { return level_of_user(sender()); }
    /// The invite, kick, ban or redact level.
    Level level_to(std::string_view action) const;
    /// The required power level of the event's type.
    Level required_level() const;
};

Verdict check_create_event(const ReadEvent& event);
Verdict check_member_event(const AuthCheck& check);
Verdict check_power_levels_event(const AuthCheck& check);

}  // namespace matrix::oracle
