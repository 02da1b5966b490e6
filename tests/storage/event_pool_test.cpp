#include "refserver/storage/event_pool.h"

#include <memory>
#include <string>

#include <gtest/gtest.h>

namespace matrix::storage {
namespace {

EventPtr make_event(const std::string& body, const char* version = "11") {
    const auto event = parse_event(
        R"({"auth_events":[],"content":{"body":")" + body +
            R"("},"depth":1,"hashes":{"sha256":""},"origin_server_ts":1,"prev_events":[],)" +
            R"("room_id":"!r:a.test","sender":"@u:a.test","signatures":{},"type":"m.text"})",
        *find_room_rules(version));
    return event ? std::make_shared<const Event>(*event) : nullptr;
}

TEST(EventPool, GivesTheFirstEventWithTheSameBytes) {
    EventPool pool;
    const EventPtr first = make_event("hello");
    const EventPtr second = make_event("hello");
    ASSERT_TRUE(first && second && first != second);

    EXPECT_EQ(pool.share(first), first);
    EXPECT_EQ(pool.share(second), first);
    EXPECT_EQ(pool.size(), 1U);
}

TEST(EventPool, KeepsApartWhatDiffersInBytesOrRoomVersion) {
    EventPool pool;
    pool.share(make_event("hello"));
    const EventPtr other = make_event("hallo");
    const EventPtr of_version_10 = make_event("hello", "10");

    EXPECT_EQ(pool.share(other), other);
    EXPECT_EQ(pool.share(of_version_10), of_version_10);
    EXPECT_EQ(pool.size(), 3U);
}

}  // namespace
}  // namespace matrix::storage
