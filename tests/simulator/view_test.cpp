// What is recorded of a run, and what is made of it: a text of columns, a story.

#include <cstdio>
#include <memory>
#include <string>
#include <string_view>

#include <gtest/gtest.h>

#include "simulator/recording/recorder.h"
#include "simulator/recording/recording.h"
#include "simulator/run.h"
#include "simulator/scenario/draw.h"
#include "simulator/view/past.h"
#include "simulator/view/story.h"
#include "simulator/view/subject.h"
#include "simulator/view/text_log.h"

namespace matrix::simulator {
namespace {

struct CloseFile {
    void operator()(std::FILE* file) const { std::fclose(file); }
};

struct Recorded {
    RunReport report;
    Recording recording;
};

Scenario small_scenario(std::uint64_t seed) {
    DrawOptions draw;
    draw.servers = 4;
    draw.seed = seed;
    draw.chaos_ms = 300'000;
    return draw_scenario(draw);
}

Recorded record(const Scenario& scenario, RunOptions options = {}) {
    const std::unique_ptr<std::FILE, CloseFile> file(std::tmpfile());
    EXPECT_NE(file, nullptr);
    Recorder recorder(file.get());
    options.recorder = &recorder;
    auto report = run(scenario, options);
    EXPECT_TRUE(report.has_value());
    return {*std::move(report), read_recording(file.get())};
}

std::string story_of(const Recorded& recorded) {
    return tell_story(recorded.recording,
                      {.banner = "a banner",
                       .outcome = "failed-check",
                       .reason = "",
                       .stuck_in = recorded.report.stuck_in,
                       .trace_hash = recorded.report.trace_hash,
                       .repeat = "simulator run"});
}

bool has(const std::string& text, std::string_view part) {
    return text.find(part) != std::string::npos;
}

TEST(Recorder, DoesNotChangeTheRun) {
    const Scenario scenario = small_scenario(5);
    const auto plain = run(scenario);
    ASSERT_TRUE(plain);
    const Recorded recorded = record(scenario);

    EXPECT_EQ(recorded.report.trace_hash, plain->trace_hash);
    EXPECT_EQ(recorded.report.metrics, plain->metrics);
}

TEST(Recorder, DoesNotChangeARunWithFaults) {
    for (const std::uint64_t seed : {1, 2, 3}) {
        DrawOptions draw;
        draw.servers = 3;
        draw.seed = seed;
        draw.chaos_ms = 120'000;
        draw.is_swarm = true;
        const Scenario scenario = draw_scenario(draw);
        const auto plain = run(scenario);
        ASSERT_TRUE(plain);
        EXPECT_EQ(record(scenario).report.trace_hash, plain->trace_hash) << "seed " << seed;
    }
}

TEST(Recorder, WritesDownWhatTheRunCounted) {
    const Recorded recorded = record(small_scenario(5));
    const Recording& recording = recorded.recording;
    std::size_t sent = 0;
    for (const RecordedMessage& message : recording.messages)
        sent += message.was_sent;

    EXPECT_EQ(recording.dispatches.size(), recorded.report.metric("dispatches"));
    EXPECT_EQ(sent, recorded.report.metric("messages"));
    EXPECT_EQ(recording.clients.size(), recorded.report.metric("operations"));
    EXPECT_FALSE(recording.is_cut);
}

TEST(Recording, HasEveryStateThatAServerStored) {
    const Recorded recorded = record(small_scenario(5));
    std::size_t states = 0;
    for (const RecordedStoring& storing : recorded.recording.storings) {
        if (!storing.before) continue;
        ++states;
        EXPECT_TRUE(recorded.recording.find_state(*storing.before));
        EXPECT_TRUE(recorded.recording.find_state(storing.after.value()));
    }
    EXPECT_GT(states, 100u);
}

TEST(TextLog, TwoRunsOfASeedAreTheSame) {
    const std::string first = write_text_log(record(small_scenario(5)).recording);
    const std::string second = write_text_log(record(small_scenario(5)).recording);

    EXPECT_EQ(first, second);
    EXPECT_NE(first, write_text_log(record(small_scenario(6)).recording));
}

TEST(TextLog, ColumnsStandWhereTheHeadSays) {
    std::string text = write_text_log(record(small_scenario(5)).recording);
    const std::string head = text.substr(0, text.find('\n'));
    const std::size_t kind = head.find("kind");
    std::size_t lines = 0;
    for (std::size_t at = 0; at < text.size();) {
        const std::size_t end = text.find('\n', at);
        const std::string line = text.substr(at, end - at);
        at = end + 1;
        if (line.starts_with('#')) continue;
        ++lines;
        ASSERT_GT(line.size(), kind) << line;
        EXPECT_EQ(line[kind - 1], ' ') << line;
        EXPECT_NE(line[kind], ' ') << line;
    }
    EXPECT_GT(lines, 500u);
}

/// Of the first seed whose story says this; what seeds draw changes with each workload.
std::string find_story(const std::string& plant, std::string_view part) {
    constexpr std::uint64_t kSeedsTried = 12;
    std::string story;
    for (std::uint64_t seed = 1; seed <= kSeedsTried && !has(story, part); ++seed)
        story = story_of(record(small_scenario(seed), {.plant = plant}));
    return story;
}

TEST(Story, SaysThatAServerDroppedABan) {
    const std::string story = find_story("blind-to-bans", "one has placed an event");

    EXPECT_TRUE(has(story, "and s1 PART: one has placed an event")) << story;
    EXPECT_TRUE(has(story, "s1: never stored it")) << story;
    EXPECT_TRUE(has(story, "event_dropped")) << story;
    EXPECT_TRUE(has(story, "signatures: that of")) << story;
}

TEST(Story, SaysWhatADatabaseHasInstead) {
    const std::string story = find_story("rotten-topics", "in the end its database has text");

    EXPECT_TRUE(record(small_scenario(3)).recording.kept.empty());
    EXPECT_TRUE(has(story, "tropic")) << story;
}

TEST(Story, ShowsTheStepsOfAResolution) {
    const std::string story = find_story("blind-to-bans", "resolution at s");

    EXPECT_TRUE(has(story, "in conflict")) << story;
    EXPECT_TRUE(has(story, "allowed by v12") || has(story, "refused by v12")) << story;
}

TEST(Past, HonestServersPartNowhere) {
    const Recorded recorded = record(small_scenario(5));
    const Past past(recorded.recording);
    for (const ScenarioRoom& room : recorded.recording.scenario_rooms) {
        const auto parting = past.find_parting(room.id, 0, 1);
        // A verdict of the current state may be another on each server.
        if (!parting) continue;
        EXPECT_EQ(parting->kind, Parting::Kind::SoftFailed)
            << recorded.recording.events[parting->event].name;
    }
}

TEST(Past, TheOracleResolvesAsTheServers) {
    const Recorded recorded = record(small_scenario(5));
    const Past past(recorded.recording);
    std::size_t meetings = 0;
    for (Index event = 0; event < recorded.recording.events.size(); ++event) {
        const auto meeting = past.find_meeting(0, event);
        // What the server got and never placed has no state that it took.
        if (!meeting || !meeting->taken) continue;
        ++meetings;
        EXPECT_EQ(meeting->taken, meeting->resolved);
    }
    EXPECT_GT(meetings, 3u);
}

TEST(Subject, ReadsServersEventsAndKeys) {
    const Recorded recorded = record(small_scenario(5));
    const Recording& recording = recorded.recording;
    const std::string id = recording.events[3].event->id.text();
    const std::string room = recording.events[3].event->room_id.text();
    const Subject subject = find_subject(
        recording,
        {.what = "room " + room + ", servers 2 and 3: " + id +
                 " is rejected, different state at (m.room.member, @user0:s1.test); 5 of s0.test"});

    EXPECT_EQ(subject.servers, (std::vector{2, 3, 0}));
    EXPECT_EQ(subject.events, (std::vector<Index>{3}));
    EXPECT_EQ(subject.room, recording.events[3].event->room_id);
    EXPECT_EQ(subject.key, (StateKey{"m.room.member", "@user0:s1.test"}));
}

}  // namespace
}  // namespace matrix::simulator
