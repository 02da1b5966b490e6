// Task and TaskGroup: results, laziness, destruction while waiting, constant stack.
#include "refserver/runtime/task.h"

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "refserver/runtime/completion.h"
#include "refserver/runtime/task_group.h"

namespace matrix::runtime {
namespace {

/// Notes its end in a list.
struct Mark {
    std::vector<std::string>& ends;
    std::string name;
    ~Mark() { ends.push_back(name); }
};

Task<int> answer() {
    co_return 42;
}

Task<std::unique_ptr<int>> boxed_answer() {
    const int number = co_await answer();
    co_return std::make_unique<int>(number);
}

Task<void> note_answer(int* into) {
    const auto box = co_await boxed_answer();
    *into = *box;
}

TEST(Task, HandsOnWhatItReturnsAlsoWhatCannotBeCopied) {
    TaskGroup group;
    int noted = 0;
    group.start(note_answer(&noted));
    EXPECT_EQ(noted, 42);
    EXPECT_EQ(group.size(), 0U);
}

TEST(Task, DoesNothingBeforeItIsAwaited) {
    int noted = 0;
    {
        const Task<void> task = note_answer(&noted);
    }
    EXPECT_EQ(noted, 0);
}

Task<int> wait_inside_condition(Signal* signal) {
    // GCC 12 takes the wrong branch here.
    if (co_await answer() == 42) {
        co_await signal->wait();
        co_return 1;
    }
    co_return 2;
}

Task<void> note_condition(Signal* signal, int* into) {
    *into = co_await wait_inside_condition(signal);
}

TEST(Task, GoesOnWhereItWaited) {
    Signal signal;
    TaskGroup group;
    int noted = 0;
    group.start(note_condition(&signal, &noted));
    EXPECT_EQ(noted, 0);
    EXPECT_EQ(group.size(), 1U);
    signal.notify_all();
    EXPECT_EQ(noted, 1);
    EXPECT_EQ(group.size(), 0U);
}

Task<void> wait_marked(Signal* signal, std::vector<std::string>* ends, std::string name) {
    const Mark mark{*ends, name};
    co_await signal->wait();
    ends->push_back(name + " woke");
}

Task<void> wait_nested(Signal* signal, std::vector<std::string>* ends, std::string name) {
    const Mark mark{*ends, name + " outside"};
    co_await wait_marked(signal, ends, name + " inside");
    ends->push_back("never");
}

TEST(TaskGroup, DestroysWhatWaitsTheOldestFirstAndFromTheInside) {
    Signal signal;
    std::vector<std::string> ends;
    {
        TaskGroup group;
        group.start(wait_nested(&signal, &ends, "first"));
        group.start(wait_nested(&signal, &ends, "second"));
        EXPECT_EQ(signal.size(), 2U);
    }
    EXPECT_EQ(ends,
              (std::vector<std::string>{
                  "first inside", "first outside", "second inside", "second outside"}));
    EXPECT_EQ(signal.size(), 0U);
    signal.notify_all();
}

Task<void> start_another(TaskGroup* group, Signal* signal, std::vector<std::string>* ends) {
    group->start(wait_marked(signal, ends, "child"));
    co_return;
}

TEST(TaskGroup, TakesTasksFromItsTasks) {
    Signal signal;
    std::vector<std::string> ends;
    TaskGroup group;
    group.start(start_another(&group, &signal, &ends));
    EXPECT_EQ(group.size(), 1U);
    signal.notify_all();
    EXPECT_EQ(ends, (std::vector<std::string>{"child woke", "child"}));
    EXPECT_EQ(group.size(), 0U);
}

constexpr int kManyAwaits = 1'000'000;

Task<std::uintptr_t> stack_place() {
    co_return reinterpret_cast<std::uintptr_t>(__builtin_frame_address(0));
}

Task<void> await_often(bool* is_constant) {
    const std::uintptr_t first = co_await stack_place();
    *is_constant = true;
    for (int count = 0; count < kManyAwaits; ++count) {
        const std::uintptr_t now = co_await stack_place();
        *is_constant = *is_constant && now == first;
    }
}

TEST(Task, NeedsConstantStackInALoopOfFinishedTasks) {
    TaskGroup group;
    bool is_constant = false;
    group.start(await_often(&is_constant));
    EXPECT_EQ(group.size(), 0U);
    EXPECT_TRUE(is_constant);
}

Task<int> wait_once(Signal* signal) {
    co_await signal->wait();
    co_return 1;
}

Task<void> wait_often(Signal* signal, int* sum) {
    while (*sum < kManyAwaits)
        *sum += co_await wait_once(signal);
}

TEST(Task, NeedsConstantStackInALoopOfWaits) {
    Signal signal;
    TaskGroup group;
    int sum = 0;
    group.start(wait_often(&signal, &sum));
    for (int count = 0; count < kManyAwaits; ++count)
        signal.notify_all();
    EXPECT_EQ(sum, kManyAwaits);
    EXPECT_EQ(group.size(), 0U);
}

Task<int> recurse(Signal* signal, int depth) {
    if (depth == 0) {
        co_await signal->wait();
        co_return 0;
    }
    const int below = co_await recurse(signal, depth - 1);
    co_return below + 1;
}

Task<void> note_recursion(Signal* signal, int* into) {
    *into = co_await recurse(signal, 1000);
}

TEST(Task, ComesBackThroughManyFrames) {
    Signal signal;
    TaskGroup group;
    int depth = 0;
    group.start(note_recursion(&signal, &depth));
    signal.notify_all();
    EXPECT_EQ(depth, 1000);
}

}  // namespace
}  // namespace matrix::runtime
