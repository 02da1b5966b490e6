// Typing notifications.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#typing-notifications

#include <algorithm>
#include <chrono>

#include "conformance/harness/conformance_test.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kTypingPlace = "client-server-api/#typing-notifications";
constexpr std::string_view kPutTypingPlace =
    "client-server-api/#put_matrixclientv3roomsroomidtypinguserid";

class TypingTest : public ClientTest {
protected:
    TypingTest() { bob.join(room); }

    Response put_typing(const Client& client, const UserId& user, const Json& body) const {
        return client.put(room_path(room, {"typing", user.view()}), body);
    }
    /// Does the sync say anything of typing, and is `user` among those who type?
    bool is_told(const Response& sync) const {
        return !ephemeral_event(sync, room, "m.typing").is_null();
    }
    bool is_shown(const Response& sync, const UserId& user) const {
        const Json& users =
            at_path(ephemeral_event(sync, room, "m.typing"), {"content", "user_ids"});
        return users.is_array() && std::ranges::find(users, Json(user.text())) != users.end();
    }

    Client alice = target.make_user("alice");
    Client bob = target.make_user("bob");
    RoomId room = alice.create_room();
};

}  // namespace

CONFORMANCE_TEST(TypingTest,
                 {.id = "cs/typing/members-see-who-types",
                  .place = kTypingPlace,
                  .text = "Members of the room get an m.typing event with the user's id."}) {
    const std::string since = bob.sync_token();

    const Response response =
        put_typing(alice, alice.user(), {{"typing", true}, {"timeout", 30'000}});

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(response.body, Json::object());
    bob.sync_until([&](const Response& sync) { return is_shown(sync, alice.user()); },
                   {.since = since});
}

CONFORMANCE_TEST(TypingTest,
                 {.id = "cs/typing/list-replaces-the-one-before",
                  .place = kTypingPlace,
                  .text = "Who has stopped typing is not in the next list, and who goes on is."}) {
    put_typing(alice, alice.user(), {{"typing", true}, {"timeout", 30'000}});
    put_typing(bob, bob.user(), {{"typing", true}, {"timeout", 30'000}});
    const Response both = bob.sync_until([&](const Response& sync) {
        return is_shown(sync, alice.user()) && is_shown(sync, bob.user());
    });

    const Response stopped = put_typing(alice, alice.user(), {{"typing", false}});

    ASSERT_TRUE(has_status(stopped, 200));
    const Response next = bob.sync_until(
        [&](const Response& sync) { return is_told(sync) && !is_shown(sync, alice.user()); },
        {.since = string_at(both.body, {"next_batch"})});
    EXPECT_TRUE(is_shown(next, bob.user())) << next;
}

CONFORMANCE_TEST(TypingTest,
                 {.id = "cs/typing/ends-after-the-timeout",
                  .place = kPutTypingPlace,
                  .text = "The user is typing for the next N milliseconds, and no longer."}) {
    put_typing(alice, alice.user(), {{"typing", true}, {"timeout", 500}});

    // Servers look after timeouts every few seconds.
    bob.sync_until(
        [&](const Response& sync) { return is_told(sync) && !is_shown(sync, alice.user()); },
        {.since = bob.sync_token()},
        std::chrono::seconds(20));
}

CONFORMANCE_TEST(TypingTest,
                 {.id = "cs/typing/of-another-user-is-refused",
                  .place = kPutTypingPlace,
                  .text = "A user says of himself alone that he is typing."}) {
    const std::string since = bob.sync_token();

    const Response response =
        put_typing(alice, bob.user(), {{"typing", true}, {"timeout", 30'000}});

    EXPECT_TRUE(response.is_error()) << response;
    ASSERT_TRUE(
        has_status(put_typing(alice, alice.user(), {{"typing", true}, {"timeout", 30'000}}), 200));
    const Response marker = bob.sync_until(
        [&](const Response& sync) { return is_shown(sync, alice.user()); }, {.since = since});
    EXPECT_FALSE(is_shown(marker, bob.user())) << marker;
}

CONFORMANCE_TEST(TypingTest,
                 {.id = "cs/typing/of-a-stranger-is-refused",
                  .place = kPutTypingPlace,
                  .text = "Who is not in the room is not typing in it."}) {
    const Client carol = target.make_user("carol");

    const Response response =
        put_typing(carol, carol.user(), {{"typing", true}, {"timeout", 30'000}});

    EXPECT_TRUE(response.is_error()) << response;
    EXPECT_SHOULD(is_error(response, 403, "M_FORBIDDEN")) << response;
}

CONFORMANCE_TEST(TypingTest,
                 {.id = "cs/typing/must-say-whether",
                  .place = kPutTypingPlace,
                  .text = "`typing` is required, and a boolean."}) {
    EXPECT_TRUE(has_status(put_typing(alice, alice.user(), {{"timeout", 30'000}}), 400));
    EXPECT_TRUE(has_status(put_typing(alice, alice.user(), {{"typing", "yes"}}), 400));
}

CONFORMANCE_TEST(TypingTest,
                 {.id = "cs/typing/filter-leaves-it-out",
                  .place = "client-server-api/#filtering",
                  .text = "A filter for `ephemeral` of rooms leaves out what it does not admit."}) {
    const std::string since = bob.sync_token();
    put_typing(alice, alice.user(), {{"typing", true}, {"timeout", 30'000}});
    bob.sync_until([&](const Response& sync) { return is_shown(sync, alice.user()); },
                   {.since = since});

    const Response response = bob.sync(
        {.since = since, .filter = R"({"room":{"ephemeral":{"not_types":["m.typing"]}}})"});

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_FALSE(is_told(response)) << response;
}

}  // namespace matrix::conformance
