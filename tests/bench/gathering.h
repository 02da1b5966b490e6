// Users of a fresh reference server who are all in one public room, each with a connection.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tests/bench/http_connection.h"
#include "tests/bench/live_server.h"

namespace matrix::bench {

struct Member {
    std::string access_token;
    HttpConnection connection;
};

class Gathering {
public:
    /// The first member has created the room.
    static std::expected<std::unique_ptr<Gathering>, Problem> open(std::size_t members);

    LiveServer& server() { return *server_; }
    std::vector<Member>& members() { return members_; }
    std::vector<HttpConnection*> connections();
    const RoomId& room() const { return room_; }

    /// Another public room, of one member.
    std::expected<RoomId, Problem> create_room(Member& creator);
    /// All members at once.
    Problem join_all(const RoomId& room);
    /// The bytes of PUT /send with a transaction id that was not used before.
    std::string next_message(const Member& sender, const RoomId& room);

private:
    explicit Gathering(std::unique_ptr<LiveServer> server);

    std::unique_ptr<LiveServer> server_;
    std::vector<Member> members_;
    RoomId room_;
    std::uint64_t sent_ = 0;
};

/// Empty for what PUT /send answers to an event that it has sent.
Problem problem_of_send(const Answer& answer);

}  // namespace matrix::bench
