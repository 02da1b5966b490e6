// A server that is away while others talk: when it is back, it gets to know all that was said.
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "refserver/engine/http_api.h"
#include "simulator/cluster.h"

namespace matrix::simulator {
namespace {

constexpr std::int64_t kMinuteUs = 60'000'000;

class OutageTest : public testing::Test {
protected:
    OutageTest() {
        start(set_up());
        EXPECT_TRUE(
            cluster_.run_until(10 * kMinuteUs, [this] { return is_done_ && cluster_.is_quiet(); }));
    }
    static ClusterOptions options() {
        ClusterOptions options;
        options.servers = 3;
        options.users_per_server = 1;
        options.identity_seed = 11;
        options.choices.seed = 11;
        return options;
    }
    void start(Task<void> task) {
        is_done_ = false;
        cluster_.tasks().start(std::move(task));
    }
    Task<void> set_up() {
        const User creator = cluster_.users()[0];
        const Answer created = co_await cluster_.call(creator,
                                                      "POST",
                                                      "/_matrix/client/v3/createRoom",
                                                      json::Object{{"preset", "public_chat"}});
        room_ = RoomId(*created.body.find_string("room_id"));
        for (const int number : {1, 2}) {
            const Answer joined = co_await cluster_.call(
                cluster_.users()[static_cast<std::size_t>(number)],
                "POST",
                "/_matrix/client/v3/join/" + engine::percent_encode(room_.view()) + "?via=s0.test",
                json::Object{});
            EXPECT_TRUE(joined.is_ok());
        }
        is_done_ = true;
    }
    Task<void> talk(int server, int count) {
        for (int i = 0; i < count; ++i) {
            const std::string target = "/_matrix/client/v3/rooms/" +
                                       engine::percent_encode(room_.view()) +
                                       "/send/m.room.message/" + std::to_string(++transactions_);
            const Answer sent =
                co_await cluster_.call(cluster_.users()[static_cast<std::size_t>(server)],
                                       "PUT",
                                       target,
                                       json::Object{{"msgtype", "m.text"}, {"body", "hello"}});
            EXPECT_TRUE(sent.is_ok());
            const std::string* id = sent.body.find_string("event_id");
            if (id) said_.emplace_back(*id);
        }
        is_done_ = true;
    }
    void talk_and_wait(int server, int count) {
        start(talk(server, count));
        EXPECT_TRUE(cluster_.run_until(kMinuteUs, [this] { return is_done_; }));
    }
    /// Events of the others that the server which was away does not have.
    std::size_t count_missing() {
        const auto room = cluster_.server(2).engine().rooms().find(room_);
        std::size_t missing = 0;
        for (const EventId& id : said_) {
            const auto stored = (*room)->find_event(id);
            missing += stored && stored->status == engine::EventStatus::Accepted ? 0 : 1;
        }
        return missing;
    }
    engine::Outbox::Queue queue_for_the_absent() {
        for (auto& queue : cluster_.server(0).engine().outbox().list_queues()) {
            if (queue.destination == cluster_.server(2).name()) return queue;
        }
        return {};
    }

    Cluster cluster_{options()};
    RoomId room_;
    std::vector<EventId> said_;
    int transactions_ = 0;
    bool is_done_ = false;
};

TEST_F(OutageTest, OfMinutesIsMadeUpForByTheQueue) {
    cluster_.network().split({0, 0, 1});
    talk_and_wait(0, 150);
    talk_and_wait(1, 150);
    EXPECT_EQ(queue_for_the_absent().events, 150);
    EXPECT_EQ(queue_for_the_absent().rooms_to_catch_up, 0);
    cluster_.network().heal();
    EXPECT_TRUE(cluster_.run_until(20 * kMinuteUs, [this] { return cluster_.is_quiet(); }));
    EXPECT_EQ(count_missing(), 0);
}

TEST_F(OutageTest, OfHoursIsMadeUpForByTheNewestEventsAndWhatTheyCite) {
    cluster_.network().split({0, 0, 1});
    talk_and_wait(0, 1);
    talk_and_wait(1, 1);
    cluster_.run_until(120 * kMinuteUs, [] { return false; });
    talk_and_wait(0, 120);
    talk_and_wait(1, 120);
    EXPECT_EQ(queue_for_the_absent().events, 1) << "that of the transaction which is repeated";
    EXPECT_EQ(queue_for_the_absent().rooms_to_catch_up, 1);
    EXPECT_EQ(count_missing(), said_.size());
    cluster_.network().heal();
    EXPECT_TRUE(cluster_.run_until(20 * kMinuteUs, [this] { return cluster_.is_quiet(); }));
    EXPECT_EQ(count_missing(), 0);
}

// One word from it is enough: nobody waits for the end of a pause.
TEST_F(OutageTest, EndsWhenTheServerShowsThatItIsBack) {
    cluster_.network().split({0, 0, 1});
    talk_and_wait(0, 10);
    cluster_.run_until(50 * kMinuteUs, [] { return false; });
    cluster_.network().heal();
    talk_and_wait(2, 1);
    EXPECT_TRUE(cluster_.run_until(kMinuteUs / 2, [this] { return count_missing() == 0; }));
}

}  // namespace
}  // namespace matrix::simulator
