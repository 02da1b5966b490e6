#include "refserver/versions/room_version_fields.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace matrix::versions {
namespace {

/// The values of a field, and their names in files.
template <class Value>
using Names = std::vector<std::pair<Value, std::string_view>>;
using Set = std::expected<void, std::string>;

template <class Value>
std::string list_names(const Names<Value>& names) {
    std::string list;
    for (const auto& [value, name] : names)
        list += (list.empty() ? "" : ", ") + std::string(name);
    return list;
}

/// A field of a few values. `place` gives it as a part of the rules.
template <class Value, class Place>
RuleField make_choice(std::string group, std::string name, Place place, Names<Value> names) {
    RuleField field = {.group = std::move(group), .name = std::move(name)};
    for (const auto& [value, word] : names)
        field.choices.emplace_back(word);
    field.set = [names, place](std::span<const std::string> words, RoomRules& rules) -> Set {
        const auto known =
            std::ranges::find(names, std::string_view(words[0]), &Names<Value>::value_type::second);
        if (known == names.end()) return std::unexpected("one of " + list_names(names));
        place(rules) = known->first;
        return {};
    };
    field.tell = [names, place](const RoomRules& rules) {
        RoomRules copy = rules;
        const Value value = place(copy);
        return std::string(
            std::ranges::find(names, value, &Names<Value>::value_type::first)->second);
    };
    field.copy = [place](const RoomRules& from, RoomRules& to) {
        RoomRules copy = from;
        place(to) = place(copy);
    };
    return field;
}

template <class Place>
RuleField make_flag(std::string group, std::string name, Place place) {
    return make_choice<bool>(
        std::move(group), std::move(name), place, {{true, "true"}, {false, "false"}});
}

RuleField make_flag(std::string name, bool RoomRules::* member) {
    return make_flag(
        "", std::move(name), [member](RoomRules& rules) -> bool& { return rules.*member; });
}

RuleField make_redaction_flag(std::string name, bool RedactionRules::* member) {
    return make_flag("redaction", std::move(name), [member](RoomRules& rules) -> bool& {
        return rules.redaction.*member;
    });
}

template <class Value>
RuleField make_step(std::string name, Value ResolutionSteps::* member, Names<Value> names) {
    return make_choice<Value>(
        "resolution_steps",
        std::move(name),
        [member](RoomRules& rules) -> Value& { return rules.resolution_steps.*member; },
        std::move(names));
}

// --- Fields with values of their own -------------------------------------------------------------

struct PowerEventRow {
    std::string_view name;
    bool PowerEvents::* member;
};
const std::vector<PowerEventRow> kPowerEvents = {
    {"create", &PowerEvents::create},
    {"power_levels", &PowerEvents::power_levels},
    {"join_rules", &PowerEvents::join_rules},
    {"third_party_invites", &PowerEvents::third_party_invites},
    {"kicks", &PowerEvents::kicks},
    {"bans", &PowerEvents::bans},
    {"own_leaves", &PowerEvents::own_leaves},
    {"invites", &PowerEvents::invites},
    {"joins", &PowerEvents::joins},
};

std::string tell_power_events(const PowerEvents& events) {
    std::string list;
    for (const auto& [name, member] : kPowerEvents) {
        if (events.*member) list += (list.empty() ? "" : ", ") + std::string(name);
    }
    return '[' + list + ']';
}

Set set_power_events(std::span<const std::string> words, PowerEvents& events) {
    PowerEvents named;
    for (const auto& [name, member] : kPowerEvents)
        named.*member = std::ranges::find(words, name) != words.end();
    const bool are_known = std::ranges::all_of(words, [](const std::string& word) {
        return std::ranges::find(kPowerEvents, word, &PowerEventRow::name) != kPowerEvents.end();
    });
    if (!are_known) {
        PowerEvents all;
        for (const auto& [name, member] : kPowerEvents)
            all.*member = true;
        return std::unexpected("a list of some of " + tell_power_events(all));
    }
    events = named;
    return {};
}

RuleField make_power_events() {
    RuleField field = {.group = "resolution_steps", .name = "power_events", .is_list = true};
    for (const auto& [name, member] : kPowerEvents)
        field.choices.emplace_back(name);
    field.set = [](std::span<const std::string> words, RoomRules& rules) {
        return set_power_events(words, rules.resolution_steps.power_events);
    };
    field.tell = [](const RoomRules& rules) {
        return tell_power_events(rules.resolution_steps.power_events);
    };
    field.copy = [](const RoomRules& from, RoomRules& to) {
        to.resolution_steps.power_events = from.resolution_steps.power_events;
    };
    return field;
}

RuleField make_depth_max() {
    RuleField field = {.name = "depth_max"};
    field.set = [](std::span<const std::string> words, RoomRules& rules) -> Set {
        const std::string& word = words[0];
        std::int64_t depth = 0;
        const auto [end, error] = std::from_chars(word.data(), word.data() + word.size(), depth);
        if (error != std::errc() || end != word.data() + word.size() || depth < 1) {
            return std::unexpected("an integer from 1 to " + std::to_string(INT64_MAX));
        }
        rules.depth_max = depth;
        return {};
    };
    field.tell = [](const RoomRules& rules) { return std::to_string(rules.depth_max); };
    field.copy = [](const RoomRules& from, RoomRules& to) { to.depth_max = from.depth_max; };
    return field;
}

// With the algorithm come its steps.
RuleField make_state_resolution() {
    RuleField field = make_choice<StateResolution>(
        "",
        "state_resolution",
        [](RoomRules& rules) -> StateResolution& { return rules.state_resolution; },
        {{StateResolution::V1, "v1"},
         {StateResolution::V2, "v2"},
         {StateResolution::V2_1, "v2.1"}});
    const auto set_algorithm = field.set;
    field.set = [set_algorithm](std::span<const std::string> words, RoomRules& rules) {
        const Set set = set_algorithm(words, rules);
        const bool is_v2_1 = rules.state_resolution == StateResolution::V2_1;
        if (set) rules.resolution_steps = is_v2_1 ? kStepsV2_1 : kStepsV2;
        return set;
    };
    return field;
}

// --- The tables ----------------------------------------------------------------------------------

void add_formats(std::vector<RuleField>& fields) {
    fields.push_back(make_choice<EventFormat>(
        "",
        "event_format",
        [](RoomRules& rules) -> EventFormat& { return rules.event_format; },
        {{EventFormat::IdsAndHashes, "ids_and_hashes"},
         {EventFormat::Ids, "ids"},
         {EventFormat::HashedRoomId, "hashed_room_id"}}));
    fields.push_back(make_choice<EventIdEncoding>(
        "",
        "event_id_encoding",
        [](RoomRules& rules) -> EventIdEncoding& { return rules.event_id_encoding; },
        {{EventIdEncoding::Opaque, "opaque"},
         {EventIdEncoding::StandardBase64, "standard_base64"},
         {EventIdEncoding::UrlSafeBase64, "url_safe_base64"}}));
    fields.push_back(make_choice<PowerLevelSyntax>(
        "",
        "power_levels",
        [](RoomRules& rules) -> PowerLevelSyntax& { return rules.power_levels; },
        {{PowerLevelSyntax::IntegersStringsAndFloats, "integers_strings_and_floats"},
         {PowerLevelSyntax::IntegersAndStrings, "integers_and_strings"},
         {PowerLevelSyntax::Integers, "integers"}}));
    fields.push_back(make_depth_max());
}

void add_flags(std::vector<RuleField>& fields) {
    using Rules = RoomRules;
    fields.push_back(make_flag("is_canonical_json_enforced", &Rules::is_canonical_json_enforced));
    fields.push_back(make_flag("is_key_validity_enforced", &Rules::is_key_validity_enforced));
    fields.push_back(make_flag("has_creator_in_content", &Rules::has_creator_in_content));
    fields.push_back(make_flag("has_privileged_creators", &Rules::has_privileged_creators));
    fields.push_back(make_flag("has_redacts_in_content", &Rules::has_redacts_in_content));
    fields.push_back(make_flag("has_redaction_auth_rule", &Rules::has_redaction_auth_rule));
    fields.push_back(make_flag("has_aliases_auth_rule", &Rules::has_aliases_auth_rule));
    fields.push_back(make_flag("checks_notifications", &Rules::checks_notifications));
    fields.push_back(make_flag("has_knock", &Rules::has_knock));
    fields.push_back(make_flag("has_restricted", &Rules::has_restricted));
    fields.push_back(make_flag("has_knock_restricted", &Rules::has_knock_restricted));
}

void add_redaction(std::vector<RuleField>& fields) {
    using Rules = RedactionRules;
    fields.push_back(make_redaction_flag("keeps_aliases", &Rules::keeps_aliases));
    fields.push_back(make_redaction_flag("keeps_legacy_top_level", &Rules::keeps_legacy_top_level));
    fields.push_back(make_redaction_flag("keeps_allow", &Rules::keeps_allow));
    fields.push_back(make_redaction_flag("keeps_authorising_user", &Rules::keeps_authorising_user));
    fields.push_back(make_redaction_flag("keeps_all_of_create", &Rules::keeps_all_of_create));
    fields.push_back(make_redaction_flag("keeps_invite_level", &Rules::keeps_invite_level));
    fields.push_back(make_redaction_flag("keeps_redacts", &Rules::keeps_redacts));
    fields.push_back(make_redaction_flag("keeps_signed_third_party_invite",
                                         &Rules::keeps_signed_third_party_invite));
}

void add_power_steps(std::vector<RuleField>& fields) {
    using Steps = ResolutionSteps;
    fields.push_back(make_power_events());
    fields.push_back(make_step(
        "power_event_keys",
        &Steps::power_event_keys,
        Names<PowerEventKeys>{{PowerEventKeys::Any, "any"}, {PowerEventKeys::Empty, "empty"}}));
    fields.push_back(make_step(
        "power_enlargement",
        &Steps::power_enlargement,
        Names<PowerEnlargement>{{PowerEnlargement::AuthChain, "auth_chain"},
                                {PowerEnlargement::ThroughConflicted, "through_conflicted"},
                                {PowerEnlargement::None, "none"}}));
    fields.push_back(make_step("power_edges",
                               &Steps::power_edges,
                               Names<PowerEdges>{{PowerEdges::AuthEvents, "auth_events"},
                                                 {PowerEdges::Reachability, "reachability"}}));
    fields.push_back(make_step("power_ties",
                               &Steps::power_ties,
                               Names<PowerTies>{{PowerTies::LevelTimeId, "level_time_id"},
                                                {PowerTies::TimeLevelId, "time_level_id"},
                                                {PowerTies::LevelId, "level_id"},
                                                {PowerTies::TimeId, "time_id"},
                                                {PowerTies::Id, "id"}}));
}

void add_steps(std::vector<RuleField>& fields) {
    using Steps = ResolutionSteps;
    fields.push_back(make_step("has_conflicted_subgraph",
                               &Steps::has_conflicted_subgraph,
                               Names<bool>{{true, "true"}, {false, "false"}}));
    fields.push_back(make_step("initial_state",
                               &Steps::initial_state,
                               Names<InitialState>{{InitialState::Unconflicted, "unconflicted"},
                                                   {InitialState::Empty, "empty"}}));
    fields.push_back(make_step("auth_difference",
                               &Steps::auth_difference,
                               Names<AuthDifference>{{AuthDifference::Exclusive, "exclusive"},
                                                     {AuthDifference::Inclusive, "inclusive"},
                                                     {AuthDifference::None, "none"}}));
    add_power_steps(fields);
    fields.push_back(make_step(
        "mainline_start",
        &Steps::mainline_start,
        Names<MainlineStart>{{MainlineStart::Resolved, "resolved"},
                             {MainlineStart::ResolvedOrUnconflicted, "resolved_or_unconflicted"},
                             {MainlineStart::None, "none"}}));
    fields.push_back(make_step(
        "mainline_ties",
        &Steps::mainline_ties,
        Names<MainlineTies>{{MainlineTies::TimeId, "time_id"}, {MainlineTies::Id, "id"}}));
    fields.push_back(make_step("auth_entries",
                               &Steps::auth_entries,
                               Names<AuthEntries>{{AuthEntries::StateThenCited, "state_then_cited"},
                                                  {AuthEntries::CitedThenState, "cited_then_state"},
                                                  {AuthEntries::StateOnly, "state_only"}}));
    fields.push_back(make_step("rejected_events",
                               &Steps::rejected_events,
                               Names<RejectedEvents>{{RejectedEvents::Judged, "judged"},
                                                     {RejectedEvents::Never, "never"}}));
}

std::vector<RuleField> make_fields() {
    std::vector<RuleField> fields;
    add_formats(fields);
    add_flags(fields);
    add_redaction(fields);
    fields.push_back(make_state_resolution());
    add_steps(fields);
    return fields;
}

}  // namespace

std::optional<Contradiction> find_contradiction(const RoomRules& rules) {
    const bool has_ids = rules.event_format == EventFormat::IdsAndHashes;
    if (has_ids != (rules.event_id_encoding == EventIdEncoding::Opaque)) {
        return Contradiction{"event_id_encoding",
                             "opaque with event_format ids_and_hashes, and only there"};
    }
    const bool has_integers = rules.power_levels == PowerLevelSyntax::Integers;
    const bool has_floats = rules.power_levels == PowerLevelSyntax::IntegersStringsAndFloats;
    // There numbers have any size and form.
    if (!has_floats && !rules.is_canonical_json_enforced) {
        return Contradiction{"power_levels",
                             "integers_strings_and_floats while canonical JSON is not enforced"};
    }
    // Levels as text have no end below the level of such a creator.
    if (rules.has_privileged_creators && (!has_integers || rules.has_creator_in_content)) {
        return Contradiction{"has_privileged_creators",
                             "false, or power_levels integers and has_creator_in_content false"};
    }
    if (rules.has_knock_restricted && !(rules.has_knock && rules.has_restricted)) {
        return Contradiction{"has_knock_restricted", "false, or has_knock and has_restricted true"};
    }
    const bool has_steps = rules.state_resolution != StateResolution::V1;
    if (!has_steps && rules.resolution_steps != kStepsV2) {
        return Contradiction{"resolution_steps",
                             "state_resolution v2 or v2.1: v1 has none of these steps"};
    }
    return std::nullopt;
}

const std::vector<RuleField>& rule_fields() {
    static const std::vector<RuleField> fields = make_fields();
    return fields;
}

}  // namespace matrix::versions
