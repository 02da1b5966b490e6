#include "conformance/harness/exchange_log.h"

#include <gtest/gtest.h>

namespace matrix::conformance {
namespace {

TEST(MaskSecrets, HidesTokensWhereverTheyStand) {
    const records::Exchange masked = mask_secrets(
        {.url = "http://x/sync?access_token=SECRET1&since=s1",
         .request_headers = {{"authorization", "Bearer SECRET2"}, {"X-Other", "stays"}},
         .request_body = R"({"password" : "SECRET3\"SECRET4", "user": "alice"})",
         .response_body = R"({"access_token":"SECRET5","refresh_token":"SECRET6","n":1})"});

    const std::string everything = records::write({.exchanges = {masked}});
    EXPECT_EQ(everything.find("SECRET"), std::string::npos) << everything;
    EXPECT_EQ(masked.url, "http://x/sync?access_token=<masked>&since=s1");
    EXPECT_EQ(masked.request_headers[1].second, "stays");
    EXPECT_EQ(masked.request_body, R"({"password" : "<masked>", "user": "alice"})");
}

TEST(MaskSecrets, LeavesSignaturesForTheReader) {
    const records::Exchange masked =
        mask_secrets({.request_headers = {{"Authorization", "X-Matrix origin=\"a\",sig=\"b\""}}});
    EXPECT_EQ(masked.request_headers[0].second, "X-Matrix origin=\"a\",sig=\"b\"");
}

TEST(MaskSecrets, TakesBodiesThatAreCutOff) {
    EXPECT_EQ(mask_secrets({.request_body = R"({"password": "abc)"}).request_body,
              R"({"password": "<masked>)");
    EXPECT_EQ(mask_secrets({.request_body = R"({"password": "abc\)"}).request_body,
              R"({"password": "<masked>)");
    EXPECT_EQ(mask_secrets({.request_body = R"({"password")"}).request_body, R"({"password")");
}

TEST(ExchangeLog, GivesEachExchangeOnceAndBoundsThem) {
    ExchangeLog log;
    for (int i = 0; i < 500; ++i)
        log.add({.method = "GET", .response_body = std::string(100'000, 'x')});

    const std::vector<records::Exchange> taken = log.take();

    EXPECT_LT(taken.size(), 500u);
    EXPECT_LT(taken.front().response_body.size(), 100'000u);
    EXPECT_NE(taken.back().failure.find("left out"), std::string::npos);
    EXPECT_TRUE(log.take().empty());
}

}  // namespace
}  // namespace matrix::conformance
