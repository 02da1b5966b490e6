// The directory of published rooms, asked for by another server and by clients.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#published-room-directory

#include <algorithm>
#include <set>

#include "conformance/harness/federation_test.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kPublicRoomsPlace =
    "server-server-api/#get_matrixfederationv1publicrooms";
constexpr std::string_view kPublicRoomsQueryPlace =
    "server-server-api/#post_matrixfederationv1publicrooms";
constexpr std::string_view kPublicRoomsPath = "/_matrix/federation/v1/publicRooms";
constexpr std::string_view kClientPublicRoomsPath = "/_matrix/client/v3/publicRooms";

// Rooms whose names hold a word that no other test uses.
class PublicRooms : public FederationTest {
protected:
    RoomId publish(std::string_view name, Json options = Json::object()) const {
        options.merge_patch({{"preset", "public_chat"},
                             {"visibility", "public"},
                             {"name", std::string(name) + " " + word}});
        return alice.create_room(options);
    }
    Response search(Json body = Json::object()) {
        body["filter"]["generic_search_term"] = word;
        return peer.post(kPublicRoomsPath, body);
    }

    const Client alice = target.make_user("alice");
    const std::string word = Client::make_transaction_id();
};

const Json& find_room_entry(const Response& response, const RoomId& room) {
    static const Json kNone;
    const Json& chunk = response.at({"chunk"});
    for (const Json& entry : chunk.is_array() ? chunk : kNone) {
        if (string_at(entry, {"room_id"}) == room.text()) return entry;
    }
    return kNone;
}

std::vector<std::string> rooms_of_page(const Response& response) {
    std::vector<std::string> rooms;
    const Json& chunk = response.at({"chunk"});
    for (const Json& entry : chunk.is_array() ? chunk : Json::array())
        rooms.push_back(string_at(entry, {"room_id"}));
    return rooms;
}

}  // namespace

CONFORMANCE_TEST(PublicRooms,
                 {.id = "ss/public_rooms/lists-what-is-published",
                  .place = kPublicRoomsPlace,
                  .text = "The directory lists the server's published rooms, and no others."}) {
    const RoomId shown = publish("shown", {{"topic", "of interest"}});
    const RoomId hidden = alice.create_room({{"preset", "public_chat"}, {"name", word}});

    const Response response = peer.get(kPublicRoomsPath);

    ASSERT_TRUE(has_status(response, 200));
    const Json& entry = find_room_entry(response, shown);
    ASSERT_TRUE(entry.is_object()) << response;
    EXPECT_EQ(string_at(entry, {"name"}), "shown " + word);
    EXPECT_EQ(string_at(entry, {"topic"}), "of interest");
    EXPECT_EQ(at_path(entry, {"num_joined_members"}), Json(1));
    EXPECT_EQ(at_path(entry, {"world_readable"}), Json(false));
    EXPECT_EQ(at_path(entry, {"guest_can_join"}), Json(false));
    EXPECT_TRUE(find_room_entry(response, hidden).is_null()) << response;
}

CONFORMANCE_TEST(PublicRooms,
                 {.id = "ss/public_rooms/searches",
                  .place = kPublicRoomsQueryPlace,
                  .text = "`generic_search_term` is searched for in the rooms' metadata."}) {
    const RoomId one = publish("one");
    const RoomId other =
        alice.create_room({{"preset", "public_chat"}, {"visibility", "public"}, {"name", "other"}});

    const Response response = search();

    ASSERT_TRUE(has_status(response, 200));
    EXPECT_EQ(rooms_of_page(response), std::vector<std::string>{one.text()}) << response;
    EXPECT_TRUE(find_room_entry(response, other).is_null()) << response;
}

CONFORMANCE_TEST(PublicRooms,
                 {.id = "ss/public_rooms/filters-by-room-type",
                  .place = kPublicRoomsQueryPlace,
                  .text = "`room_types` restricts the answer to rooms of these types; null stands "
                          "for rooms without one.",
                  .since = "v1.4"}) {
    const RoomId room = publish("room");
    const RoomId space = publish("space", {{"creation_content", {{"type", "m.space"}}}});
    ASSERT_EQ(rooms_of_page(search()).size(), 2U);

    const Response spaces = search({{"filter", {{"room_types", {"m.space"}}}}});
    const Response rooms = search({{"filter", {{"room_types", {nullptr}}}}});
    const Response both = search({{"filter", {{"room_types", {nullptr, "m.space"}}}}});

    EXPECT_EQ(rooms_of_page(spaces), std::vector<std::string>{space.text()}) << spaces;
    EXPECT_EQ(string_at(find_room_entry(spaces, space), {"room_type"}), "m.space") << spaces;
    EXPECT_EQ(rooms_of_page(rooms), std::vector<std::string>{room.text()}) << rooms;
    EXPECT_EQ(rooms_of_page(both).size(), 2U) << both;
}

CONFORMANCE_TEST(PublicRooms,
                 {.id = "ss/public_rooms/pages",
                  .place = kPublicRoomsQueryPlace,
                  .text = "`limit` bounds a page, `next_batch` leads on to the end without gap or "
                          "repetition, and `prev_batch` back."}) {
    std::set<std::string> expected;
    for (const char* name : {"a", "b", "c", "d", "e"})
        expected.insert(publish(name).text());

    std::vector<std::string> seen;
    Response page = search({{"limit", 2}});
    ASSERT_TRUE(has_status(page, 200));
    const std::vector<std::string> first = rooms_of_page(page);
    EXPECT_TRUE(page.at({"prev_batch"}).is_null()) << page;
    for (int pages = 0; pages < 10; ++pages) {
        EXPECT_LE(rooms_of_page(page).size(), 2U) << page;
        for (const std::string& room : rooms_of_page(page))
            seen.push_back(room);
        const std::string next = string_at(page.body, {"next_batch"});
        if (next.empty()) break;
        page = search({{"limit", 2}, {"since", next}});
        ASSERT_TRUE(has_status(page, 200));
    }

    EXPECT_EQ(seen.size(), expected.size());
    EXPECT_EQ(std::set<std::string>(seen.begin(), seen.end()), expected);
    std::string previous = string_at(page.body, {"prev_batch"});
    Response back = page;
    for (int pages = 0; pages < 10 && !previous.empty(); ++pages) {
        back = search({{"limit", 2}, {"since", previous}});
        ASSERT_TRUE(has_status(back, 200));
        previous = string_at(back.body, {"prev_batch"});
    }
    EXPECT_EQ(rooms_of_page(back), first) << "where prev_batch leads in the end: " << back;
}

CONFORMANCE_TEST(PublicRooms,
                 {.id = "ss/public_rooms/is-withdrawn",
                  .place = "client-server-api/#put_matrixclientv3directorylistroomroomid",
                  .text = "A room whose visibility becomes private is listed no more; who has no "
                          "power in the room changes nothing."}) {
    const RoomId room = publish("room");
    ASSERT_FALSE(find_room_entry(search(), room).is_null());
    const std::string path = "/_matrix/client/v3/directory/list/room/" + escape(room.view());
    const Client mallory = target.make_user("mallory");

    EXPECT_SHOULD(is_error(mallory.put(path, {{"visibility", "private"}}), 403, "M_FORBIDDEN"));
    EXPECT_EQ(string_at(target.anonymous().get(path).body, {"visibility"}), "public");
    ASSERT_TRUE(has_status(alice.put(path, {{"visibility", "private"}}), 200));

    EXPECT_EQ(string_at(target.anonymous().get(path).body, {"visibility"}), "private");
    EXPECT_TRUE(find_room_entry(search(), room).is_null());
    EXPECT_TRUE(is_error(target.anonymous().get("/_matrix/client/v3/directory/list/room/" +
                                                escape("!unknown:" + target.server_name().text())),
                         404,
                         "M_NOT_FOUND"));
}

CONFORMANCE_TEST(PublicRooms,
                 {.id = "ss/public_rooms/refuses-what-makes-no-sense",
                  .place = kPublicRoomsPlace,
                  .text = "A page that does not exist, and a limit that is none, are refused."}) {
    publish("room");
    ASSERT_TRUE(has_status(search({{"limit", 1}}), 200));

    EXPECT_TRUE(peer.get(std::string(kPublicRoomsPath) + "?limit=many").is_error());
    EXPECT_TRUE(search({{"since", "no token of this server"}}).is_error());
    EXPECT_TRUE(search({{"limit", "many"}}).is_error());
}

CONFORMANCE_TEST(PublicRooms,
                 {.id = "cs/list_public_rooms/lists-what-is-published",
                  .place = "client-server-api/#get_matrixclientv3publicrooms",
                  .text = "Clients read the same directory, with GET and with POST."}) {
    const RoomId room = publish("room");

    const Response all = alice.get(kClientPublicRoomsPath);
    const Response found =
        alice.post(kClientPublicRoomsPath, {{"filter", {{"generic_search_term", word}}}});

    ASSERT_TRUE(has_status(all, 200));
    EXPECT_TRUE(find_room_entry(all, room).is_object()) << all;
    ASSERT_TRUE(has_status(found, 200));
    EXPECT_EQ(rooms_of_page(found), std::vector<std::string>{room.text()}) << found;
}

CONFORMANCE_TEST(PublicRooms,
                 {.id = "cs/list_public_rooms/asks-another-server",
                  .place = "client-server-api/#post_matrixclientv3publicrooms",
                  .text = "With `server` the directory is that of another server."}) {
    const auto answer = [](const IncomingRequest&) {
        return respond(200,
                       {{"chunk",
                         {{{"room_id", "!there:example.org"},
                           {"num_joined_members", 3},
                           {"world_readable", false},
                           {"guest_can_join", false}}}},
                        {"next_batch", "further"},
                        {"total_room_count_estimate", 2}});
    };
    peer.on("GET", std::string(kPublicRoomsPath), answer);
    peer.on("POST", std::string(kPublicRoomsPath), answer);
    const std::string path =
        std::string(kClientPublicRoomsPath) + "?server=" + escape(peer.name().view());

    const Response listed = alice.get(path + "&limit=1");
    const Response found =
        alice.post(path, {{"limit", 1}, {"filter", {{"generic_search_term", "there"}}}});

    for (const Response& response : {listed, found}) {
        ASSERT_TRUE(has_status(response, 200));
        EXPECT_EQ(rooms_of_page(response), std::vector<std::string>{"!there:example.org"});
        EXPECT_EQ(string_at(response.body, {"next_batch"}), "further") << response;
    }
    const auto request = peer.wait_for_request("POST", kPublicRoomsPath);
    ASSERT_TRUE(request);
    const auto requests = peer.received_requests();
    EXPECT_TRUE(std::ranges::any_of(requests, [](const IncomingRequest& one) {
        return string_at(one.json(), {"filter", "generic_search_term"}) == "there";
    }));
}

}  // namespace matrix::conformance
