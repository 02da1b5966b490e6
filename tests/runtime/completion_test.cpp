// Completion and Signal: at once or later, cancelled by destruction, woken in order.
#include "refserver/runtime/completion.h"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "refserver/runtime/task_group.h"

namespace matrix::runtime {
namespace {

/// An operation that the test finishes.
struct Operation {
    Completion<std::string>::Done done;
    int cancellations = 0;

    Completion<std::string> run() {
        return Completion<std::string>([this](Completion<std::string>::Done when_done) {
            done = std::move(when_done);
            return Pending([this] { ++cancellations; });
        });
    }
};

Task<void> note_result(Operation* operation, std::string* into) {
    *into = co_await operation->run();
}

TEST(Completion, ResumesWithTheResult) {
    Operation operation;
    std::string result;
    TaskGroup group;
    group.start(note_result(&operation, &result));
    EXPECT_EQ(result, "");
    operation.done("later");
    EXPECT_EQ(result, "later");
    EXPECT_EQ(group.size(), 0U);
}

TEST(Completion, IsCancelledWhenTheWaiterIsDestroyed) {
    Operation operation;
    std::string result;
    {
        TaskGroup group;
        group.start(note_result(&operation, &result));
        EXPECT_EQ(operation.cancellations, 0);
    }
    EXPECT_EQ(operation.cancellations, 1);
    EXPECT_EQ(result, "");
}

Completion<int> finish_at_once(int result) {
    return Completion<int>([result](Completion<int>::Done done) {
        done(result);
        return Pending();
    });
}

Task<void> add_often(std::int64_t* sum) {
    for (int count = 0; count < 1'000'000; ++count)
        *sum += co_await finish_at_once(1);
}

TEST(Completion, NeedsNoStackWhenItFinishesAtOnce) {
    std::int64_t sum = 0;
    TaskGroup group;
    group.start(add_often(&sum));
    EXPECT_EQ(sum, 1'000'000);
}

Task<void> note_wakes(Signal* signal,
                      std::vector<std::string>* wakes,
                      std::string name,
                      int times) {
    for (int count = 0; count < times; ++count) {
        co_await signal->wait();
        wakes->push_back(name);
    }
}

TEST(Signal, WakesInTheOrderOfWaitingAndOnceEach) {
    Signal signal;
    std::vector<std::string> wakes;
    TaskGroup group;
    group.start(note_wakes(&signal, &wakes, "a", 2));
    group.start(note_wakes(&signal, &wakes, "b", 2));
    signal.notify_all();
    EXPECT_EQ(wakes, (std::vector<std::string>{"a", "b"}));
    signal.notify_all();
    EXPECT_EQ(wakes, (std::vector<std::string>{"a", "b", "a", "b"}));
    EXPECT_EQ(signal.size(), 0U);
}

Task<void> end_others_and_wait(Signal* signal,
                               std::optional<TaskGroup>* others,
                               std::vector<std::string>* wakes) {
    co_await signal->wait();
    wakes->push_back("first");
    others->reset();
    co_await signal->wait();
    wakes->push_back("again");
}

TEST(Signal, LetsAWokenOneDestroyOthersAndWaitAgain) {
    Signal signal;
    std::vector<std::string> wakes;
    TaskGroup group;
    std::optional<TaskGroup> others(std::in_place);
    group.start(end_others_and_wait(&signal, &others, &wakes));
    others->start(note_wakes(&signal, &wakes, "destroyed", 1));
    others->start(note_wakes(&signal, &wakes, "destroyed", 1));
    signal.notify_all();
    EXPECT_EQ(wakes, (std::vector<std::string>{"first"}));
    signal.notify_all();
    EXPECT_EQ(wakes, (std::vector<std::string>{"first", "again"}));
}

Task<void> notify_and_note(Signal* signal, std::vector<std::string>* wakes) {
    co_await signal->wait();
    wakes->push_back("nester");
    signal->notify_all();
    wakes->push_back("nester ends");
}

TEST(Signal, MayBeNotifiedByAWokenOne) {
    Signal signal;
    std::vector<std::string> wakes;
    TaskGroup group;
    group.start(notify_and_note(&signal, &wakes));
    group.start(note_wakes(&signal, &wakes, "other", 1));
    signal.notify_all();
    EXPECT_EQ(wakes, (std::vector<std::string>{"nester", "other", "nester ends"}));
}

TEST(Pending, RunsItsActionOnce) {
    int runs = 0;
    {
        Pending first([&] { ++runs; });
        Pending second = std::move(first);
        first.reset();
        EXPECT_EQ(runs, 0);
        second = Pending();
        EXPECT_EQ(runs, 1);
    }
    EXPECT_EQ(runs, 1);
}

}  // namespace
}  // namespace matrix::runtime
