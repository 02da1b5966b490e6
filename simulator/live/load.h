// Load: the operations of a plan, done by the users of all sides over their client APIs, each
// user's one after the other and all users' at once.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <vector>

#include "simulator/live/arena.h"

namespace matrix::live {

/// An event that a server acknowledged to one of its users.
struct Acknowledged {
    EventId event;
    int room = 0;
    int actor = 0;
    Action action = Action::Message;
};

class Load {
public:
    explicit Load(Arena& arena) : arena_(arena) {}
    Load(const Load&) = delete;
    Load& operator=(const Load&) = delete;

    /// Puts the round's faults in force and does its operations; the faults stay in force.
    void run(const Round& round);

    /// Of all rounds so far; not while one runs.
    const std::vector<Acknowledged>& acknowledged() const { return acknowledged_; }

private:
    void act(const Operation& operation);
    Response request(const Operation& operation);
    Response edit_power_levels(const Actor& actor,
                               const LiveRoom& room,
                               const Operation& operation);
    std::optional<EventId> last_message_of(int actor, int room);

    Arena& arena_;
    std::mutex mutex_;  // Guards what follows.
    std::vector<Acknowledged> acknowledged_;
    std::map<std::pair<int, int>, EventId> last_messages_;  ///< By actor and room.
};

}  // namespace matrix::live
