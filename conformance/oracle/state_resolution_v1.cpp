// State resolution of room version 1.
//
// Spec: https://spec.matrix.org/v1.19/rooms/v1/#state-resolution

#include <algorithm>
#include <array>

#include <openssl/evp.h>

#include "conformance/oracle/resolution.h"
#include "refserver/base/assert.h"

namespace matrix::oracle {
namespace {

using Digest = std::array<unsigned char, 20>;

Digest sha1_of(const EventId& id) {
    Digest digest;
    unsigned size = 0;
    const int status =
        EVP_Digest(id.view().data(), id.view().size(), digest.data(), &size, EVP_sha1(), nullptr);
    MATRIX_ASSERT(status == 1 && size == digest.size());
    return digest;
}

class ResolutionV1 {
public:
    ResolutionV1(const Room& room, const std::vector<StateMap>& states, const Options& options)
        : room_(room), states_(states), options_(options) {}

    Resolution run() {
        start();
        resolve_keys_of("m.room.power_levels");
        resolve_keys_of("m.room.join_rules");
        resolve_keys_of("m.room.member");
        resolve_others();
        return {.state = std::move(resolved_), .trace = std::move(trace_)};
    }

private:
    // "Start by setting R to the union of the states, excluding any conflicting events": states
    // conflict that have different events for a key; one that lacks the key conflicts with none.
    void start() {
        std::map<Key, std::set<EventId>> values;
        for (const StateMap& state : states_) {
            for (const auto& [key, id] : state)
                values[key].insert(id);
        }
        for (const auto& [key, ids] : values) {
            if (ids.size() == 1) {
                trace_.unconflicted[key] = *ids.begin();
                continue;
            }
            trace_.conflicted_keys.insert(key);
            EventList& candidates = candidates_[key];
            for (const EventId& id : ids) {
                if (const ReadEvent* event = room_.find(id)) candidates.push_back(event);
            }
            trace_.full_conflicted_set.insert(candidates.begin(), candidates.end());
            sort_candidates(candidates);
        }
        resolved_ = trace_.unconflicted;
    }

    // "Sort the list by ascending depth then descending sha1(event_id)."
    static void sort_candidates(EventList& events) {
        std::ranges::sort(events, [](const ReadEvent* a, const ReadEvent* b) {
            if (a->event->depth != b->event->depth) return a->event->depth < b->event->depth;
            return sha1_of(a->id()) > sha1_of(b->id());
        });
    }

    // UNSPECIFIED: R changes while the keys of one type are resolved, so that the text depends on
    // their order. We judge all of them by R as it was before, but for the key itself.
    RuleState judging_state(const StateMap& before) const {
        RuleState state;
        for (const auto& [key, id] : options_.has(Quirk::ChangingState) ? resolved_ : before) {
            if (const ReadEvent* event = room_.find(id)) state[key] = event;
        }
        return state;
    }

    void resolve_keys_of(std::string_view type) {
        const StateMap before = resolved_;
        for (const auto& [key, candidates] : candidates_) {
            if (key.first == type && !candidates.empty()) {
                resolve_key(key, candidates, judging_state(before));
            }
        }
    }

    // "Add the first event in the list to R. For each subsequent event check that it would be
    // allowed in R; if so, update R; if not, stop."
    void resolve_key(const Key& key, const EventList& candidates, RuleState state) {
        const ReadEvent* last = candidates.front();
        state[key] = last;
        trace_.power_order.push_back(last);
        for (const ReadEvent* event : candidates) {
            if (event == candidates.front()) continue;
            trace_.power_order.push_back(event);
            if (!is_allowed(*event, state)) break;
            last = event;
            state[key] = last;
        }
        resolved_[key] = last->id();
    }

    // "For all other conflicts, pick the event with the highest depth and lowest sha1(event_id)
    // that passes authentication in R." UNSPECIFIED: if none passes, the key has no event.
    void resolve_others() {
        const StateMap before = resolved_;
        for (const auto& [key, candidates] : candidates_) {
            if (key.first == "m.room.power_levels" || key.first == "m.room.join_rules" ||
                key.first == "m.room.member" || candidates.empty()) {
                continue;
            }
            const RuleState state = judging_state(before);
            const auto chosen =
                std::find_if(candidates.rbegin(), candidates.rend(), [&](const ReadEvent* event) {
                    trace_.remaining_order.push_back(event);
                    return is_allowed(*event, state);
                });
            if (chosen != candidates.rend()) {
                resolved_[key] = (*chosen)->id();
            } else if (options_.has(Quirk::LeastDepth)) {
                resolved_[key] = candidates.front()->id();
            }
        }
    }

    bool is_allowed(const ReadEvent& event, const RuleState& state) {
        const Verdict verdict = judge_event(state, event, options_);
        RuleState looked_at;
        std::set<Key> keys = select_auth_events(event);
        for (const auto& [key, entry] : state) {
            if (keys.contains(key)) looked_at[key] = entry;
        }
        trace_.steps.push_back({&event, verdict, std::move(looked_at)});
        return verdict.has_value();
    }

    const Room& room_;
    const std::vector<StateMap>& states_;
    const Options& options_;
    std::map<Key, EventList> candidates_;
    StateMap resolved_;  // The text's R.
    Trace trace_;
};

}  // namespace

Resolution resolve_v1(const Room& room,
                      const std::vector<StateMap>& states,
                      const Options& options) {
    return ResolutionV1(room, states, options).run();
}

}  // namespace matrix::oracle
