#include "tests/bench/gathering.h"

#include <nlohmann/json.hpp>

#include "conformance/harness/response.h"

namespace matrix::bench {

using conformance::escape;
using conformance::Json;

std::expected<std::unique_ptr<Gathering>, Problem> Gathering::open(std::size_t members) {
    auto server = LiveServer::start(members);
    if (!server) return std::unexpected(server.error());
    std::unique_ptr<Gathering> gathering(new Gathering(*std::move(server)));
    auto room = gathering->create_room(gathering->members_.front());
    if (!room) return std::unexpected(room.error());
    gathering->room_ = *std::move(room);
    Problem problem = gathering->join_all(gathering->room_);
    if (!problem.empty()) return std::unexpected(std::move(problem));
    return gathering;
}

Gathering::Gathering(std::unique_ptr<LiveServer> server) : server_(std::move(server)) {
    for (const std::string& token : server_->access_tokens())
        members_.push_back({token, HttpConnection(server_->port())});
}

std::vector<HttpConnection*> Gathering::connections() {
    std::vector<HttpConnection*> connections;
    for (Member& member : members_)
        connections.push_back(&member.connection);
    return connections;
}

std::expected<RoomId, Problem> Gathering::create_room(Member& creator) {
    const Answer answer = creator.connection.ask(make_request("POST",
                                                              "/_matrix/client/v3/createRoom",
                                                              creator.access_token,
                                                              R"({"preset":"public_chat"})"));
    const Json body = Json::parse(answer.body, nullptr, false);
    RoomId room(conformance::string_at(body, {"room_id"}));
    if (!answer.is_ok() || room.empty()) return std::unexpected(describe("createRoom", answer));
    return room;
}

Problem Gathering::join_all(const RoomId& room) {
    const std::string target = "/_matrix/client/v3/rooms/" + escape(room.view()) + "/join";
    for (Member& member : members_)
        member.connection.send(make_request("POST", target, member.access_token, "{}"));
    for (Member& member : members_) {
        const Answer answer = member.connection.receive();
        if (!answer.is_ok()) return describe("join", answer);
    }
    return {};
}

std::string Gathering::next_message(const Member& sender, const RoomId& room) {
    const std::string target = "/_matrix/client/v3/rooms/" + escape(room.view()) +
                               "/send/m.room.message/" + std::to_string(++sent_);
    return make_request(
        "PUT", target, sender.access_token, R"({"body":"hello","msgtype":"m.text"})");
}

Problem problem_of_send(const Answer& answer) {
    const bool is_sent = answer.is_ok() && answer.body.find("\"event_id\"") != std::string::npos;
    return is_sent ? Problem() : describe("send", answer);
}

}  // namespace matrix::bench
