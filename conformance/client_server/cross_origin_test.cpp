// Web browser clients: CORS headers on every answer.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#web-browser-clients

#include "conformance/harness/conformance_test.h"

namespace matrix::conformance {
namespace {

constexpr std::string_view kCorsPlace = "client-server-api/#web-browser-clients";

struct CorsAnswer {
    std::string name;
    std::string text;
    std::string method;
    std::string target;
};
const std::vector<CorsAnswer> kCorsAnswers = {
    {"success", "A successful answer carries the CORS headers.", "GET", "/_matrix/client/versions"},
    {"unauthorized", "A 401 carries the CORS headers.", "GET", "/_matrix/client/v3/account/whoami"},
    {"unknown-endpoint",
     "A 404 carries the CORS headers.",
     "GET",
     "/_matrix/client/v3/no_such_endpoint"},
    {"preflight",
     "An OPTIONS request is answered with the CORS headers.",
     "OPTIONS",
     "/_matrix/client/v3/account/whoami"},
};

}  // namespace

CONFORMANCE_TEST(ConformanceTest,
                 {.id = "cs/cross_origin/every-answer-carries-cors-headers",
                  .place = kCorsPlace,
                  .text = "Servers supply Cross-Origin Resource Sharing headers on all requests.",
                  .rows = rows_of(kCorsAnswers)}) {
    const CorsAnswer& row = row_of(kCorsAnswers);

    const Response response = target.anonymous().send({.method = row.method, .target = row.target});

    const std::string* origin = response.find_header("Access-Control-Allow-Origin");
    ASSERT_NE(origin, nullptr) << response;
    EXPECT_EQ(*origin, "*") << response;
}

CONFORMANCE_TEST(
    ConformanceTest,
    {.id = "cs/cross_origin/preflight-needs-no-token",
     .place = kCorsPlace,
     .text = "An OPTIONS request has no logic of its endpoint: no token is asked for."}) {
    const Response response = target.anonymous().options("/_matrix/client/v3/account/whoami");

    EXPECT_LT(response.status, 300) << response;
    EXPECT_GE(response.status, 200) << response;
    const std::string* headers = response.find_header("Access-Control-Allow-Headers");
    ASSERT_NE(headers, nullptr) << response;
    EXPECT_NE(headers->find("Authorization"), std::string::npos) << response;
}

}  // namespace matrix::conformance
