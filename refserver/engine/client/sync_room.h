// One room in a sync: its timeline, its state around that, its summary.
//
// Everything is as a reader of the stream up to one position sees it, so that what a client folds
// together over many syncs is what one initial sync would have told it.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#syncing
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "refserver/engine/client/client_event.h"
#include "refserver/engine/client/event_filter.h"
#include "refserver/engine/rooms/room_summary.h"

namespace matrix::engine {

/// What a sync asks of a room.
struct RoomSyncWish {
    /// What the client knows already; absent: nothing of this room.
    std::optional<StreamPosition> since;
    StreamPosition up_to;
    const SyncFilter* filter = nullptr;
    bool is_full_state = false;
    bool uses_state_after = false;
    bool is_newly_joined = false;  ///< Since an earlier sync: the timeline has a gap before it.
};

class RoomSync {
public:
    RoomSync(RoomPtr room,
             const Requester& requester,
             const ClientEventWriter& writer,
             RoomSyncWish wish);

    /// Nothing that the client does not know?
    bool is_empty() const;
    /// What the client knows of the state, and what it is at the end of this answer.
    const State& known() const { return known_; }
    const State& end() const { return end_; }
    /// Timeline and state, as members of a joined or left room.
    void write_to(ObjectWriter& room) const;
    /// Heroes and counts, if they may have changed.
    std::optional<json::Object> make_summary() const;

private:
    void find_timeline();
    void find_state();
    bool needs_member(const StateKey& key, bool is_changed) const;
    std::string previous_batch() const;
    std::string write_state() const;

    RoomPtr room_;
    const Requester& requester_;
    const ClientEventWriter& writer_;
    RoomSyncWish wish_;

    State known_;                        ///< At `since`.
    State end_;                          ///< At `up_to`.
    std::vector<StoredEvent> timeline_;  ///< The oldest first.
    bool is_limited_ = false;
    std::map<StateKey, EventId> told_;  ///< What the state section tells.
    bool has_member_changes_ = false;
    RoomSummary summary_;
};

}  // namespace matrix::engine
