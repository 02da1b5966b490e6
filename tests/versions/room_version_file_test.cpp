// Room versions as files: what they change, what is wrong with them, and how long they are known.

#include "refserver/versions/room_version_file.h"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "refserver/protocol/json.h"
#include "refserver/versions/room_version_fields.h"

namespace matrix::versions {
namespace {

// Of a name and a base, and what stands behind them from the third line on.
std::string with_head(const std::string& rest) {
    return "version: org.example.new\nbase: \"12\"\n" + rest;
}

RoomRules parse(const std::string& rest) {
    const auto version = parse_room_version(with_head(rest));
    if (!version) {
        ADD_FAILURE() << version.error();
        return {};
    }
    return version->rules;
}

void check_error(const std::string& yaml, const std::string& expected) {
    const auto version = parse_room_version(yaml);
    ASSERT_FALSE(version) << yaml;
    std::ostringstream error;
    error << version.error();
    EXPECT_TRUE(error.str().starts_with(expected)) << error.str() << "\nfor\n" << yaml;
}

TEST(RoomVersionFile, ChangesNothingThatItDoesNotName) {
    for (const RoomRules& base : all_room_rules()) {
        const auto version =
            parse_room_version("version: a\nbase: " + std::string(base.version) + '\n');
        ASSERT_TRUE(version);
        EXPECT_EQ(version->name, "a");
        EXPECT_EQ(list_changes(base, version->rules), std::vector<RuleChange>());
    }
}

TEST(RoomVersionFile, ChangesWhatItNames) {
    const RoomRules rules = parse(
        "has_knock: false\nhas_knock_restricted: false\ndepth_max: 77\n"
        "redaction: {keeps_allow: false}\n"
        "resolution_steps: {initial_state: unconflicted, power_events: [bans, joins]}\n");
    EXPECT_FALSE(rules.has_knock);
    EXPECT_EQ(rules.depth_max, 77);
    EXPECT_FALSE(rules.has_knock_restricted);
    EXPECT_FALSE(rules.redaction.keeps_allow);
    EXPECT_EQ(rules.resolution_steps.initial_state, InitialState::Unconflicted);
    EXPECT_TRUE(rules.resolution_steps.has_conflicted_subgraph);
    EXPECT_TRUE(rules.resolution_steps.power_events.joins);
    EXPECT_FALSE(rules.resolution_steps.power_events.power_levels);
    EXPECT_EQ(list_changes(*find_room_rules("12"), rules).size(), 6);
}

TEST(RoomVersionFile, TakesTheStepsOfTheAlgorithmThatItNames) {
    EXPECT_EQ(parse("state_resolution: v2\n").resolution_steps, kStepsV2);
    EXPECT_EQ(parse("state_resolution: v2.1\n").resolution_steps, kStepsV2_1);
    const RoomRules rules =
        parse("resolution_steps: {initial_state: empty}\nstate_resolution: v2\n");
    EXPECT_EQ(rules.resolution_steps.initial_state, InitialState::Empty);
    EXPECT_FALSE(rules.resolution_steps.has_conflicted_subgraph);
}

TEST(RoomVersionFile, HasEveryFieldChangedByItsName) {
    for (const RuleField& field : rule_fields()) {
        std::vector<std::string> words = field.choices;
        if (field.name == "depth_max") words = {"5"};
        std::size_t changed = 0;
        for (const std::string& word : words) {
            RoomRules rules = *find_room_rules("12");
            ASSERT_TRUE(field.set(std::span(&word, 1), rules)) << field.key() << ' ' << word;
            if (rules == *find_room_rules("12")) continue;
            ++changed;
            const auto changes = list_changes(*find_room_rules("12"), rules);
            EXPECT_EQ(changes.front().key, field.key());
            EXPECT_TRUE(changes.front().after.contains(word)) << changes.front().after;
        }
        // All but the one that version 12 has; it has no list of one power event.
        EXPECT_EQ(changed, words.size() - (words.size() > 1 && !field.is_list ? 1 : 0))
            << field.key();
    }
}

TEST(RoomVersionFile, SaysWhereItIsWrongAndWhatWasExpected) {
    check_error("base: \"12\"\n", "version: expected a name of up to 32 of a-z");
    check_error("version: \"13\"\nbase: \"12\"\n", "1: version: expected a name");
    check_error("version: org.example.my_version\nbase: \"12\"\n", "1: version: expected a name");
    check_error("version: a\n", "base: expected a room version from 1 to 12");
    check_error("version: a\nbase: \"13\"\n", "2: base: expected a room version from 1 to 12");
    check_error("version: a\nbase: a\n", "2: base: expected a room version from 1 to 12");
    check_error(with_head("has_nock: true\n"), "3: has_nock: expected one of the fields version");
    check_error(with_head("has_knock: 1\n"), "3: has_knock: expected one of true, false");
    check_error(with_head("has_knock: [true]\n"), "3: has_knock: expected a value");
    check_error(with_head("has_knock:\n"), "3: has_knock: expected one of true, false");
    check_error(with_head("has_knock: true\nhas_knock: false\n"), "4: has_knock: expected each");
    check_error(with_head("depth_max: 0\n"), "3: depth_max: expected an integer from 1");
    check_error(with_head("depth_max: 9223372036854775808\n"), "3: depth_max: expected an integer");
    check_error(with_head("redaction: true\n"), "3: redaction: expected a map");
    check_error(with_head("redaction:\n  keeps: true\n"), "4: redaction.keeps: expected one of");
    check_error(with_head("resolution_steps:\n  power_ties: age\n"),
                "4: resolution_steps.power_ties: expected one of level_time_id, ");
    check_error(with_head("resolution_steps:\n  power_events: [bans, topics]\n"),
                "4: resolution_steps.power_events: expected a list of some of [create, ");
    check_error(with_head("resolution_steps:\n  power_events: bans\n"),
                "4: resolution_steps.power_events: expected a list");
    check_error(with_head("state_resolution: v1\nresolution_steps: {power_ties: id}\n"),
                "4: resolution_steps: expected state_resolution v2 or v2.1");
    check_error(with_head("event_format: ids_and_hashes\n"),
                "event_id_encoding: expected opaque with event_format ids_and_hashes");
    check_error(with_head("is_canonical_json_enforced: false\n"),
                "power_levels: expected integers_strings");
    check_error(with_head("power_levels: integers_and_strings\n"),
                "has_privileged_creators: expected false, or power_levels integers");
    check_error(with_head("has_knock_restricted: true\nhas_knock: false\n"),
                "3: has_knock_restricted: expected false, or has_knock");
    check_error("[a, b]\n", "1: expected a map");
    check_error("", "expected a map");
    check_error("version: [\n", "2: expected YAML: ");
    check_error(std::string(100'000, ' '), "expected at most 16384 bytes");
    check_error(std::string(16'000, '['), "1: expected YAML: ");
}

// --- Registration --------------------------------------------------------------------------------

std::string write_file(const std::string& name, const std::string& text) {
    const std::string path = testing::TempDir() + name;
    std::ofstream(path) << text;
    return path;
}

TEST(RegisteredRoomVersion, IsKnownAsLongAsTheRegistrationLives) {
    const std::size_t known_before = known_room_rules().size();
    const std::vector<std::string> paths = {write_file("a.yaml", "version: a\nbase: \"12\"\n"),
                                            write_file("b.yaml", "version: b\nbase: \"1\"\n")};
    {
        const auto registered = register_files(paths);
        ASSERT_TRUE(registered) << registered.error();
        const RoomRules* rules = find_room_rules("b");
        ASSERT_NE(rules, nullptr);
        EXPECT_EQ(rules->version, "b");
        EXPECT_EQ(rules->base, "1");
        EXPECT_TRUE(rules->is_custom());
        EXPECT_EQ(rules, &registered->back()->rules());
        ASSERT_EQ(known_room_rules().size(), known_before + 2);
        EXPECT_EQ(known_room_rules()[known_before]->version, "a");
        EXPECT_EQ(all_room_rules().size(), 12);
    }
    EXPECT_EQ(find_room_rules("a"), nullptr);
    EXPECT_EQ(find_room_rules("b"), nullptr);
    EXPECT_EQ(known_room_rules().size(), known_before);
}

TEST(RegisteredRoomVersion, StaysUnknownIfAnotherFileIsWrong) {
    const std::vector<std::string> paths = {write_file("a.yaml", "version: a\nbase: \"12\"\n"),
                                            write_file("c.yaml", "version: a\nbase: \"1\"\n")};
    const auto registered = register_files(paths);
    ASSERT_FALSE(registered);
    EXPECT_EQ(registered.error(),
              paths[1] + ":1: version: expected a name that no other file has, not \"a\"");
    EXPECT_EQ(find_room_rules("a"), nullptr);
    const std::vector<std::string> missing = {"/no/such/file"};
    EXPECT_EQ(register_files(missing).error(), "/no/such/file: expected a file that can be read");
}

// --- The files of fixtures/ ----------------------------------------------------------------------

TEST(RoomVersionFixtures, CanBeRegisteredTogether) {
    std::vector<std::string> paths;
    for (const auto& entry : std::filesystem::directory_iterator("fixtures/room_versions")) {
        if (entry.path().extension() == ".yaml") paths.push_back(entry.path().string());
    }
    std::ranges::sort(paths);
    const auto registered = register_files(paths);
    ASSERT_TRUE(registered) << registered.error();
    EXPECT_GE(registered->size(), 5);
    EXPECT_EQ(describe(*find_room_rules("org.touchstone.v12-subgraph")),
              "org.touchstone.v12-subgraph (12, but resolution_steps.initial_state "
              "unconflicted)");
}

TEST(RoomVersionFixtures, HaveASchemaWithTheSameFields) {
    std::ifstream file("fixtures/schemas/room_version.json");
    const auto schema = json::parse(std::string{std::istreambuf_iterator<char>(file), {}});
    ASSERT_TRUE(schema);
    std::set<std::string> described;
    const auto collect = [&](const json::Value& group, const std::string& prefix) {
        for (const auto& [name, value] : *group.find("properties")->if_object())
            described.insert(prefix + name);
    };
    collect(*schema, "");
    for (const std::string group : {"redaction", "resolution_steps"}) {
        collect(*schema->find("properties")->find(group), group + '.');
        described.erase(group);
    }
    std::set<std::string> known = {"version", "base"};
    for (const RuleField& field : rule_fields())
        known.insert(field.key());
    EXPECT_EQ(described, known);
}

}  // namespace
}  // namespace matrix::versions
