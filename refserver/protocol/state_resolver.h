// Resolver: state resolution for who resolves again and again in one room.
//
// It keeps what it has learnt about the events of the room in a table, and the memory that a
// resolution needs, so that another one costs what is in conflict, and allocates nothing.
#pragma once

#include <cstddef>
#include <memory>
#include <span>
#include <vector>

#include "refserver/protocol/auth_index.h"
#include "refserver/protocol/sha1.h"
#include "refserver/protocol/state_resolution.h"
#include "refserver/protocol/state_resolution_conflict.h"
#include "refserver/protocol/state_resolution_look_up.h"
#include "refserver/protocol/state_resolution_order.h"
#include "refserver/protocol/state_tree.h"

namespace matrix {

class Resolver {
public:
    /// `find_event` is asked once for each event that a resolution meets, and again for those that
    /// it did not know. `verifier` must outlive the resolver.
    Resolver(const RoomRules& rules, FindEvent find_event, const Verifier& verifier);
    Resolver(const Resolver&) = delete;
    Resolver& operator=(const Resolver&) = delete;

    /// As the function of this name. A result that equals one of `states` is that very one.
    State resolve(std::span<const State> states, ResolutionTrace* trace = nullptr);
    /// Looks up a part of what a resolution of `states` will ask for, in about `steps_max` times
    /// what one event costs: for who may not wait for all of it. True if nothing is left, and
    /// `resolve` looks up next to nothing. What another call has begun is finished first.
    bool look_up(std::span<const State> states, std::size_t steps_max);

    /// Of the last resolution.
    struct Summary {
        std::size_t conflicted_events = 0;  ///< The size of the full conflicted set.
        bool was_decided_by_mainline = false;
    };
    const Summary& summary() const { return summary_; }

    /// Call when `find_event` says something else about an event than before: it was redacted, or
    /// is no longer rejected, or is. An event that was unknown needs no call.
    void refresh(const EventId& id) { index_.refresh(id); }
    /// How many events are in the table; each takes about 400 bytes, and while it is in use,
    /// itself.
    std::size_t event_count() const { return index_.size(); }

private:
    using Index = resolution::Index;
    using Key = resolution::Key;

    // Room versions 2 and later.
    State resolve_by_power(ResolutionTrace* trace);
    void apply(std::span<const Index> events, ResolutionTrace* trace);
    void trace_orders(ResolutionTrace& trace);
    void choose_applied();

    // Room version 1; see state_resolution_v1.cpp.
    /// One of several events of a key.
    struct Candidate {
        std::int64_t depth;
        Sha1 hash;
        Index event;
    };
    State resolve_by_depth(ResolutionTrace* trace);
    void list_disputes();
    void resolve_phase(std::string_view type, ResolutionTrace* trace);
    void resolve_rest(ResolutionTrace* trace);
    void collect_candidates(std::size_t number, ResolutionTrace* trace);
    Index last_of_allowed(Key key, ResolutionTrace* trace);
    Index highest_allowed(ResolutionTrace* trace);
    void finish_phase();
    const StateKey& key_of(std::size_t number) const;

    void choose_value(std::size_t number, Index event);
    Index find_partial(Key key);
    Index find_mainline_start();
    Index find_entry(const resolution::RoleKey& role);
    auth::Verdict check(Index index);
    auth::Verdict check(Index index, ResolutionTrace* trace);
    std::size_t count_changes(std::size_t state) const;
    bool is_chosen(std::size_t number, const State::EntryPtr* value) const;
    State assemble();
    std::vector<EventId> ids_of(std::span<const Index> events) const;

    const RoomRules& rules_;
    const Verifier& verifier_;
    Summary summary_;

    resolution::AuthIndex index_;
    resolution::Conflict conflict_;
    resolution::PowerOrder power_order_;
    resolution::MainlineOrder mainline_order_;

    // The partially resolved state: what was applied, over the unconflicted state or, if the
    // steps start empty, over nothing.
    StampedMap<Index> applied_;  ///< By key.
    std::vector<Key> applied_keys_;

    // The result: of each conflicted key, and of keys that no state has.
    std::vector<const State::EntryPtr*> chosen_;
    std::vector<Index> added_;
    std::vector<state_tree::Edit> edits_;
    state_tree::TreeEditor editor_;

    // Room version 1.
    std::vector<std::size_t> disputes_;  ///< The keys that have several events, in their order.
    std::vector<Candidate> candidates_;
    struct Settled {
        std::size_t number;
        Index event;
    };
    std::vector<Settled> settled_;  ///< In one phase.

    std::unique_ptr<resolution::LookUp> look_up_;  ///< Null if none has begun.
};

}  // namespace matrix
