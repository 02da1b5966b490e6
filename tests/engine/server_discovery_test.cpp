// ServerDiscovery: each step of "Resolving server names", and what is kept of it.
#include "refserver/engine/peers/server_discovery.h"

#include <algorithm>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/engine/fake_web.h"
#include "tests/engine/test_world.h"

namespace matrix::engine {
namespace {

constexpr std::int64_t kMinute = 60;
constexpr std::int64_t kHour = 60 * kMinute;

/// What a test sees of a destination.
struct Place {
    std::string certificate;  // And SNI.
    std::string connect_to;
    std::uint16_t port;
    std::string host_header;
    friend bool operator==(const Place&, const Place&) = default;
};
std::ostream& operator<<(std::ostream& out, const Place& place) {
    return out << "certificate " << place.certificate << ", to " << place.connect_to << " port "
               << place.port << ", Host: " << place.host_header;
}

class ServerDiscoveryTest : public testing::Test {
protected:
    void build(AppointedAddresses appointed = {}) {
        discovery_ = std::make_unique<ServerDiscovery>(
            ServerDiscovery::Services{.appointed = std::move(appointed),
                                      .resolver = *a_.resolver,
                                      .network = web_,
                                      .clock = a_.clock,
                                      .random = a_.random,
                                      .log = a_.log,
                                      .counters = a_.counters});
    }
    std::vector<Place> find(const std::string& name) {
        if (!discovery_) build();
        const auto found = a_.wait_for(discovery_->find(ServerName(name)), 30).value();
        std::vector<Place> places;
        for (const auto& one : found ? *found : ServerDiscovery::Destinations())
            places.push_back({one.host, one.connect_to(), one.port, one.host_header});
        if (!found) failure_ = found.error().what;
        return places;
    }
    std::optional<Place> find_first(const std::string& name) {
        const std::vector<Place> places = find(name);
        return places.empty() ? std::nullopt : std::optional(places.front());
    }
    std::size_t questions_for(const std::string& name) const {
        return static_cast<std::size_t>(std::ranges::count(world_.dns.questions(), name));
    }
    void pass(std::int64_t seconds) { world_.settle(seconds); }

    TestWorld world_;
    RoomHost a_{world_, "a.test"};
    FakeWeb web_;
    std::unique_ptr<ServerDiscovery> discovery_;
    std::string failure_;
};

// --- The steps -----------------------------------------------------------------------------------

struct Step {
    const char* step;
    const char* name;
    const char* delegated;              // Null: the well-known document is 404.
    std::vector<const char*> services;  // Names of SRV records, each to srv.test:4444.
    Place expected;
};

const std::vector<Step> kSteps = {
    {"1, IPv4", "1.2.3.4", nullptr, {}, {"1.2.3.4", "1.2.3.4", 8448, "1.2.3.4"}},
    {"1, IPv4, port", "1.2.3.4:80", nullptr, {}, {"1.2.3.4", "1.2.3.4", 80, "1.2.3.4:80"}},
    {"1, IPv6",
     "[2001:db8::1]",
     nullptr,
     {},
     {"2001:db8::1", "2001:db8::1", 8448, "[2001:db8::1]"}},
    {"1, IPv6, port",
     "[2001:db8::1]:80",
     nullptr,
     {},
     {"2001:db8::1", "2001:db8::1", 80, "[2001:db8::1]:80"}},
    {"2",
     "hs.test:80",
     "other.test",
     {"_matrix-fed._tcp.hs.test"},
     {"hs.test", "192.0.2.1", 80, "hs.test:80"}},
    {"3.1", "hs.test", "5.6.7.8", {}, {"5.6.7.8", "5.6.7.8", 8448, "5.6.7.8"}},
    {"3.1, port", "hs.test", "5.6.7.8:443", {}, {"5.6.7.8", "5.6.7.8", 443, "5.6.7.8:443"}},
    {"3.1, IPv6",
     "hs.test",
     "[2001:db8::2]",
     {},
     {"2001:db8::2", "2001:db8::2", 8448, "[2001:db8::2]"}},
    {"3.1, IPv6, port",
     "hs.test",
     "[2001:db8::2]:443",
     {},
     {"2001:db8::2", "2001:db8::2", 443, "[2001:db8::2]:443"}},
    {"3.2",
     "hs.test",
     "del.test:443",
     {"_matrix-fed._tcp.del.test"},
     {"del.test", "192.0.2.2", 443, "del.test:443"}},
    {"3.3",
     "hs.test",
     "del.test",
     {"_matrix-fed._tcp.del.test", "_matrix._tcp.del.test"},
     {"del.test", "192.0.2.3", 4444, "del.test"}},
    {"3.4",
     "hs.test",
     "del.test",
     {"_matrix._tcp.del.test", "_matrix-fed._tcp.hs.test"},
     {"del.test", "192.0.2.3", 4444, "del.test"}},
    {"3.5",
     "hs.test",
     "del.test",
     {"_matrix-fed._tcp.hs.test", "_matrix._tcp.hs.test"},
     {"del.test", "192.0.2.2", 8448, "del.test"}},
    {"4",
     "hs.test",
     nullptr,
     {"_matrix-fed._tcp.hs.test", "_matrix._tcp.hs.test"},
     {"hs.test", "192.0.2.3", 4444, "hs.test"}},
    {"5", "hs.test", nullptr, {"_matrix._tcp.hs.test"}, {"hs.test", "192.0.2.3", 4444, "hs.test"}},
    {"6", "hs.test", nullptr, {}, {"hs.test", "192.0.2.1", 8448, "hs.test"}},
};

TEST_F(ServerDiscoveryTest, FollowsTheSteps) {
    for (const Step& step : kSteps) {
        SCOPED_TRACE(step.step);
        TestWorld world;
        RoomHost a(world, "a.test");
        world.dns.put_host("hs.test", {"192.0.2.1"});
        world.dns.put_host("del.test", {"192.0.2.2"});
        world.dns.put_host("srv.test", {"192.0.2.3"});
        for (const char* service : step.services)
            world.dns.put_service(service, {{"srv.test", 4444, 0, 0}});
        FakeWeb web;
        if (step.delegated) web.put_delegation("hs.test", step.delegated);
        ServerDiscovery discovery({.appointed = {},
                                   .resolver = *a.resolver,
                                   .network = web,
                                   .clock = a.clock,
                                   .random = a.random,
                                   .log = a.log,
                                   .counters = a.counters});
        const auto found = a.wait_for(discovery.find(ServerName(step.name)), 30).value();
        ASSERT_TRUE(found) << found.error().what;
        ASSERT_EQ(found->size(), 1U);
        const runtime::Destination& one = found->front();
        EXPECT_EQ((Place{one.host, one.connect_to(), one.port, one.host_header}), step.expected);
        EXPECT_TRUE(one.is_encrypted);
        EXPECT_EQ(one.trust, runtime::AddressTrust::Judged);
        // A name with an IP address or a port asks nobody for a delegation.
        const bool is_explicit = step.step[0] == '1' || step.step[0] == '2';
        EXPECT_EQ(web.requests.size(), is_explicit ? 0U : 1U);
    }
}

TEST_F(ServerDiscoveryTest, AsksForTheDelegationOverHttpsAsThatHost) {
    world_.dns.put_host("hs.test", {"192.0.2.1"});
    find("hs.test");
    ASSERT_EQ(web_.requests.size(), 1U);
    const runtime::OutgoingRequest& sent = web_.requests.front();
    EXPECT_EQ(sent.message.method, "GET");
    EXPECT_EQ(sent.message.target, "/.well-known/matrix/server");
    EXPECT_EQ(sent.destination.host, "hs.test");
    EXPECT_EQ(sent.destination.connect_to(), "192.0.2.1");
    EXPECT_EQ(sent.destination.port, 443);
    EXPECT_EQ(sent.destination.host_header, "hs.test");
    EXPECT_TRUE(sent.destination.is_encrypted);
    EXPECT_EQ(sent.destination.trust, runtime::AddressTrust::Judged);
    EXPECT_EQ(sent.message.headers.find("Authorization"), nullptr);
    EXPECT_EQ(sent.body_bytes_max, kWellKnownBytesMax);
}

TEST_F(ServerDiscoveryTest, ADelegationIsNotFollowedTwice) {
    world_.dns.put_host("hs.test", {"192.0.2.1"});
    world_.dns.put_host("del.test", {"192.0.2.2"});
    web_.put_delegation("hs.test", "del.test");
    web_.put_delegation("del.test", "third.test");
    EXPECT_EQ(find_first("hs.test"), (Place{"del.test", "192.0.2.2", 8448, "del.test"}));
    EXPECT_EQ(web_.requests.size(), 1U);
}

TEST_F(ServerDiscoveryTest, RefusesWhatIsNoName) {
    for (const char* name : {"", "a b", "hs.test:99999", "[::1", "x/y"})
        EXPECT_TRUE(find(name).empty()) << name;
    EXPECT_TRUE(world_.dns.questions().empty());
}

TEST_F(ServerDiscoveryTest, SaysThatANameLeadsNowhere) {
    EXPECT_TRUE(find("nowhere.test").empty());
    EXPECT_EQ(failure_, "no address of nowhere.test: no such name");
    EXPECT_EQ(questions_for("_matrix-fed._tcp.nowhere.test"), 1U);
    EXPECT_EQ(questions_for("_matrix._tcp.nowhere.test"), 1U);
}

TEST_F(ServerDiscoveryTest, TriesSomeAddressesInTheOrderOfDns) {
    world_.dns.put_host("hs.test",
                        {"2001:db8::1", "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"});
    const std::vector<Place> places = find("hs.test:80");
    ASSERT_EQ(places.size(), kAddressesPerHostMax);
    EXPECT_EQ(places[0].connect_to, "2001:db8::1");
    EXPECT_EQ(places[1].connect_to, "192.0.2.1");
    EXPECT_EQ(places[3].connect_to, "192.0.2.3");
}

// --- SRV records ---------------------------------------------------------------------------------

TEST_F(ServerDiscoveryTest, TriesServicesByPriority) {
    world_.dns.put_host("one.test", {"192.0.2.1"});
    world_.dns.put_host("two.test", {"192.0.2.2", "192.0.2.22"});
    world_.dns.put_host("three.test", {"192.0.2.3"});
    world_.dns.put_service(
        "_matrix-fed._tcp.hs.test",
        {{"three.test", 3, 30, 0}, {"one.test", 1, 10, 0}, {"two.test", 2, 20, 0}});
    const std::vector<Place> expected = {{"hs.test", "192.0.2.1", 1, "hs.test"},
                                         {"hs.test", "192.0.2.2", 2, "hs.test"},
                                         {"hs.test", "192.0.2.22", 2, "hs.test"},
                                         {"hs.test", "192.0.2.3", 3, "hs.test"}};
    EXPECT_EQ(find("hs.test"), expected);
}

TEST_F(ServerDiscoveryTest, SkipsServicesThatLeadNowhere) {
    world_.dns.put_host("two.test", {"192.0.2.2"});
    world_.dns.put_service("_matrix-fed._tcp.hs.test",
                           {{"gone.test", 1, 10, 0},
                            {"not a host", 1, 10, 0},
                            {"127.0.0.1", 1, 10, 0},
                            {"two.test", 2, 20, 0}});
    EXPECT_EQ(find_first("hs.test"), (Place{"hs.test", "192.0.2.2", 2, "hs.test"}));
}

TEST_F(ServerDiscoveryTest, AServiceWithoutATargetIsNone) {
    world_.dns.put_host("hs.test", {"192.0.2.1"});
    world_.dns.put_service("_matrix-fed._tcp.hs.test", {{"", 0, 0, 0}});
    EXPECT_TRUE(find("hs.test").empty());
    EXPECT_EQ(failure_, "_matrix-fed._tcp.hs.test says that there is no service");
}

TEST_F(ServerDiscoveryTest, GoesOnWhenDnsFailsForServices) {
    world_.dns.put_host("hs.test", {"192.0.2.1"});
    world_.dns.break_name("_matrix-fed._tcp.hs.test");
    world_.dns.break_name("_matrix._tcp.hs.test");
    EXPECT_EQ(find_first("hs.test"), (Place{"hs.test", "192.0.2.1", 8448, "hs.test"}));
    EXPECT_EQ(a_.counters.dns_failures, 2U);
}

TEST(Services, AreDrawnByTheirWeight) {
    simulator::SimulatedRandom random(3);
    std::map<std::string, int> firsts;
    for (int i = 0; i < 2000; ++i) {
        const auto ordered = order_services(
            {{"none", 0, 1, 0}, {"light", 0, 1, 10}, {"heavy", 0, 1, 30}, {"later", 0, 2, 60'000}},
            random);
        ASSERT_EQ(ordered.size(), 4U);
        EXPECT_EQ(ordered.back().target, "later");
        ++firsts[ordered.front().target];
    }
    EXPECT_GT(firsts["none"], 0);
    EXPECT_LT(firsts["none"], 150);
    EXPECT_NEAR(firsts["light"], 500, 120);
    EXPECT_NEAR(firsts["heavy"], 1450, 150);
}

// --- Well-known documents ------------------------------------------------------------------------

// Spec: "If the response is invalid (bad JSON, missing properties, non-200 response, etc), skip to
// step 4."
TEST_F(ServerDiscoveryTest, AnInvalidDelegationIsNone) {
    const std::vector<runtime::HttpResponse> kInvalid = {
        {404, {}, R"({"m.server":"del.test"})"},
        {500, {}, R"({"m.server":"del.test"})"},
        {201, {}, R"({"m.server":"del.test"})"},
        {200, {}, ""},
        {200, {}, "<html>"},
        {200, {}, "[]"},
        {200, {}, "{}"},
        {200, {}, R"({"m.server":7})"},
        {200, {}, R"({"m.server":""})"},
        {200, {}, R"({"m.server":"https://del.test"})"},
        {200, {}, R"({"m.server":"del.test/path"})"},
        {200, {}, R"({"m.server":"user@del.test"})"},
        {200, {}, R"({"m.server":"del.test","m.server":"del.test"})"},
        {200, {}, R"({"m.server":"del.test","x":")" + std::string(60'000, 'x') + R"("})"},
        {302, {}, R"({"m.server":"del.test"})"},
        {304, {}, R"({"m.server":"del.test"})"},
    };
    int number = 0;
    for (const runtime::HttpResponse& response : kInvalid) {
        const std::string name = "hs" + std::to_string(++number) + ".test";
        SCOPED_TRACE(std::to_string(response.status) + " " + response.body.substr(0, 60));
        world_.dns.put_host(name, {"192.0.2.1"});
        web_.put_well_known(name, response);
        EXPECT_EQ(find_first(name), (Place{name, "192.0.2.1", 8448, name}));
    }
    world_.dns.put_host("good.test", {"192.0.2.1"});
    world_.dns.put_host("del.test", {"192.0.2.2"});
    web_.put_well_known(
        "good.test", {200, {{"Content-Type", "text/html"}}, R"({"m.server":"del.test", "x":1.5})"});
    EXPECT_EQ(find_first("good.test"), (Place{"del.test", "192.0.2.2", 8448, "del.test"}));
}

TEST_F(ServerDiscoveryTest, FollowsRedirectsOverHttps) {
    for (const char* host : {"hs.test", "www.test", "cdn.test", "del.test"})
        world_.dns.put_host(host, {"192.0.2.1"});
    web_.put_redirect("https://hs.test/.well-known/matrix/server", "https://www.test/a/b?c");
    web_.put_redirect("https://www.test/a/b?c", "d");
    web_.put_redirect("https://www.test/a/d", "/e#part");
    web_.put_redirect("https://www.test/e", "//cdn.test:444/f");
    web_.pages["https://cdn.test:444/f"] = {200, {}, R"({"m.server":"del.test:1"})"};
    EXPECT_EQ(find_first("hs.test"), (Place{"del.test", "192.0.2.1", 1, "del.test:1"}));
    const runtime::Destination& last = web_.requests.back().destination;
    EXPECT_EQ(last.host, "cdn.test");
    EXPECT_EQ(last.port, 444);
}

// security-cases.tsv 65: what is followed is bounded, encrypted, and judged again at each hop (each
// is a connection of its own to an address that the platform judges).
TEST_F(ServerDiscoveryTest, FollowsNoOtherRedirects) {
    for (const char* location : {"http://hs.test/x",
                                 "ftp://hs.test/x",
                                 "javascript:alert(1)",
                                 "https://user:password@hs.test/x",
                                 "https://hs.test:99999/x",
                                 "https:///x",
                                 "https:x",
                                 "https://hs.test/a b",
                                 "https://hs.test/.well-known/matrix/server",
                                 ""}) {
        SCOPED_TRACE(location);
        TestWorld world;
        RoomHost a(world, "a.test");
        world.dns.put_host("hs.test", {"192.0.2.1"});
        FakeWeb web;
        web.put_redirect("https://hs.test/.well-known/matrix/server", location);
        ServerDiscovery discovery({.appointed = {},
                                   .resolver = *a.resolver,
                                   .network = web,
                                   .clock = a.clock,
                                   .random = a.random,
                                   .log = a.log,
                                   .counters = a.counters});
        const auto found = a.wait_for(discovery.find(ServerName("hs.test")), 30).value();
        ASSERT_TRUE(found);
        EXPECT_EQ(found->front().host_header, "hs.test");
        EXPECT_EQ(web.requests.size(), 1U);
    }
}

TEST_F(ServerDiscoveryTest, EndsAChainOfRedirects) {
    world_.dns.put_host("hs.test", {"192.0.2.1"});
    std::string url = "https://hs.test/.well-known/matrix/server";
    for (int i = 0; i < 50; ++i) {
        const std::string next = "https://hs.test/" + std::to_string(i);
        web_.put_redirect(url, next);
        url = next;
    }
    EXPECT_EQ(find_first("hs.test"), (Place{"hs.test", "192.0.2.1", 8448, "hs.test"}));
    EXPECT_EQ(web_.requests.size(), 1U + kWellKnownRedirectsMax);
}

// security-cases.tsv 64: a redirect or a delegation to an address that is not permitted.
TEST_F(ServerDiscoveryTest, ARefusedAddressIsNoDelegation) {
    world_.dns.put_host("hs.test", {"192.0.2.1"});
    world_.dns.put_host("inside.test", {"10.0.0.1"});
    web_.broken_addresses["10.0.0.1"] = runtime::NetworkErrorKind::Forbidden;
    web_.put_redirect("https://hs.test/.well-known/matrix/server", "https://inside.test/x");
    web_.pages["https://inside.test/x"] = {200, {}, R"({"m.server":"inside.test"})"};
    EXPECT_EQ(find_first("hs.test"), (Place{"hs.test", "192.0.2.1", 8448, "hs.test"}));
}

TEST_F(ServerDiscoveryTest, AsksTheNextAddressForTheDelegation) {
    world_.dns.put_host("hs.test", {"192.0.2.8", "192.0.2.9", "192.0.2.1"});
    world_.dns.put_host("del.test", {"192.0.2.2"});
    web_.put_delegation("hs.test", "del.test");
    web_.broken_addresses["192.0.2.8"] = runtime::NetworkErrorKind::Unreachable;
    web_.broken_addresses["192.0.2.9"] = runtime::NetworkErrorKind::Tls;
    EXPECT_EQ(find_first("hs.test"), (Place{"del.test", "192.0.2.2", 8448, "del.test"}));
}

// --- Keeping -------------------------------------------------------------------------------------

struct CacheCase {
    const char* what;
    runtime::Headers headers;
    std::int64_t kept_s;
};

// Virtual time begins on Thu, 01 Jan 2026 00:00:00 GMT.
TEST_F(ServerDiscoveryTest, KeepsADelegationForAsLongAsItSays) {
    const std::vector<CacheCase> kCases = {
        {"nothing is said", {}, 24 * kHour},
        {"max-age", {{"Cache-Control", "public, max-age=7200"}}, 2 * kHour},
        {"max-age in quotes, any case", {{"cache-control", "Max-Age=\"7200\" , x"}}, 2 * kHour},
        {"two fields", {{"Cache-Control", "public"}, {"Cache-Control", "max-age=7200"}}, 2 * kHour},
        {"an age", {{"Cache-Control", "max-age=7200"}, {"Age", "3600"}}, kHour},
        {"too short", {{"Cache-Control", "max-age=1"}}, kMinute},
        {"not at all", {{"Cache-Control", "no-store"}}, kMinute},
        {"nonsense", {{"Cache-Control", "max-age=-5"}}, kMinute},
        {"too long", {{"Cache-Control", "max-age=31536000"}}, 48 * kHour},
        {"beyond all numbers", {{"Cache-Control", "max-age=99999999999999999999"}}, 48 * kHour},
        {"Expires and Date",
         {{"Expires", "Thu, 01 Jan 1970 03:00:00 GMT"}, {"Date", "Thu, 01 Jan 1970 00:00:00 GMT"}},
         3 * kHour},
        {"max-age before Expires",
         {{"Expires", "Thu, 01 Jan 2026 09:00:00 GMT"}, {"Cache-Control", "max-age=7200"}},
         2 * kHour},
        {"expired", {{"Expires", "0"}}, kMinute},
        {"a year of Expires", {{"Expires", "Fri, 01 Jan 2027 00:00:00 GMT"}}, 48 * kHour},
    };
    world_.dns.put_host("del.test", {"192.0.2.2"});
    int number = 0;
    for (const CacheCase& expected : kCases) {
        SCOPED_TRACE(expected.what);
        const std::string name = "hs" + std::to_string(++number) + ".test";
        world_.dns.put_host(name, {"192.0.2.1"});
        web_.put_well_known(name, {200, expected.headers, R"({"m.server":"del.test"})"});
        find(name);
        web_.requests.clear();
        // `find` itself takes 30 virtual seconds: here it begins 40 s before the end, or just now.
        pass(std::max<std::int64_t>(expected.kept_s - 70, 0));
        find(name);
        EXPECT_EQ(web_.requests.size(), 0U);
        pass(20);
        find(name);
        EXPECT_EQ(web_.requests.size(), 1U);
    }
}

TEST_F(ServerDiscoveryTest, KeepsThatThereIsNoDelegationForAnHour) {
    world_.dns.put_host("hs.test", {"192.0.2.1"});
    find("hs.test");
    pass(50 * kMinute);
    find("hs.test");
    EXPECT_EQ(web_.requests.size(), 1U);
    pass(10 * kMinute);
    find("hs.test");
    EXPECT_EQ(web_.requests.size(), 2U);
}

TEST_F(ServerDiscoveryTest, AsksAWebServerThatFailsLessAndLess) {
    world_.dns.put_host("hs.test", {"192.0.2.1"});
    web_.put_well_known("hs.test", {503, {}, ""});
    std::vector<std::int64_t> asked_at;
    for (std::int64_t minute = 0; minute < 10 * 60; ++minute) {
        const std::size_t before = web_.requests.size();
        find("hs.test");
        if (web_.requests.size() > before) asked_at.push_back(minute);
        pass(30);
    }
    // 1, 2, 4, 8, 16, 32 minutes, and then each hour.
    EXPECT_GE(asked_at.size(), 13U);
    EXPECT_LE(asked_at.size(), 17U);
    EXPECT_LE(asked_at[1], 2);
    EXPECT_GE(asked_at.back() - asked_at[asked_at.size() - 2], 53);
}

TEST_F(ServerDiscoveryTest, BelievesTheLastDelegationWhileTheWebServerIsAway) {
    world_.dns.put_host("hs.test", {"192.0.2.1"});
    world_.dns.put_host("del.test", {"192.0.2.2"});
    web_.put_delegation("hs.test", "del.test");
    const Place delegated{"del.test", "192.0.2.2", 8448, "del.test"};
    EXPECT_EQ(find_first("hs.test"), delegated);
    web_.broken_addresses["192.0.2.1"] = runtime::NetworkErrorKind::Unreachable;
    pass(25 * kHour);
    EXPECT_EQ(find_first("hs.test"), delegated);
    EXPECT_EQ(a_.counters.well_known_failures, 1U);
    pass(24 * kHour);
    EXPECT_EQ(find_first("hs.test"), (Place{"hs.test", "192.0.2.1", 8448, "hs.test"}));
}

TEST_F(ServerDiscoveryTest, KeepsAddressesForAsLongAsDnsSays) {
    world_.dns.put_host("hs.test", {"192.0.2.1"});
    world_.dns.set_lifetime(runtime::seconds(300));
    find("hs.test:80");
    world_.dns.put_host("hs.test", {"192.0.2.9"});
    pass(200);
    EXPECT_EQ(find_first("hs.test:80")->connect_to, "192.0.2.1");
    pass(100);
    EXPECT_EQ(find_first("hs.test:80")->connect_to, "192.0.2.9");
    EXPECT_EQ(questions_for("hs.test"), 2U);
}

TEST_F(ServerDiscoveryTest, LooksAgainAfterItWasToldThatNothingWasReached) {
    world_.dns.put_host("hs.test", {"192.0.2.1"});
    find("hs.test:80");
    world_.dns.put_host("hs.test", {"192.0.2.9"});
    discovery_->forget(ServerName("hs.test:80"));
    EXPECT_EQ(find_first("hs.test:80")->connect_to, "192.0.2.9");
}

TEST_F(ServerDiscoveryTest, BeginsWithTheAddressThatAnswered) {
    world_.dns.put_host("hs.test", {"192.0.2.1", "192.0.2.2", "192.0.2.3"});
    build();
    const auto found = a_.wait_for(discovery_->find(ServerName("hs.test:80"))).value().value();
    discovery_->prefer(ServerName("hs.test:80"), found[2]);
    const std::vector<Place> places = find("hs.test:80");
    EXPECT_EQ(places[0].connect_to, "192.0.2.3");
    EXPECT_EQ(places[1].connect_to, "192.0.2.1");
    EXPECT_EQ(places[2].connect_to, "192.0.2.2");
}

runtime::Task<void> find_and_count(ServerDiscovery* discovery, ServerName server, int* found) {
    if (co_await discovery->find(server)) ++*found;
}

TEST_F(ServerDiscoveryTest, SearchesOnceForAllWhoAsk) {
    world_.dns.put_host("hs.test", {"192.0.2.1"});
    build();
    int found = 0;
    a_.turn([&] {
        for (int i = 0; i < 50; ++i)
            a_.handlers.start(find_and_count(discovery_.get(), ServerName("hs.test"), &found));
    });
    world_.settle();
    EXPECT_EQ(found, 50);
    EXPECT_EQ(web_.requests.size(), 1U);
    EXPECT_EQ(a_.counters.discoveries, 1U);
}

// --- Appointed addresses -------------------------------------------------------------------------

TEST_F(ServerDiscoveryTest, TakesAppointedAddressesBeforeAllElse) {
    build({{"hs.test", {"127.0.0.1", 1}},
           {"hs.test:80", {"127.0.0.1", 2}},
           {"del.test", {"::1", 3}},
           {"web.test:443", {"127.0.0.1", 4}},
           {"srv.test:4444", {"127.0.0.1", 5}}});
    EXPECT_EQ(find_first("hs.test"), (Place{"hs.test", "127.0.0.1", 1, "hs.test"}));
    EXPECT_EQ(find_first("hs.test:80"), (Place{"hs.test", "127.0.0.1", 2, "hs.test:80"}));
    EXPECT_TRUE(world_.dns.questions().empty());
    web_.put_delegation("web.test", "del.test");
    EXPECT_EQ(find_first("web.test"), (Place{"del.test", "::1", 3, "del.test"}));
    EXPECT_EQ(web_.requests.front().destination.port, 4);
    EXPECT_EQ(web_.requests.front().destination.trust, runtime::AddressTrust::Appointed);
    world_.dns.put_service("_matrix-fed._tcp.other.test", {{"srv.test", 4444, 0, 0}});
    EXPECT_EQ(find_first("other.test"), (Place{"other.test", "127.0.0.1", 5, "other.test"}));
}

}  // namespace
}  // namespace matrix::engine
