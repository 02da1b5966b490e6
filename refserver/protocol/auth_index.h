// The events of a room that state resolutions look at, as a table: each has a number, and what the
// algorithms ask about it stands in its row, so that they touch no text.
//
// Rows are numbered in the order in which they were added, and what an event cites is added before
// it. An event is looked up when somebody first asks for it, with everything that it cites, and so
// on. Only events that are used stay in memory.
//
// Private to state_resolution*.cpp.
#pragma once

#include <cstdint>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>

#include "refserver/base/text_index.h"
#include "refserver/protocol/state_resolution.h"
#include "refserver/protocol/state_tree.h"

namespace matrix::resolution {

/// The number of an event, and that of a (type, state_key).
using Index = std::uint32_t;
using Key = std::uint32_t;
inline constexpr std::uint32_t kNone = UINT32_MAX;

/// What is known of an event without reading it.
struct AuthRow {
    std::int64_t origin_server_ts = 0;
    std::uint64_t id_prefix = 0;  ///< The first bytes of the id, in the order of ids.
    Key key = kNone;              ///< None: it is no state event.
    Index power_levels = kNone;   ///< The m.room.power_levels that it cites; rejected ones too.
    Index create = kNone;         ///< Cited, or from v12 on named by the room id: see `create_of`.
    std::uint32_t parents_begin = 0;
    std::uint32_t parents_count = 0;
    std::uint32_t roles_begin = 0;
    std::uint32_t newest_child = kNone;  ///< Among the edges.
    std::uint8_t roles_count = 0;
    bool is_rejected = false;
    bool is_power_event = false;
    bool is_create_implied = false;  ///< From v12 on, where no event cites it.
    EventPtr event;                  ///< Null while nobody uses it.
    State::EntryPtr entry;           ///< Null until it is first in a resolved state.
    std::optional<std::int64_t> sender_level;
};

/// Where a check of an event looks for one of the events that it needs.
struct RoleKey {
    auth::Role role = auth::Role::Create;
    Key key = kNone;
    Index cited = kNone;  ///< The event with this key that is cited, accepted or not.
};

/// From a cited event to one that cites it.
struct ChildEdge {
    Index child = kNone;
    std::uint32_t next = kNone;  ///< To the child that came before it.
};

class AuthIndex {
public:
    /// `steps` say which events are power events, and must outlive the index.
    AuthIndex(FindEvent find_event, const ResolutionSteps& steps);

    /// Call before each resolution: what was missing is asked for again, and events that are kept
    /// in memory go, unless the last conflict was that large.
    void start(std::size_t recently_conflicted);
    /// Forgets everything.
    void clear();
    /// How often it has forgotten everything; numbers of before mean nothing.
    std::uint64_t epoch() const { return epoch_; }

    /// Adds the event and all that it cites, unless it is here; `kNone` if nobody knows it.
    Index find(const EventId& id);
    /// The same for many entries of a state; what nobody knows is asked for again before each
    /// resolution.
    void require(std::span<const State::EntryPtr* const> entries);
    /// The same bit by bit: an event that is looked up or added takes one of `steps`. False when
    /// there are none left; call again with the same event. What was begun so, `find` and
    /// `require` finish.
    bool require_some(const EventId& id, std::size_t& steps);
    /// Reads again what changes about an event: its content and whether it is rejected.
    void refresh(const EventId& id);

    std::size_t size() const { return rows_.size(); }
    const AuthRow& operator[](Index index) const { return rows_[index]; }
    std::string_view id_of(Index index) const { return ids_.text(index); }
    /// The known auth events of an event, each once, in the order in which they are cited.
    std::span<const Index> parents(Index index) const {
        const AuthRow& row = rows_[index];
        return std::span(parents_).subspan(row.parents_begin, row.parents_count);
    }
    std::span<const RoleKey> roles(Index index) const {
        const AuthRow& row = rows_[index];
        return std::span(roles_).subspan(row.roles_begin, row.roles_count);
    }
    const ChildEdge& child_edge(std::uint32_t edge) const { return child_edges_[edge]; }
    /// Has each event a greater number than what it cites? Only ids that are no hashes allow a
    /// cycle, which cannot be numbered so.
    bool is_topological() const { return is_topological_; }

    /// Null if it can no longer be read, which means that the disk failed. Valid until `start`.
    const Event* find_event(Index index);
    /// The create event of the event's room: cited, or from v12 on the accepted one that the room
    /// id names; none if there is none.
    Index create_of(Index index) const;
    /// The level of the sender by the power levels that the event cites.
    ///
    /// UNSPECIFIED: without power levels among the auth events, it is what it is in a room that has
    /// none: that of the creator, or the default.
    std::int64_t sender_level(Index index);
    /// Of a state event.
    const State::EntryPtr& entry(Index index);

    Key intern_key(std::string_view type, std::string_view state_key);
    std::size_t key_count() const { return keys_.size(); }
    const TreePath& path_of(Key key);
    Key power_levels_key() const { return kPowerLevelsKey; }

private:
    // The first keys of every index.
    static constexpr Key kCreateKey = 0;
    static constexpr Key kPowerLevelsKey = 1;

    struct Pending {
        EventPtr event;
        bool is_rejected = false;
        std::size_t next = 0;  ///< Which of its auth events is looked at next.
    };
    Index add(const EventId& id, auth::CitedEvent found);
    /// False when there are no `steps` left.
    bool finish_pending(std::size_t& steps);
    void forget_pending();
    void add_pending(const EventId& id, auth::CitedEvent found);
    /// The next unknown event that `pending` needs; null if there is none left.
    const EventId* next_needed(Pending& pending);
    void append(Pending& pending);
    void make_room();
    void link(Index index, const Event& event);
    void describe(Index index, const Event& event);
    const EventId& create_id_of(const Event& event);
    void hold(Index index, EventPtr event);
    StateKey state_key_of(Key key) const;

    FindEvent find_event_;
    const ResolutionSteps& steps_;
    TextIndex ids_;
    std::vector<AuthRow> rows_;
    std::vector<Index> parents_;
    std::vector<RoleKey> roles_;
    std::vector<ChildEdge> child_edges_;
    TextIndex keys_;
    std::vector<std::optional<TreePath>> paths_;  ///< By key.
    std::set<EventId> missing_;                   ///< Cited or required, and unknown.
    std::vector<Index> held_;                     ///< Whose `event` is in memory.
    bool is_topological_ = true;
    std::uint64_t epoch_ = 0;

    // While events are added, which may be for long.
    std::vector<Pending> pending_;
    std::set<EventId> pending_ids_;
    std::vector<Index> on_cycles_;
    std::string key_text_;
    RoomId create_room_;
    EventId create_id_;
};

}  // namespace matrix::resolution
