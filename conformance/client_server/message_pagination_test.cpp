// Walking through a room's history.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientv3roomsroomidmessages

#include <algorithm>

#include "conformance/harness/conformance_test.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kMessagesPlace =
    "client-server-api/#get_matrixclientv3roomsroomidmessages";

std::vector<std::string> ids_of(const Json& chunk) {
    std::vector<std::string> ids;
    for (const Json& event : chunk)
        ids.push_back(string_at(event, {"event_id"}));
    return ids;
}

class MessagesTest : public ClientTest {
protected:
    Client alice = target.make_user("alice");
    Client bob = target.make_user("bob");
    RoomId room = alice.create_room();

    std::vector<std::string> send_numbers(int count) const {
        std::vector<std::string> ids;
        for (int number = 0; number < count; ++number) {
            ids.push_back(alice.send_message(room, std::to_string(number)).text());
        }
        return ids;
    }
    Response messages(const Client& reader, const std::string& query) const {
        return reader.get(room_path(room, {"messages"}) + "?" + query);
    }
};

}  // namespace

CONFORMANCE_TEST(MessagesTest,
                 {.id = "cs/message_pagination/walks-backwards",
                  .place = kMessagesPlace,
                  .text = "With dir=b events come in reverse order, the newest first."}) {
    std::vector<std::string> sent = send_numbers(3);

    const Response response = messages(alice, "dir=b&limit=3");

    ASSERT_TRUE(has_status(response, 200));
    std::ranges::reverse(sent);
    EXPECT_EQ(ids_of(response.at({"chunk"})), sent) << response;
}

CONFORMANCE_TEST(MessagesTest,
                 {.id = "cs/message_pagination/visits-each-event-once",
                  .place = kMessagesPlace,
                  .text = "Following `end` visits every event of the room once, down to its "
                          "creation, where `end` is absent."}) {
    send_numbers(7);
    std::vector<std::string> visited;
    std::string query = "dir=b&limit=4";
    Json last;

    for (int page = 0; page < 20; ++page) {
        const Response response = messages(alice, query);
        ASSERT_TRUE(has_status(response, 200));
        for (const Json& event : response.at({"chunk"}))
            last = event;
        for (const std::string& id : ids_of(response.at({"chunk"})))
            visited.push_back(id);
        const std::string end = string_at(response.body, {"end"});
        if (end.empty()) break;
        query = "dir=b&limit=4&from=" + escape(end);
    }

    EXPECT_EQ(string_at(last, {"type"}), "m.room.create");
    std::vector<std::string> unique = visited;
    std::ranges::sort(unique);
    const auto repeated = std::ranges::unique(unique);
    EXPECT_EQ(repeated.size(), 0u) << "an event came twice";
    EXPECT_GE(visited.size(), 7u + 5u);
}

CONFORMANCE_TEST(MessagesTest,
                 {.id = "cs/message_pagination/walks-forwards-from-a-token",
                  .place = kMessagesPlace,
                  .text = "With dir=f events after `from` come in order."}) {
    send_numbers(2);
    const std::string now = alice.sync_token();
    const std::vector<std::string> sent = send_numbers(3);

    const Response response = messages(alice, "dir=f&limit=10&from=" + escape(now));

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(ids_of(response.at({"chunk"})), sent) << response;
}

CONFORMANCE_TEST(MessagesTest,
                 {.id = "cs/message_pagination/keeps-the-limit",
                  .place = kMessagesPlace,
                  .text = "At most `limit` events are returned."}) {
    send_numbers(5);

    const Response response = messages(alice, "dir=b&limit=2");

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(response.at({"chunk"}).size(), 2u) << response;
}

CONFORMANCE_TEST(MessagesTest,
                 {.id = "cs/message_pagination/is-for-members",
                  .place = kMessagesPlace,
                  .text = "A user who is not in the room is refused with 403 M_FORBIDDEN."}) {
    send_numbers(1);
    ASSERT_TRUE(has_status(messages(alice, "dir=b"), 200));

    EXPECT_TRUE(is_error(messages(bob, "dir=b"), 403, "M_FORBIDDEN"));
}

CONFORMANCE_TEST(
    MessagesTest,
    {.id = "cs/history_visibility/joined-hides-what-was-before",
     .place = "client-server-api/#room-history-visibility",
     .text = "Where history is visible to the joined, events from before a user's join "
             "are not shown to that user."}) {
    alice.send_state(room, "m.room.history_visibility", "", {{"history_visibility", "joined"}});
    const std::string before = alice.send_message(room, "before").text();
    bob.join(room);
    const std::string after = alice.send_message(room, "after").text();

    const Response response = messages(bob, "dir=b&limit=50");

    ASSERT_TRUE(has_status(response, 200));
    const std::vector<std::string> seen = ids_of(response.at({"chunk"}));
    EXPECT_EQ(std::ranges::count(seen, after), 1) << response;
    EXPECT_EQ(std::ranges::count(seen, before), 0) << response;
}

CONFORMANCE_TEST(
    MessagesTest,
    {.id = "cs/history_visibility/shared-shows-what-was-before",
     .place = "client-server-api/#room-history-visibility",
     .text = "Where history is shared, a member sees events from before the own join."}) {
    const std::string before = alice.send_message(room, "before").text();
    bob.join(room);

    const Response response = messages(bob, "dir=b&limit=50");

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(std::ranges::count(ids_of(response.at({"chunk"})), before), 1) << response;
}

}  // namespace matrix::conformance
