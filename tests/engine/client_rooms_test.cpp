#include <gtest/gtest.h>

#include "tests/engine/client_world.h"

namespace matrix::engine {
namespace {

std::string path_of(const std::string& room, std::string_view rest) {
    return "/rooms/" + segment(room) + std::string(rest);
}

json::Object text_message(std::string body) {
    return {{"msgtype", "m.text"}, {"body", std::move(body)}};
}

json::Object user_body(std::string id) {
    return {{"user_id", std::move(id)}};
}

void expect_refusal(const ClientAnswer& answer, int status, std::string_view errcode) {
    EXPECT_EQ(answer.status, status) << answer.text;
    EXPECT_EQ(answer.errcode(), errcode) << answer.text;
}

TEST(CreateRoom, SetsWhatThePresetSaysInEveryVersion) {
    ClientWorld world;
    struct Row {
        const char* preset;
        const char* join_rule;
        const char* guest_access;
    };
    for (const char* version : {"10", "11", "12"}) {
        for (const Row& row : {Row{"private_chat", "invite", "can_join"},
                               Row{"trusted_private_chat", "invite", "can_join"},
                               Row{"public_chat", "public", "forbidden"}}) {
            SCOPED_TRACE(std::string(version) + " " + row.preset);
            const std::string room = world.create_room(world.token(0),
                                                       {{"preset", row.preset},
                                                        {"room_version", version},
                                                        {"name", "A"},
                                                        {"topic", "B"},
                                                        {"invite", json::Array{world.id(1)}}});
            const auto state = [&](const char* type) {
                return world.call(world.token(0), "GET", path_of(room, "/state/") + type);
            };
            EXPECT_EQ(state("m.room.join_rules").string_at({"join_rule"}), row.join_rule);
            EXPECT_EQ(state("m.room.guest_access").string_at({"guest_access"}), row.guest_access);
            EXPECT_EQ(state("m.room.history_visibility").string_at({"history_visibility"}),
                      "shared");
            EXPECT_EQ(state("m.room.name").string_at({"name"}), "A");
            EXPECT_EQ(state("m.room.topic").string_at({"topic"}), "B");
            EXPECT_EQ(state("m.room.create").string_at({"room_version"}), version);
            const bool is_v12 = std::string_view(version) == "12";
            const bool is_trusted = std::string_view(row.preset) == "trusted_private_chat";
            const ClientAnswer levels = state("m.room.power_levels");
            const auto has_level = [&](int user) {
                return levels.at({"users", world.id(user)}) != nullptr;
            };
            EXPECT_EQ(has_level(0), !is_v12);
            EXPECT_EQ(has_level(1), !is_v12 && is_trusted);
            EXPECT_EQ(*levels.at({"events", "m.room.tombstone"}), json::Value(is_v12 ? 150 : 100));
            EXPECT_EQ(state("m.room.create").at({"additional_creators"}) != nullptr,
                      is_v12 && is_trusted);
        }
    }
}

TEST(CreateRoom, RefusesWhatCannotBe) {
    ClientWorld world;
    const auto create = [&](json::Object wish) {
        return world.call(world.token(0), "POST", "/createRoom", std::move(wish));
    };
    expect_refusal(create({{"room_version", "99"}}), 400, "M_UNSUPPORTED_ROOM_VERSION");
    expect_refusal(create({{"preset", "palace"}}), 400, "M_INVALID_PARAM");
    expect_refusal(create({{"invite", json::Array{"nobody"}}}), 400, "M_INVALID_PARAM");
    expect_refusal(
        create({{"invite_3pid", json::Array{json::Object{}}}}), 403, "M_THREEPID_DENIED");
    const json::Object low{{"users", json::Object{{world.id(0), 10}}}};
    expect_refusal(
        create({{"room_version", "11"}, {"name", "A"}, {"power_level_content_override", low}}),
        400,
        "M_INVALID_ROOM_STATE");
    ASSERT_EQ(create({{"room_alias_name", "pub"}}).status, 200);
    expect_refusal(create({{"room_alias_name", "pub"}}), 400, "M_ROOM_IN_USE");
}

TEST(Membership, GoesRoundThroughAllItsChanges) {
    ClientWorld world;
    const std::string alice = world.token(0);
    const std::string bob = world.token(1);
    const std::string room = world.create_room(alice);
    const auto post = [&](const std::string& token, const char* verb, json::Value body) {
        return world.call(token, "POST", path_of(room, "/") + verb, body);
    };
    expect_refusal(post(bob, "join", json::Object{}), 403, "M_FORBIDDEN");
    EXPECT_EQ(post(alice, "invite", user_body(world.id(1))).status, 200);
    const ClientAnswer joined = post(bob, "join", {});
    EXPECT_EQ(joined.string_at({"room_id"}), room);
    EXPECT_EQ(post(bob, "join", {}).status, 200);
    expect_refusal(post(alice, "invite", user_body(world.id(1))), 403, "M_FORBIDDEN");
    expect_refusal(post(bob, "kick", user_body(world.id(0))), 403, "M_FORBIDDEN");
    expect_refusal(post(alice, "unban", user_body(world.id(1))), 403, "M_FORBIDDEN");
    expect_refusal(post(bob, "forget", {}), 400, "M_UNKNOWN");

    EXPECT_EQ(post(alice, "kick", user_body(world.id(1))).status, 200);
    expect_refusal(post(alice, "kick", user_body(world.id(1))), 403, "M_FORBIDDEN");
    EXPECT_EQ(post(alice, "ban", user_body(world.id(1))).status, 200);
    expect_refusal(post(bob, "leave", {}), 403, "M_FORBIDDEN");
    expect_refusal(post(alice, "invite", user_body(world.id(1))), 403, "M_FORBIDDEN");
    EXPECT_EQ(post(alice, "unban", user_body(world.id(1))).status, 200);
    EXPECT_EQ(post(alice, "invite", user_body(world.id(1))).status, 200);
    EXPECT_EQ(post(bob, "leave", {}).status, 200);
    EXPECT_EQ(post(bob, "leave", {}).status, 200);
    EXPECT_EQ(post(bob, "forget", {}).status, 200);
    expect_refusal(world.call(bob, "GET", path_of(room, "/state")), 403, "M_FORBIDDEN");
}

TEST(Send, IsDoneOncePerTransactionOfADevice) {
    ClientWorld world;
    const std::string alice = world.token(0);
    const std::string room = world.create_room(alice);
    const auto send = [&](const char* transaction, const char* body) {
        return world
            .call(alice,
                  "PUT",
                  path_of(room, "/send/m.room.message/") + transaction,
                  text_message(body))
            .string_at({"event_id"});
    };
    const std::string first = send("a", "one");
    EXPECT_NE(first, "");
    EXPECT_EQ(send("a", "another"), first);
    EXPECT_NE(send("b", "two"), first);
    const ClientAnswer event = world.call(alice, "GET", path_of(room, "/event/") + segment(first));
    EXPECT_EQ(event.string_at({"content", "body"}), "one");
    EXPECT_EQ(event.string_at({"unsigned", "transaction_id"}), "a");
    EXPECT_EQ(event.string_at({"room_id"}), room);
}

TEST(Send, RefusesStrangersAndContentsThatCannotBeHashed) {
    ClientWorld world;
    const std::string room = world.create_room(world.token(0));
    const std::string path = path_of(room, "/send/m.room.message/1");
    expect_refusal(world.call(world.token(1), "PUT", path, text_message("x")), 403, "M_FORBIDDEN");
    json::Object number;
    number.set("pi", json::OtherNumber{"3.14"});
    expect_refusal(world.call(world.token(0), "PUT", path, number), 400, "M_BAD_JSON");
    const json::Object large = text_message(std::string(70'000, 'x'));
    expect_refusal(world.call(world.token(0), "PUT", path, large), 413, "M_TOO_LARGE");
}

TEST(RoomState, IsReadAndWrittenWithAndWithoutATrailingSlash) {
    ClientWorld world;
    const std::string alice = world.token(0);
    const std::string room = world.create_room(alice);
    for (const char* path : {"/state/m.room.name", "/state/m.room.name/"}) {
        const json::Object content{{"name", path}};
        EXPECT_EQ(world.call(alice, "PUT", path_of(room, path), content).status, 200);
        EXPECT_EQ(world.call(alice, "GET", path_of(room, path)).string_at({"name"}), path);
    }
    EXPECT_EQ(world.call(alice, "PUT", path_of(room, "/state/a.b/k%2F"), json::Object{}).status,
              200);
    EXPECT_EQ(world.call(alice, "GET", path_of(room, "/state/a.b/k%2F")).status, 200);
    expect_refusal(world.call(alice, "GET", path_of(room, "/state/a.b/k")), 404, "M_NOT_FOUND");
    const ClientAnswer event =
        world.call(alice, "GET", path_of(room, "/state/a.b/k%2F?format=event"));
    EXPECT_EQ(event.string_at({"state_key"}), "k/");
    expect_refusal(world.call(world.token(1), "GET", path_of(room, "/state")), 403, "M_FORBIDDEN");
    EXPECT_TRUE(world.call(alice, "GET", path_of(room, "/state")).body.if_array());
}

TEST(RoomState, StaysForWhoLeftWhatItWasThen) {
    ClientWorld world;
    const std::string alice = world.token(0);
    const std::string bob = world.token(1);
    const std::string room =
        world.create_room(alice, {{"preset", "public_chat"}, {"name", "before"}});
    world.call(bob, "POST", path_of(room, "/join"));
    world.call(bob, "POST", path_of(room, "/leave"));
    world.call(alice, "PUT", path_of(room, "/state/m.room.name"), json::Object{{"name", "after"}});
    EXPECT_EQ(world.call(bob, "GET", path_of(room, "/state/m.room.name")).string_at({"name"}),
              "before");
    const ClientAnswer members =
        world.call(bob, "GET", path_of(room, "/members?not_membership=join"));
    ASSERT_NE(members.at({"chunk"}), nullptr) << members.text;
    EXPECT_EQ(members.at({"chunk"})->if_array()->size(), 1U);
    expect_refusal(world.call(bob, "GET", path_of(room, "/joined_members")), 403, "M_FORBIDDEN");
}

TEST(Redaction, TakesTheContentAndSaysWhy) {
    ClientWorld world;
    const std::string alice = world.token(0);
    const std::string bob = world.token(1);
    const std::string room = world.create_room(alice, {{"preset", "public_chat"}});
    world.call(bob, "POST", path_of(room, "/join"));
    const std::string event =
        world.call(alice, "PUT", path_of(room, "/send/m.room.message/1"), text_message("x"))
            .string_at({"event_id"});
    const std::string redact = path_of(room, "/redact/") + segment(event);
    expect_refusal(world.call(bob, "PUT", redact + "/1", json::Object{}), 403, "M_FORBIDDEN");
    const ClientAnswer done =
        world.call(alice, "PUT", redact + "/1", json::Object{{"reason", "spam"}});
    EXPECT_EQ(done.status, 200) << done.text;
    EXPECT_EQ(world.call(alice, "PUT", redact + "/1", json::Object{}).text, done.text);
    const ClientAnswer left = world.call(alice, "GET", path_of(room, "/event/") + segment(event));
    EXPECT_EQ(left.at({"content", "body"}), nullptr);
    EXPECT_EQ(left.string_at({"unsigned", "redacted_because", "content", "reason"}), "spam");
}

TEST(Messages, ArePagedInBothDirectionsWithoutGapOrRepetition) {
    ClientWorld world;
    const std::string alice = world.token(0);
    const std::string room = world.create_room(alice);
    for (int i = 0; i < 12; ++i) {
        world.call(alice,
                   "PUT",
                   path_of(room, "/send/m.room.message/") + std::to_string(i),
                   text_message(std::to_string(i)));
    }
    for (const char* direction : {"b", "f"}) {
        std::vector<std::string> bodies;
        std::string from;
        for (int page = 0; page < 50; ++page) {
            const ClientAnswer answer =
                world.call(alice,
                           "GET",
                           path_of(room, "/messages?limit=5&dir=") + direction +
                               (from.empty() ? "" : "&from=" + segment(from)) +
                               "&filter=" + segment(R"({"types":["m.room.message"]})"));
            ASSERT_EQ(answer.status, 200) << answer.text;
            for (const json::Value& event : *answer.at({"chunk"})->if_array())
                bodies.push_back(*event.find("content")->find_string("body"));
            from = answer.string_at({"end"});
            if (from.empty() || answer.at({"chunk"})->if_array()->empty()) break;
        }
        ASSERT_EQ(bodies.size(), 12U) << direction;
        for (std::size_t i = 0; i < bodies.size(); ++i) {
            EXPECT_EQ(bodies[i], std::to_string(*direction == 'b' ? 11 - i : i));
        }
    }
    expect_refusal(world.call(alice, "GET", path_of(room, "/messages")), 400, "M_MISSING_PARAM");
    expect_refusal(
        world.call(alice, "GET", path_of(room, "/messages?dir=b&from=x")), 400, "M_INVALID_PARAM");
    expect_refusal(
        world.call(world.token(1), "GET", path_of(room, "/messages?dir=b")), 403, "M_FORBIDDEN");
}

TEST(Profile, IsSetShownAndSpreadToRooms) {
    ClientWorld world;
    const std::string alice = world.token(0);
    const std::string room = world.create_room(alice);
    const std::string profile = "/profile/" + segment(world.id(0));
    const json::Object name{{"displayname", "Alice"}};
    EXPECT_EQ(world.call(alice, "PUT", profile + "/displayname", name).status, 200);
    EXPECT_EQ(world.call("", "GET", profile).string_at({"displayname"}), "Alice");
    const std::string member = path_of(room, "/state/m.room.member/") + segment(world.id(0));
    EXPECT_EQ(world.call(alice, "GET", member).string_at({"displayname"}), "Alice");
    EXPECT_EQ(world.call(alice, "DELETE", profile + "/displayname").status, 200);
    EXPECT_EQ(world.call(alice, "GET", member).at({"displayname"}), nullptr);
    expect_refusal(world.call("", "GET", profile + "/displayname"), 404, "M_NOT_FOUND");
    expect_refusal(
        world.call(world.token(1), "PUT", profile + "/displayname", name), 403, "M_FORBIDDEN");
    expect_refusal(
        world.call(alice, "PUT", profile + "/displayname", json::Object{}), 400, "M_MISSING_PARAM");
    expect_refusal(world.call(alice, "PUT", profile + "/Bad", json::Object{{"Bad", 1}}),
                   400,
                   "M_INVALID_PARAM");
    const json::Object zone{{"m.tz", "Europe/Berlin"}};
    EXPECT_EQ(world.call(alice, "PUT", profile + "/m.tz", zone).status, 200);
}

TEST(Remote, UsersAreInvitedJoinTalkAndLeave) {
    ClientWorld world(2);
    const std::string alice = world.token(0, 0);
    const std::string bob = world.token(0, 1);
    const std::string room = world.create_room(alice, {{"invite", json::Array{world.id(0, 1)}}});
    const ClientAnswer joined =
        world.call(bob, "POST", "/join/" + segment(room), json::Object{}, 1);
    ASSERT_EQ(joined.status, 200) << joined.text;
    const ClientAnswer sent =
        world.call(bob, "PUT", path_of(room, "/send/m.room.message/1"), text_message("hello"), 1);
    ASSERT_EQ(sent.status, 200) << sent.text;
    world.run(5000);
    const std::string event = path_of(room, "/event/") + segment(sent.string_at({"event_id"}));
    EXPECT_EQ(world.call(alice, "GET", event).string_at({"content", "body"}), "hello");
    EXPECT_EQ(world.call(bob, "POST", path_of(room, "/leave"), json::Object{}, 1).status, 200);
    world.run(5000);
    const std::string member = path_of(room, "/state/m.room.member/") + segment(world.id(0, 1));
    EXPECT_EQ(world.call(alice, "GET", member).string_at({"membership"}), "leave");
}

}  // namespace
}  // namespace matrix::engine
