// Workload: clients of both servers, who send, make and enter rooms, and write down what they are
// told. A client whose connection breaks asks again, as real ones do.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tests/crash/crash_world.h"

namespace matrix::crash {

/// What the clients share: rooms that live as long as the world.
struct SharedRooms {
    RoomId of_home;        ///< A user of the peer is in it for ever.
    RoomId of_peer;        ///< The first two users of home are in it for ever.
    RoomId visit_at_home;  ///< The peer's second user comes and goes.
    RoomId visit_at_peer;  ///< Home's third user comes and goes.
};

class Workload {
public:
    explicit Workload(CrashWorld& world) : world_(world) {}
    Workload(const Workload&) = delete;
    Workload& operator=(const Workload&) = delete;

    /// Makes the shared rooms; nothing may fail meanwhile.
    void prepare();
    /// Starts the clients, who go on until `stop`.
    void start();
    /// Each client ends what it is about.
    void stop() { is_stopping_ = true; }
    bool is_over() const { return running_ == 0; }
    const SharedRooms& rooms() const { return rooms_; }

    /// How many answers of each kind clients got from home.
    std::uint64_t refused_full() const { return refused_full_; }
    std::uint64_t refused_failed() const { return refused_failed_; }

private:
    struct Client {
        Side side;
        int number;
        std::string user;
    };
    Task<void> make_rooms();
    Task<RoomId> make_public_room(Side side, std::string user);
    Task<void> join_first(Side side, std::string user, RoomId room, Side resident);

    Task<void> run(Client client);
    Task<void> act_at_home(Client client);
    Task<void> act_at_peer(Client client);
    Task<void> send(Client client, RoomId room);
    Task<void> put_topic(Client client, RoomId room);
    Task<void> create_room(Client client);
    Task<void> invite_to_home(Client client);
    Task<void> visit(Client client, RoomId room, Side resident);
    Task<void> put_name(Client client);
    Task<void> register_account(Client client);
    Task<void> sync(Client client);
    /// Asks until there is an answer that is not the server's fault; at most so often.
    Task<std::optional<Answer>> ask(Client client,
                                    std::string method,
                                    std::string target,
                                    json::Value body);
    void note_event(const RoomId& room, const EventId& event);
    std::string next_name(const std::string& prefix) {
        return prefix + std::to_string(next_name_++);
    }

    CrashWorld& world_;
    runtime::Random& random_ = world_.random("workload");
    SharedRooms rooms_;
    std::vector<RoomId> own_rooms_;  ///< Of home's users, made on the way.
    bool is_stopping_ = false;
    int running_ = 0;
    std::uint64_t next_name_ = 0;
    std::uint64_t refused_full_ = 0;
    std::uint64_t refused_failed_ = 0;
};

/// The path of a room in the client-server API, and what follows.
std::string room_path(const RoomId& room, std::string_view rest);

}  // namespace matrix::crash
