// Queries: where an alias leads, and what a user tells.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#querying-for-information

#include "conformance/server_server/shared_room.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kDirectoryQueryPlace =
    "server-server-api/#get_matrixfederationv1querydirectory";
constexpr std::string_view kProfileQueryPlace =
    "server-server-api/#get_matrixfederationv1queryprofile";
constexpr std::string_view kDirectoryQueryPath = "/_matrix/federation/v1/query/directory";
constexpr std::string_view kProfileQueryPath = "/_matrix/federation/v1/query/profile";

class QueryTest : public FederationTest {
protected:
    std::string make_alias(const RoomId& room) const {
        const std::string alias =
            "#" + Client::make_transaction_id() + ":" + target.server_name().text();
        expect_step("making an alias",
                    alice.put("/_matrix/client/v3/directory/room/" + escape(alias),
                              {{"room_id", room.text()}}));
        return alias;
    }
    Response query_alias(std::string_view alias) {
        return peer.get(std::string(kDirectoryQueryPath) + "?room_alias=" + escape(alias));
    }
    Response query_profile(const UserId& user, std::string_view more = "") {
        return peer.get(std::string(kProfileQueryPath) + "?user_id=" + escape(user.view()) +
                        std::string(more));
    }
    void set_profile_field(std::string_view field, std::string_view value) const {
        const std::string path =
            "/_matrix/client/v3/profile/" + escape(alice.user().view()) + "/" + std::string(field);
        expect_step("setting a profile field", alice.put(path, {{field, value}}));
    }

    const Client alice = target.make_user("alice");
};

}  // namespace

CONFORMANCE_TEST(QueryTest,
                 {.id = "ss/query_directory/tells-the-room-and-its-servers",
                  .place = kDirectoryQueryPlace,
                  .text = "The answer is the room that an alias of the server leads to, and "
                          "servers that are likely to be in it."}) {
    const RoomId room = alice.create_room();
    const std::string alias = make_alias(room);
    peer.join(room, "bob");

    const Response response = query_alias(alias);

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(string_at(response.body, {"room_id"}), room.text());
    const Json& servers = response.at({"servers"});
    ASSERT_TRUE(servers.is_array()) << response;
    EXPECT_EQ(std::ranges::count(servers, Json(peer.name().text())), 1) << response;
}

CONFORMANCE_TEST(QueryTest,
                 {.id = "ss/query_directory/unknown-alias-is-404",
                  .place = kDirectoryQueryPlace,
                  .text = "An alias that the server does not have is 404 M_NOT_FOUND."}) {
    ASSERT_TRUE(has_status(query_alias(make_alias(alice.create_room())), 200));

    EXPECT_TRUE(
        is_error(query_alias("#no-such-alias:" + target.server_name().text()), 404, "M_NOT_FOUND"));
}

CONFORMANCE_TEST(QueryTest,
                 {.id = "ss/query_directory/needs-an-alias-of-the-server",
                  .place = kDirectoryQueryPlace,
                  .text = "A query names an alias that belongs to the server."}) {
    ASSERT_TRUE(has_status(query_alias(make_alias(alice.create_room())), 200));

    // UNSPECIFIED: the error of an alias of another server, of what is none, and of nothing.
    EXPECT_TRUE(query_alias("#alias:elsewhere.example").is_error());
    EXPECT_TRUE(is_error(query_alias("no alias"), 400, "M_INVALID_PARAM"));
    EXPECT_TRUE(is_error(peer.get(kDirectoryQueryPath), 400, "M_MISSING_PARAM"));
}

CONFORMANCE_TEST(QueryTest,
                 {.id = "ss/query_directory/is-asked-of-the-alias-s-server",
                  .place = "client-server-api/#get_matrixclientv3directoryroomroomalias",
                  .text = "The server resolves an alias of another server over federation."}) {
    peer.on("GET", std::string(kDirectoryQueryPath), [](const IncomingRequest& request) {
        const auto alias = request.query("room_alias");
        if (alias.size() != 1 || !alias.front().starts_with("#here:")) {
            return respond_error(404, "M_NOT_FOUND", "no such alias");
        }
        return respond(200, {{"room_id", "!there:example.org"}, {"servers", {"example.org"}}});
    });
    const std::string path = "/_matrix/client/v3/directory/room/";

    const Response response = alice.get(path + escape("#here:" + peer.name().text()));

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(string_at(response.body, {"room_id"}), "!there:example.org");
    EXPECT_EQ(response.at({"servers"}), Json::array({"example.org"})) << response;
    EXPECT_TRUE(
        is_error(alice.get(path + escape("#gone:" + peer.name().text())), 404, "M_NOT_FOUND"));
}

CONFORMANCE_TEST(QueryTest,
                 {.id = "ss/query_directory/leads-to-a-join",
                  .place = "client-server-api/#post_matrixclientv3joinroomidoralias",
                  .text = "A room of another server is joined by an alias of that server, through "
                          "the servers that its directory names."}) {
    PeerRoom& room = peer.create_room();
    peer.on("GET", std::string(kDirectoryQueryPath), [&](const IncomingRequest&) {
        return respond(200, {{"room_id", room.id().text()}, {"servers", {peer.name().text()}}});
    });

    const Response response =
        alice.post("/_matrix/client/v3/join/" + escape("#door:" + peer.name().text()));

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(string_at(response.body, {"room_id"}), room.id().text());
    EXPECT_EQ(room.membership(alice.user()), "join") << "as the peer knows it";
}

CONFORMANCE_TEST(QueryTest,
                 {.id = "ss/query_profile/is-the-whole-profile",
                  .place = kProfileQueryPlace,
                  .text = "Without `field` the answer is the full public profile, with `field` "
                          "that field alone."}) {
    set_profile_field("displayname", "Alice");
    set_profile_field("avatar_url", "mxc://example.org/alice");

    const Response whole = query_profile(alice.user());
    const Response field = query_profile(alice.user(), "&field=displayname");

    ASSERT_TRUE(has_status(whole, 200));
    EXPECT_EQ(string_at(whole.body, {"displayname"}), "Alice");
    EXPECT_EQ(string_at(whole.body, {"avatar_url"}), "mxc://example.org/alice");
    ASSERT_TRUE(has_status(field, 200));
    EXPECT_EQ(field.body, Json({{"displayname", "Alice"}})) << field;
}

CONFORMANCE_TEST(QueryTest,
                 {.id = "ss/query_profile/custom-fields-are-told",
                  .level = Level::Should,
                  .place = kProfileQueryPlace,
                  .text = "The answer includes all fields of the profile that can be made public.",
                  .since = "v1.16"}) {
    set_profile_field("m.tz", "Europe/Berlin");

    const Response whole = query_profile(alice.user());
    const Response field = query_profile(alice.user(), "&field=m.tz");

    ASSERT_TRUE(has_status(whole, 200));
    EXPECT_EQ(string_at(whole.body, {"m.tz"}), "Europe/Berlin");
    EXPECT_EQ(string_at(field.body, {"m.tz"}), "Europe/Berlin") << field;
}

CONFORMANCE_TEST(QueryTest,
                 {.id = "ss/query_profile/unknown-user-is-404",
                  .place = kProfileQueryPlace,
                  .text = "A user who does not exist is 404 M_NOT_FOUND."}) {
    ASSERT_TRUE(has_status(query_profile(alice.user()), 200));

    const Response response =
        query_profile(UserId("@nobody-is-here:" + target.server_name().text()));

    // A server may be unwilling to say so.
    EXPECT_TRUE(is_error(response, 404, "M_NOT_FOUND") || is_error(response, 403, "M_FORBIDDEN"))
        << response;
}

CONFORMANCE_TEST(QueryTest,
                 {.id = "ss/query/unknown-type-is-an-error",
                  .place = "server-server-api/#get_matrixfederationv1queryquerytype",
                  .text = "Each type of query is an endpoint; one that is unknown is refused."}) {
    ASSERT_TRUE(has_status(query_profile(alice.user()), 200));

    // UNSPECIFIED: which error; an unknown endpoint is 404 M_UNRECOGNIZED.
    const Response response = peer.get("/_matrix/federation/v1/query/no_such_query?a=b");

    EXPECT_TRUE(response.is_error()) << response;
    EXPECT_SHOULD(response.status == 404) << response;
}

}  // namespace matrix::conformance
