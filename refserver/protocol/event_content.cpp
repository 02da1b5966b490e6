// Parses the contents that authorization rules read, and the numbers in them.
//
// Spec: https://spec.matrix.org/v1.19/rooms/v1/#mroompower_levels-events-accept-values-as-strings

#include "refserver/protocol/event_content.h"

#include <algorithm>
#include <array>
#include <limits>
#include <utility>

#include "refserver/base/assert.h"

namespace matrix {
namespace {

struct MembershipName {
    Membership membership;
    std::string_view name;
};
constexpr std::array kMembershipNames = {
    MembershipName{Membership::Join, "join"},
    MembershipName{Membership::Invite, "invite"},
    MembershipName{Membership::Leave, "leave"},
    MembershipName{Membership::Ban, "ban"},
    MembershipName{Membership::Knock, "knock"},
};

}  // namespace

std::string_view name_of(Membership membership) {
    for (const MembershipName& entry : kMembershipNames) {
        if (entry.membership == membership) return entry.name;
    }
    unreachable();
}

std::optional<Membership> find_membership(std::string_view name) {
    for (const MembershipName& entry : kMembershipNames) {
        if (entry.name == name) return entry.membership;
    }
    return std::nullopt;
}

namespace {

constexpr std::int64_t kLevelMax = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t kLevelMin = std::numeric_limits<std::int64_t>::min();

bool is_level_digit(char c) {
    return c >= '0' && c <= '9';
}

// The number that decimal digits write, or the nearest that fits.
std::int64_t saturating_number(bool is_negative, std::string_view digits) {
    std::int64_t number = 0;  // Counted downwards: there is one more negative number.
    for (const char c : digits) {
        const int digit = c - '0';
        if (number < (kLevelMin + digit) / 10) return is_negative ? kLevelMin : kLevelMax;
        number = number * 10 - digit;
    }
    if (is_negative) return number;
    return number == kLevelMin ? kLevelMax : -number;
}

// UNSPECIFIED: white space is that of ASCII, because the text does not say which it means.
constexpr std::string_view kWhiteSpace = " \t\n\v\f\r";

std::optional<std::int64_t> parse_level_string(std::string_view text) {
    const std::size_t first = text.find_first_not_of(kWhiteSpace);
    if (first == std::string_view::npos) return std::nullopt;
    text = text.substr(first, text.find_last_not_of(kWhiteSpace) + 1 - first);

    const bool is_negative = text.starts_with('-');
    if (is_negative || text.starts_with('+')) text.remove_prefix(1);
    if (text.empty() || !std::ranges::all_of(text, is_level_digit)) return std::nullopt;
    return saturating_number(is_negative, text);
}

// A JSON number as sign, digits without leading zeros, and where the decimal point stands in them.
struct Decimal {
    bool is_negative = false;
    std::string digits;
    std::int64_t point = 0;
};

// Larger exponents than this make no difference: a PDU has fewer digits.
constexpr std::int64_t kExponentMax = 1'000'000;

Decimal parse_decimal(std::string_view number) {
    Decimal decimal;
    decimal.is_negative = number.starts_with('-');
    if (decimal.is_negative) number.remove_prefix(1);

    const std::size_t exponent_at = number.find_first_of("eE");
    const std::string_view mantissa = number.substr(0, exponent_at);
    const std::string_view whole = mantissa.substr(0, mantissa.find('.'));
    decimal.point = static_cast<std::int64_t>(whole.size());
    std::ranges::copy_if(mantissa, std::back_inserter(decimal.digits), is_level_digit);

    if (exponent_at != std::string_view::npos) {
        const auto exponent = parse_level_string(number.substr(exponent_at + 1));
        decimal.point += std::clamp(exponent.value_or(0), -kExponentMax, kExponentMax);
    }
    const std::size_t zeros =
        std::min(decimal.digits.find_first_not_of('0'), decimal.digits.size());
    decimal.digits.erase(0, zeros);
    decimal.point -= static_cast<std::int64_t>(zeros);
    return decimal;
}

// 2^1024 - 2^970, the smallest number that rounds to infinity, has 309 digits and starts so.
constexpr std::int64_t kDoubleDigits = 309;
constexpr std::string_view kDoubleLimit = "179769313486231580793728971405303415";

bool is_out_of_double(const Decimal& decimal) {
    if (decimal.digits.empty() || decimal.point < kDoubleDigits) return false;
    return decimal.point > kDoubleDigits || decimal.digits >= kDoubleLimit;
}

// Exponents are applied first, then what is behind the decimal point is cut off.
std::optional<std::int64_t> parse_level_number(std::string_view number) {
    const Decimal decimal = parse_decimal(number);
    if (is_out_of_double(decimal)) return std::nullopt;
    if (decimal.point <= 0 || decimal.digits.empty()) return 0;

    const auto count = static_cast<std::size_t>(decimal.point);
    std::string digits = decimal.digits.substr(0, count);
    digits.resize(count, '0');
    return saturating_number(decimal.is_negative, digits);
}

}  // namespace

std::optional<std::int64_t> parse_power_level(const json::Value& value, PowerLevelSyntax syntax) {
    if (const std::int64_t* integer = value.if_integer()) return *integer;
    if (syntax == PowerLevelSyntax::Integers) return std::nullopt;
    if (const std::string* string = value.if_string()) return parse_level_string(*string);

    const json::OtherNumber* number = value.if_other_number();
    if (!number || syntax == PowerLevelSyntax::IntegersAndStrings) return std::nullopt;
    return parse_level_number(number->text);
}

namespace {

CreateContent parse_create(const json::Object& content) {
    CreateContent create;
    if (const json::Value* federate = content.find("m.federate")) {
        const bool* boolean = federate->if_boolean();
        create.is_federated = !boolean || *boolean;
    }
    if (const json::Value* version = content.find("room_version")) {
        create.has_room_version = true;
        if (const std::string* string = version->if_string()) create.room_version = *string;
    }
    if (const json::Value* creator = content.find("creator")) {
        create.has_creator = true;
        if (const std::string* string = creator->if_string()) create.creator = UserId(*string);
    }
    const json::Value* additional = content.find("additional_creators");
    if (!additional) return create;

    const json::Array* users = additional->if_array();
    create.has_valid_additional_creators = users != nullptr;
    if (!users) return create;
    for (const json::Value& user : *users) {
        const std::string* string = user.if_string();
        if (string && parse_user_id(*string)) {
            create.additional_creators.emplace_back(*string);
        } else {
            create.has_valid_additional_creators = false;
        }
    }
    return create;
}

MemberContent parse_member(const json::Object& content) {
    MemberContent member;
    if (const json::Value* membership = content.find("membership")) {
        member.has_membership = true;
        if (const std::string* name = membership->if_string()) {
            member.membership = find_membership(*name);
        }
    }
    if (const json::Value* authorizer = content.find("join_authorised_via_users_server")) {
        const std::string* string = authorizer->if_string();
        member.join_authorized_via = string && parse_user_id(*string) ? UserId(*string) : UserId();
    }
    if (const json::Value* invite = content.find("third_party_invite")) {
        member.third_party_invite = ThirdPartyInvite{*invite};
    }
    return member;
}

class PowerLevelsParser {
public:
    PowerLevelsParser(const json::Object& content, PowerLevelSyntax syntax)
        : content_(content), syntax_(syntax) {}

    PowerLevelsContent parse() {
        levels_.ban = parse_named("ban");
        levels_.events_default = parse_named("events_default");
        levels_.invite = parse_named("invite");
        levels_.kick = parse_named("kick");
        levels_.redact = parse_named("redact");
        levels_.state_default = parse_named("state_default");
        levels_.users_default = parse_named("users_default");
        levels_.is_users_malformed = !parse_map("users", levels_.users);
        levels_.is_events_malformed = !parse_map("events", levels_.events);
        levels_.is_notifications_malformed = !parse_map("notifications", levels_.notifications);
        if (const json::Value* users = content_.find("users"); users && users->is_object()) {
            for (const json::Member& user : *users->if_object()) {
                if (!parse_user_id(user.key)) levels_.has_invalid_user_id = true;
            }
        }
        return std::move(levels_);
    }

private:
    std::optional<std::int64_t> parse_level(const json::Value& value) {
        const std::optional<std::int64_t> level = parse_power_level(value, syntax_);
        const bool knows_floats = syntax_ == PowerLevelSyntax::IntegersStringsAndFloats;
        if (!level && knows_floats && value.if_other_number()) {
            levels_.has_number_out_of_range = true;
        }
        return level;
    }

    NamedLevel parse_named(std::string_view name) {
        const json::Value* value = content_.find(name);
        if (!value) return {};
        const std::optional<std::int64_t> level = parse_level(*value);
        return {.level = level, .is_malformed = !level};
    }

    // False if something there is no level; the levels beside it are kept.
    bool parse_map(std::string_view name, LevelMap& map) {
        const json::Value* value = content_.find(name);
        if (!value) return true;
        const json::Object* object = value->if_object();
        if (!object) return false;

        bool is_valid = true;
        for (const json::Member& member : *object) {
            if (const std::optional<std::int64_t> level = parse_level(member.value)) {
                map.append(member.key, *level);
            } else {
                is_valid = false;
            }
        }
        return is_valid;
    }

    const json::Object& content_;
    const PowerLevelSyntax syntax_;
    PowerLevelsContent levels_;
};

JoinRulesContent parse_join_rules(const json::Object& content) {
    static constexpr std::array<std::pair<std::string_view, JoinRule>, 6> kNames = {{
        {"public", JoinRule::Public},
        {"invite", JoinRule::Invite},
        {"knock", JoinRule::Knock},
        {"restricted", JoinRule::Restricted},
        {"knock_restricted", JoinRule::KnockRestricted},
        {"private", JoinRule::Private},
    }};
    const json::Value* value = content.find("join_rule");
    const std::string* string = value ? value->if_string() : nullptr;
    if (!string) return {};
    for (const auto& [name, join_rule] : kNames) {
        if (name == *string) return {.join_rule = join_rule};
    }
    return {};
}

ThirdPartyInviteTokenContent parse_token(const json::Object& content) {
    ThirdPartyInviteTokenContent token;
    if (const json::Value* key = content.find("public_key"); key && key->if_string()) {
        token.public_keys.push_back(*key->if_string());
    }
    const json::Value* keys = content.find("public_keys");
    if (!keys || !keys->if_array()) return token;
    for (const json::Value& entry : *keys->if_array()) {
        if (const std::string* key = entry.find_string("public_key")) {
            token.public_keys.push_back(*key);
        }
    }
    return token;
}

}  // namespace

EventContent parse_event_content(std::string_view type,
                                 const json::Object& content,
                                 const RoomRules& rules) {
    if (type == "m.room.create") return parse_create(content);
    if (type == "m.room.member") return parse_member(content);
    if (type == "m.room.power_levels") {
        return PowerLevelsParser(content, rules.power_levels).parse();
    }
    if (type == "m.room.join_rules") return parse_join_rules(content);
    if (type == "m.room.third_party_invite") return parse_token(content);
    return {};
}

}  // namespace matrix
