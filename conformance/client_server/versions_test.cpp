// Which versions of the specification the server claims.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#get_matrixclientversions

#include "conformance/harness/conformance_test.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kVersionsPlace = "client-server-api/#get_matrixclientversions";

}  // namespace

CONFORMANCE_TEST(ConformanceTest,
                 {.id = "cs/versions/lists-versions",
                  .place = kVersionsPlace,
                  .text = "`versions` is required: the supported versions, as strings."}) {
    const Response response = target.anonymous().get("/_matrix/client/versions");

    ASSERT_TRUE(has_status(response, 200));
    const Json& versions = response.at({"versions"});
    ASSERT_TRUE(versions.is_array()) << response;
    EXPECT_FALSE(versions.empty()) << response;
    for (const Json& version : versions)
        EXPECT_TRUE(version.is_string()) << version;
}

CONFORMANCE_TEST(ConformanceTest,
                 {.id = "cs/versions/unstable-features-are-booleans",
                  .place = kVersionsPlace,
                  .text = "`unstable_features`, where it is given, maps names to booleans."}) {
    const Response response = target.anonymous().get("/_matrix/client/versions");

    ASSERT_TRUE(has_status(response, 200));
    const Json& features = response.at({"unstable_features"});
    if (features.is_null()) return;
    ASSERT_TRUE(features.is_object()) << response;
    for (const auto& [name, flag] : features.items())
        EXPECT_TRUE(flag.is_boolean()) << name;
}

}  // namespace matrix::conformance
