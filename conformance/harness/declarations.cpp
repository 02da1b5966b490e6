#include "conformance/harness/declarations.h"

#include <algorithm>
#include <map>
#include <set>
#include <sstream>

#include "refserver/base/assert.h"

namespace matrix::conformance {
namespace {

std::vector<Declaration>& declarations() {
    static std::vector<Declaration> all;
    return all;
}

bool is_id_char(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-' || c == '.';
}

// `area/module/slug`: three parts, none empty.
bool is_id(std::string_view id) {
    std::size_t part_count = 1;
    char previous = '/';
    for (const char c : id) {
        if (c == '/' && previous == '/') return false;
        if (c == '/') ++part_count;
        if (c != '/' && !is_id_char(c)) return false;
        previous = c;
    }
    return part_count == 3 && previous != '/';
}

bool is_row_name(std::string_view name) {
    return !name.empty() && std::ranges::all_of(name, is_id_char);
}

std::map<std::string, std::string> parse_renamed(std::string_view text) {
    std::map<std::string, std::string> renamed;
    std::istringstream lines{std::string(text)};
    for (std::string line; std::getline(lines, line);) {
        const std::size_t tab = line.find('\t');
        if (line.starts_with('#') || tab == std::string::npos) continue;
        renamed[line.substr(0, tab)] = line.substr(tab + 1);
    }
    return renamed;
}

void check_rows(const Declaration& declaration, std::vector<std::string>& problems) {
    std::set<std::string_view> names;
    for (const Row& row : declaration.requirement.rows) {
        const std::string id = std::string(declaration.requirement.id) + "#" + row.name;
        if (!is_row_name(row.name)) problems.push_back(id + ": a row's name is a-z0-9_.-");
        if (!names.insert(row.name).second) problems.push_back(id + ": two rows of this name");
    }
}

std::vector<std::string> split(std::string_view text, char separator) {
    std::vector<std::string> parts;
    std::istringstream stream{std::string(text)};
    for (std::string part; std::getline(stream, part, separator);) {
        if (!part.empty()) parts.push_back(part);
    }
    return parts;
}

}  // namespace

bool declare(Declaration declaration) {
    declarations().push_back(std::move(declaration));
    return true;
}
const std::vector<Declaration>& all_declarations() {
    return declarations();
}

const Row* Case::row() const {
    const std::vector<Row>& rows = requirement().rows;
    return rows.empty() ? nullptr : &rows[row_index];
}
std::string Case::id() const {
    std::string id(requirement().id);
    if (row() != nullptr) id += "#" + row()->name;
    return id;
}
std::string_view Case::text() const {
    return row() != nullptr && !row()->text.empty() ? std::string_view(row()->text)
                                                    : requirement().text;
}
std::vector<Capability> Case::needs() const {
    std::vector<Capability> needs = declaration->fixture_needs;
    for (const Capability capability : requirement().needs) {
        if (!std::ranges::count(needs, capability)) needs.push_back(capability);
    }
    return needs;
}

std::vector<Case> list_cases(const std::vector<Declaration>& declarations) {
    std::vector<Case> cases;
    for (const Declaration& declaration : declarations) {
        const std::size_t count = std::max<std::size_t>(declaration.requirement.rows.size(), 1);
        for (std::size_t row = 0; row < count; ++row)
            cases.push_back({&declaration, row});
    }
    std::ranges::sort(
        cases, {}, [](const Case& one) { return std::pair(one.requirement().id, one.row_index); });
    return cases;
}

std::vector<std::string> check_declarations(const std::vector<Declaration>& declarations,
                                            std::string_view renamed) {
    std::vector<std::string> problems;
    std::set<std::string_view> ids;
    for (const Declaration& declaration : declarations) {
        const Requirement& requirement = declaration.requirement;
        const std::string where = std::string(requirement.id) + " (" + declaration.file + ":" +
                                  std::to_string(declaration.line) + ")";
        if (!is_id(requirement.id)) problems.push_back(where + ": an id is area/module/slug");
        if (!ids.insert(requirement.id).second) problems.push_back(where + ": this id is taken");
        if (requirement.text.empty()) problems.push_back(where + ": needs its sentence");
        if (requirement.place.find('#') == std::string_view::npos) {
            problems.push_back(where + ": its place is page/#anchor");
        }
        check_rows(declaration, problems);
    }
    for (const auto& [old_id, new_id] : parse_renamed(renamed)) {
        if (ids.contains(old_id)) problems.push_back(old_id + ": was renamed, and is used again");
        if (!ids.contains(new_id)) problems.push_back(old_id + ": renamed to an unknown test");
    }
    return problems;
}

Filter::Filter(std::string_view patterns, std::string_view renamed) {
    const std::map<std::string, std::string> new_ids = parse_renamed(renamed);
    for (std::string pattern : split(patterns, ',')) {
        const bool excludes = pattern.starts_with('!');
        if (excludes) pattern.erase(0, 1);
        const auto new_id = new_ids.find(pattern);
        if (new_id != new_ids.end()) pattern = new_id->second;
        (excludes ? excluded_ : included_).push_back(std::move(pattern));
    }
}

bool Filter::matches(std::string_view id) const {
    // A test's id also names all of its rows.
    const std::string_view without_row = id.substr(0, id.find('#'));
    const auto fits = [&](const std::string& pattern) {
        return matches_glob(pattern, id) || matches_glob(pattern, without_row);
    };
    const bool is_included = included_.empty() || std::ranges::any_of(included_, fits);
    return is_included && std::ranges::none_of(excluded_, fits);
}

bool matches_glob(std::string_view pattern, std::string_view text) {
    // On a mismatch, the last `*` takes one more byte.
    std::size_t p = 0;
    std::size_t t = 0;
    std::size_t star = std::string_view::npos;
    std::size_t star_text = 0;
    while (t < text.size()) {
        if (p < pattern.size() && pattern[p] == '*') {
            star = p++;
            star_text = t;
        } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
            ++p;
            ++t;
        } else if (star != std::string_view::npos) {
            p = star + 1;
            t = ++star_text;
        } else {
            return false;
        }
    }
    while (p < pattern.size() && pattern[p] == '*')
        ++p;
    return p == pattern.size();
}

}  // namespace matrix::conformance
