// A room with many members whose resident is a peer of the suite: what it answers to a server that
// joins is made beforehand, so that a benchmark measures the other side.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "conformance/harness/peer.h"
#include "refserver/protocol/event.h"

namespace matrix::bench {

class CrowdedRoom {
public:
    /// Room version 11, public; every member is of the peer's server and may send any state. From
    /// now on the peer answers make_join and send_join for it, and for no other room.
    CrowdedRoom(conformance::Peer& peer, std::size_t members);
    CrowdedRoom(const CrowdedRoom&) = delete;
    CrowdedRoom& operator=(const CrowdedRoom&) = delete;

    const RoomId& id() const { return room_; }

private:
    EventId add(std::string_view type,
                std::string_view state_key,
                const UserId& sender,
                json::Object content,
                std::vector<EventId> auth_events);
    void add_members(std::size_t members);
    conformance::OutgoingResponse make_join(const UserId& user) const;
    conformance::OutgoingResponse send_join(const std::string& join) const;

    conformance::Peer& peer_;
    const RoomRules& rules_;
    RoomId room_;
    std::vector<EventId> join_authority_;  ///< Create, power levels, join rules.
    EventId last_;
    std::int64_t depth_ = 0;
    std::string state_;       ///< All events, with commas between them.
    std::string auth_chain_;  ///< The same of those that authorize.
};

}  // namespace matrix::bench
