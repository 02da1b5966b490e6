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

}  // namespace
}  // namespace matrix::simulator
