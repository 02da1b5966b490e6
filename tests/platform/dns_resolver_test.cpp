// DnsResolver: a real c-ares channel against a DNS server on loopback.
#include "refserver/platform/dns_resolver.h"

#include <algorithm>
#include <future>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/platform/dns_server.h"
#include "tests/platform/real_world.h"

namespace matrix::platform {
namespace {

using runtime::Resolver;

/// A resolver on a loop of its own, asked from the test's thread.
class AskingResolver {
public:
    explicit AskingResolver(const DnsServer& server)
        : resolver_(loop_.loop,
                    {.servers = server.address(), .timeout = std::chrono::milliseconds(100)}) {}
    ~AskingResolver() { loop_.end(); }

    Resolver::Addresses host(const std::string& name) {
        return ask<Resolver::Addresses>(
            [&](auto done) { return resolver_.resolve_host(name, std::move(done)); });
    }
    Resolver::Services service(const std::string& name) {
        return ask<Resolver::Services>(
            [&](auto done) { return resolver_.resolve_service(name, std::move(done)); });
    }
    DnsResolver& resolver() { return resolver_; }
    LoopThread& loop() { return loop_; }

private:
    template <class Answer, class Start>
    Answer ask(Start start) {
        std::promise<Answer> result;
        runtime::Pending pending;
        loop_.run([&] {
            pending = start(std::move_only_function<void(Answer)>(
                [&](Answer answer) { result.set_value(std::move(answer)); }));
        });
        Answer answer = result.get_future().get();
        loop_.run([&] { pending.reset(); });
        return answer;
    }
    LoopThread loop_;
    DnsResolver resolver_;
};

template <class Answer>
std::string error_of(const Answer& answer) {
    if (answer) return "found";
    return answer.error().kind == runtime::ResolveErrorKind::NotFound ? "not found" : "failed";
}

TEST(DnsResolver, FindsAddressesOfBothFamilies) {
    DnsServer server;
    server.add_v4("both.test", "192.0.2.1", 60);
    server.add_v4("both.test", "192.0.2.2", 90);
    server.add_v6("both.test", "2001:db8::1", 120);
    AskingResolver resolver(server);
    const auto found = resolver.host("both.test");
    ASSERT_TRUE(found) << found.error().what;
    auto addresses = found->addresses;
    std::ranges::sort(addresses);
    EXPECT_EQ(addresses, (std::vector<std::string>{"192.0.2.1", "192.0.2.2", "2001:db8::1"}));
    EXPECT_EQ(found->lifetime.value, 60'000);
}

TEST(DnsResolver, FollowsAnAlias) {
    DnsServer server;
    server.add_alias("www.test", "real.test");
    server.add_v4("real.test", "192.0.2.7");
    AskingResolver resolver(server);
    const auto found = resolver.host("www.test");
    ASSERT_TRUE(found) << found.error().what;
    EXPECT_EQ(found->addresses, std::vector<std::string>{"192.0.2.7"});
}

TEST(DnsResolver, KnowsTheHostsFile) {
    DnsServer server;
    AskingResolver resolver(server);
    const auto found = resolver.host("localhost");
    ASSERT_TRUE(found) << found.error().what;
    EXPECT_TRUE(std::ranges::count(found->addresses, "127.0.0.1") > 0);
    EXPECT_EQ(server.questions(), 0);
}

TEST(DnsResolver, FindsServices) {
    DnsServer server;
    server.add_service("_matrix-fed._tcp.a.test", {10, 5, 8448, "one.test"}, 100);
    server.add_service("_matrix-fed._tcp.a.test", {20, 0, 443, "two.test"}, 70'000);
    server.add_service("_matrix-fed._tcp.gone.test", {0, 0, 0, ""});
    AskingResolver resolver(server);
    const auto found = resolver.service("_matrix-fed._tcp.a.test");
    ASSERT_TRUE(found) << found.error().what;
    ASSERT_EQ(found->records.size(), 2U);
    const auto& first = found->records[found->records[0].priority == 10 ? 0 : 1];
    const auto& second = found->records[found->records[0].priority == 10 ? 1 : 0];
    EXPECT_EQ(first.target, "one.test");
    EXPECT_EQ(first.weight, 5);
    EXPECT_EQ(first.port, 8448);
    EXPECT_EQ(second.target, "two.test");
    EXPECT_EQ(second.priority, 20);
    EXPECT_EQ(found->lifetime.value, 100'000);

    const auto gone = resolver.service("_matrix-fed._tcp.gone.test");
    ASSERT_TRUE(gone) << gone.error().what;
    EXPECT_EQ(gone->records.front().target, "");
}

TEST(DnsResolver, TellsWhatDoesNotExistFromWhatIsNotAnswered) {
    DnsServer server;
    server.add_service("only-services.test", {0, 0, 1, "x.test"});
    server.set_broken("broken.test");
    server.set_silent("silent.test");
    AskingResolver resolver(server);
    EXPECT_EQ(error_of(resolver.host("nothing.test")), "not found");
    EXPECT_EQ(error_of(resolver.host("only-services.test")), "not found");
    EXPECT_EQ(error_of(resolver.service("nothing.test")), "not found");
    EXPECT_EQ(error_of(resolver.host("broken.test")), "failed");
    EXPECT_EQ(error_of(resolver.service("broken.test")), "failed");
    EXPECT_EQ(error_of(resolver.host("silent.test")), "failed");
    EXPECT_EQ(error_of(resolver.service("silent.test")), "failed");
    EXPECT_EQ(error_of(resolver.host(std::string(300, 'a'))), "failed");
}

// The first of several questions does not hold up the others.
TEST(DnsResolver, AsksManyQuestionsAtOnce) {
    DnsServer server;
    server.set_silent("silent.test");
    for (int i = 0; i < 100; ++i)
        server.add_v4("h" + std::to_string(i) + ".test", "192.0.2.1");
    AskingResolver resolver(server);
    std::promise<void> all;
    int answers = 0;
    std::vector<runtime::Pending> pending;
    resolver.loop().run([&] {
        pending.push_back(resolver.resolver().resolve_host("silent.test", [](auto) {}));
        for (int i = 0; i < 100; ++i) {
            pending.push_back(resolver.resolver().resolve_host("h" + std::to_string(i) + ".test",
                                                               [&](Resolver::Addresses found) {
                                                                   EXPECT_TRUE(found);
                                                                   if (++answers == 100)
                                                                       all.set_value();
                                                               }));
        }
    });
    all.get_future().get();
    resolver.loop().run([&] { pending.clear(); });
}

TEST(DnsResolver, EndsWithQuestionsInFlight) {
    DnsServer server;
    server.set_silent("silent.test");
    LoopThread loop;
    auto resolver =
        std::make_unique<DnsResolver>(loop.loop, DnsResolverOptions{.servers = server.address()});
    runtime::Pending first;
    runtime::Pending second;
    loop.run([&] {
        first = resolver->resolve_host("silent.test", [](auto) { ADD_FAILURE(); });
        second = resolver->resolve_service("silent.test", [](auto) { ADD_FAILURE(); });
    });
    ASSERT_TRUE(eventually([&] { return server.questions() >= 2; }));
    loop.end();
    first.reset();
    second.reset();
    resolver.reset();
}

}  // namespace
}  // namespace matrix::platform
