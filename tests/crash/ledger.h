// Ledger: what was acknowledged to anyone outside a server, kept outside of it.
//
// Whoever got an answer writes it down here; after each crash the server is asked for all of it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "refserver/protocol/identifiers.h"
#include "refserver/protocol/json.h"

namespace matrix::crash {

/// A request with a transaction id, and the event that it made.
struct AcknowledgedSend {
    std::string user;
    std::string target;
    json::Object content;
    EventId event;
};

struct AcknowledgedRoom {
    std::string creator;
    std::string alias;
    std::string name;
};

/// A value that one client alone changes, one change after the other: what was acknowledged last,
/// and what was asked for later and never answered, which may be true as well.
struct LastValue {
    std::string acknowledged;
    std::set<std::string> perhaps;

    void ask(const std::string& value) { perhaps.insert(value); }
    void acknowledge(const std::string& value) {
        acknowledged = value;
        perhaps.clear();
    }
    bool allows(const std::string& value) const {
        return value == acknowledged || perhaps.contains(value);
    }
};

struct Ledger {
    /// Events that a client was told of: as an answer, or by a sync.
    std::map<EventId, RoomId> told_to_clients;
    /// Of a peer's transactions: the events that were taken, or known.
    std::map<EventId, RoomId> taken_from_peer;
    /// Our events that the peer has, in the order in which they came first.
    std::vector<std::pair<RoomId, EventId>> seen_by_peer;
    std::set<EventId> peer_has;

    std::vector<AcknowledgedSend> sends;
    std::map<RoomId, AcknowledgedRoom> rooms;
    std::set<std::string> localparts;        ///< Of accounts.
    std::map<std::string, LastValue> names;  ///< Display names, by user id.
    /// Memberships of our users that they alone change, by user id and room.
    std::map<std::pair<std::string, RoomId>, LastValue> memberships;

    /// How many things were acknowledged.
    std::uint64_t acknowledged = 0;
};

}  // namespace matrix::crash
