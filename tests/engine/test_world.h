// Servers' rooms in one process, over the simulated world: deterministic, and without the HTTP API
// above them, so that a test drives a room directly.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "refserver/engine/notifier.h"
#include "refserver/engine/peers/federation_client.h"
#include "refserver/engine/peers/key_ring.h"
#include "refserver/engine/peers/outbox.h"
#include "refserver/engine/rooms/remote_rooms.h"
#include "refserver/engine/rooms/rooms.h"
#include "refserver/runtime/task_group.h"
#include "simulator/simulated_disk.h"
#include "simulator/simulated_dns.h"
#include "simulator/simulated_durability.h"
#include "simulator/simulated_loop.h"
#include "simulator/simulated_network.h"
#include "simulator/simulated_random.h"
#include "simulator/trace.h"
#include "simulator/virtual_time.h"

namespace matrix::engine {

/// Time, chance and network, which all hosts share.
struct TestWorld {
    simulator::Trace trace;
    simulator::VirtualTime time{trace};
    simulator::SimulatedRandom random{7};
    simulator::SimulatedRandomSource links{7};
    simulator::SimulatedNetwork network{time, links, trace, {}};
    simulator::SimulatedDns dns{network};
    int hosts = 0;

    /// Virtual seconds in which everything that is under way comes to an end.
    void settle(std::int64_t seconds = 120) { time.run_until(time.now_us() + seconds * 1'000'000); }
};

/// A signing key and the document that publishes it.
struct TestKey {
    explicit TestKey(const std::string& server);
    std::unique_ptr<Signer> signer;
    json::Object document;
};

/// A peer that does what the test says: it answers from a table, and signs anything.
class ScriptedPeer {
public:
    ScriptedPeer(TestWorld& world, const std::string& name);
    ScriptedPeer(const ScriptedPeer&) = delete;
    ScriptedPeer& operator=(const ScriptedPeer&) = delete;

    const ServerName& name() const { return name_; }
    UserId user(const std::string& localpart) const {
        return UserId("@" + localpart + ":" + name_.text());
    }
    json::Object sign(const EventTemplate& event, const RoomRules& rules) const;
    /// Adds this server's signature and the content hash to a PDU.
    json::Object sign(json::Object pdu, const RoomRules& rules) const;

    /// Bodies by the beginning of the target behind /_matrix/federation/v1/; all else is 404.
    std::map<std::string, json::Object> answers;
    /// Targets of the requests that came, in their order.
    std::vector<std::string> requests;

private:
    runtime::HttpResponse answer(const runtime::HttpRequest& request);
    ServerName name_;
    TestKey key_;
};

/// One server's rooms with all that is below them.
class RoomHost {
public:
    RoomHost(TestWorld& world, const std::string& name);
    RoomHost(const RoomHost&) = delete;
    RoomHost& operator=(const RoomHost&) = delete;

    UserId user(const std::string& localpart) const {
        return UserId("@" + localpart + ":" + name.text());
    }
    /// Runs `job` as a turn of this server.
    void turn(std::function<void()> job) { executor.run_turn(std::move(job)); }
    /// Waits for a task, with all that happens meanwhile; nothing if it never ends.
    template <class T>
    std::optional<T> wait_for(runtime::Task<T> task, std::int64_t seconds = 120) {
        auto result = std::make_shared<std::optional<T>>();
        turn([&] { handlers.start(keep(std::move(task), result)); });
        world.settle(seconds);
        return std::move(*result);
    }
    /// Begins a task whose end nobody waits for.
    template <class T>
    void start(runtime::Task<T> task) {
        handlers.start(keep(std::move(task), std::make_shared<std::optional<T>>()));
    }
    /// What RemoteRooms over this server's rooms need.
    RemoteRooms::Services remote_room_services();
    /// `room->receive`, waited for.
    Result<Receipt> receive(const RoomPtr& room, const json::Object& pdu, const ServerName& from);

    /// A room by alice, with her join, power levels and `rule` as the join rule.
    RoomPtr create_room(const std::string& version = "12",
                        const std::string& rule = "public",
                        std::vector<NewEvent> more = {});
    /// The same room here, of which `resident` has the state: `user` joins through it.
    RoomPtr join(RoomHost& resident, const RoomPtr& room, const std::string& localpart);

    TestWorld& world;
    ServerName name;
    TestKey key;
    simulator::SimulatedRandomSource random;
    simulator::SimulatedExecutor executor;
    simulator::SimulatedClock clock;
    simulator::SimulatedWorkers workers;
    simulator::SimulatedLog log;
    simulator::SimulatedDisk disk;
    simulator::SimulatedDurability durability;
    int host;  ///< Its number in the network.
    std::unique_ptr<runtime::Network> network;
    std::unique_ptr<runtime::Resolver> resolver;
    std::unique_ptr<storage::Database> database;
    storage::Turns turns;
    storage::EventStore events;
    storage::StateStore states;
    storage::RoomStore room_store;
    Counters counters;
    KeyRing keys;
    ServerDiscovery discovery;
    PeerHealth health;
    FederationClient federation;
    Outbox outbox;
    Notifier notifier;
    DroppedEvents dropped;
    Rooms rooms;
    runtime::TaskGroup handlers;

private:
    template <class T>
    static runtime::Task<void> keep(runtime::Task<T> task, std::shared_ptr<std::optional<T>> into) {
        into->emplace(co_await std::move(task));
    }
    runtime::Task<void> receive_all(json::Array pdus, ServerName origin);
    void answer(runtime::HttpRequest request, runtime::Responder respond);
};

/// Events in the words of the tests.
NewEvent message(const UserId& sender, const std::string& body);
NewEvent state_event(const UserId& sender,
                     const std::string& type,
                     json::Object content,
                     const std::string& state_key = "");
NewEvent member(const UserId& sender, const UserId& target, const std::string& membership);

/// What a peer would receive.
json::Object pdu_of(const StoredEvent& stored);

/// All room versions in which rooms can be created.
std::vector<std::string> all_versions();

}  // namespace matrix::engine
