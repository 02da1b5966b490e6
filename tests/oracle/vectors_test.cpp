// Reading and writing vectors: what is wrong is named by its place.

#include "conformance/oracle/vectors.h"

#include <fstream>
#include <sstream>

#include <gtest/gtest.h>

namespace matrix::oracle {
namespace {

// A file of one case, into which a test puts its mistakes.
std::string file_of(std::string_view events, std::string_view rest) {
    return R"({"format_version":"1.0.0","cases":[{"name":"n","room_version":"11",)"
           R"("room_id":"!r:a","reason":"r","events":)" +
           std::string(events) + ',' + std::string(rest) + "}]}";
}

constexpr std::string_view kCreate =
    R"({"event_id":"$c","type":"m.room.create","state_key":"","sender":"@u:a","content":{}})";
constexpr std::string_view kMessage =
    R"({"event_id":"$m","type":"m.room.message","sender":"@u:a","content":{}})";
constexpr std::string_view kRest = R"("state_sets":[["$c"]],"result":"valid","resolved":["$c"])";

std::string error_of(std::string_view bytes) {
    const auto cases = parse_resolution_cases(bytes);
    if (cases) return "none";
    std::ostringstream out;
    out << cases.error();
    return out.str();
}

std::string array_of(std::initializer_list<std::string_view> items) {
    std::string text = "[";
    for (const std::string_view item : items)
        text += (text.size() > 1 ? "," : "") + std::string(item);
    return text + ']';
}

TEST(Vectors, ReadACase) {
    const auto cases = parse_resolution_cases(file_of(array_of({kCreate, kMessage}), kRest));
    ASSERT_TRUE(cases) << cases.error();
    ASSERT_EQ(cases->size(), 1U);
    const ResolutionCase& vector = cases->front();
    EXPECT_EQ(vector.rules->version, "11");
    ASSERT_EQ(vector.events.size(), 2U);
    EXPECT_EQ(vector.events[0]->room_id, RoomId("!r:a"));
    EXPECT_FALSE(vector.events[1]->is_state());
    EXPECT_EQ(vector.state_sets.front().at({"m.room.create", ""}), EventId("$c"));
}

TEST(Vectors, NameThePlaceOfAMistake) {
    struct Row {
        std::string file;
        const char* error;
    };
    const std::string one = array_of({kCreate});
    const Row rows[] = {
        {"{", "expected JSON, with"},
        {"{}", "format_version: expected"},
        {R"({"format_version":"2.0.0","cases":[]})", "format_version: expected"},
        {R"({"format_version":"1.0.0"})", "cases: expected an array of cases"},
        {R"({"format_version":"1.0.0","cases":[1]})", "cases[0]: expected an object"},
        {file_of("7", kRest), "cases[0].events: expected an array of events, not an integer"},
        {file_of("[7]", kRest), "cases[0].events[0]: expected an event, not an integer"},
        {file_of(array_of({kCreate, kCreate}), kRest),
         "cases[0].events[1]: expected each event once"},
        {file_of(R"([{"event_id":"x"}])", kRest), "cases[0].events[0].event_id: expected an event"},
        {file_of(R"([{"event_id":"$x","sender":"@u:a","content":{}}])", kRest),
         "cases[0].events[0].type: expected a string, but it is missing"},
        {file_of(R"([{"event_id":"$x","type":"t","sender":"u","content":{}}])", kRest),
         "cases[0].events[0].sender: expected a user id"},
        {file_of(R"([{"event_id":"$x","type":"t","sender":"@u:a","content":[]}])", kRest),
         "cases[0].events[0].content: expected an object, not an array"},
        {file_of(R"([{"event_id":"$x","type":"t","sender":"@u:a","content":{"a":1.5}}])", kRest),
         "cases[0].events[0].content: expected integers of canonical JSON"},
        {file_of(R"([{"event_id":"$x","type":"t","sender":"@u:a","content":{},"depth":"1"}])",
                 kRest),
         "cases[0].events[0].depth: expected an integer, not a string"},
        {file_of(
             R"([{"event_id":"$x","type":"t","sender":"@u:a","content":{},"auth_events":["$a",1]}])",
             kRest),
         "cases[0].events[0].auth_events[1]: expected an event id, not an integer"},
        {file_of(R"([{"type":"t"}])", kRest), "cases[0].events[0]."},
        {file_of(one, R"("state_sets":[["$d"]],"result":"valid","resolved":[])"),
         "cases[0].state_sets[0][0]: expected the id of one of the events, not $d"},
        {file_of(array_of({kMessage}), R"("state_sets":[["$m"]],"result":"valid","resolved":[])"),
         "cases[0].state_sets[0][0]: expected a state event; $m has no state_key"},
        {file_of(one, R"("state_sets":[["$c","$c"]],"result":"valid","resolved":[])"),
         "cases[0].state_sets[0][1]: expected one event for each type and state_key"},
        {file_of(one, R"("state_sets":[[{"type":"t"}]],"result":"valid","resolved":[])"),
         "cases[0].state_sets[0][0]: expected strings"},
        {file_of(one, R"("state_sets":[],"result":"good","resolved":[])"),
         "cases[0].result: expected valid, invalid or acceptable"},
        {file_of(one, R"("state_sets":[],"result":"valid","resolved":[],"trace":{})"),
         "cases[0].trace.full_conflicted_set: expected a value, but it is missing"},
        {file_of(one, R"("state_sets":[],"result":"valid","resolved":[],"differs_under":{"x":[]})"),
         "cases[0].differs_under.x: expected the name of a quirk"},
    };
    for (const Row& row : rows) {
        const std::string error = error_of(row.file);
        EXPECT_TRUE(error.starts_with(row.error)) << row.file << "\n  gives: " << error;
    }
}

TEST(Vectors, AreReadAsTheyWereWritten) {
    std::ifstream file("fixtures/vectors/state_resolution/counter_examples.json");
    std::stringstream bytes;
    bytes << file.rdbuf();
    auto cases = parse_resolution_cases(bytes.str());
    ASSERT_TRUE(cases) << cases.error();
    for (ResolutionCase& vector : *cases)
        vector.trace = describe_trace(resolve(vector.make_room(), vector.state_sets).trace);

    const std::string written = write_resolution_cases(*cases, "schema.json");
    const auto again = parse_resolution_cases(written);
    ASSERT_TRUE(again) << again.error();
    ASSERT_EQ(again->size(), cases->size());
    for (std::size_t index = 0; index < cases->size(); ++index) {
        const ResolutionCase& one = (*cases)[index];
        const ResolutionCase& other = (*again)[index];
        EXPECT_EQ(other.state_sets, one.state_sets) << one.name;
        EXPECT_EQ(other.trace, one.trace) << one.name;
        EXPECT_EQ(other.differs_under, one.differs_under) << one.name;
        EXPECT_EQ(other.result, one.result) << one.name;
        EXPECT_EQ(describe_trace(resolve(other.make_room(), other.state_sets).trace), one.trace);
    }
    EXPECT_EQ(write_resolution_cases(*again, "schema.json"), written);
}

}  // namespace
}  // namespace matrix::oracle
