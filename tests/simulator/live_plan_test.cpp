// What a seed decides of a live run, and what the relay does to connections.

#include <set>
#include <string>
#include <thread>

#include <arpa/inet.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include "conformance/harness/http_client.h"
#include "conformance/harness/http_listener.h"
#include "simulator/live/faults.h"
#include "simulator/live/plan.h"
#include "simulator/live/relay.h"

namespace matrix::live {
namespace {

std::string describe(const std::vector<Round>& plan) {
    std::string text;
    for (const Round& round : plan) {
        text += round.shape + ":";
        for (const auto& [link, fault] : round.faults) {
            text += " " + to_string(link) + (fault.is_cut ? " cut" : "") + " " +
                    std::to_string(fault.delay_ms_max) + "/" +
                    std::to_string(fault.refused_percent) + "/" +
                    std::to_string(fault.lost_percent);
        }
        for (const Operation& operation : round.operations) {
            text += " " + std::string(name_of(operation.action)) + " " +
                    std::to_string(operation.actor) + " " + std::to_string(operation.subject);
        }
        text += "\n";
    }
    return text;
}

TEST(LivePlan, IsDecidedByTheSeedAlone) {
    const PlanOptions one{.seed = 1};
    const PlanOptions two{.seed = 2};
    EXPECT_EQ(describe(draw_plan(one)), describe(draw_plan(one)));
    EXPECT_NE(describe(draw_plan(one)), describe(draw_plan(two)));
}

// A seed's operations stay the same without faults: the two have streams of their own.
TEST(LivePlan, DrawsOperationsApartFromFaults) {
    const auto with = draw_plan({.seed = 3});
    const auto without = draw_plan({.seed = 3, .has_faults = false});
    ASSERT_EQ(with.size(), without.size());
    for (std::size_t round = 0; round < with.size(); ++round) {
        EXPECT_TRUE(without[round].faults.empty());
        ASSERT_EQ(with[round].operations.size(), without[round].operations.size());
        EXPECT_EQ(with[round].operations[0].action, without[round].operations[0].action);
        EXPECT_EQ(with[round].operations[0].actor, without[round].operations[0].actor);
    }
}

// An event of an anchor is allowed by every state only if nobody is ever done anything to him.
TEST(LivePlan, DoesNothingToAnchors) {
    for (std::uint64_t seed = 0; seed < 50; ++seed) {
        for (const Round& round : draw_plan({.seed = seed})) {
            for (const Operation& operation : round.operations) {
                EXPECT_NE(operation.subject % kUsersPerSide, 0);
                const bool changes_membership =
                    operation.action == Action::Join || operation.action == Action::Leave;
                if (changes_membership) EXPECT_NE(operation.actor % kUsersPerSide, 0);
            }
        }
    }
}

TEST(LiveFaults, GiveTheNthRequestOfALinkTheSameFate) {
    const Link link{"0", kTargetEnd};
    const LinkFault noise{.delay_ms_max = 100, .refused_percent = 30, .lost_percent = 30};
    Faults first(7);
    Faults second(7);
    first.put_in_force({{link, noise}});
    second.put_in_force({{link, noise}});
    for (int request = 0; request < 200; ++request) {
        // What another link draws is no matter.
        static_cast<void>(second.draw_request({kTargetEnd, "0"}));
        const RequestFate a = first.draw_request(link);
        const RequestFate b = second.draw_request(link);
        EXPECT_EQ(a.passage, b.passage);
        EXPECT_EQ(a.delay, b.delay);
        EXPECT_EQ(a.status, b.status);
    }
}

TEST(LiveFaults, EndWhenTheyHeal) {
    const Link link{"0", kTargetEnd};
    Faults faults(1);
    faults.put_in_force({{link, {.is_cut = true}}});
    EXPECT_EQ(faults.draw_request(link).passage, Passage::LostBefore);
    EXPECT_EQ(faults.counts().cut, 1U);

    faults.heal();

    EXPECT_EQ(faults.draw_request(link).passage, Passage::Passes);
    EXPECT_TRUE(faults.is_healed());
}

// An HTTP server behind a relay, and a client before it.
class LiveRelay : public testing::Test {
protected:
    static constexpr std::size_t kBodyBytes = 20'000;

    LiveRelay()
        : server_("127.0.0.1:0", nullptr, [](const conformance::IncomingRequest&) {
              return conformance::OutgoingResponse{.body = std::string(kBodyBytes, 'x')};
          }) {
        const auto port = relay_.open(
            {"127.0.0.1", 0}, {"127.0.0.1", static_cast<std::uint16_t>(server_.port())}, link_);
        EXPECT_TRUE(port.has_value());
        client_ = std::make_unique<conformance::HttpClient>(
            conformance::HttpOptions{
                .base_url = "http://127.0.0.1:" + std::to_string(port.value_or(0)), .ca_file = ""},
            log_);
    }

    conformance::Response ask_over(const LinkFault& fault) {
        faults_.put_in_force({{link_, fault}});
        relay_.reconsider();
        return client_->send({.target = "/"});
    }

    const Link link_{kTargetEnd, "0"};
    conformance::ExchangeLog log_;
    Faults faults_{1};
    conformance::HttpListener server_;
    Relay relay_{faults_};
    std::unique_ptr<conformance::HttpClient> client_;
};

TEST_F(LiveRelay, PassesOnWhatIsWhole) {
    EXPECT_EQ(ask_over({}).text.size(), kBodyBytes);
}

TEST_F(LiveRelay, ResetsInTheMiddleOfAnAnswer) {
    const conformance::Response response = ask_over({.reset_percent = 100});
    EXPECT_EQ(response.status, 0) << response;
    EXPECT_GE(faults_.counts().connections_reset, 1U);
}

TEST_F(LiveRelay, LetsBytesTrickle) {
    const conformance::Response response = ask_over({.slow_percent = 100});
    EXPECT_EQ(response.text.size(), kBodyBytes) << response;
    // 20,000 bytes at 8 KiB in a second.
    EXPECT_GE(response.duration, std::chrono::milliseconds(2'000));
}

TEST_F(LiveRelay, LetsNobodyThroughWhereTheLinkIsCut) {
    EXPECT_EQ(ask_over({.is_cut = true}).status, 0);
    EXPECT_EQ(ask_over({}).text.size(), kBodyBytes);
}

}  // namespace
}  // namespace matrix::live
