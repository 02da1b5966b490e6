#include "refserver/base/sometimes.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "refserver/runtime/task.h"
#include "refserver/runtime/task_group.h"
#include "tests/runtime/sometimes_places.h"

namespace matrix {
namespace {

using testing::UnorderedElementsAre;

std::vector<std::string_view> names_of_reached() {
    std::vector<std::string_view> names;
    for (const SometimesPlace& place : list_sometimes_places()) {
        if (place.is_reached) names.push_back(place.name);
    }
    return names;
}

class Sometimes : public testing::Test {
protected:
    Sometimes() { forget_sometimes_marks(); }
};

runtime::Task<int> pass_place_of_coroutine(int number) {
    SIM_SOMETIMES(number == 3, "a coroutine is given a three");
    co_return number;
}

TEST_F(Sometimes, ListsEachPlaceOnceWhetherReachedOrNot) {
    std::vector<std::string_view> names;
    for (const SometimesPlace& place : list_sometimes_places())
        names.push_back(place.name);
    EXPECT_THAT(names,
                UnorderedElementsAre("a number of a template is small",
                                     "an inline function is called",
                                     "a function that nobody calls is called",
                                     "a coroutine is given a three",
                                     "a place of a test is passed"));
}

TEST_F(Sometimes, NothingIsReachedAtFirst) {
    EXPECT_TRUE(names_of_reached().empty());
}

TEST_F(Sometimes, APlaceInAHeaderIsReachedFromAnyFile) {
    pass_places_elsewhere();
    EXPECT_THAT(
        names_of_reached(),
        UnorderedElementsAre("an inline function is called", "a number of a template is small"));
}

TEST_F(Sometimes, AConditionDecides) {
    is_small_number(11);
    EXPECT_TRUE(names_of_reached().empty());
    is_small_number(9);
    EXPECT_THAT(names_of_reached(), UnorderedElementsAre("a number of a template is small"));
}

TEST_F(Sometimes, ACoroutineMarksWhenItRuns) {
    auto task = pass_place_of_coroutine(3);
    EXPECT_TRUE(names_of_reached().empty());
    runtime::TaskGroup group;
    group.start([](runtime::Task<int> inner) -> runtime::Task<void> {
        co_await std::move(inner);
    }(std::move(task)));
    EXPECT_THAT(names_of_reached(), UnorderedElementsAre("a coroutine is given a three"));
}

TEST_F(Sometimes, AMarkSaysWhereItStands) {
    SIM_SOMETIMES("a place of a test is passed");
    const auto line = static_cast<std::uint32_t>(__LINE__ - 1);
    const auto places = list_sometimes_places();
    const auto place = std::ranges::find(
        places, std::string_view("a place of a test is passed"), &SometimesPlace::name);
    ASSERT_NE(place, places.end());
    EXPECT_EQ(place->file, "tests/runtime/sometimes_test.cpp");
    EXPECT_EQ(place->line, line);
    EXPECT_TRUE(place->is_reached);
}

}  // namespace
}  // namespace matrix
