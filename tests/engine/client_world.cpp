#include "tests/engine/client_world.h"

#include <gtest/gtest.h>

namespace matrix::engine {

const json::Value* ClientAnswer::at(std::initializer_list<std::string_view> keys) const {
    const json::Value* found = &body;
    for (const std::string_view key : keys)
        found = found ? found->find(key) : nullptr;
    return found;
}

std::string ClientAnswer::string_at(std::initializer_list<std::string_view> keys) const {
    const json::Value* found = at(keys);
    const std::string* string = found ? found->if_string() : nullptr;
    return string ? *string : "";
}

std::string ClientAnswer::errcode() const {
    return string_at({"errcode"});
}

namespace {

simulator::ClusterOptions options_of(int servers, std::uint64_t seed) {
    simulator::ClusterOptions options;
    options.servers = servers;
    options.users_per_server = 3;
    options.identity_seed = seed;
    options.choices.seed = seed;
    return options;
}

constexpr std::int64_t kStepMs = 5;
constexpr std::int64_t kLimitMs = 60'000;

}  // namespace

ClientWorld::ClientWorld(int servers, std::uint64_t seed) : cluster_(options_of(servers, seed)) {
    run(1000);
}

PendingAnswer ClientWorld::start(runtime::HttpRequest request, int server) {
    PendingAnswer pending;
    simulator::SimulatedServer& host = cluster_.server(server);
    host.executor().post([&host, request = std::move(request), slot = pending.slot_]() mutable {
        host.engine().handle(std::move(request), [slot](runtime::HttpResponse response) {
            ClientAnswer answer;
            answer.status = response.status;
            answer.headers = response.headers;
            answer.text = response.body;
            if (auto body = json::parse(response.body, json::Numbers::Any)) answer.body = *body;
            *slot = std::move(answer);
        });
    });
    return pending;
}

ClientAnswer ClientWorld::send(runtime::HttpRequest request, int server) {
    const std::string name = request.method + " " + request.target;
    const PendingAnswer pending = start(std::move(request), server);
    for (std::int64_t waited = 0; !pending.is_there() && waited < kLimitMs; waited += kStepMs)
        run(kStepMs);
    if (!pending.is_there()) {
        ADD_FAILURE() << name << " was not answered";
        return {};
    }
    return *pending;
}

runtime::HttpRequest ClientWorld::make_request(const std::string& token,
                                               std::string method,
                                               const std::string& path,
                                               const json::Value& body) const {
    runtime::HttpRequest request;
    request.method = std::move(method);
    request.target = "/_matrix/client/v3" + path;
    if (!token.empty()) request.headers.add("Authorization", "Bearer " + token);
    if (!body.is_null()) request.body = json::write(body);
    return request;
}

ClientAnswer ClientWorld::call(const std::string& token,
                               std::string method,
                               const std::string& path,
                               const json::Value& body,
                               int server) {
    return send(make_request(token, std::move(method), path, body), server);
}

const simulator::User& ClientWorld::user(int number, int server) const {
    int seen = 0;
    for (const simulator::User& user : cluster_.users()) {
        if (user.server == server && seen++ == number) return user;
    }
    MATRIX_ASSERT(false);
    unreachable();
}

std::string ClientWorld::create_room(const std::string& token, json::Object wish, int server) {
    const ClientAnswer answer = call(token, "POST", "/createRoom", std::move(wish), server);
    EXPECT_EQ(answer.status, 200) << answer.text;
    return answer.string_at({"room_id"});
}

void ClientWorld::run(std::int64_t milliseconds) {
    cluster_.time().run_until(cluster_.time().now_us() + milliseconds * 1000);
}

std::string segment(std::string_view text) {
    return simulator::encode_segment(text);
}

}  // namespace matrix::engine
