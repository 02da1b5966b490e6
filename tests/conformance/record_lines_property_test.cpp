// Merging record lines: associative, commutative, idempotent, and nothing is lost.

#include <sstream>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "conformance/records/lines.h"

namespace matrix::records {
namespace {

// Few keys, so that the same one often comes twice, with other content.
rc::Gen<std::string> any_line() {
    return rc::gen::map(rc::gen::tuple(rc::gen::element<std::string>("r1", "r2"),
                                       rc::gen::element<std::string>("seed", "test"),
                                       rc::gen::inRange(1, 4),
                                       rc::gen::inRange(1, 3),
                                       rc::gen::inRange(0, 5)),
                        [](const std::tuple<std::string, std::string, int, int, int>& parts) {
                            const auto& [run, kind, id, attempt, content] = parts;
                            return R"({"schema":"touchstone.record/1","run":")" + run +
                                   R"(","kind":")" + kind + R"(","id":")" + std::to_string(id) +
                                   R"(","attempt":)" + std::to_string(attempt) + R"(,"content":)" +
                                   std::to_string(content) + "}";
                        });
}

rc::Gen<std::vector<std::string>> any_file() {
    return rc::gen::container<std::vector<std::string>>(any_line());
}

RecordLines read_all(const std::vector<std::vector<std::string>>& files) {
    RecordLines lines;
    for (const auto& file : files) {
        std::string text;
        for (const std::string& line : file)
            text += line + "\n";
        std::istringstream in(text);
        RC_ASSERT(read_lines(lines, in, "file").has_value());
    }
    return lines;
}

std::vector<std::string> file_of(const RecordLines& lines) {
    std::vector<std::string> file;
    for (const auto& [key, line] : lines)
        file.push_back(line);
    return file;
}

RC_GTEST_PROP(RecordLines, MergeIsCommutative, ()) {
    const auto a = *any_file();
    const auto b = *any_file();
    const auto merged = read_all({a, b});
    RC_TAG(a.size() + b.size() > merged.size() ? "a key came twice" : "all keys differ");
    RC_ASSERT(merged == read_all({b, a}));
}

RC_GTEST_PROP(RecordLines, MergeIsAssociative, ()) {
    const auto a = *any_file();
    const auto b = *any_file();
    const auto c = *any_file();
    const auto left = read_all({file_of(read_all({a, b})), c});
    RC_ASSERT(left == read_all({a, file_of(read_all({b, c}))}));
    RC_ASSERT(left == read_all({a, b, c}));
}

RC_GTEST_PROP(RecordLines, MergeIsIdempotent, ()) {
    const auto a = *any_file();
    const auto merged = read_all({a});
    RC_ASSERT(merged == read_all({a, a}));
    RC_ASSERT(merged == read_all({file_of(merged), a}));
}

RC_GTEST_PROP(RecordLines, MergeLosesNoKey, ()) {
    const auto a = *any_file();
    const auto b = *any_file();
    const auto merged = read_all({a, b});
    for (const auto& file : {a, b}) {
        for (const std::string& line : file) {
            const auto kept = merged.find(*parse_key(line));
            RC_ASSERT(kept != merged.end());
            RC_ASSERT(kept->second >= line);
        }
    }
}

TEST(RecordLines, AnUnfinishedLastLineIsLeftOut) {
    const std::string line =
        R"({"schema":"touchstone.record/1","run":"r","kind":"seed","id":"1","attempt":1})";
    RecordLines lines;
    std::istringstream in(line + "\n" + line.substr(0, 30));
    const auto warnings = read_lines(lines, in, "f.jsonl");
    ASSERT_TRUE(warnings) << warnings.error();
    EXPECT_EQ(*warnings,
              std::vector<std::string>{"f.jsonl:2: left out, the line was not finished"});
    EXPECT_EQ(lines.size(), 1u);
}

TEST(RecordLines, AnErrorNamesTheLineAndAddsNothing) {
    const std::string line =
        R"({"schema":"touchstone.record/1","run":"r","kind":"seed","id":"1","attempt":1})";
    const auto check = [&](const std::string& second, const std::string& expected) {
        RecordLines lines;
        std::istringstream in(line + "\n" + second + "\n");
        const auto read = read_lines(lines, in, "f.jsonl");
        ASSERT_FALSE(read);
        EXPECT_EQ(read.error(), "f.jsonl:2: " + expected);
        EXPECT_TRUE(lines.empty());
    };
    check("{", "expected a JSON object");
    check("[]", "expected a JSON object");
    check(R"({"schema":"x"})", "run: expected a text that is not empty");
    check(R"({"schema":"x","run":"r","kind":"k","id":"i"})",
          "schema: expected touchstone.record/..., found x");
    check(R"({"schema":"touchstone.record/1","run":"r","kind":"k","id":"i","attempt":0})",
          "attempt: expected an integer from 1 on");
}

}  // namespace
}  // namespace matrix::records
