// How a resolution came to its result, step by step, each with what decided.
//
// Made from the oracle's trace: the oracle is the one that follows the text. The fast
// implementation is compared with it, and so told by the same words.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "refserver/commands/resolution.h"

namespace matrix::commands {

/// What the state sets say about one conflicted key.
struct ConflictedKey {
    StateKey key;
    std::vector<std::optional<EventId>> values;  ///< One of each set; nothing where it is absent.
    std::optional<EventId> resolved;
};

/// An event that was applied, or was to be.
struct AppliedEvent {
    EventPtr event;
    std::string sort_key;  ///< "level 100, time 1512": what it was ordered by, besides its id.
    std::string because;   ///< Why it stands here.
    bool is_allowed = false;
    std::string rule;                ///< Which one allows or refuses.
    std::string detail;              ///< Of a refusal.
    std::vector<EventId> judged_by;  ///< The state that it was checked against.
};

struct Explanation {
    std::string room_version;
    /// "v1", "v2" or "v2.1"; the changed steps of a version that was given as data follow.
    std::string algorithm;
    bool starts_empty = false;  ///< The auth checks, instead of from the unconflicted state.
    std::vector<std::string> quirks;
    std::vector<std::size_t> set_sizes;
    std::size_t unconflicted_count = 0;
    std::vector<ConflictedKey> conflicted_keys;
    // Of the rest, v1 has `full_conflicted_set` and, with all events in it, `remaining_order`.
    std::vector<EventId> auth_difference;
    std::vector<EventId> subgraph;  ///< v2.1 only.
    std::vector<EventId> full_conflicted_set;
    std::vector<AppliedEvent> power_order;
    std::vector<EventId> mainline;
    std::vector<AppliedEvent> remaining_order;
    std::vector<StateKey> restored;  ///< Where step 5 put back what nobody disputed.
    State state;
};

Explanation explain(const Room& room,
                    const OracleResolution& resolved,
                    std::vector<std::string> quirks);

/// For people, in lines.
std::string write_text(const Explanation& explanation, const EventMap& events);
/// For programs.
json::Object write_json(const Explanation& explanation);
/// A self-contained page.
std::string write_page(const Explanation& explanation, const Room& room, const std::string& title);

/// `type "state_key"`, with what would break a line escaped as in JSON.
std::string tell_key(const StateKey& key);

}  // namespace matrix::commands
