// Writes fixtures/vectors/auth_rules.json from the tables of cases. The same every time.
//
// Usage: make_auth_vectors ci/spec_rules.txt > fixtures/vectors/auth_rules.json

#include <cstdio>
#include <iostream>

#include "tests/protocol/auth_vectors/cases.h"
#include "tests/protocol/auth_vectors/rule_table.h"

namespace matrix::testing {
namespace {

std::vector<CaseRow> all_rows() {
    std::vector<CaseRow> rows;
    for (const auto& part :
         {room_case_rows(), member_case_rows(), invite_case_rows(), power_level_case_rows()}) {
        rows.insert(rows.end(), part.begin(), part.end());
    }
    return rows;
}

// One object on one line, its members in the order in which they are added.
class Line {
public:
    void add(std::string_view key, const json::Value& value) {
        text_ += text_.empty() ? "{" : ",";
        json::write_string_to(text_, key);
        text_ += ':';
        json::write_to(text_, value);
    }
    std::string finish() && { return std::move(text_) + "}"; }

private:
    std::string text_;
};

// An event as the vectors hold it: with numbers that not every reader of JSON reads, as a text.
json::Value written(const json::Object& event) {
    if (json::has_only_canonical_numbers(event)) return event;
    return json::write(event);
}

json::Array to_array(const std::vector<std::string>& texts) {
    json::Array array;
    for (const std::string& text : texts)
        array.emplace_back(text);
    return array;
}

// Room versions whose events look alike share a room.
struct Family {
    std::vector<const RoomRules*> versions;
    EventPool pool;
};

bool looks_alike(const RoomRules& a, const RoomRules& b) {
    const auto is_opaque = [](const RoomRules& rules) {
        return rules.event_id_encoding == EventIdEncoding::Opaque;
    };
    const auto is_hashed = [](const RoomRules& rules) {
        return rules.event_format == EventFormat::HashedRoomId;
    };
    return is_opaque(a) == is_opaque(b) && is_hashed(a) == is_hashed(b) &&
           a.has_creator_in_content == b.has_creator_in_content;
}

std::vector<Family> make_families() {
    std::vector<Family> families;
    for (const RoomRules& rules : all_room_rules()) {
        if (families.empty() || !looks_alike(*families.back().versions.front(), rules)) {
            families.emplace_back();
        }
        families.back().versions.push_back(&rules);
    }
    return families;
}

json::Array to_array(const std::vector<const RoomRules*>& versions) {
    json::Array array;
    for (const RoomRules* rules : versions)
        array.emplace_back(rules->version);
    return array;
}

// A row in room versions that follow each other, where it is the same but for their numbers.
struct VectorCase {
    const CaseRow* row;
    std::vector<const RoomRules*> versions;
    std::string number;
    std::string decided_number;
    SceneParts parts;

    bool is_same(const VectorCase& other) const {
        return row == other.row && number == other.number &&
               decided_number == other.decided_number && parts == other.parts;
    }
};

std::string write_case(const VectorCase& vector_case) {
    const auto& [row, versions, number, decided_number, parts] = vector_case;
    const std::string last(versions.back()->version);
    const bool is_single = versions.size() == 1;
    const std::string range =
        is_single ? last : std::string(versions.front()->version) + " to v" + last;
    const bool is_allowed = row->expected.outcome == Outcome::Allowed;
    const std::string_view chosen = is_allowed ? "valid" : "invalid";
    Line line;
    line.add("name", std::string(row->name) + " in v" + range);
    line.add("room_versions", to_array(versions));
    line.add("rule", row->rule);
    line.add("number", number);
    line.add("result", row->why.empty() ? chosen : "acceptable");
    if (!row->why.empty()) {
        line.add("chosen", chosen);
        line.add("why", row->why);
    }
    line.add("decided_by", row->expected.rule);
    line.add("decided_number", decided_number);
    line.add("reason", row->reason);
    line.add("spec", "https://spec.matrix.org/v1.19/rooms/v" + last + "/#authorisation-rules");
    line.add("event", written(parts.event));
    line.add("state", to_array(parts.state));
    if (!parts.rejected.empty()) line.add("rejected", to_array(parts.rejected));
    return std::move(line).finish();
}

// What is wrong with a row; empty if nothing is.
std::string complaint_about(const CaseRow& row, const RoomRules& rules, const RuleTable& table) {
    for (const std::string_view rule : {row.rule, row.expected.rule}) {
        if (!table.contains(rule)) return std::string(rule) + " is no rule";
    }
    const bool is_decided_there = !table.number(row.expected.rule, rules).empty();
    if (is_decided_there) return "";
    return "room version " + std::string(rules.version) + " has no rule " +
           std::string(row.expected.rule);
}

bool is_for(const CaseRow& row, const RoomRules& rules, const RuleTable& table) {
    const int version = number_of_version(rules);
    return version >= row.first_version && version <= row.last_version &&
           !table.number(row.rule, rules).empty();
}

void print_list(const std::vector<std::string>& lines) {
    for (const std::string& line : lines)
        std::cout << line << (&line == &lines.back() ? "\n" : ",\n");
}

// The cases of one row; says what is wrong with it and gives nothing if something is.
std::optional<std::vector<VectorCase>> make_cases(const CaseRow& row,
                                                  std::vector<Family>& families,
                                                  const RuleTable& table) {
    std::vector<VectorCase> cases;
    for (Family& family : families) {
        for (const RoomRules* rules : family.versions) {
            if (!is_for(row, *rules, table)) continue;
            const std::string complaint = complaint_about(row, *rules, table);
            if (!complaint.empty()) {
                std::cerr << row.name << ": " << complaint << '\n';
                return std::nullopt;
            }
            Scene scene(*rules);
            row.arrange(scene);
            VectorCase made = {&row,
                               {rules},
                               table.number(row.rule, *rules),
                               table.number(row.expected.rule, *rules),
                               scene.finish(family.pool)};
            if (!cases.empty() && cases.back().is_same(made)) {
                cases.back().versions.push_back(rules);
            } else {
                cases.push_back(std::move(made));
            }
        }
    }
    return cases;
}

void print_rooms(const std::vector<Family>& families) {
    for (const Family& family : families) {
        std::vector<std::string> events;
        for (const json::Object& event : family.pool.events())
            events.push_back(json::write(written(event)));
        std::cout << "{\"room_versions\":" << json::write(to_array(family.versions))
                  << ",\"events\":[\n";
        print_list(events);
        std::cout << (&family == &families.back() ? "]}\n" : "]},\n");
    }
}

int print_vectors(const RuleTable& table) {
    std::vector<Family> families = make_families();
    std::vector<std::string> cases;
    for (const CaseRow& row : all_rows()) {
        const auto made = make_cases(row, families, table);
        if (!made) return 1;
        for (const VectorCase& vector_case : *made)
            cases.push_back(write_case(vector_case));
    }
    std::cout << "{\n\"$schema\":\"../schemas/auth_rules.json\",\n\"version\":1,\n"
                 "\"format_version\":\"1.0.0\",\n";
    std::cout << "\"rooms\":[\n";
    print_rooms(families);
    std::cout << "],\n\"cases\":[\n";
    print_list(cases);
    std::cout << "]\n}\n";
    return 0;
}

}  // namespace
}  // namespace matrix::testing

int main(int argc, char** argv) {
    if (argc != 2) {
        std::cerr << "usage: make_auth_vectors ci/spec_rules.txt > FILE\n";
        return 2;
    }
    const auto table = matrix::testing::RuleTable::read(argv[1]);
    if (!table) {
        std::cerr << argv[1] << ": expected the table of authorization rules\n";
        return 2;
    }
    return matrix::testing::print_vectors(*table);
}
