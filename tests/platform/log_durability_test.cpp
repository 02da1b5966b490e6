#include "refserver/platform/log_durability.h"

#include <algorithm>
#include <fstream>
#include <vector>

#include <gtest/gtest.h>

#include "refserver/platform/stderr_log.h"
#include "tests/platform/real_world.h"

namespace matrix::platform {
namespace {

void write_file(const std::string& path, std::string_view text) {
    std::ofstream(path, std::ios::app) << text;
}

TEST(LogDurability, CallsBackEveryRequestInOrder) {
    const TemporaryFolder folder;
    write_file(folder.path() + "/db-wal", "log");
    LoopThread loop;
    SilentLog log;
    LogDurability durability(loop.loop, log, folder.path(), "db");
    std::vector<int> order;
    std::vector<runtime::Pending> pending;
    std::promise<void> all;
    constexpr int kRequests = 1000;
    for (int i = 0; i < kRequests; ++i) {
        loop.run([&, i] {
            pending.push_back(durability.sync([&, i] {
                order.push_back(i);
                if (i == kRequests - 1) all.set_value();
            }));
        });
    }
    all.get_future().get();
    loop.run([&] { pending.clear(); });
    ASSERT_EQ(order.size(), std::size_t{kRequests});
    EXPECT_TRUE(std::ranges::is_sorted(order));
    loop.end();
}

TEST(LogDurability, DoesNotCallBackWhatWasCancelled) {
    const TemporaryFolder folder;
    write_file(folder.path() + "/db-wal", "log");
    LoopThread loop;
    SilentLog log;
    LogDurability durability(loop.loop, log, folder.path(), "db");
    std::promise<void> second;
    runtime::Pending pending;
    loop.run([&] {
        pending = durability.sync([] { ADD_FAILURE(); });
        pending = durability.sync([&] { second.set_value(); });
    });
    second.get_future().get();
    loop.end();
}

// SQLite removes the log with its last connection, and makes another.
TEST(LogDurability, FollowsALogThatWasReplaced) {
    const TemporaryFolder folder;
    const std::string log = folder.path() + "/db-wal";
    write_file(folder.path() + "/db", "database");
    LoopThread loop;
    SilentLog server_log;
    LogDurability durability(loop.loop, server_log, folder.path(), "db");
    const auto sync = [&] {
        std::promise<void> done;
        runtime::Pending pending;
        loop.run([&] { pending = durability.sync([&] { done.set_value(); }); });
        done.get_future().get();
        loop.run([&] { pending.reset(); });
    };
    sync();
    write_file(log, "one");
    sync();
    std::filesystem::remove(log);
    write_file(log, "two");
    sync();
    loop.end();
}

TEST(LogDurabilityDeathTest, EndsTheProcessWhenTheFolderIsGone) {
    GTEST_FLAG_SET(death_test_style, "threadsafe");
    EXPECT_DEATH(
        {
            LoopThread loop;
            StderrLog log(runtime::LogLevel::Error);
            LogDurability durability(loop.loop, log, "/no-such-folder", "db");
            std::promise<void> never;
            auto pending = durability.sync([] {});
            never.get_future().wait();
        },
        "error   sync_failed file=/no-such-folder/db why=\"open: No such file or directory\"");
}

TEST(ImmediateDurability, CallsBackInALaterJob) {
    EventLoop loop;
    ImmediateDurability durability(loop);
    bool is_called = false;
    const auto pending = durability.sync([&] { is_called = true, loop.stop(); });
    EXPECT_FALSE(is_called);
    loop.run();
    EXPECT_TRUE(is_called);
}

}  // namespace
}  // namespace matrix::platform
