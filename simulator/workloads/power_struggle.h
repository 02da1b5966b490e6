// The workload "power struggle": people join, talk, edit power levels, ban and unban each other,
// on both sides of a network split that heals.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "simulator/cluster.h"

namespace matrix::simulator {

struct PowerStruggleOptions {
    std::vector<std::string> room_versions = {"10", "11", "12"};
    std::int64_t chaos_us = 600'000'000;     ///< How long users act.
    std::int64_t pause_us_max = 20'000'000;  ///< Between two actions of one user.
    bool has_split = true;                   ///< From a third to two thirds of the chaos.
};

class PowerStruggle {
public:
    PowerStruggle(Cluster& cluster, PowerStruggleOptions options);
    PowerStruggle(const PowerStruggle&) = delete;
    PowerStruggle& operator=(const PowerStruggle&) = delete;

    /// Rooms are made and everybody joins; then all act; then the network is whole, and every room
    /// is given events that follow all that came before. False: it took longer than it may.
    bool run();

    const std::vector<RoomId>& rooms() const { return rooms_; }

    struct Counts {
        std::uint64_t operations = 0;
        std::uint64_t refused = 0;      ///< Answers with a 4xx status.
        std::uint64_t unreachable = 0;  ///< Answers 502: another server could not be reached.
        std::uint64_t failed = 0;       ///< Answers with a 5xx status, or rooms that were not made.
        std::vector<std::string> failures;  ///< The first of them.
    };
    const Counts& counts() const { return counts_; }

    /// What a user may do at a time.
    enum class Action {
        Message,
        Topic,
        PowerLevels,
        Ban,
        Unban,
        Kick,
        Invite,
        Join,
        Leave,
        JoinRule,
        Typing,
        Receipt,
        Presence,
    };

private:
    Task<void> set_up();
    Task<void> act(User user);
    /// Typing, a receipt, presence.
    Task<void> act_without_event(User user, RoomId room, Action action);
    Task<void> act_once(User user, RoomId room);
    Task<void> edit_power_levels(User user, RoomId room);
    Task<Answer> call(User user, std::string method, std::string target, json::Value body);
    void note_failure(const User& user, const std::string& what, const Answer& answer);
    Task<void> settle();
    json::Object power_levels_for(const std::string& version, const UserId& creator);
    std::string room_path(const RoomId& room, std::string_view rest) const;
    const User& any_user();

    Cluster& cluster_;
    PowerStruggleOptions options_;
    runtime::Random& random_;
    std::vector<RoomId> rooms_;
    std::map<RoomId, User> creators_;
    std::map<RoomId, std::string> last_messages_;
    Counts counts_;
    std::int64_t end_us_ = 0;
    std::size_t acting_ = 0;
    std::uint64_t next_transaction_ = 0;
    bool is_set_up_ = false;
    bool is_settled_ = false;
};

}  // namespace matrix::simulator
