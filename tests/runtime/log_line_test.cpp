// What a line of the log looks like: whatever a stranger sends, it is one line, and one field.

#include "refserver/runtime/log_line.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace matrix::runtime {
namespace {

/// Keeps lines in both forms.
class KeepingLog final : public Log {
public:
    std::vector<std::string> texts;
    std::vector<std::string> json;

private:
    bool is_enabled(LogLevel level) const override { return level >= LogLevel::Info; }
    void take(const LogLine& line) override {
        texts.push_back(log_text(line));
        json.push_back(log_json_members(line));
    }
};

TEST(LogLine, HasItsNameAndFields) {
    KeepingLog log;
    const std::string server = "a.example:8448";
    log.write("peer_failed", {{"server", server}, {"failures", 3}, {"why", "timed out"}});
    EXPECT_EQ(log.texts.back(), R"(peer_failed server=a.example:8448 failures=3 why="timed out")");
    EXPECT_EQ(log.json.back(),
              R"("name":"peer_failed","server":"a.example:8448","failures":3,"why":"timed out")");
}

struct Shown {
    std::string value;
    std::string text;
    std::string json;
};

TEST(LogLine, ShowsAValueThatLooksLikeALineOrAFieldAsAValue) {
    const Shown rows[] = {
        {"", R"("")", R"("")"},
        {"!room:a.example", "!room:a.example", R"("!room:a.example")"},
        {"x why=y", R"("x why=y")", R"("x why=y")"},
        {"x=1", R"("x=1")", R"("x=1")"},
        {"a\"b", R"("a\"b")", R"("a\"b")"},
        {"a\\b", R"("a\\b")", R"("a\\\\b")"},
        {"a\nerror disk_full", R"("a\x0aerror disk_full")", R"("a\\x0aerror disk_full")"},
        {std::string("\0\r\x1b[1m", 6), R"("\x00\x0d\x1b[1m")", R"("\\x00\\x0d\\x1b[1m")"},
        {"caf\xc3\xa9 \xe2\x80\xae",
         R"("caf\xc3\xa9 \xe2\x80\xae")",
         R"("caf\\xc3\\xa9 \\xe2\\x80\\xae")"},
        {"\x7f\xff", R"("\x7f\xff")", R"("\\x7f\\xff")"},
    };
    for (const Shown& row : rows) {
        KeepingLog log;
        log.write("commit_failed", {{"why", row.value}});
        EXPECT_EQ(log.texts.back(), "commit_failed why=" + row.text);
        EXPECT_EQ(log.json.back(), R"("name":"commit_failed","why":)" + row.json);
    }
}

TEST(LogLine, CutsALongValue) {
    KeepingLog log;
    log.write("commit_failed", {{"why", std::string(kLogValueBytesMax, 'a')}});
    EXPECT_EQ(log.texts.back(), "commit_failed why=" + std::string(kLogValueBytesMax, 'a'));
    log.write("commit_failed", {{"why", std::string(1'000'000, 'a')}});
    EXPECT_EQ(log.texts.back(), "commit_failed why=" + std::string(kLogValueBytesMax, 'a') + "...");
}

TEST(LogNames, AreInTheirOrderAndAllSaySomething) {
    std::string_view last;
    for (const LogKind& kind : kLogKinds) {
        EXPECT_LT(last, kind.name);
        EXPECT_FALSE(kind.fields.empty()) << kind.name;
        EXPECT_FALSE(kind.meaning.empty()) << kind.name;
        last = kind.name;
    }
}

}  // namespace
}  // namespace matrix::runtime
