#include "refserver/platform/http_client.h"

#include <array>
#include <string>
#include <thread>
#include <vector>

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "refserver/platform/development_ca.h"
#include "tests/platform/real_world.h"

namespace matrix::platform {

namespace {

using runtime::NetworkErrorKind;
using Result = runtime::Network::Result;

/// A client on a loop of its own, asked from the test's thread.
class AskingClient {
public:
    explicit AskingClient(HttpClientOptions options) : client_(loop_.loop, std::move(options)) {}
    ~AskingClient() { loop_.end(); }

    Result ask(runtime::OutgoingRequest request) {
        std::promise<Result> result;
        runtime::Pending pending;
        loop_.run([&] {
            pending = client_.send(std::move(request),
                                   [&](Result answer) { result.set_value(std::move(answer)); });
        });
        Result answer = result.get_future().get();
        loop_.run([&] { pending.reset(); });
        return answer;
    }

    HttpClient& client() { return client_; }
    LoopThread& loop() { return loop_; }

private:
    LoopThread loop_;
    HttpClient client_;
};

runtime::OutgoingRequest request_to(std::uint16_t port, std::string target = "/ping") {
    runtime::OutgoingRequest request;
    request.destination = {
        .host = "127.0.0.1", .port = port, .is_encrypted = false, .host_header = "example.org"};
    request.message.method = "GET";
    request.message.target = std::move(target);
    return request;
}

std::string kind_of(const Result& result) {
    return result ? std::to_string(result->status) : std::string(name_of(result.error().kind));
}

const HttpClientOptions kDevelopment{.policy = {.reach = Reach::Everything}};

TEST(HttpClient, SendsTheMessageAsItIs) {
    EchoServer server;
    AskingClient client(kDevelopment);
    auto request = request_to(server.port(), "/a%2Fb/../c?d=%20&e");
    request.message.method = "PUT";
    request.message.headers = {{"Content-Type", "application/json"}, {"X-Empty", ""}};
    request.message.body = "{}";
    const Result answer = client.ask(std::move(request));
    ASSERT_TRUE(answer) << answer.error().what;
    EXPECT_EQ(answer->body,
              "PUT /a%2Fb/../c?d=%20&e body={} [Host=example.org] [User-Agent=touchstone] "
              "[Content-Type=application/json] [X-Empty=] [Content-Length=2]");
    EXPECT_EQ(*answer->headers.find("content-type"), "text/plain");
}

TEST(HttpClient, SendsEveryMethod) {
    EchoServer server;
    AskingClient client(kDevelopment);
    for (const std::string method : {"GET", "POST", "PUT", "DELETE", "OPTIONS"}) {
        auto request = request_to(server.port(), "/");
        request.message.method = method;
        const Result answer = client.ask(std::move(request));
        ASSERT_TRUE(answer) << answer.error().what;
        EXPECT_TRUE(answer->body.starts_with(method + " / body=")) << answer->body;
    }
    auto head = request_to(server.port(), "/ping");
    head.message.method = "HEAD";
    const Result answer = client.ask(std::move(head));
    ASSERT_TRUE(answer) << answer.error().what;
    EXPECT_EQ(answer->body, "");
    EXPECT_EQ(*answer->headers.find("Content-Length"), "4");
}

TEST(HttpClient, UsesItsConnectionsAgain) {
    EchoServer server;
    AskingClient client(kDevelopment);
    for (int i = 0; i < 100; ++i)
        EXPECT_EQ(kind_of(client.ask(request_to(server.port()))), "200");
    EXPECT_EQ(client.client().connections_opened(), 1U);
}

TEST(HttpClient, AsksAgainWhenAKeptConnectionWasClosed) {
    EchoServer server({.idle_timeout = std::chrono::milliseconds(20)});
    AskingClient client(kDevelopment);
    EXPECT_EQ(kind_of(client.ask(request_to(server.port()))), "200");
    server.expect_open(0);
    EXPECT_EQ(kind_of(client.ask(request_to(server.port()))), "200");
}

TEST(HttpClient, SendsManyRequestsAtOnce) {
    EchoServer server;
    AskingClient client(kDevelopment);
    constexpr int kRequests = 200;
    int answers = 0;
    std::promise<void> all;
    std::vector<runtime::Pending> pending;
    client.loop().run([&] {
        for (int i = 0; i < kRequests; ++i) {
            pending.push_back(client.client().send(request_to(server.port()), [&](Result answer) {
                EXPECT_EQ(kind_of(answer), "200");
                if (++answers == kRequests) all.set_value();
            }));
        }
    });
    all.get_future().get();
    client.loop().run([&] { pending.clear(); });
}

TEST(HttpClient, GivesUpInTime) {
    EchoServer server;
    AskingClient client(kDevelopment);
    auto request = request_to(server.port(), "/wait");
    request.timeout = runtime::milliseconds(50);
    EXPECT_EQ(kind_of(client.ask(std::move(request))), "timeout");
}

TEST(HttpClient, RefusesALargeAnswer) {
    EchoServer server;
    AskingClient client(kDevelopment);
    auto request = request_to(server.port(), "/big");
    request.body_bytes_max = 3'999'999;
    EXPECT_EQ(kind_of(client.ask(request)), "too_large");
    request.body_bytes_max = 4'000'000;
    EXPECT_EQ(kind_of(client.ask(request)), "200");
}

// One connection, one answer, whatever was asked.
class OneAnswer {
public:
    explicit OneAnswer(std::string answer) : answer_(std::move(answer)) {
        socket_ = FileDescriptor(::socket(AF_INET, SOCK_STREAM, 0));
        sockaddr_in address{};
        address.sin_family = AF_INET;
        address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
        ::bind(socket_.number(), reinterpret_cast<sockaddr*>(&address), sizeof(address));
        ::listen(socket_.number(), 1);
        socklen_t size = sizeof(address);
        ::getsockname(socket_.number(), reinterpret_cast<sockaddr*>(&address), &size);
        port_ = ntohs(address.sin_port);
        thread_ = std::thread([this] { serve(); });
    }
    ~OneAnswer() { thread_.join(); }
    std::uint16_t port() const { return port_; }

private:
    void serve() {
        const FileDescriptor client(::accept(socket_.number(), nullptr, nullptr));
        std::array<char, 4096> request;
        if (::recv(client.number(), request.data(), request.size(), 0) <= 0) return;
        ::send(client.number(), answer_.data(), answer_.size(), MSG_NOSIGNAL);
        ::shutdown(client.number(), SHUT_WR);
        while (::recv(client.number(), request.data(), request.size(), 0) > 0) {
        }
    }
    std::string answer_;
    FileDescriptor socket_;
    std::uint16_t port_ = 0;
    std::thread thread_;
};

TEST(HttpClient, SurvivesStrangeAnswers) {
    struct Row {
        std::string answer;
        std::string kind;
    };
    for (const auto& [answer, kind] : std::vector<Row>{
             {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "200"},
             {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n",
              "201"},
             {"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:1/\r\nContent-Length: 0\r\n\r\n",
              "302"},
             {"HTTP/1.1 200 OK\r\nContent-Length: 20\r\n\r\nshort", "interrupted"},
             {"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n", "too_large"},
             {"HTTP/1.1 200 OK\r\nX: " + std::string(90'000, 'x') + "\r\n\r\n", "too_large"},
             {"nonsense\r\n\r\n", "interrupted"},
             {"", "interrupted"}}) {
        OneAnswer server(answer);
        AskingClient client(kDevelopment);
        EXPECT_EQ(kind_of(client.ask(request_to(server.port()))), kind) << answer.substr(0, 80);
    }
}

TEST(HttpClient, TrailersAreNoHeaders) {
    OneAnswer server(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Late: 1\r\n\r\n");
    AskingClient client(kDevelopment);
    const Result answer = client.ask(request_to(server.port()));
    ASSERT_TRUE(answer) << answer.error().what;
    EXPECT_EQ(answer->body, "ok");
    EXPECT_EQ(answer->headers.find("X-Late"), nullptr);
}

TEST(HttpClient, SaysThatNobodyListens) {
    AskingClient client(kDevelopment);
    EXPECT_EQ(kind_of(client.ask(request_to(1))), "unreachable");
    auto name = request_to(80);
    name.destination.host = "localhost";
    EXPECT_EQ(kind_of(client.ask(std::move(name))), "unreachable") << "it looks up no names";
}

// security-cases.tsv 64, 66: whatever led to them.
TEST(HttpClient, DoesNotReachPrivateAddresses) {
    EchoServer server;
    AskingClient client({});
    for (const std::string address :
         {"127.0.0.1", "::1", "::ffff:127.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "10.0.0.1"}) {
        auto request = request_to(server.port());
        request.destination.host = "example.org";
        request.destination.address = address;
        EXPECT_EQ(kind_of(client.ask(request)), "forbidden_address") << address;
        request.destination.host = address;
        request.destination.address.clear();
        EXPECT_EQ(kind_of(client.ask(request)), "forbidden_address") << address;
    }
    EXPECT_EQ(server.http().statistics().connections_accepted, 0U);
}

TEST(HttpClient, ReachesWhatWasAllowed) {
    EchoServer server;
    AskingClient client({.policy = {.allowed = {parse_ip_block("127.0.0.0/8").value()}}});
    EXPECT_EQ(kind_of(client.ask(request_to(server.port()))), "200");
    AskingClient denying(
        {.policy = {.reach = Reach::Everything, .denied = {parse_ip_block("127.0.0.1").value()}}});
    EXPECT_EQ(kind_of(denying.ask(request_to(server.port()))), "forbidden_address");
}

// security-cases.tsv 65
TEST(HttpClient, FollowsNoRedirect) {
    EchoServer elsewhere;
    OneAnswer server("HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:" +
                     std::to_string(elsewhere.port()) + "/\r\nContent-Length: 0\r\n\r\n");
    AskingClient client(kDevelopment);
    EXPECT_EQ(kind_of(client.ask(request_to(server.port()))), "302");
    EXPECT_EQ(elsewhere.http().statistics().connections_accepted, 0U);
}

TEST(HttpClient, RefusesToWriteWhatWouldBecomeAnotherRequest) {
    EchoServer server;
    AskingClient client(kDevelopment);
    std::vector<runtime::OutgoingRequest> requests(6, request_to(server.port()));
    requests[0].message.target = "/ HTTP/1.1\r\nX: y";
    requests[1].destination.host_header = "a\r\nX: y";
    requests[2].message.headers = {{"A", "b\r\nX: y"}};
    requests[3].message.headers = {{"A\r\nX", "y"}};
    requests[4].message.method = "GET / HTTP/1.1\r\nX: y\r\n";
    requests[5].destination.host = "127.0.0.1/x@y";
    for (const auto& request : requests)
        EXPECT_EQ(kind_of(client.ask(request)), "unreachable");
    EXPECT_EQ(server.http().statistics().connections_accepted, 0U);
}

TEST(HttpClient, ForgetsWhatWasCancelled) {
    EchoServer server;
    AskingClient client(kDevelopment);
    runtime::Pending pending;
    client.loop().run([&] {
        pending = client.client().send(request_to(server.port(), "/wait"),
                                       [](Result) { ADD_FAILURE() << "was called"; });
    });
    server.expect_waiting(1);
    client.loop().run([&] { pending.reset(); });
    EXPECT_EQ(kind_of(client.ask(request_to(server.port(), "/wake"))), "200");
    EXPECT_EQ(client.client().connections_opened(), 1U) << "the cancelled one was used again";
    server.expect_open(1);
}

TEST(HttpClient, EndsWithRequestsInFlight) {
    EchoServer server;
    LoopThread loop;
    auto client = std::make_unique<HttpClient>(loop.loop, kDevelopment);
    runtime::Pending pending;
    loop.run([&] {
        pending = client->send(request_to(server.port(), "/wait"), [](Result) { ADD_FAILURE(); });
    });
    server.expect_waiting(1);
    loop.end();
    pending.reset();
    client.reset();
    RawClient(server.port()).ask(get("/wake"));
    server.expect_open(0);
}

// --- TLS ---------------------------------------------------------------------------------------

class HttpClientTls : public testing::Test {
protected:
    static ServerCertificate certificate_for(const DevelopmentCa& authority,
                                             std::vector<std::string> names) {
        return authority.issue(names);
    }
    static runtime::OutgoingRequest encrypted(std::string host, std::uint16_t port) {
        auto request = request_to(port);
        request.destination.host = std::move(host);
        request.destination.address = "127.0.0.1";
        request.destination.is_encrypted = true;
        return request;
    }
    const DevelopmentCa authority_ = DevelopmentCa::make();
    const DevelopmentCa other_authority_ = DevelopmentCa::make();
    const HttpClientOptions trusting_{.policy = {.reach = Reach::Everything},
                                      .authorities_pem = authority_.certificate_pem()};
};

TEST_F(HttpClientTls, TrustsTheAuthorityThatItWasGiven) {
    EchoServer server({}, certificate_for(authority_, {"localhost", "127.0.0.1"}));
    AskingClient client(trusting_);
    EXPECT_EQ(kind_of(client.ask(encrypted("localhost", server.port()))), "200");
    EXPECT_EQ(kind_of(client.ask(encrypted("127.0.0.1", server.port()))), "200");
    AskingClient distrusting(kDevelopment);
    EXPECT_EQ(kind_of(distrusting.ask(encrypted("localhost", server.port()))), "tls");
}

TEST_F(HttpClientTls, UsesItsConnectionsAgain) {
    EchoServer server({}, certificate_for(authority_, {"localhost"}));
    AskingClient client(trusting_);
    for (int i = 0; i < 50; ++i) {
        EXPECT_EQ(kind_of(client.ask(encrypted("localhost", server.port()))), "200");
    }
    EXPECT_EQ(client.client().connections_opened(), 1U);
}

TEST_F(HttpClientTls, RefusesAnotherAuthorityAndAnotherName) {
    AskingClient client(trusting_);
    EchoServer stranger({}, certificate_for(other_authority_, {"localhost"}));
    EXPECT_EQ(kind_of(client.ask(encrypted("localhost", stranger.port()))), "tls");
    EchoServer other_name({}, certificate_for(authority_, {"example.org"}));
    EXPECT_EQ(kind_of(client.ask(encrypted("localhost", other_name.port()))), "tls");
    EXPECT_EQ(kind_of(client.ask(encrypted("127.0.0.1", other_name.port()))), "tls");
    EchoServer plain;
    EXPECT_EQ(kind_of(client.ask(encrypted("localhost", plain.port()))), "tls");
}

TEST_F(HttpClientTls, ConnectsToAnAddressAndVerifiesTheName) {
    EchoServer server({}, certificate_for(authority_, {"matrix.example"}));
    AskingClient client({.authorities_pem = authority_.certificate_pem()});
    auto request = encrypted("matrix.example", server.port());
    request.destination.host_header = "delegated.example";
    request.destination.trust = runtime::AddressTrust::Appointed;
    request.message.target = "/";
    const Result answer = client.ask(request);
    ASSERT_TRUE(answer) << answer.error().what;
    EXPECT_NE(answer->body.find("[Host=delegated.example]"), std::string::npos);
    // The name of the certificate counts, not the address.
    request.destination.host = "other.example";
    EXPECT_EQ(kind_of(client.ask(request)), "tls");
    request.destination.host = "matrix.example";
    request.destination.trust = runtime::AddressTrust::Judged;
    request.destination.port = 1;
    EXPECT_EQ(kind_of(client.ask(request)), "forbidden_address");
}

TEST_F(HttpClientTls, ALargeBodyIsAnsweredBeforeTheConnectionCloses) {
    EchoServer server({.body_bytes_max = 1000}, certificate_for(authority_, {"localhost"}));
    AskingClient client(trusting_);
    auto request = encrypted("localhost", server.port());
    request.message.method = "PUT";
    request.message.body = std::string(4'000'000, 'x');
    EXPECT_EQ(kind_of(client.ask(std::move(request))), "413");
}

TEST_F(HttpClientTls, CarriesLargeBodiesBothWays) {
    EchoServer server({}, certificate_for(authority_, {"localhost"}));
    AskingClient client(trusting_);
    auto request = encrypted("localhost", server.port());
    request.message.method = "PUT";
    request.message.target = "/upload";
    request.message.body = std::string(10'000'000, 'x');
    const Result up = client.ask(std::move(request));
    ASSERT_TRUE(up) << up.error().what;
    EXPECT_TRUE(up->body.starts_with("PUT 10000000 bytes")) << up->body.substr(0, 50);
    auto download = encrypted("localhost", server.port());
    download.message.target = "/big";
    const Result down = client.ask(std::move(download));
    ASSERT_TRUE(down) << down.error().what;
    EXPECT_EQ(down->body.size(), 4'000'000U);
}

TEST_F(HttpClientTls, AServerDrainsWithConnectionsOpen) {
    EchoServer server({}, certificate_for(authority_, {"localhost"}));
    AskingClient client(trusting_);
    EXPECT_EQ(kind_of(client.ask(encrypted("localhost", server.port()))), "200");
    std::promise<void> done;
    server.http().drain([&] { done.set_value(); });
    done.get_future().get();
}

}  // namespace
}  // namespace matrix::platform
