// The first sync of a client: everything that its user is to see, at once.

#include <nlohmann/json.hpp>

#include "conformance/harness/response.h"
#include "tests/bench/gathering.h"

namespace matrix::bench {
namespace {

using conformance::Json;

constexpr std::size_t kMembersOfFirstRoom = 20;
constexpr int kMessagesPerRoom = 20;

// The first room is that of the gathering, the others are of its first member alone.
Problem fill_rooms(Gathering& gathering, std::size_t rooms) {
    Member& user = gathering.members().front();
    std::vector<RoomId> ids{gathering.room()};
    while (ids.size() < rooms) {
        auto room = gathering.create_room(user);
        if (!room) return room.error();
        ids.push_back(*std::move(room));
    }
    for (const RoomId& room : ids) {
        for (int message = 0; message < kMessagesPerRoom; ++message) {
            Problem problem =
                problem_of_send(user.connection.ask(gathering.next_message(user, room)));
            if (!problem.empty()) return problem;
        }
    }
    return {};
}

Problem check_sync(const Answer& answer, std::size_t rooms) {
    if (!answer.is_ok()) return describe("sync", answer);
    const Json body = Json::parse(answer.body, nullptr, false);
    const Json& joined = conformance::at_path(body, {"rooms", "join"});
    if (joined.size() != rooms) return "sync gave " + std::to_string(joined.size()) + " rooms";
    for (const Json& room : joined) {
        if (conformance::at_path(room, {"timeline", "events"}).empty()) {
            return "sync gave a room without events";
        }
    }
    return {};
}

void initial_sync(benchmark::State& state) {
    const auto rooms = static_cast<std::size_t>(state.range(0));
    const auto gathering = Gathering::open(kMembersOfFirstRoom);
    if (!gathering) return state.SkipWithError(gathering.error().c_str());
    if (const Problem problem = fill_rooms(**gathering, rooms); !problem.empty()) {
        return state.SkipWithError(problem.c_str());
    }
    Member& user = (*gathering)->members().front();
    const std::string request = make_request("GET", "/_matrix/client/v3/sync", user.access_token);
    std::size_t bytes = 0;
    for (auto _ : state) {
        const Answer answer = user.connection.ask(request);
        if (!answer.is_ok()) return state.SkipWithError(describe("sync", answer).c_str());
        bytes = answer.body.size();
    }
    // Nothing has changed meanwhile, so one look inside is enough.
    if (const Problem problem = check_sync(user.connection.ask(request), rooms); !problem.empty()) {
        return state.SkipWithError(problem.c_str());
    }
    state.counters["bytes"] = static_cast<double>(bytes);
}
BENCHMARK(initial_sync)
    ->ArgName("rooms")
    ->Arg(1)
    ->Arg(50)
    ->Unit(benchmark::kMillisecond)
    ->UseRealTime();

}  // namespace
}  // namespace matrix::bench
