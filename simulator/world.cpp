#include "simulator/world.h"

#include <algorithm>
#include <utility>

#include "refserver/base/assert.h"
#include "refserver/engine/http_api.h"

namespace matrix::simulator {
namespace {

constexpr int kBadGateway = 502;

}  // namespace

std::string room_path(const RoomId& room, std::string_view rest) {
    return "/_matrix/client/v3/rooms/" + engine::percent_encode(room.view()) + std::string(rest);
}

World::World(const Scenario& scenario, Cluster& cluster)
    : scenario_(scenario),
      cluster_(cluster),
      findings_(cluster.trace().recorder()),
      fault_points_(cluster.choices()) {
    for (int number = 0; number < scenario.byzantine_hosts; ++number) {
        hosts_.push_back(std::make_unique<ByzantineHost>(cluster, name_of_byzantine_host(number)));
    }
}

World::~World() = default;

LivingRoom* World::find_room(std::string_view name) {
    const auto place = std::ranges::find(rooms_, name, &LivingRoom::name);
    return place == rooms_.end() ? nullptr : &*place;
}

LivingRoom& World::room_of(const Step& step) {
    LivingRoom* room = find_room(step.text("room"));
    MATRIX_ASSERT(room != nullptr);
    return *room;
}

void World::add_room(LivingRoom room) {
    if (Recorder* recorder = cluster_.trace().recorder())
        recorder->room(room.name, room.id, room.version);
    rooms_.push_back(std::move(room));
}

const User& World::user(std::string_view id) const {
    const auto place = find_user(scenario_, id);
    MATRIX_ASSERT(place.has_value());
    return cluster_.users()[static_cast<std::size_t>(place->server * scenario_.users_per_server +
                                                     place->user)];
}

int World::server_number(std::string_view name) const {
    const auto number = find_server(scenario_, name);
    MATRIX_ASSERT(number.has_value());
    return *number;
}

ByzantineHost& World::byzantine_host(std::string_view name) {
    const auto number = find_byzantine_host(scenario_, name);
    MATRIX_ASSERT(number.has_value());
    return *hosts_[static_cast<std::size_t>(*number)];
}

Task<Answer> World::call(User user, std::string method, std::string target, json::Value body) {
    const std::uint64_t number = ++counts_.operations;
    Recorder* recorder = cluster_.trace().recorder();
    if (recorder != nullptr)
        recorder->client_request(number, user.server, user.id, method + " " + target);
    Answer answer = co_await cluster_.call(user, method, target, std::move(body));
    if (recorder != nullptr) recorder->client_answer(number, answer.status, answer.body);
    if (answer.status == kBadGateway) {
        ++counts_.unreachable;
    } else if (answer.status >= 500) {
        ++counts_.failed;
        findings_.add("answers",
                      cluster_.time().now_us(),
                      user.id.text() + " " + method + " " + target + ": " +
                          std::to_string(answer.status) + " " + json::write(answer.body));
    } else if (answer.status >= 400) {
        ++counts_.refused;
    }
    co_return answer;
}

void World::skip(const Step& step, std::string_view why) {
    ++counts_.skipped;
    cluster_.trace().note("skipped", step.verb + ": " + std::string(why));
}

bool World::has_rooms_of(const Verb& verb, const Step& step) {
    return std::ranges::all_of(verb.parameters, [&](const Parameter& parameter) {
        return parameter.kind != ParameterKind::Room || !step.has(parameter.name) ||
               find_room(step.text(parameter.name)) != nullptr;
    });
}

Task<void> World::perform(const Verb* verb, Step step) {
    if (!has_rooms_of(*verb, step)) co_return skip(step, "no such room yet");
    ++open_steps_;
    co_await verb->perform(this, std::move(step));
    --open_steps_;
}

Task<void> World::end_later(const Verb* verb, std::size_t fault) {
    const std::int64_t for_ms = faults_[fault].step.integer(kDurationParameter);
    co_await cluster_.clock().sleep(runtime::milliseconds(for_ms));
    if (std::exchange(faults_[fault].is_over, true)) co_return;
    cluster_.trace().note("fault over", verb->name);
    verb->end(*this, faults_[fault].step);
}

void World::begin(const Step& step) {
    const Verb* verb = find_verb(step.verb);
    MATRIX_ASSERT(verb != nullptr);
    cluster_.trace().note(name_of(verb->kind), step.verb + " " + json::write(step.arguments));
    cluster_.tasks().start(perform(verb, step));
    if (verb->end == nullptr) return;
    faults_.push_back({verb, step});
    if (step.has(kDurationParameter)) cluster_.tasks().start(end_later(verb, faults_.size() - 1));
}

void World::end_faults() {
    for (ActiveFault& fault : faults_) {
        if (std::exchange(fault.is_over, true)) continue;
        fault.verb->end(*this, fault.step);
    }
    cluster_.trace().note("heal", "");
}

}  // namespace matrix::simulator
