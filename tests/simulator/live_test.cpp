// Live runs against our own server: as it is, and misbehaving in a way that one checker each must
// see.

#include <algorithm>
#include <filesystem>
#include <iterator>

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "refserver/protocol/server_keys.h"
#include "simulator/live/run.h"
#include "tests/simulator/live_fronts.h"

namespace matrix::live {
namespace {

using conformance::IncomingRequest;
using conformance::OutgoingResponse;
using Misbehaviour = MisbehavingTarget::Misbehaviour;

LiveOptions small_run() {
    LiveOptions options;
    options.target.bin_dir = std::filesystem::path(REFSERVER).parent_path().string();
    options.room_versions = {"11"};
    options.plan.servers = 2;
    options.plan.rounds = 2;
    options.plan.operations = 16;
    options.plan.pause_ms_max = 20;
    return options;
}

std::string describe_run(const LiveOptions& options, Report& report) {
    const auto done = run_live(options, report, [](const std::string&) {});
    return done ? report.text() : done.error();
}

TEST(Live, FindsNothingAgainstOurOwnServer) {
    LiveOptions options = small_run();
    options.room_versions = {"10", "11", "12"};
    options.plan.rounds = 3;
    options.plan.operations = 24;
    Report report;

    const std::string text = describe_run(options, report);

    EXPECT_EQ(report.outcome(), Outcome::Passed) << text;
}

TEST(Live, SaysThatItCannotReachATarget) {
    LiveOptions options = small_run();
    options.target.url = "http://127.0.0.1:1";
    Report report;

    const auto done = run_live(options, report, [](const std::string&) {});

    ASSERT_FALSE(done.has_value());
    EXPECT_THAT(done.error(), testing::HasSubstr("not ready"));
}

TEST(Live, IsInconclusiveWhereNothingHappens) {
    LiveOptions options = small_run();
    options.plan.operations = 1;
    options.plan.rounds = 1;
    options.plan.has_faults = false;
    Report report;
    report.demand("what never happens", 1);

    const std::string text = describe_run(options, report);

    EXPECT_EQ(report.outcome(), Outcome::Inconclusive) << text;
}

/// A fault of the target, and the checker that has to see it.
struct PlantedFault {
    std::string name;
    std::string check;
    Misbehaviour misbehaviour;
};
std::ostream& operator<<(std::ostream& out, const PlantedFault& fault) {
    return out << fault.name;
}

bool is_path(const IncomingRequest& request, std::string_view end) {
    return request.path().ends_with(end);
}

Json parse_body(const OutgoingResponse& answer) {
    return Json::parse(answer.body, nullptr, false);
}

// Another key under the name of the server's own.
Json forge_keys(const Json& keys) {
    const std::string key_id = keys["verify_keys"].items().begin().key();
    const auto signer = make_ed25519_signer(KeyId(key_id), std::string(32, 'f'));
    return conformance::from_protocol(
        make_server_keys(ServerName(conformance::string_at(keys, {"server_name"})),
                         *signer,
                         keys["valid_until_ts"].get<std::int64_t>()));
}

// What it shows is not what it has.
std::vector<PlantedFault> faults_of_showing() {
    std::vector<PlantedFault> faults;
    faults.push_back({"another current state",
                      "current state",
                      {.alter = [](const IncomingRequest& request, OutgoingResponse& answer) {
                          if (!is_path(request, "/state") || request.path().contains("federation"))
                              return;
                          Json events = parse_body(answer);
                          events.erase(events.size() - 1);
                          answer.body = events.dump();
                      }}});
    faults.push_back({"an incomplete state before events",
                      "state before an event",
                      {.alter = [](const IncomingRequest& request, OutgoingResponse& answer) {
                          if (!request.path().contains("/v1/state_ids/")) return;
                          Json body = parse_body(answer);
                          if (body.contains("pdu_ids")) body["pdu_ids"].erase(0);
                          answer.body = body.dump();
                      }}});
    faults.push_back({"messages that are not shown",
                      "accepted events are shown",
                      {.alter = [](const IncomingRequest& request, OutgoingResponse& answer) {
                          if (!is_path(request, "/messages")) return;
                          Json body = parse_body(answer);
                          body["chunk"] = Json::array();
                          answer.body = body.dump();
                      }}});
    faults.push_back({"bad events that are shown",
                      "bad events are hidden",
                      {.alter = [](const IncomingRequest& request, OutgoingResponse& answer) {
                          const bool is_event = request.path().contains("/rooms/") &&
                                                request.path().contains("/event/");
                          if (is_event) answer.status = 200;
                      }}});
    return faults;
}

// It does not do what it is asked to, or says so wrongly.
std::vector<PlantedFault> faults_of_doing() {
    std::vector<PlantedFault> faults;
    faults.push_back({"a message that is acknowledged and forgotten",
                      "nothing acknowledged is lost",
                      {.answer = [](const IncomingRequest& request, OutgoingResponse& answer) {
                          const bool is_load =
                              request.path().contains("/send/m.room.message/") &&
                              conformance::string_at(request.json(), {"body"}).starts_with("live");
                          if (!is_load || request.method != "PUT") return false;
                          answer.body = Json{{"event_id", "$forgotten"}}.dump();
                          return true;
                      }}});
    faults.push_back({"an internal error",
                      "answers",
                      {.answer = [](const IncomingRequest& request, OutgoingResponse& answer) {
                          if (!request.path().contains("/state/m.room.topic")) return false;
                          if (request.method != "PUT") return false;
                          answer = conformance::respond_error(500, "M_UNKNOWN", "planted");
                          return true;
                      }}});
    faults.push_back(
        {"an internal error for servers",
         "answers",
         {.alter = [left = 2](const IncomingRequest& request, OutgoingResponse& answer) mutable {
             if (!request.path().contains("/v1/send/") || left == 0) return;
             --left;
             answer = conformance::respond_error(500, "M_UNKNOWN", "planted");
         }}});
    faults.push_back(
        {"good events that are dropped",
         "byzantine",
         {.answer = [left = 1](const IncomingRequest& request, OutgoingResponse& answer) mutable {
             const bool is_good =
                 request.path().contains("/v1/send/") && request.body.contains(R"("body":"good )");
             if (!is_good || left == 0) return false;
             --left;
             answer.body = R"({"pdus":{}})";
             return true;
         }}});
    faults.push_back({"keys that do not confirm its signatures",
                      "events of the target are right",
                      {.alter = [](const IncomingRequest& request, OutgoingResponse& answer) {
                          if (!is_path(request, "/_matrix/key/v2/server")) return;
                          // Our servers get the right ones, or the run could not begin.
                          const std::string* agent =
                              conformance::find_header(request.headers, "User-Agent");
                          if (agent == nullptr || !agent->contains("live"))
                              answer.body = forge_keys(parse_body(answer)).dump();
                      }}});
    faults.push_back({"a join that is refused",
                      "joins",
                      {.answer = [](const IncomingRequest& request, OutgoingResponse& answer) {
                          if (!request.path().contains("/v2/send_join/")) return false;
                          answer = conformance::respond_error(403, "M_FORBIDDEN", "planted");
                          return true;
                      }}});
    return faults;
}

std::vector<PlantedFault> planted_faults() {
    std::vector<PlantedFault> faults = faults_of_showing();
    std::ranges::copy(faults_of_doing(), std::back_inserter(faults));
    return faults;
}

class LivePlanted : public testing::TestWithParam<PlantedFault> {};

TEST_P(LivePlanted, IsSeenByItsChecker) {
    std::string folder = (std::filesystem::temp_directory_path() / "live-XXXXXX").string();
    ASSERT_NE(::mkdtemp(folder.data()), nullptr);
    const MisbehavingTarget target(folder, GetParam().misbehaviour);
    LiveOptions options = small_run();
    options.target.url = target.url();
    options.ca_dir = folder;
    options.plan.has_faults = false;
    options.plan.rounds = 10;  // Each way of misbehaving has its turn.
    options.plan.operations = 12;
    // Some of them keep a run from settling, or a good event from being seen.
    options.settle_within = std::chrono::seconds(10);
    options.answer_within = std::chrono::seconds(10);
    Report report;

    const std::string text = describe_run(options, report);

    EXPECT_EQ(report.outcome(), Outcome::FailedCheck) << text;
    EXPECT_THAT(report.findings(),
                testing::Contains(testing::Field(&Finding::check, GetParam().check)))
        << text;
    std::filesystem::remove_all(folder);
}

INSTANTIATE_TEST_SUITE_P(Targets,
                         LivePlanted,
                         testing::ValuesIn(planted_faults()),
                         [](const testing::TestParamInfo<PlantedFault>& one) {
                             std::string name = one.param.name;
                             std::ranges::replace(name, ' ', '_');
                             return name;
                         });

}  // namespace
}  // namespace matrix::live
