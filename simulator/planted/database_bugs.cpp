// Planted bugs in what a server keeps: rows that are not what they must be.

#include <array>

#include "refserver/storage/database.h"
#include "refserver/storage/events.h"
#include "simulator/planted/planted_bug.h"
#include "simulator/world.h"

namespace matrix::simulator {
namespace {

/// Runs statements on the database of the buggy server, in a turn of it, once a second.
class Tampering final : public Saboteur {
public:
    explicit Tampering(std::string_view sql) : sql_(sql) {}
    void watch(World& world) override {
        if (world.cluster().server_count() <= kBuggyServer) return;
        SimulatedServer& server = world.cluster().server(kBuggyServer);
        server.executor().run_turn([&] { server.engine().turns().database().execute(sql_); });
    }

private:
    std::string_view sql_;
};

static_assert(static_cast<int>(storage::EventStatus::Accepted) == 0);
static_assert(static_cast<int>(storage::EventStatus::Rejected) == 2);

constexpr std::string_view kAcceptRejected =
    "UPDATE events SET status = 0 WHERE status = 2 AND text LIKE '%\"m.room.topic\"%'";
constexpr std::string_view kRotTopics =
    "UPDATE events SET text = replace(text, '\"topic\":\"topic ', '\"topic\":\"tropic ') "
    "WHERE text LIKE '%\"topic\":\"topic %'";
constexpr std::string_view kKeepKicked =
    "UPDATE memberships SET membership = 'join' WHERE membership = 'leave'";
constexpr std::string_view kLoseState =
    "UPDATE events SET state_before = state_after WHERE text LIKE '%\"m.room.power_levels\"%' AND "
    "depth > 12 AND state_before IS NOT NULL AND state_before != state_after";
constexpr std::string_view kLoseTimes =
    "DELETE FROM event_times WHERE event IN (SELECT event FROM events WHERE "
    "text LIKE '%\"membership\":\"ban\"%')";

template <const std::string_view& kSql>
std::unique_ptr<Saboteur> make_tampering() {
    return std::make_unique<Tampering>(kSql);
}

/// A process that ends leaves a database that the next one cannot open.
class LeaveGarbage final : public Saboteur {
public:
    void watch(World& world) override {
        if (++seconds_ != kAtS || world.cluster().server_count() <= kBuggyServer) return;
        SimulatedServer& server = world.cluster().server(kBuggyServer);
        server.crash(Death::OfProcess);
        server.change_disk([](SimulatedDisk& disk) {
            constexpr std::string_view kGarbage = "this was a database";
            const std::string name = engine::ServerOptions().database_name;
            disk.remove(name + "-wal");  // It would put the beginning right.
            disk.open(name)->write(0, kGarbage);
        });
        server.start();
    }

private:
    static constexpr int kAtS = 30;
    int seconds_ = 0;
};

std::unique_ptr<Saboteur> make_leave_garbage() {
    return std::make_unique<LeaveGarbage>();
}

constexpr std::array kDatabaseBugs = {
    PlantedBug{"accepts-rejected",
               "s1.test keeps topics that it rejected as if it had accepted them.",
               "soundness",
               make_tampering<kAcceptRejected>,
               5},
    PlantedBug{"rotten-topics",
               "s1.test keeps topics with a letter more.",
               "soundness",
               make_tampering<kRotTopics>,
               3},
    PlantedBug{"keeps-the-kicked",
               "s1.test lists those who left as joined.",
               "soundness",
               make_tampering<kKeepKicked>,
               3},
    PlantedBug{"loses-state",
               "s1.test keeps the state after a change of power levels as the one before it.",
               "soundness",
               make_tampering<kLoseState>,
               3},
    PlantedBug{"loses-times",
               "s1.test does not keep when bans were sent.",
               "soundness",
               make_tampering<kLoseTimes>},
    PlantedBug{"leaves-garbage",
               "s1.test crashes and writes over the beginning of its database as it does.",
               "restart",
               make_leave_garbage},
};

}  // namespace

std::span<const PlantedBug> database_bugs() {
    return kDatabaseBugs;
}

}  // namespace matrix::simulator
