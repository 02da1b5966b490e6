// Requests that are not what an endpoint takes.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#standard-error-response

#include "conformance/harness/conformance_test.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kErrorCodesPlace = "client-server-api/#common-error-codes";
constexpr std::string_view kCreateRoomPath = "/_matrix/client/v3/createRoom";

struct BadBody {
    std::string name;
    std::string bytes;
};
const std::vector<BadBody> kNotJsonBodies = {
    {"truncated", R"({"name": "x")"},
    {"trailing-comma", R"({"name": "x",})"},
    {"no-json-at-all", "name=x"},
    {"invalid-utf8", "{\"name\": \"\xff\"}"},
    {"two-documents", R"({} {})"},
};
struct WrongType {
    std::string name;
    Json body;
};
const std::vector<WrongType> kWrongTypes = {
    {"array-as-body", Json::array()},
    {"number-as-name", {{"name", 5}}},
    {"string-as-invite", {{"invite", "@a:b"}}},
    {"list-as-preset", {{"preset", Json::array()}}},
};

}  // namespace

CONFORMANCE_TEST(ClientTest,
                 {.id = "cs/bad_input/not-json-is-m-not-json",
                  .place = kErrorCodesPlace,
                  .text = "A body that is no valid JSON is refused with M_NOT_JSON.",
                  .rows = rows_of(kNotJsonBodies)}) {
    const Client alice = target.make_user("alice");
    ASSERT_TRUE(has_status(alice.post(kCreateRoomPath), 200));

    const Response response = alice.send({.method = "POST",
                                          .target = std::string(kCreateRoomPath),
                                          .body = row_of(kNotJsonBodies).bytes});

    EXPECT_TRUE(is_error(response, 400, "M_NOT_JSON"));
}

CONFORMANCE_TEST(ClientTest,
                 {.id = "cs/bad_input/wrong-type-is-an-error-of-the-client",
                  .place = kErrorCodesPlace,
                  .text = "JSON of the wrong shape is refused with a 400 error.",
                  .rows = rows_of(kWrongTypes)}) {
    const Client alice = target.make_user("alice");
    ASSERT_TRUE(has_status(alice.post(kCreateRoomPath), 200));

    const Response response = alice.post(kCreateRoomPath, row_of(kWrongTypes).body);

    EXPECT_TRUE(has_status(response, 400));
    EXPECT_SHOULD(response.errcode == "M_BAD_JSON" || response.errcode == "M_INVALID_PARAM")
        << response;
}

CONFORMANCE_TEST(ClientTest,
                 {.id = "cs/bad_input/too-large-event-is-m-too-large",
                  .place = kErrorCodesPlace,
                  .text = "An event larger than 65536 bytes is refused with 413 M_TOO_LARGE."}) {
    const Client alice = target.make_user("alice");
    const RoomId room = alice.create_room();
    alice.send_message(room, std::string(30'000, 'x'));

    const Response response =
        alice.put(room_path(room, {"send", "m.room.message", Client::make_transaction_id()}),
                  {{"msgtype", "m.text"}, {"body", std::string(70'000, 'x')}});

    EXPECT_TRUE(is_error(response, 413, "M_TOO_LARGE"));
}

CONFORMANCE_TEST(
    ClientTest,
    {.id = "cs/bad_input/float-in-an-event-is-refused",
     .place = "appendices/#canonical-json",
     .text = "An event whose content has a number that canonical JSON lacks is refused "
             "in room version 6 and later.",
     .rows = room_version_rows({"10", "11", "12"})}) {
    const Client alice = target.make_user("alice");
    const RoomId room = alice.create_room_of_version(room_version());
    const std::string path = room_path(room, {"send", "m.test", Client::make_transaction_id()});
    alice.send_event(room, "m.test", {{"n", 1}});

    const Response response = alice.send({.method = "PUT", .target = path, .body = R"({"n":1.5})"});

    EXPECT_TRUE(has_status(response, 400));
    EXPECT_SHOULD(response.errcode == "M_BAD_JSON") << response;
}

CONFORMANCE_TEST(ClientTest,
                 {.id = "cs/bad_input/appended-path-segment-is-404",
                  .place = kErrorCodesPlace,
                  .text = "A known path with further segments is no known path: 404 "
                          "M_UNRECOGNIZED."}) {
    const Client alice = target.make_user("alice");
    ASSERT_TRUE(has_status(alice.get("/_matrix/client/v3/account/whoami"), 200));

    const Response response = alice.get("/_matrix/client/v3/account/whoami/garbage");

    EXPECT_TRUE(is_error(response, 404, "M_UNRECOGNIZED"));
}

}  // namespace matrix::conformance
