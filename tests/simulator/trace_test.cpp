#include "simulator/trace.h"

#include <string>

#include <gtest/gtest.h>

namespace matrix::simulator {
namespace {

std::string hash_of(const std::string& body) {
    Trace trace;
    trace.message(0, 1, "PUT /", body);
    return trace.hash();
}

TEST(Trace, DependsOnEveryKindOfRecord) {
    Trace empty;
    Trace dispatched;
    dispatched.dispatch(1, 0);
    Trace drawn;
    drawn.draw("stream", 1);
    Trace noted;
    noted.note("kind", "");

    EXPECT_NE(empty.hash(), dispatched.hash());
    EXPECT_NE(dispatched.hash(), drawn.hash());
    EXPECT_NE(drawn.hash(), noted.hash());
}

TEST(Trace, DependsOnTheOrderOfRecords) {
    Trace one;
    one.draw("stream", 1);
    one.draw("stream", 2);
    Trace other;
    other.draw("stream", 2);
    other.draw("stream", 1);

    EXPECT_NE(one.hash(), other.hash());
}

TEST(Trace, DoesNotDependOnSignatureValues) {
    const std::string before = R"({"signatures":{"s":{"ed25519:a":")";
    const std::string after = R"("}},"type":"t"})";

    EXPECT_EQ(hash_of(before + std::string(86, 'A') + after),
              hash_of(before + std::string(86, 'B') + after));
}

TEST(Trace, DependsOnWhatIsBesideASignature) {
    const std::string before = R"({"signatures":{"s":{"ed25519:a":")" + std::string(86, 'A');

    EXPECT_NE(hash_of(before + R"("}},"type":"t"})"), hash_of(before + R"("}},"type":"u"})"));
}

TEST(Trace, BlanksOnlyTextOfASignaturesLength) {
    EXPECT_EQ(without_signatures(R"({"ed25519:a":"short"})"), R"({"ed25519:a":"short"})");
    EXPECT_EQ(without_signatures(R"({"key":")" + std::string(43, 'K') + R"("})"),
              R"({"key":")" + std::string(43, '.') + R"("})");
    EXPECT_EQ(without_signatures(R"(sig=")" + std::string(86, 'S') + '"'),
              R"(sig=")" + std::string(86, '.') + '"');
}

}  // namespace
}  // namespace matrix::simulator
