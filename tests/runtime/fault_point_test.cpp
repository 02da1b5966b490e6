#include "refserver/runtime/fault_point.h"

#include <string>
#include <vector>

#include <gtest/gtest.h>

namespace matrix::runtime {
namespace {

bool pass_fault_point() {
    return SIM_FAULT_POINT("a test's batch holds one item");
}

bool is_marked() {
    for (const SometimesPlace& place : list_sometimes_places()) {
        if (place.name == "fault point: a test's batch holds one item") return place.is_reached;
    }
    ADD_FAILURE() << "the fault point is not listed";
    return false;
}

class EverySecond final : public FaultPlan {
public:
    bool fires(std::string_view name) override {
        asked.emplace_back(name);
        return asked.size() % 2 == 0;
    }
    std::vector<std::string> asked;
};

TEST(FaultPoint, NeverFiresWithoutAPlan) {
    forget_sometimes_marks();
    for (int time = 0; time < 1000; ++time)
        EXPECT_FALSE(pass_fault_point());
    EXPECT_FALSE(is_marked());
}

TEST(FaultPoint, FiresWhenThePlanSaysSo) {
    forget_sometimes_marks();
    EverySecond plan;
    EXPECT_FALSE(pass_fault_point());
    EXPECT_FALSE(is_marked());
    EXPECT_TRUE(pass_fault_point());
    EXPECT_TRUE(is_marked());
    EXPECT_EQ(plan.asked, std::vector<std::string>(2, "a test's batch holds one item"));
}

TEST(FaultPoint, IsInertAgainWhenThePlanIsGone) {
    {
        EverySecond plan;
    }
    EXPECT_EQ(FaultPlan::find_installed(), nullptr);
    EXPECT_FALSE(pass_fault_point());
}

TEST(FaultPointDeathTest, ThereIsOnePlanAtATime) {
    EverySecond plan;
    EXPECT_DEATH(EverySecond(), "assertion failed");
}

}  // namespace
}  // namespace matrix::runtime
