// Where two runs part.

#include "simulator/divergence.h"

#include <sstream>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "simulator/trace.h"

namespace matrix::simulator {
namespace {

// A run that draws `numbers` on server 3, each a millisecond after the one before.
std::string records_of(const std::vector<std::uint64_t>& numbers) {
    std::ostringstream lines;
    Trace trace(&lines);
    std::int64_t time_us = 0;
    for (const std::uint64_t number : numbers) {
        trace.dispatch(time_us += 1000, 3);
        trace.draw("s3.test outbox", number);
    }
    return lines.str();
}

std::optional<Divergence> divergence_of(const std::string& first, const std::string& second) {
    std::istringstream one(first);
    std::istringstream other(second);
    return find_divergence(one, other);
}

TEST(Divergence, SameRecordsHaveNone) {
    EXPECT_FALSE(divergence_of(records_of({1, 2}), records_of({1, 2})));
    EXPECT_FALSE(divergence_of("", ""));
}

TEST(Divergence, IsTheFirstRecordThatDiffers) {
    const auto found = divergence_of(records_of({1, 2, 3}), records_of({1, 4, 5}));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->line, 4u);
    EXPECT_EQ(found->time_us, 2000);
    EXPECT_EQ(found->server, 3);
    EXPECT_NE(found->first.find(R"("value":"2")"), std::string::npos) << found->first;
    EXPECT_NE(found->second.find(R"("value":"4")"), std::string::npos) << found->second;
    const std::string text = describe(*found);
    EXPECT_NE(text.find("number 4, at 0.002000 virtual s, in a turn of server 3"),
              std::string::npos)
        << text;
}

TEST(Divergence, ARunThatHasEndedDiffersFromOneThatHasNot) {
    const auto found = divergence_of(records_of({1}), records_of({1, 2}));
    ASSERT_TRUE(found);
    EXPECT_EQ(found->line, 3u);
    EXPECT_EQ(found->time_us, 2000);
    EXPECT_NE(describe(*found).find("(this run has ended)"), std::string::npos);
}

TEST(Divergence, OfLongRecordsThePartThatDiffersIsShown) {
    const std::string same(100'000, 'x');
    const auto found = divergence_of(same + "left" + same, same + "right" + same);
    ASSERT_TRUE(found);
    const std::string text = describe(*found);
    EXPECT_LT(text.size(), 2000u);
    EXPECT_NE(text.find("left"), std::string::npos);
    EXPECT_NE(text.find("right"), std::string::npos);
}

}  // namespace
}  // namespace matrix::simulator
