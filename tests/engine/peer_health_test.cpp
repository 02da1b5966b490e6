// PeerHealth: a dead server costs little, and one that comes back is asked again.
#include "refserver/engine/peers/peer_health.h"

#include <vector>

#include <gtest/gtest.h>

#include "tests/engine/test_world.h"

namespace matrix::engine {
namespace {

class PeerHealthTest : public testing::Test {
protected:
    bool may_ask(Insistence insistence = Insistence::Patient) {
        auto attempt = health_.begin(peer_, insistence);
        if (attempt) attempts_.push_back(*attempt);
        return attempt.has_value();
    }
    void fail() {
        ASSERT_TRUE(may_ask(Insistence::Insistent));
        pass(5);
        health_.end_badly(attempts_.back(), "timeout");
        attempts_.pop_back();
    }
    void pass(std::int64_t milliseconds) {
        world_.time.run_until(world_.time.now_us() + milliseconds * 1000);
    }

    TestWorld world_;
    RoomHost a_{world_, "a.test"};
    PeerHealth& health_ = a_.health;
    const ServerName peer_{"peer.test"};
    std::vector<PeerHealth::Attempt> attempts_;
};

TEST_F(PeerHealthTest, ToleratesSomeFailures) {
    for (int i = 0; i < kFailuresTolerated; ++i)
        fail();
    EXPECT_TRUE(may_ask());
}

TEST_F(PeerHealthTest, PausesLongerAndLonger) {
    for (int i = 0; i < kFailuresTolerated; ++i)
        fail();
    std::int64_t pause_ms = kPeerPauseLeast.value;
    for (int i = 0; i < 14; ++i) {
        fail();
        const std::int64_t left_ms = health_.list().front().pause_left.value;
        EXPECT_GE(left_ms, pause_ms / 2);
        EXPECT_LE(left_ms, pause_ms);
        EXPECT_FALSE(may_ask());
        pass(left_ms - 1);
        EXPECT_FALSE(may_ask());
        pause_ms = std::min(2 * pause_ms, kPeerPauseMost.value);
    }
    EXPECT_EQ(pause_ms, kPeerPauseMost.value);
    EXPECT_EQ(a_.counters.outgoing_refused_by_pause, 28U);
    pass(1);
    EXPECT_TRUE(may_ask());
}

TEST_F(PeerHealthTest, SendsOneRequestAfterAPause) {
    for (int i = 0; i <= kFailuresTolerated; ++i)
        fail();
    pass(kPeerPauseLeast.value + 1);
    EXPECT_TRUE(may_ask());
    EXPECT_FALSE(may_ask()) << "one finds out for all";
    EXPECT_TRUE(may_ask(Insistence::Insistent));
    attempts_.pop_back();
    health_.end_well(attempts_.back());
    EXPECT_TRUE(may_ask());
    EXPECT_TRUE(may_ask());
}

TEST_F(PeerHealthTest, RequestsThatFailTogetherAreOneFailure) {
    for (int i = 0; i < 50; ++i)
        ASSERT_TRUE(may_ask());
    pass(30'000);
    for (const auto& attempt : attempts_)
        health_.end_badly(attempt, "timeout");
    ASSERT_EQ(health_.list().size(), 1U);
    EXPECT_EQ(health_.list().front().failures, 1);
    EXPECT_EQ(a_.counters.outgoing_failures, 50U);
}

TEST_F(PeerHealthTest, BoundsWhatWaitsForOneServer) {
    for (std::size_t i = 0; i < kRequestsPerPeerMax; ++i)
        ASSERT_TRUE(may_ask());
    EXPECT_FALSE(may_ask());
    EXPECT_FALSE(may_ask(Insistence::Insistent));
    EXPECT_TRUE(health_.begin(ServerName("other.test"), Insistence::Patient));
    EXPECT_EQ(a_.counters.outgoing_refused_by_limit, 2U);
    health_.end_well(attempts_.back());
    EXPECT_TRUE(may_ask());
}

TEST_F(PeerHealthTest, AServerThatShowsItselfIsAskedAtOnce) {
    for (int i = 0; i < 12; ++i)
        fail();
    EXPECT_FALSE(may_ask());
    health_.server_is_back(peer_);
    EXPECT_FALSE(may_ask()) << "it has failed just now";
    pass(2000);
    health_.server_is_back(peer_);
    EXPECT_TRUE(may_ask());
}

TEST_F(PeerHealthTest, PausesTransactionsOfAServerThatAnswersAndTakesNone) {
    std::int64_t pause_ms = kPeerPauseLeast.value;
    for (int i = 1; i <= 14; ++i) {
        health_.transaction_failed(peer_);
        const PeerHealth::TransactionPause pause = health_.transaction_pause(peer_);
        EXPECT_EQ(pause.failures, i);
        EXPECT_GE(pause.left.value, pause_ms / 2);
        EXPECT_LE(pause.left.value, pause_ms);
        pause_ms = std::min(2 * pause_ms, kPeerPauseMost.value);
    }
    EXPECT_TRUE(may_ask()) << "of other things it may be asked";
    health_.end_well(attempts_.back());
    EXPECT_EQ(health_.transaction_pause(peer_).failures, 14);
    health_.transaction_taken(peer_);
    EXPECT_TRUE(health_.list().empty());
}

TEST_F(PeerHealthTest, PausesTransactionsOfAServerThatIsNotReached) {
    health_.transaction_failed(peer_);
    for (int i = 0; i < 12; ++i)
        fail();
    EXPECT_EQ(health_.transaction_pause(peer_).left, health_.list().front().pause_left);
}

TEST_F(PeerHealthTest, SaysThatAServerIsBack) {
    std::vector<ServerName> told;
    health_.on_back([&](const ServerName& server) { told.push_back(server); });
    for (int i = 0; i < 12; ++i)
        fail();
    health_.transaction_failed(peer_);
    health_.server_is_back(peer_);
    EXPECT_TRUE(told.empty()) << "it has failed just now";
    pass(2000);
    health_.server_is_back(peer_);
    EXPECT_EQ(told, std::vector{peer_});
    EXPECT_EQ(health_.transaction_pause(peer_).left.value, 0);
    // Another request finds out.
    fail();
    health_.transaction_failed(peer_);
    pass(2000);
    EXPECT_GT(health_.transaction_pause(peer_).left.value, 0);
    ASSERT_TRUE(may_ask(Insistence::Insistent));
    health_.end_well(attempts_.back());
    EXPECT_EQ(told.size(), 2U);
    EXPECT_EQ(health_.transaction_pause(peer_).left.value, 0);
    health_.on_back(nullptr);
}

TEST_F(PeerHealthTest, RemembersWhatAnEarlierProcessKnew) {
    health_.remember(peer_, {.failures = 5, .left = runtime::seconds(20)});
    EXPECT_EQ(health_.transaction_pause(peer_).left, runtime::seconds(20));
    health_.remember(peer_, {.failures = 5, .left = runtime::seconds(1'000'000)});
    EXPECT_EQ(health_.transaction_pause(peer_).left, kPeerPauseMost);
    health_.remember(peer_, {.failures = 5, .left = runtime::seconds(-1'000'000)});
    EXPECT_EQ(health_.transaction_pause(peer_).left.value, 0);
}

TEST_F(PeerHealthTest, KeepsNothingAboutServersThatAreWell) {
    ASSERT_TRUE(may_ask());
    health_.end_well(attempts_.back());
    EXPECT_TRUE(health_.list().empty());
}

}  // namespace
}  // namespace matrix::engine
