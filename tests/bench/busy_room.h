// A room in which users of many simulated servers talk all the time: what federation costs when
// nobody quarrels.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "simulator/cluster.h"

namespace matrix::simulator {

struct BusyRoomOptions {
    ClusterOptions cluster;
    std::string room_version = "12";
    int messages_per_user = 200;
    std::int64_t pause_us_max = 10'000;  ///< Between two messages of one user.
};

class BusyRoom {
public:
    explicit BusyRoom(const BusyRoomOptions& options);

    /// One user makes the room, and the first user of every other server joins it. False: a request
    /// failed, or it took more than a day of virtual time.
    bool set_up();
    /// Those users send their messages, and all of them reach every server. False: a
    /// request failed, or it took more than an hour.
    bool talk();

    Cluster& cluster() { return cluster_; }
    /// Events that servers accepted from each other so far.
    std::uint64_t deliveries();

private:
    Task<void> make_room();
    Task<void> send_messages(User user);

    BusyRoomOptions options_;
    Cluster cluster_;
    std::optional<RoomId> room_;
    bool is_set_up_ = false;
    int talking_ = 0;
    std::uint64_t failed_ = 0;
};

}  // namespace matrix::simulator
