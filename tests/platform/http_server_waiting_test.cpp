// Requests that wait: many of them cost no thread, and clients may go away meanwhile.

#include <atomic>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

#include <gtest/gtest.h>
#include <sys/resource.h>

#include "refserver/platform/http_server.h"
#include "tests/platform/real_world.h"

namespace matrix::platform {
namespace {

int thread_count() {
    std::ifstream status("/proc/self/status");
    std::string line;
    while (std::getline(status, line)) {
        if (line.starts_with("Threads:")) return std::stoi(line.substr(8));
    }
    return 0;
}

void allow_many_files() {
    rlimit limit{};
    ::getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

TEST(HttpServerWaiting, AThousandRequestsWaitWithoutAThreadEach) {
    allow_many_files();
    EchoServer server;
    const int threads = thread_count();
    std::vector<std::unique_ptr<RawClient>> clients;
    constexpr std::size_t kClients = 1000;
    for (std::size_t i = 0; i < kClients; ++i) {
        clients.push_back(std::make_unique<RawClient>(server.port()));
        clients.back()->send(get("/wait"));
    }
    server.expect_waiting(kClients);
    EXPECT_EQ(thread_count(), threads);
    EXPECT_TRUE(RawClient(server.port()).ask(get("/ping")).ends_with("pong"));
    EXPECT_TRUE(RawClient(server.port()).ask(get("/wake")).ends_with("awake"));
    for (const auto& client : clients)
        EXPECT_TRUE(client->receive().ends_with("woken"));
}

TEST(HttpServerWaiting, AClientThatResetsItsConnectionIsNoticed) {
    EchoServer server;
    RawClient client(server.port());
    client.send(get("/wait"));
    server.expect_waiting(1);
    server.expect_open(1);
    client.reset();
    server.expect_open(0);
    EXPECT_TRUE(RawClient(server.port()).ask(get("/wake")).ends_with("awake"));
}

TEST(HttpServerWaiting, AClientThatPipelinesWithoutEndIsNotRead) {
    EchoServer server;
    RawClient client(server.port());
    client.send(get("/wait"));
    server.expect_waiting(1);
    std::string more;
    while (more.size() < 300'000)
        more += get("/ping");
    const std::size_t count = more.size() / get("/ping").size();
    client.send(more);
    EXPECT_EQ(server.http().statistics().requests, 1U);
    RawClient(server.port()).ask(get("/wake"));
    EXPECT_TRUE(client.receive().ends_with("woken"));
    for (std::size_t i = 0; i < count; ++i)
        ASSERT_TRUE(client.receive().ends_with("pong"));
}

// Connections, answers and the end of both, from many threads at once.
TEST(HttpServerWaiting, TheTwoThreadsHandOverUnderLoad) {
    EchoServer server;
    std::atomic<bool> is_ending = false;
    std::atomic<int> answers = 0;
    std::vector<std::thread> clients;
    for (int i = 0; i < 3; ++i) {
        clients.emplace_back([&] {
            RawClient client(server.port());
            for (int request = 0; request < 500; ++request) {
                if (client.ask(get("/ping")).ends_with("pong")) ++answers;
            }
        });
    }
    clients.emplace_back([&] {
        while (!is_ending)
            RawClient(server.port()).ask(get("/wake"));
    });
    std::thread impatient([&] {
        for (int i = 0; i < 200; ++i) {
            RawClient client(server.port());
            client.send(get("/wait"));
            if (i % 2 == 0) client.reset();
        }
    });
    for (int i = 0; i < 3; ++i)
        clients[static_cast<std::size_t>(i)].join();
    impatient.join();
    is_ending = true;
    clients.back().join();
    EXPECT_EQ(answers, 3 * 500);
}

TEST(HttpServerWaiting, AnAnswerAfterTheEndOfTheServerGoesNowhere) {
    LoopThread loop;
    SilentLog log;
    runtime::Responder late;
    std::promise<void> has_come;
    auto server = std::make_unique<HttpServer>(loop.loop, log);
    const auto port = server->listen({"127.0.0.1", 0}, std::nullopt).value();
    server->serve([&](runtime::HttpRequest, runtime::Responder respond) {
        late = std::move(respond);
        has_come.set_value();
    });
    RawClient client(port);
    client.send(get("/"));
    has_come.get_future().get();
    loop.end();
    server.reset();
    late({200, {}, "late"});
    EXPECT_EQ(client.receive(), "");
}

}  // namespace
}  // namespace matrix::platform
