#include "simulator/world.h"

#include <algorithm>
#include <utility>

#include "refserver/base/assert.h"
#include "refserver/engine/http_api.h"
#include "refserver/storage/remote_keys.h"

namespace matrix::simulator {
namespace {

constexpr int kNoConnection = 0;
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

LivingRoom& World::room_named(std::string_view name) {
    LivingRoom* room = find_room(name);
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

std::optional<std::string> World::find_excuse_of(int server) {
    const auto& lost = cluster_.server(server).lost_data();
    if (!lost) return std::nullopt;
    return cluster_.server(server).name().text() + " has lost what it acknowledged: " + *lost;
}

std::optional<std::string> World::find_excuse_of_keys(int server) {
    storage::RemoteKeys known(cluster_.server(server).engine().turns());
    for (int number = 0; number < cluster_.server_count(); ++number) {
        SimulatedServer& other = cluster_.server(number);
        if (number == server || !other.lost_data() || !other.is_up()) continue;
        const auto keys = known.load(other.name());
        for (const KeyId& lost : other.lost_keys()) {
            if (keys.contains(lost)) continue;
            return cluster_.server(server).name().text() + " cannot learn the key " + lost.text() +
                   " of " + other.name().text() + ", which has lost it: " + *other.lost_data();
        }
    }
    return std::nullopt;
}

Task<Answer> World::call(User user, std::string method, std::string target, json::Value body) {
    const std::uint64_t number = ++counts_.operations;
    Recorder* recorder = cluster_.trace().recorder();
    if (recorder != nullptr)
        recorder->client_request(number, user.server, user.id, method + " " + target);
    Answer answer = co_await cluster_.call(user, method, target, std::move(body));
    if (recorder != nullptr) recorder->client_answer(number, answer.status, answer.body);
    SimulatedServer& server = cluster_.server(user.server);
    if (answer.status == kNoConnection || answer.status == kBadGateway) {
        ++counts_.unreachable;
    } else if (answer.status >= 500 && (server.is_disk_suspect() || server.lost_data())) {
        ++counts_.failed_by_faults;
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

Task<void> World::call_alone(User user, std::string method, std::string target, json::Value body) {
    ++open_steps_;
    co_await call(std::move(user), std::move(method), std::move(target), std::move(body));
    --open_steps_;
}

void World::request_later(User user, std::string method, std::string target, json::Value body) {
    cluster_.tasks().start(
        call_alone(std::move(user), std::move(method), std::move(target), std::move(body)));
}

std::optional<std::string> World::find_doubt_of(const RoomId& room) const {
    const auto doubt = doubts_.find(room);
    if (doubt == doubts_.end()) return std::nullopt;
    return "room " + room.text() + ": " + doubt->second;
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

Task<void> World::end_later(std::size_t fault) {
    const std::int64_t for_ms = faults_[fault].step.integer(kDurationParameter);
    co_await cluster_.clock().sleep(runtime::milliseconds(for_ms));
    end(faults_[fault]);
}

void World::end(ActiveFault& fault) {
    if (std::exchange(fault.is_over, true)) return;
    cluster_.trace().note("fault over", fault.verb->name);
    if (has_rooms_of(*fault.verb, fault.step)) fault.verb->end(*this, fault.step);
}

void World::begin(const Step& step) {
    const Verb* verb = find_verb(step.verb);
    MATRIX_ASSERT(verb != nullptr);
    cluster_.trace().note(name_of(verb->kind), step.verb + " " + json::write(step.arguments));
    if (verb->kind == VerbKind::Fault) measure("faults_" + step.verb, 1);
    if (verb->kind == VerbKind::Byzantine) measure("byzantine_" + step.verb, 1);
    if (verb->end != nullptr) faults_.push_back({verb, step});
    cluster_.tasks().start(perform(verb, step));
    if (verb->end == nullptr || !step.has(kDurationParameter)) return;
    cluster_.tasks().start(end_later(faults_.size() - 1));
}

std::vector<const Step*> World::active_faults() const {
    std::vector<const Step*> active;
    for (const ActiveFault& fault : faults_) {
        if (!fault.is_over) active.push_back(&fault.step);
    }
    return active;
}

std::vector<const Step*> World::active_faults(std::string_view verb) const {
    std::vector<const Step*> active = active_faults();
    std::erase_if(active, [&](const Step* step) { return step->verb != verb; });
    return active;
}

void World::end_faults() {
    for (ActiveFault& fault : faults_)
        end(fault);
    cluster_.trace().note("heal", "");
}

}  // namespace matrix::simulator
