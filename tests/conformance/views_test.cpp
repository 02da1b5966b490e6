#include "conformance/records/views.h"

#include <gtest/gtest.h>

#include "conformance/harness/html_report.h"

namespace matrix::records {
namespace {

// A test whose every text tries to break out of the format that holds it.
Record hostile_record(Outcome outcome) {
    const std::string hostile = "</pre><script>alert(1)</script> ]]> & \" ' ``` | \x1b[31m \xff";
    return {.run = "r1",
            .id = "cs/sync/one",
            .level = "MUST",
            .place = "javascript:alert(1)",
            .requirement = hostile,
            .outcome = outcome,
            .reason = hostile,
            .repeat = hostile,
            .findings = {{false, hostile, hostile}},
            .exchanges = {{.who = hostile, .url = hostile, .response_body = hostile}}};
}

// Elements that open and close in pairs, attributes in quotes, no bare `<` or `&`.
testing::AssertionResult is_well_formed(const std::string& xml) {
    std::vector<std::string> open;
    for (std::size_t at = xml.find("?>") + 2; at < xml.size(); ++at) {
        if (xml[at] == '&' && xml.find(';', at) > at + 6) {
            return testing::AssertionFailure() << "a bare & at " << at;
        }
        if (xml[at] != '<') continue;
        const std::size_t end = xml.find('>', at);
        const std::string tag = xml.substr(at + 1, end - at - 1);
        const std::string name =
            tag.substr(tag.starts_with('/'), tag.find_first_of(" /", 1) - tag.starts_with('/'));
        if (tag.starts_with('/')) {
            if (open.empty() || open.back() != name) {
                return testing::AssertionFailure() << "</" << name << "> closes nothing";
            }
            open.pop_back();
        } else if (!tag.ends_with('/')) {
            open.push_back(name);
        }
        at = end;
    }
    if (!open.empty()) return testing::AssertionFailure() << open.back() << " stays open";
    return testing::AssertionSuccess();
}

TEST(JUnit, IsWellFormedWhateverARecordHolds) {
    for (const Outcome outcome :
         {Outcome::Passed, Outcome::Failed, Outcome::Warned, Outcome::Skipped, Outcome::Crashed}) {
        const std::string xml = to_junit({hostile_record(outcome)});
        EXPECT_TRUE(is_well_formed(xml)) << xml;
        EXPECT_EQ(xml.find("<script>"), std::string::npos);
        EXPECT_EQ(xml.find('\x1b'), std::string::npos);
        EXPECT_EQ(xml.find('\xff'), std::string::npos);
    }
}

TEST(JUnit, EscapesWhatXmlCannotHold) {
    EXPECT_EQ(escape_xml("<a b=\"c\">&"), "&lt;a b=&quot;c&quot;&gt;&amp;");
    EXPECT_EQ(escape_xml("\xc3\xa9 \xf0\x9f\x98\x80"), "\xc3\xa9 \xf0\x9f\x98\x80");
    EXPECT_EQ(escape_xml(std::string("\0", 1)), "\xef\xbf\xbd");
    EXPECT_EQ(escape_xml("\xed\xa0\x80"), "\xef\xbf\xbd");  // A surrogate.
    EXPECT_EQ(escape_xml("\xef\xbf\xbe"), "\xef\xbf\xbd");  // U+FFFE.
    EXPECT_EQ(escape_xml("\xe2\x82"), "\xef\xbf\xbd\xef\xbf\xbd");
}

TEST(Views, OfAnEmptyRunAreWhole) {
    EXPECT_TRUE(is_well_formed(to_junit({})));
    EXPECT_NE(to_markdown({}).find("| **all** | 0 |"), std::string::npos);
    EXPECT_NE(to_summary({}, Colours::None).find("all"), std::string::npos);
    const std::string html = conformance::to_html({});
    EXPECT_TRUE(html.starts_with("<!doctype html>"));
    EXPECT_NE(html.find("No test has been run."), std::string::npos);
}

TEST(Html, IsSafeAndSelfContained) {
    const std::string html = conformance::to_html({hostile_record(Outcome::Failed)});
    EXPECT_EQ(html.find("<script>alert"), std::string::npos);
    EXPECT_EQ(html.find("href=\"javascript"), std::string::npos);
    EXPECT_EQ(html.find("src="), std::string::npos);
    EXPECT_EQ(html.find("@import"), std::string::npos);
}

TEST(Html, ShowsFailuresFirst) {
    Record passed = hostile_record(Outcome::Passed);
    passed.id = "a/a/passed";
    Record failed = hostile_record(Outcome::Failed);
    failed.id = "z/z/failed";
    const std::string html = conformance::to_html({passed, failed});
    EXPECT_LT(html.find("id=\"z/z/failed\""), html.find("id=\"a/a/passed\""));
}

TEST(Markdown, FencesAreLongerThanWhatTheyHold) {
    EXPECT_NE(to_markdown({hostile_record(Outcome::Failed)}).find("````\n"), std::string::npos);
}

TEST(Console, KeepsTerminalControlAway) {
    EXPECT_EQ(to_failure_text(hostile_record(Outcome::Failed), Colours::None).find('\x1b'),
              std::string::npos);
    EXPECT_EQ(to_summary({hostile_record(Outcome::Skipped)}, Colours::None).find('\x1b'),
              std::string::npos);
}

}  // namespace
}  // namespace matrix::records
