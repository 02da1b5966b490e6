// A space and its children, as another server may see them.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#spaces

#include <algorithm>

#include "conformance/harness/federation_test.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kHierarchyPlace =
    "server-server-api/#get_matrixfederationv1hierarchyroomid";

// Alice of the target has a public space.
class SpaceHierarchy : public FederationTest {
protected:
    Response ask(const RoomId& room, std::string_view query = "") {
        return peer.get("/_matrix/federation/v1/hierarchy/" + escape(room.view()) +
                        std::string(query));
    }
    void add_child(const RoomId& child, Json content = Json::object()) const {
        content["via"] = {target.server_name().text()};
        alice.send_state(space, "m.space.child", child.view(), content);
    }
    RoomId make_room(std::string_view name, std::string_view join_rule, Json more = {}) const {
        Json rule = {{"join_rule", join_rule}};
        if (more.is_object()) rule.update(more);
        return alice.create_room(
            {{"preset", "private_chat"},
             {"name", name},
             {"initial_state", {{{"type", "m.room.join_rules"}, {"content", rule}}}}});
    }

    const Client alice = target.make_user("alice");
    const RoomId space = alice.create_room({{"preset", "public_chat"},
                                            {"name", "space"},
                                            {"creation_content", {{"type", "m.space"}}}});
};

bool has_child(const Response& response, const RoomId& room) {
    const Json& children = response.at({"children"});
    return std::ranges::any_of(
        children, [&](const Json& child) { return string_at(child, {"room_id"}) == room.text(); });
}

bool is_inaccessible(const Response& response, const RoomId& room) {
    const Json& rooms = response.at({"inaccessible_children"});
    return std::ranges::count(rooms, Json(room.text())) == 1;
}

}  // namespace

CONFORMANCE_TEST(SpaceHierarchy,
                 {.id = "ss/hierarchy/tells-the-space-and-its-children",
                  .place = kHierarchyPlace,
                  .text = "The answer has a summary of the space with its m.space.child events, "
                          "and summaries of its children.",
                  .since = "v1.2"}) {
    const RoomId child = make_room("child", "public");
    add_child(child);

    const Response response = ask(space);

    ASSERT_TRUE(has_status(response, 200));
    const Json& room = response.at({"room"});
    EXPECT_EQ(string_at(room, {"room_id"}), space.text());
    EXPECT_EQ(string_at(room, {"name"}), "space");
    EXPECT_EQ(string_at(room, {"room_type"}), "m.space");
    const Json& link =
        find_state_event(at_path(room, {"children_state"}), "m.space.child", child.view());
    ASSERT_TRUE(link.is_object()) << response;
    EXPECT_TRUE(link["origin_server_ts"].is_number_integer()) << response;
    EXPECT_EQ(string_at(link, {"sender"}), alice.user().text());
    EXPECT_TRUE(has_child(response, child)) << response;
    EXPECT_EQ(response.at({"inaccessible_children"}), Json::array()) << response;
}

CONFORMANCE_TEST(SpaceHierarchy,
                 {.id = "ss/hierarchy/keeps-closed-children-apart",
                  .place = kHierarchyPlace,
                  .text = "Children that the server cannot join or read are named among "
                          "`inaccessible_children`, and nothing else of them is told.",
                  .since = "v1.2"}) {
    const RoomId open = make_room("open", "public");
    const RoomId closed = make_room("a secret name", "invite");
    add_child(open);
    add_child(closed);

    const Response response = ask(space);

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_TRUE(has_child(response, open)) << response;
    EXPECT_FALSE(has_child(response, closed)) << response;
    EXPECT_TRUE(is_inaccessible(response, closed)) << response;
    EXPECT_EQ(response.text.find("a secret name"), std::string::npos) << response;
}

CONFORMANCE_TEST(SpaceHierarchy,
                 {.id = "ss/hierarchy/restricted-room-is-for-members-of-the-other",
                  .place = kHierarchyPlace,
                  .text = "A restricted child is accessible to a server with a user in a room "
                          "whose members may join, and tells which rooms these are.",
                  .since = "v1.2"}) {
    const RoomId club = make_room("club", "public");
    const RoomId child =
        make_room("child",
                  "restricted",
                  {{"allow", {{{"type", "m.room_membership"}, {"room_id", club.text()}}}}});
    add_child(child);
    const Response outside = ask(space);
    ASSERT_TRUE(has_status(outside, 200));
    EXPECT_TRUE(is_inaccessible(outside, child)) << outside;
    peer.join(club, "bob");

    // UNSPECIFIED: for how long an answer is cached by the server that gives it.
    Response inside = ask(space);
    ASSERT_TRUE(has_status(inside, 200));

    ASSERT_TRUE(has_child(inside, child)) << inside;
    const Json& children = inside.at({"children"});
    EXPECT_EQ(at_path(children[0], {"allowed_room_ids"}), Json::array({club.text()})) << inside;
}

CONFORMANCE_TEST(SpaceHierarchy,
                 {.id = "ss/hierarchy/suggested-only",
                  .place = kHierarchyPlace,
                  .text = "With `suggested_only` only children count whose m.space.child says that "
                          "they are suggested.",
                  .since = "v1.2"}) {
    const RoomId suggested = make_room("suggested", "public");
    const RoomId other = make_room("other", "public");
    add_child(suggested, {{"suggested", true}});
    add_child(other);
    const Response all = ask(space);
    ASSERT_TRUE(has_child(all, suggested) && has_child(all, other)) << all;

    const Response response = ask(space, "?suggested_only=true");

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_TRUE(has_child(response, suggested)) << response;
    EXPECT_FALSE(has_child(response, other)) << response;
}

CONFORMANCE_TEST(SpaceHierarchy,
                 {.id = "ss/hierarchy/removed-child-is-none",
                  .place = kHierarchyPlace,
                  .text = "A child whose m.space.child has no `via` any more is none.",
                  .since = "v1.2"}) {
    const RoomId kept = make_room("kept", "public");
    const RoomId removed = make_room("removed", "public");
    add_child(kept);
    add_child(removed);
    ASSERT_TRUE(has_child(ask(space), removed));

    alice.send_state(space, "m.space.child", removed.view(), Json::object());
    const Response response = ask(space);

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_TRUE(has_child(response, kept)) << response;
    EXPECT_FALSE(has_child(response, removed)) << response;
}

CONFORMANCE_TEST(SpaceHierarchy,
                 {.id = "ss/hierarchy/closed-space-is-404",
                  .place = kHierarchyPlace,
                  .text = "A room that is unknown, or that the server cannot join or read, is 404 "
                          "M_NOT_FOUND (security-cases.tsv 8).",
                  .since = "v1.2"}) {
    ASSERT_TRUE(has_status(ask(space), 200));
    const RoomId closed = make_room("closed", "invite");

    EXPECT_TRUE(is_error(ask(closed), 404, "M_NOT_FOUND"));
    EXPECT_TRUE(
        is_error(ask(RoomId("!unknown:" + target.server_name().text())), 404, "M_NOT_FOUND"));
}

CONFORMANCE_TEST(SpaceHierarchy,
                 {.id = "ss/hierarchy/denied-server-is-404",
                  .place = "server-server-api/#server-access-control-lists-acls",
                  .text = "A server that the space's m.room.server_acl denies cannot join it, and "
                          "learns nothing of it.",
                  .since = "v1.2"}) {
    ASSERT_TRUE(has_status(ask(space), 200));
    const auto name = split_server_name(peer.name());

    alice.send_state(space,
                     "m.room.server_acl",
                     "",
                     {{"allow", {"*"}}, {"allow_ip_literals", true}, {"deny", {name->host}}});

    EXPECT_TRUE(ask(space).is_error());
}

}  // namespace matrix::conformance
