#include "refserver/platform/http_framing.h"

#include <gtest/gtest.h>

namespace matrix::platform {
namespace {

using Progress = HeadScanner::Progress;

TEST(HttpFraming, FindsTheEndOfAHeadHoweverItIsCut) {
    const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
    for (std::size_t cut = 0; cut < head.size(); ++cut) {
        HeadScanner scanner;
        EXPECT_EQ(scanner.scan(head.substr(0, cut)), Progress::Incomplete) << cut;
        EXPECT_EQ(scanner.scan(head + "body"), Progress::Complete) << cut;
        EXPECT_EQ(scanner.head_size(), head.size()) << cut;
    }
}

TEST(HttpFraming, RefusesLinesThatDoNotEndWithCrLf) {
    for (const std::string_view head : {"GET / HTTP/1.1\nHost: a\n\n",
                                        "GET / HTTP/1.1\rHost: a\r\n\r\n",
                                        "GET / HTTP/1.1\r\nHost: a\n\r\n",
                                        "\n",
                                        "GET / HTTP/1.1\r\nA: \x01\r\n\r\n",
                                        "\x16\x03\x01\x02"}) {
        EXPECT_EQ(HeadScanner().scan(head), Progress::Malformed) << head;
    }
    EXPECT_EQ(HeadScanner().scan(std::string_view("GET /\0", 6)), Progress::Malformed);
}

std::string field_of(const runtime::HttpResponse& response) {
    return format_response_head(response, AfterAnswer::KeepOpen, "now").value_or("refused");
}

TEST(HttpFraming, AnAnswerCannotBreakOutOfItsHead) {
    EXPECT_EQ(field_of({200, {{"A", "b"}}, "xyz"}),
              "HTTP/1.1 200 OK\r\nA: b\r\nDate: now\r\nContent-Length: 3\r\n\r\n");
    EXPECT_EQ(field_of({200, {{"A", "b\r\nC: d"}}, ""}), "refused");
    EXPECT_EQ(field_of({200, {{"A", "b\nC: d"}}, ""}), "refused");
    EXPECT_EQ(field_of({200, {{"A", std::string("b\0c", 3)}}, ""}), "refused");
    EXPECT_EQ(field_of({200, {{"A\r\nB", "c"}}, ""}), "refused");
    EXPECT_EQ(field_of({200, {{"A: b", "c"}}, ""}), "refused");
    EXPECT_EQ(field_of({200, {{"", "c"}}, ""}), "refused");
    EXPECT_EQ(field_of({100, {}, ""}), "refused");
}

TEST(HttpFraming, LengthAndConnectionOfAnAnswerAreOurs) {
    EXPECT_EQ(field_of({200,
                        {{"content-length", "99"},
                         {"Transfer-Encoding", "chunked"},
                         {"Connection", "upgrade"}},
                        "xyz"}),
              "HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 3\r\n\r\n");
    EXPECT_EQ(field_of({204, {}, "xyz"}), "HTTP/1.1 204 No Content\r\nDate: now\r\n\r\n");
    EXPECT_EQ(format_response_head({599, {}, ""}, AfterAnswer::Close, "now"),
              "HTTP/1.1 599 \r\nDate: now\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
}

TEST(HttpFraming, WritesDatesAsTheStandardDoes) {
    EXPECT_EQ(format_date(784111777), "Sun, 06 Nov 1994 08:49:37 GMT");
    EXPECT_EQ(format_date(951782400), "Tue, 29 Feb 2000 00:00:00 GMT");
}

}  // namespace
}  // namespace matrix::platform
