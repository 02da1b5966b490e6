// World: a scenario that is being run. Verbs act on it, checkers look at it.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "simulator/byzantine/byzantine_host.h"
#include "simulator/cluster.h"
#include "simulator/device_book.h"
#include "simulator/drawn_faults.h"
#include "simulator/findings.h"
#include "simulator/scenario/scenario.h"
#include "simulator/scenario/verbs.h"

namespace matrix::simulator {

/// A room of the scenario, as soon as it exists.
struct LivingRoom {
    std::string name;  ///< In the scenario.
    RoomId id;
    std::string version;
    User creator;
    std::vector<EventId> messages = {};  ///< Those that a server acknowledged, the oldest first.
    std::optional<RoomId> predecessor = std::nullopt;  ///< Of a room that came by an upgrade.
};

/// Who has paged through which room, by its place in `World::rooms`.
using HistoryReaders = std::set<std::pair<std::string, std::size_t>>;

/// What users asked for, and what became of it.
struct OperationCounts {
    std::uint64_t operations = 0;
    std::uint64_t refused = 0;      ///< Answers with a 4xx status.
    std::uint64_t unreachable = 0;  ///< Answers 502, or no connection: a server was not reached.
    std::uint64_t failed = 0;       ///< Answers with another 5xx status: a finding each.
    std::uint64_t failed_by_faults = 0;  ///< The same while a fault of the disk explains it.
    std::uint64_t skipped = 0;           ///< Steps that could not be done when their time had come.
};

class World {
public:
    World(const Scenario& scenario, Cluster& cluster);
    World(const World&) = delete;
    World& operator=(const World&) = delete;
    ~World();

    const Scenario& scenario() const { return scenario_; }
    Cluster& cluster() { return cluster_; }
    Findings& findings() { return findings_; }
    DrawnFaults& fault_points() { return fault_points_; }
    const OperationCounts& counts() const { return counts_; }

    /// Adds to what a run measured under this name; checkers say so how much they looked at.
    void measure(std::string_view name, std::uint64_t count) {
        metrics_[std::string(name)] += count;
    }
    const std::map<std::string, std::uint64_t>& metrics() const { return metrics_; }

    /// What would be a finding, if the run had not made void what it breaks: a server's disk lied,
    /// for example. The run is inconclusive then, and says why.
    void excuse(std::string why) { excuses_.insert(std::move(why)); }
    const std::set<std::string>& excuses() const { return excuses_; }
    /// Why nothing that this server promised can be demanded; nothing: it has lost nothing.
    std::optional<std::string> find_excuse_of(int server);
    /// Why this server can never believe some events of others: it has not the key, and nobody can
    /// give it any more. Only while it is up.
    std::optional<std::string> find_excuse_of_keys(int server);

    /// From now on servers are not held to agree in this room, for the specification promises it no
    /// more. The first reason counts.
    void doubt_room(const RoomId& room, std::string why) { doubts_.emplace(room, std::move(why)); }
    std::optional<std::string> find_doubt_of(const RoomId& room) const;

    /// Rooms that exist, in the order in which they were made.
    const std::vector<LivingRoom>& rooms() const { return rooms_; }
    /// The room that a step is about. A verb may ask: what is about a room that does not exist yet
    /// is not begun.
    LivingRoom& room_of(const Step& step) { return room_named(step.text("room")); }
    /// The same of any argument that names a room.
    LivingRoom& room_named(std::string_view name);
    void add_room(LivingRoom room);

    /// Devices that users brought beside their first one, and what went to and fro between them.
    DeviceBook& devices() { return devices_; }
    HistoryReaders& history_readers() { return history_readers_; }

    /// The user of this id, which the scenario has.
    const User& user(std::string_view id) const;
    int server_number(std::string_view name) const;
    ByzantineHost& byzantine_host(std::string_view name);
    const std::vector<std::unique_ptr<ByzantineHost>>& byzantine_hosts() const { return hosts_; }

    /// A request of a user, counted. A 5xx answer other than 502 is a finding of "answers".
    Task<Answer> call(User user, std::string method, std::string target, json::Value body = {});
    /// The same, for who does not wait for the answer.
    void request_later(User user, std::string method, std::string target, json::Value body);
    /// A number that no transaction of this run has had.
    std::string next_transaction() { return std::to_string(next_transaction_++); }
    /// Notes that a step was left out, and why.
    void skip(const Step& step, std::string_view why);

    /// Begins a step; its task runs beside those of other steps.
    void begin(const Step& step);
    /// The faults that have begun and not ended, in the order of beginning. What goes wrong at a
    /// moment follows from them alone, so that each may end while others last.
    std::vector<const Step*> active_faults() const;
    /// Those of one verb.
    std::vector<const Step*> active_faults(std::string_view verb) const;
    /// Ends every fault that has not ended by itself.
    void end_faults();
    /// Steps whose operations have not been answered.
    std::size_t open_steps() const { return open_steps_; }

private:
    /// Null while there is no room of this name.
    LivingRoom* find_room(std::string_view name);
    bool has_rooms_of(const Verb& verb, const Step& step);
    Task<void> perform(const Verb* verb, Step step);
    Task<void> call_alone(User user, std::string method, std::string target, json::Value body);
    Task<void> end_later(std::size_t fault);

    struct ActiveFault {
        const Verb* verb;
        Step step;
        bool is_over = false;
    };
    void end(ActiveFault& fault);

    const Scenario& scenario_;
    Cluster& cluster_;
    Findings findings_;
    DrawnFaults fault_points_;
    OperationCounts counts_;
    std::map<std::string, std::uint64_t> metrics_;
    std::set<std::string> excuses_;
    std::map<RoomId, std::string> doubts_;
    std::vector<LivingRoom> rooms_;
    DeviceBook devices_;
    HistoryReaders history_readers_;
    std::vector<std::unique_ptr<ByzantineHost>> hosts_;
    std::deque<ActiveFault> faults_;  ///< All that ever began: each keeps its place.
    std::uint64_t next_transaction_ = 0;
    std::size_t open_steps_ = 0;
};

/// The path of a room's endpoint, for example `room_path(id, "/ban")`.
std::string room_path(const RoomId& room, std::string_view rest);

}  // namespace matrix::simulator
