// Outbox: brings our events, and the EDUs that must not be lost, to other servers, in order, until
// they have them; and those EDUs that lose their worth with time while the server can be reached.
//
// One transaction is on its way to each destination at any time; what comes meanwhile goes with
// the next. A destination that fails is tried again after longer and longer pauses, which are
// PeerHealth's, and at once when it shows that it is back. After a long time it gets the newest
// events of each room alone, and fetches from us what lies before them.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#transactions
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "refserver/engine/counters.h"
#include "refserver/engine/error.h"
#include "refserver/protocol/event.h"
#include "refserver/protocol/json.h"
#include "refserver/runtime/clock.h"
#include "refserver/runtime/log.h"
#include "refserver/runtime/random.h"
#include "refserver/runtime/task_group.h"
#include "refserver/storage/turns.h"

namespace matrix::engine {

class FederationClient;
class PeerHealth;
class Rooms;

/// Spec: "at most 50 PDUs and 100 EDUs".
inline constexpr std::size_t kTransactionPdusMax = 50;
inline constexpr std::size_t kTransactionEdusMax = 100;

/// What becomes of an EDU whose destination cannot be reached.
enum class EduKeeping {
    UntilDelivered,  ///< It is stored, and waits in the order of the events, also over a restart.
    WhileReachable,  ///< It is in memory alone, and dropped when the destination is down.
};

/// An ephemeral data unit for other servers. Spec: server-server-api, EDUs.
struct Edu {
    std::string type;
    json::Object content;
    EduKeeping keeping = EduKeeping::UntilDelivered;
    /// One of the same type and key that still waits is dropped for this one; empty: none is.
    std::string replaces_key = {};
};

class Outbox {
public:
    struct Services {
        ServerName server_name;
        FederationClient& federation;
        PeerHealth& health;
        storage::Turns& turns;
        runtime::Clock& clock;
        runtime::RandomSource& random;
        runtime::Log& log;
        Counters& counters;
    };
    explicit Outbox(Services services);
    Outbox(const Outbox&) = delete;
    Outbox& operator=(const Outbox&) = delete;
    ~Outbox();

    /// Call once, before anything is sent: rooms and this refer to each other.
    void connect(Rooms& rooms);

    /// Queues an event for each of `servers` but ourselves, in this unit of work: it is sent when
    /// that is durable, and again after a restart until it was acknowledged. The event must have
    /// been stored before.
    void send(const EventPtr& event, const std::vector<ServerName>& servers);

    /// Queues an EDU for each of `servers` but ourselves, in this unit of work if it is kept.
    void send_edu(const Edu& edu, const std::vector<ServerName>& servers);

    /// Takes up what an earlier process left.
    void resume();

    /// Everything that waits, over all destinations.
    std::size_t queued() const;
    struct Queue {
        ServerName destination;
        std::size_t events = 0;
        std::size_t edus = 0;            ///< Those that are kept.
        std::size_t ephemeral_edus = 0;  ///< Those that are not.
        std::size_t rooms_to_catch_up = 0;
        int failures = 0;              ///< In a row.
        std::int64_t retry_at_ts = 0;  ///< 0: not waiting.
    };
    std::vector<Queue> list_queues() const;

private:
    struct Data;
    std::unique_ptr<Data> data_;
};

}  // namespace matrix::engine
