#include "simulator/simulated_network.h"

#include <memory>
#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "simulator/simulated_random.h"

namespace matrix::simulator {
namespace {

using runtime::HttpRequest;
using runtime::Network;
using runtime::NetworkErrorKind;
using runtime::OutgoingRequest;
using runtime::Responder;

class SimulatedNetworkTest : public testing::Test {
protected:
    SimulatedNetworkTest() {
        const auto turn = [](std::move_only_function<void()> job) { job(); };
        network_.add_host("a.test", [](HttpRequest, Responder) {}, turn);
        network_.add_host(
            "b.test",
            [this](HttpRequest request, Responder respond) {
                ++arrived_;
                respond({200, {}, "echo " + request.target});
            },
            turn);
        view_ = network_.view_of(0);
    }

    void send(const std::string& host) {
        OutgoingRequest request;
        request.destination.host = host;
        request.destination.address = network_.find_address(host).value_or("10.9.9.9");
        request.message.method = "GET";
        request.message.target = "/x";
        pending_ = view_->send(std::move(request), [this](Network::Result result) {
            result_.emplace(std::move(result));
        });
    }

    Trace trace_;
    VirtualTime time_{trace_};
    SimulatedRandomSource random_{1};
    SimulatedNetwork network_{time_, random_, trace_, {}};
    std::unique_ptr<Network> view_;
    runtime::Pending pending_;
    std::optional<Network::Result> result_;
    int arrived_ = 0;
};

TEST_F(SimulatedNetworkTest, BringsARequestAndItsAnswer) {
    send("b.test");
    EXPECT_FALSE(result_);
    time_.run_until(1'000'000);

    ASSERT_TRUE(result_ && result_->has_value());
    EXPECT_EQ((*result_)->body, "echo /x");
}

TEST_F(SimulatedNetworkTest, SaysThatNobodyIsAtAnAddress) {
    send("nowhere.test");
    time_.run_until(1'000'000);

    ASSERT_TRUE(result_ && !result_->has_value());
    EXPECT_EQ(result_->error().kind, NetworkErrorKind::Unreachable);
}

TEST_F(SimulatedNetworkTest, SwallowsWhatCrossesASplit) {
    network_.split({0, 1});
    send("b.test");
    time_.run_until(29'000'000);
    EXPECT_FALSE(result_);
    time_.run_until(31'000'000);

    ASSERT_TRUE(result_ && !result_->has_value());
    EXPECT_EQ(result_->error().kind, NetworkErrorKind::Timeout);
    EXPECT_EQ(arrived_, 0);
}

TEST_F(SimulatedNetworkTest, LosesWhatIsOnItsWayWhenASplitBegins) {
    send("b.test");
    network_.split({0, 1});
    time_.run_until(31'000'000);

    ASSERT_TRUE(result_ && !result_->has_value());
    EXPECT_EQ(arrived_, 0);
}

TEST_F(SimulatedNetworkTest, BringsEverythingAgainAfterASplitHeals) {
    network_.split({0, 1});
    network_.heal();
    send("b.test");
    time_.run_until(1'000'000);

    EXPECT_TRUE(result_ && result_->has_value());
}

TEST_F(SimulatedNetworkTest, DoesNotCallBackACancelledSender) {
    send("b.test");
    pending_.reset();
    time_.run_until(31'000'000);

    EXPECT_FALSE(result_);
    EXPECT_EQ(arrived_, 1);
}

using Kind = LinkTrouble::Kind;

bool concerns_all(int, int) {
    return true;
}

TEST_F(SimulatedNetworkTest, TakesTheLatencyOfATrouble) {
    LinkTrouble slow{.kind = Kind::Latency, .concerns = concerns_all};
    slow.latency = {
        .latency_us_min = 400'000, .latency_us_max = 900'000, .shape = LatencyShape::Constant};
    network_.set_troubles({slow});
    send("b.test");
    time_.run_until(799'999);
    EXPECT_FALSE(result_);
    time_.run_until(800'000);
    EXPECT_TRUE(result_);
}

TEST_F(SimulatedNetworkTest, SpreadsLatenciesByTheirShape) {
    for (const LatencyShape shape : {LatencyShape::Uniform, LatencyShape::LongTail}) {
        LinkTrouble trouble{.kind = Kind::Latency, .concerns = concerns_all};
        trouble.latency = {.latency_us_min = 0, .latency_us_max = 100'000, .shape = shape};
        network_.set_troubles({trouble});
        int late = 0;
        for (int round = 0; round < 200; ++round) {
            result_.reset();
            const std::int64_t start_us = time_.now_us();
            send("b.test");
            time_.run_until(start_us + 200'000);
            if (!result_) ++late;
            time_.run_until(start_us + 200'000'000);
        }
        EXPECT_EQ(late == 0, shape == LatencyShape::Uniform) << late;
        EXPECT_LT(late, 150);
    }
}

TEST_F(SimulatedNetworkTest, HoldsMessagesInAClogAndBringsAllOfThemAtItsEnd) {
    network_.set_troubles({{.kind = Kind::Clog, .concerns = concerns_all}});
    send("b.test");
    time_.run_until(20'000'000);
    EXPECT_EQ(arrived_, 0);
    network_.set_troubles({});
    time_.run_until(20'000'000);
    EXPECT_EQ(arrived_, 1);
    time_.run_until(21'000'000);
    EXPECT_TRUE(result_ && result_->has_value());
}

TEST_F(SimulatedNetworkTest, BreaksConnections) {
    network_.set_troubles({{.kind = Kind::Reset, .concerns = concerns_all}});
    send("b.test");
    time_.run_until(1'000'000);

    ASSERT_TRUE(result_ && !result_->has_value());
    EXPECT_EQ(result_->error().kind, NetworkErrorKind::Interrupted);
}

TEST_F(SimulatedNetworkTest, BringsARequestTwice) {
    network_.set_troubles({{.kind = Kind::Duplicate, .concerns = concerns_all}});
    send("b.test");
    time_.run_until(1'000'000);

    EXPECT_TRUE(result_ && result_->has_value());
    EXPECT_EQ(arrived_, 2);
}

TEST_F(SimulatedNetworkTest, CutsOneDirectionAlone) {
    network_.set_troubles(
        {{.kind = Kind::Cut, .concerns = [](int from, int) { return from == 1; }}});
    send("b.test");
    time_.run_until(31'000'000);

    EXPECT_EQ(arrived_, 1);
    ASSERT_TRUE(result_ && !result_->has_value());
    EXPECT_EQ(result_->error().kind, NetworkErrorKind::Timeout);
}

TEST(Partition, LetsAServerOfTwoGroupsSeeBoth) {
    const LinkTrouble bridge = make_partition({{0, 1}, {1, 2}});
    EXPECT_FALSE(bridge.concerns(0, 1));
    EXPECT_FALSE(bridge.concerns(2, 1));
    EXPECT_TRUE(bridge.concerns(0, 2));
    EXPECT_FALSE(bridge.concerns(0, 3)) << "who is in no group is in the first";
    EXPECT_TRUE(bridge.concerns(2, 3));
}

}  // namespace
}  // namespace matrix::simulator
