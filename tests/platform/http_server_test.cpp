// What the HTTP server makes of raw bytes: one answer for each request, or a refusal.

#include "refserver/platform/http_server.h"

#include <ostream>
#include <string>

#include <gtest/gtest.h>

#include "tests/platform/real_world.h"

namespace matrix::platform {
namespace {

using namespace std::string_literals;  // NOLINT(google-build-using-namespace)

constexpr std::string_view kHost = "Host: example.org\r\n";

std::string status_line(const std::string& answer) {
    return answer.substr(0, answer.find("\r\n"));
}
std::string body_of(const std::string& answer) {
    const std::size_t end = answer.find("\r\n\r\n");
    return end == std::string::npos ? "" : answer.substr(end + 4);
}
std::size_t count_of(std::string_view text, std::string_view part) {
    std::size_t count = 0;
    for (std::size_t at = text.find(part); at != std::string_view::npos;
         at = text.find(part, at + 1)) {
        ++count;
    }
    return count;
}

TEST(HttpServer, AnswersWithLengthDateAndNothingElse) {
    EchoServer server;
    const std::string answer = RawClient(server.port()).ask(get("/ping"));
    EXPECT_EQ(status_line(answer), "HTTP/1.1 200 OK");
    EXPECT_EQ(body_of(answer), "pong");
    EXPECT_EQ(count_of(answer, "Content-Length: 4\r\n"), 1U);
    EXPECT_EQ(count_of(answer, "\r\nDate: "), 1U);
    EXPECT_EQ(count_of(answer, "Connection"), 0U);
}

TEST(HttpServer, KeepsTheTargetAsItWasSent) {
    EchoServer server;
    RawClient client(server.port());
    for (const std::string& target : {"/a%2Fb/%24c?d=%20&e=+"s, "//a/../b"s, "/%zz"s, "/?x=/"s}) {
        EXPECT_TRUE(body_of(client.ask(get(target))).starts_with("GET " + target + " body="))
            << target;
    }
}

struct Row {
    std::string_view sentence;
    std::string request;
    int status;

    friend std::ostream& operator<<(std::ostream& out, const Row& row) {
        return out << row.sentence;
    }
};

std::string post(std::string_view fields, std::string_view body) {
    return "POST / HTTP/1.1\r\n" + std::string(kHost) + std::string(fields) + "\r\n" +
           std::string(body);
}

class HttpServerRefuses : public testing::TestWithParam<Row> {};

// The refused request carries a second one in its body: nobody may take it for a request.
TEST_P(HttpServerRefuses, WhatIsAmbiguous) {
    EchoServer server;
    RawClient client(server.port());
    client.send(GetParam().request);
    client.end_output();
    const std::string answer = client.receive_all().value_or("reset");
    EXPECT_EQ(status_line(answer).substr(0, 12), "HTTP/1.1 " + std::to_string(GetParam().status));
    EXPECT_EQ(count_of(answer, "HTTP/1.1 "), 1U) << answer;
    EXPECT_EQ(count_of(answer, "Connection: close\r\n"), 1U) << answer;
    EXPECT_EQ(server.http().statistics().requests, 0U);
}

const std::string kSmuggled = "GET /smuggled HTTP/1.1\r\nHost: b\r\n\r\n";
const std::string kEmptyChunks = "0\r\n\r\n" + kSmuggled;

INSTANTIATE_TEST_SUITE_P(
    Rows,
    HttpServerRefuses,
    testing::Values(
        // Transfer-Encoding other than one "chunked".
        Row{"an unknown encoding", post("Transfer-Encoding: xchunked\r\n", kEmptyChunks), 400},
        Row{"an encoding after chunked",
            post("Transfer-Encoding: chunked, identity\r\n", kEmptyChunks),
            400},
        Row{"two encodings", post("Transfer-Encoding: gzip, chunked\r\n", kEmptyChunks), 400},
        Row{"two encoding fields",
            post("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", kEmptyChunks),
            400},
        Row{"an empty encoding", post("Transfer-Encoding:\r\n", kSmuggled), 400},
        Row{"an encoding with a vertical tab",
            post("Transfer-Encoding: \x0b"
                 "chunked\r\n",
                 kEmptyChunks),
            400},
        Row{"an encoding on HTTP/1.0",
            "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n" + kEmptyChunks,
            400},
        Row{"encoding and length",
            post("Transfer-Encoding: chunked\r\nContent-Length: 5\r\n", kEmptyChunks),
            400},
        Row{"length and encoding",
            post("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n", kEmptyChunks),
            400},
        // Content-Length.
        Row{"two equal lengths", post("Content-Length: 3\r\nContent-Length: 3\r\n", "abc"), 400},
        Row{"two different lengths",
            post("Content-Length: 0\r\nContent-Length: 35\r\n", kSmuggled),
            400},
        Row{"a list of lengths", post("Content-Length: 3, 3\r\n", "abc"), 400},
        Row{"a signed length", post("Content-Length: +3\r\n", "abc"), 400},
        Row{"a negative length", post("Content-Length: -3\r\n", "abc"), 400},
        Row{"a hexadecimal length", post("Content-Length: 0x3\r\n", "abc"), 400},
        Row{"a length beyond 64 bits", post("Content-Length: 18446744073709551617\r\n", "a"), 400},
        Row{"an empty length", post("Content-Length:\r\n", "abc"), 400},
        // Fields and lines.
        Row{"a folded field",
            "GET / HTTP/1.1\r\nHost: a\r\nX: b\r\n Transfer-Encoding: chunked\r\n\r\n",
            400},
        Row{"a field folded with a tab", "GET / HTTP/1.1\r\nHost: a\r\n\tb\r\n\r\n", 400},
        Row{"a folded first line", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
        Row{"a space before the colon", post("Transfer-Encoding : chunked\r\n", kEmptyChunks), 400},
        Row{"a space in a field's name", "GET / HTTP/1.1\r\nHost: a\r\nX Y: b\r\n\r\n", 400},
        Row{"a field without a name", "GET / HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n", 400},
        Row{"a field without a colon", "GET / HTTP/1.1\r\nHost: a\r\nfield\r\n\r\n", 400},
        Row{"a bare line feed", "GET / HTTP/1.1\nHost: a\n\n", 400},
        Row{"a bare carriage return", "GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400},
        Row{"a NUL in a field", "GET / HTTP/1.1\r\nHost: a\r\nX: a"s + '\0' + "b\r\n\r\n", 400},
        // Host.
        Row{"no host", "GET / HTTP/1.1\r\n\r\n", 400},
        Row{"two hosts", "GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400},
        Row{"a list of hosts", "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n", 400},
        Row{"a host with a path", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
        // The request line.
        Row{"a target with a space", "GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Row{"a target outside ASCII", "GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Row{"a target with a fragment", "GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Row{"a target without a slash", "GET a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Row{"a tunnel", "CONNECT a:1 HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Row{"an asterisk for GET", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Row{"an absolute target without a host", "GET http:///a HTTP/1.1\r\nHost: a\r\n\r\n", 400},
        Row{"an absolute target and two hosts",
            "GET http://a/ HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
            400},
        Row{"no version", "GET /\r\n\r\n", 400},
        Row{"the preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400},
        Row{"HTTP/1.2", "GET / HTTP/1.2\r\nHost: a\r\n\r\n", 400},
        Row{"TLS on the plain port", "\x16\x03\x01\x02\x00\x01", 400},
        // Bodies.
        Row{"an unknown expectation", post("Expect: miracles\r\nContent-Length: 1\r\n", "a"), 417},
        Row{"a chunk size that is no number",
            post("Transfer-Encoding: chunked\r\n", "zz\r\nab\r\n0\r\n\r\n"),
            400},
        Row{"a chunk longer than its size",
            post("Transfer-Encoding: chunked\r\n", "1\r\nab\r\n0\r\n\r\n"),
            400},
        Row{"a chunk size beyond 64 bits",
            post("Transfer-Encoding: chunked\r\n", "10000000000000001\r\na\r\n0\r\n\r\n"),
            400}));

TEST(HttpServer, AcceptsTheTwinsOfWhatItRefuses) {
    EchoServer server;
    for (const std::string& request :
         {post("Content-Length: 3\r\n", "abc"),
          post("content-LENGTH:3\r\n", "abc"),
          post("Content-Length:\t 3 \r\n", "abc"),
          post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n"),
          post("transfer-encoding:Chunked\r\n", "1\r\na\r\n2;x=y\r\nbc\r\n0\r\n\r\n"),
          "POST / HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc"s,
          "\r\nPOST / HTTP/1.1\r\nHost:\r\nContent-Length: 3\r\n\r\nabc"s}) {
        RawClient client(server.port());
        EXPECT_TRUE(body_of(client.ask(request)).starts_with("POST / body=abc [")) << request;
    }
}

TEST(HttpServer, TakesAnAbsoluteTargetWithItsOwnHost) {
    EchoServer server;
    RawClient client(server.port());
    EXPECT_EQ(body_of(client.ask("GET http://b:80/x?y HTTP/1.1\r\nA: 1\r\nHost: a\r\n\r\n")),
              "GET /x?y body= [Host=b:80] [A=1]");
    EXPECT_EQ(body_of(client.ask("GET HTTPS://b HTTP/1.1\r\nHost: a\r\n\r\n")),
              "GET / body= [Host=b]");
    EXPECT_EQ(body_of(client.ask("OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n")),
              "OPTIONS * body= [Host=a]");
}

TEST(HttpServer, ATrailerIsNoHeader) {
    EchoServer server;
    RawClient client(server.port());
    const std::string answer = client.ask(post(
        "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\nAuthorization: Bearer stolen\r\n\r\n"));
    EXPECT_TRUE(body_of(answer).starts_with("POST / body=abc [Host=")) << answer;
    EXPECT_EQ(count_of(answer, "stolen"), 0U) << answer;
}

TEST(HttpServer, AnswersPipelinedRequestsInOrder) {
    EchoServer server;
    RawClient client(server.port());
    std::string requests;
    for (int i = 0; i < 100; ++i)
        requests += get("/" + std::to_string(i));
    requests += post("Content-Length: 5\r\n", "hello") + get("/last");
    client.send(requests);
    for (int i = 0; i < 100; ++i) {
        EXPECT_TRUE(body_of(client.receive()).starts_with("GET /" + std::to_string(i) + " "));
    }
    EXPECT_TRUE(body_of(client.receive()).starts_with("POST / body=hello"));
    EXPECT_TRUE(body_of(client.receive()).starts_with("GET /last "));
    EXPECT_EQ(server.http().statistics().connections_accepted, 1U);
}

TEST(HttpServer, UnderstandsARequestThatArrivesByteByByte) {
    EchoServer server;
    RawClient client(server.port());
    for (const char c : post("Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n")) {
        client.send(std::string(1, c));
    }
    EXPECT_TRUE(body_of(client.receive()).starts_with("POST / body=abc"));
}

TEST(HttpServer, SendsTheHeadOfABodyThatHeadDoesNotGet) {
    EchoServer server;
    RawClient client(server.port());
    client.send("HEAD /ping HTTP/1.1\r\nHost: a\r\n\r\n" + get("/ping"));
    const std::string head = client.receive(/*has_body=*/false);
    EXPECT_EQ(count_of(head, "Content-Length: 4\r\n"), 1U);
    EXPECT_EQ(body_of(client.receive()), "pong");
}

TEST(HttpServer, ClosesWhenAskedTo) {
    EchoServer server;
    for (const std::string_view request :
         {"GET /ping HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n",
          "GET /ping HTTP/1.0\r\n\r\n"}) {
        RawClient client(server.port());
        client.send(request);
        const auto answer = client.receive_all();
        ASSERT_TRUE(answer);
        EXPECT_EQ(body_of(*answer), "pong");
        EXPECT_EQ(count_of(*answer, "Connection: close\r\n"), 1U);
    }
}

TEST(HttpServer, AnAnswerWithoutABodyKeepsTheConnection) {
    EchoServer server;
    RawClient client(server.port());
    client.send(get("/nobody") + get("/ping"));
    EXPECT_EQ(status_line(client.receive()), "HTTP/1.1 204 No Content");
    EXPECT_EQ(body_of(client.receive()), "pong");
}

TEST(HttpServer, AnAnswerThatWouldBreakOutOfItsHeadIsAnError) {
    EchoServer server;
    const std::string answer = RawClient(server.port()).ask(get("/inject"));
    EXPECT_EQ(status_line(answer), "HTTP/1.1 500 Internal Server Error");
    EXPECT_EQ(count_of(answer, "evil"), 0U);
}

TEST(HttpServer, SaysContinueOnceAndThenAnswers) {
    EchoServer server;
    RawClient client(server.port());
    client.send(post("Content-Length: 3\r\nExpect: 100-continue\r\n", ""));
    EXPECT_EQ(client.receive(), "HTTP/1.1 100 Continue\r\n\r\n");
    client.send("abc" + get("/ping"));
    EXPECT_TRUE(body_of(client.receive()).starts_with("POST / body=abc"));
    EXPECT_EQ(body_of(client.receive()), "pong");
    // Nobody waits for it when the body is there already.
    EXPECT_TRUE(body_of(client.ask(post("Content-Length: 3\r\nExpect: 100-continue\r\n", "abc")))
                    .starts_with("POST / body=abc"));
}

TEST(HttpServer, AnswersAClientThatHasEndedItsSide) {
    EchoServer server;
    RawClient client(server.port());
    client.send(get("/wait") + get("/ping"));
    server.expect_waiting(1);
    client.end_output();
    RawClient(server.port()).ask(get("/wake"));
    const auto answers = client.receive_all();
    ASSERT_TRUE(answers);
    EXPECT_EQ(count_of(*answers, "woken"), 1U);
    EXPECT_EQ(count_of(*answers, "pong"), 1U);
}

TEST(HttpServer, SendsErrorsInTheFormThatItIsGiven) {
    HttpServerOptions options;
    options.plain_error = [](int status, std::string_view detail) {
        return runtime::HttpResponse{status,
                                     {{"Access-Control-Allow-Origin", "*"}},
                                     "{\"error\":\"" + std::string(detail) + "\"}"};
    };
    EchoServer server(std::move(options));
    const std::string answer = RawClient(server.port()).ask("GET / HTTP/1.1\r\n\r\n");
    EXPECT_EQ(count_of(answer, "Access-Control-Allow-Origin: *\r\n"), 1U);
    EXPECT_EQ(body_of(answer), "{\"error\":\"no Host\"}");
}

TEST(HttpServer, SaysThatAPortIsInUse) {
    EchoServer server;
    LoopThread loop;
    SilentLog log;
    HttpServer second(loop.loop, log);
    const auto port = second.listen({"127.0.0.1", server.port()}, std::nullopt);
    ASSERT_FALSE(port);
    EXPECT_EQ(
        port.error(),
        "cannot listen on 127.0.0.1:" + std::to_string(server.port()) + ": Address already in use");
}

}  // namespace
}  // namespace matrix::platform
