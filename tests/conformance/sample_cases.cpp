// Tests for the suite to run in tests of the suite: one for each way in which a test can end.

#include "conformance/harness/federation_test.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kAnywhere = "client-server-api/#api-standards";

void look_for_what_is_not_there(Target& target) {
    ASSERT_TRUE(has_status(target.anonymous().get("/nowhere?access_token=secret"), 200));
}

}  // namespace

CONFORMANCE_TEST(ConformanceTest,
                 {.id = "cs/passing/must", .place = kAnywhere, .text = "It passes."}) {
    EXPECT_TRUE(has_status(target.anonymous().get("/_matrix/client/versions"), 200));
}

CONFORMANCE_TEST(ConformanceTest,
                 {.id = "cs/failing/must", .place = kAnywhere, .text = "It fails <&>."}) {
    EXPECT_TRUE(has_status(target.anonymous().get("/nowhere"), 200));
}

CONFORMANCE_TEST(ConformanceTest,
                 {.id = "cs/failing/in-a-helper",
                  .place = kAnywhere,
                  .text = "An assertion in a helper ends the test."}) {
    look_for_what_is_not_there(target);
    ADD_FAILURE() << "went on after a fatal failure";
}

CONFORMANCE_TEST(ConformanceTest,
                 {.id = "cs/failing/by-exception",
                  .place = kAnywhere,
                  .text = "An exception is a failure, and the run goes on."}) {
    static_cast<void>(Json::parse("{"));
}

CONFORMANCE_TEST(ClientTest,
                 {.id = "cs/failing/step",
                  .place = kAnywhere,
                  .text = "A step that is refused ends the test."}) {
    target.make_user().create_room();
    ADD_FAILURE() << "went on after a step that was refused";
}

CONFORMANCE_TEST(ConformanceTest,
                 {.id = "cs/should/level",
                  .level = Level::Should,
                  .place = kAnywhere,
                  .text = "A SHOULD that fails is a warning."}) {
    EXPECT_EQ(1, 2);
}

CONFORMANCE_TEST(ConformanceTest,
                 {.id = "cs/should/inside-a-must",
                  .place = kAnywhere,
                  .text = "EXPECT_SHOULD in a MUST is a warning."}) {
    EXPECT_SHOULD(target.anonymous().get("/nowhere").is_ok()) << "with a note";
}

CONFORMANCE_TEST(ConformanceTest,
                 {.id = "cs/skipped/too-new",
                  .place = kAnywhere,
                  .text = "It is skipped where the server claims only older versions.",
                  .since = "v1.6"}) {
    ADD_FAILURE() << "not skipped";
}

CONFORMANCE_TEST(ConformanceTest,
                 {.id = "cs/skipped/room-version",
                  .place = kAnywhere,
                  .text = "It is skipped for room versions that the server does not know.",
                  .rows = room_version_rows({"10", "11"})}) {
    EXPECT_EQ(room_version(), "10");
}

CONFORMANCE_TEST(FederationTest,
                 {.id = "ss/untested/federation",
                  .place = "server-server-api/#api-standards",
                  .text = "It cannot be judged without federation."}) {
    ADD_FAILURE() << "not skipped";
}

CONFORMANCE_TEST(ConformanceTest,
                 {.id = "cs/crashing/server",
                  .place = kAnywhere,
                  .text = "The server ends during this test."}) {
    EXPECT_TRUE(has_status(target.anonymous().get("/crash"), 200));
}

CONFORMANCE_TEST(ConformanceTest,
                 {.id = "cs/crashing/then-next",
                  .place = kAnywhere,
                  .text = "The server is there again for the next test."}) {
    EXPECT_TRUE(has_status(target.anonymous().get("/_matrix/client/versions"), 200));
}

}  // namespace matrix::conformance
