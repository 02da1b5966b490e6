// The list of all tests that are linked into the program, and choosing from it.
//
// GoogleTest's own list is filled from here, with what a run has chosen and nothing else; so
// listing and filtering need no server. It is the one static list of the suite, for the reason for
// which GoogleTest has one: tests register themselves.
#pragma once

#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "conformance/harness/requirement.h"

namespace testing {
class Test;
}

namespace matrix::conformance {

/// A test as it was declared by CONFORMANCE_TEST.
struct Declaration {
    Requirement requirement;
    std::vector<Capability> fixture_needs;
    std::function<testing::Test*()> make;
    const char* file = "";
    int line = 0;
};

/// Adds to the list; always true, so that it can initialise something.
bool declare(Declaration declaration);
const std::vector<Declaration>& all_declarations();

/// One run of a test: with a row if it has rows.
struct Case {
    const Declaration* declaration = nullptr;
    std::size_t row_index = 0;  ///< Into the requirement's rows; 0 if there are none.

    const Requirement& requirement() const { return declaration->requirement; }
    const Row* row() const;  ///< Null if the test has no rows.
    std::string id() const;  ///< `area/module/slug` or `area/module/slug#row`.
    std::string_view text() const;
    std::vector<Capability> needs() const;  ///< The fixture's and its own.
};

/// All cases, sorted by id.
std::vector<Case> list_cases(const std::vector<Declaration>& declarations);

/// What is wrong with the declarations: ids that are malformed, used twice, or renamed ones in use
/// again. `renamed` is the text of `renamed_tests.tsv`: old id, tab, new id on each line.
std::vector<std::string> check_declarations(const std::vector<Declaration>& declarations,
                                            std::string_view renamed);

/// `--filter`: globs over ids, separated by commas; `*` matches anything, `!` excludes.
class Filter {
public:
    /// Old ids in `renamed` also stand for their new ones.
    explicit Filter(std::string_view patterns, std::string_view renamed = "");
    bool matches(std::string_view id) const;

private:
    std::vector<std::string> included_;
    std::vector<std::string> excluded_;
};

/// Does `text` match `pattern`, in which `*` stands for any bytes and `?` for one?
bool matches_glob(std::string_view pattern, std::string_view text);

}  // namespace matrix::conformance
