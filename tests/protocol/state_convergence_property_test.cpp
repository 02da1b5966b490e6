// Laws about servers that receive the same events: each judges them by its own graph, with a
// resolver of its own that has lived through other things.

#include <algorithm>
#include <map>
#include <set>

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include "refserver/protocol/state_resolver.h"
#include "tests/protocol/draw_room.h"
#include "tests/protocol/remade_events.h"

namespace matrix::testing {
namespace {

using generators::Choices;
using generators::Room;
using generators::RoomEvent;

constexpr generators::RoomLimits kRoomWithDeviations = {.realism = generators::Realism::Abstract};

/// What a server made of one event.
struct Opinion {
    bool is_rejected = false;
    State before = {};
    State after = {};

    bool operator==(const Opinion&) const = default;
};

// A server's graph of a room.
class Graph {
public:
    explicit Graph(const Room& room)
        : room_(room),
          resolver_(
              room.rules(), [this](const EventId& id) { return find(id); }, ed25519_verifier()) {}

    /// Takes an event without its place in the graph: what it cites alone judges it.
    void receive_outlier(const RoomEvent& made) { note(made, !passes_citations(*made.event), {}); }

    /// Takes an event, outlier or new, that follows on what was received before.
    void receive(const RoomEvent& made) {
        std::vector<State> parents;
        for (const std::size_t parent : made.parents)
            parents.push_back(opinions_.at(room_.events()[parent].event->id).after);
        const State before = parents.empty() ? State() : resolver_.resolve(parents);
        const Event& event = *made.event;
        const JudgedBy state(room_, before);
        const bool is_allowed =
            passes_citations(event) &&
            (is_create(event) ||
             auth::check_against(state.auth_state(event), event, ed25519_verifier()));
        note(made, !is_allowed, before);
        placed_.push_back(&made);
    }

    /// The events that no accepted one follows on, in the order in which they came.
    std::vector<EventId> extremities() const {
        std::set<std::size_t> followed;
        for (const RoomEvent* made : placed_) {
            if (!opinions_.at(made->event->id).is_rejected)
                followed.insert(made->parents.begin(), made->parents.end());
        }
        std::vector<EventId> found;
        for (const RoomEvent* made : placed_) {
            const auto index = static_cast<std::size_t>(made - room_.events().data());
            if (!opinions_.at(made->event->id).is_rejected && !followed.contains(index))
                found.push_back(made->event->id);
        }
        return found;
    }

    State current_state() {
        std::vector<State> states;
        for (const EventId& id : extremities())
            states.push_back(opinions_.at(id).after);
        return resolver_.resolve(states);
    }

    State resolve(const std::vector<State>& states) { return resolver_.resolve(states); }
    const std::map<EventId, Opinion>& opinions() const { return opinions_; }

private:
    bool is_create(const Event& event) const { return &event == room_.events()[0].event.get(); }

    auth::CitedEvent find(const EventId& id) const {
        const auto opinion = opinions_.find(id);
        if (opinion == opinions_.end()) return {};
        return {.event = room_.find(id).event, .is_rejected = opinion->second.is_rejected};
    }

    bool passes_citations(const Event& event) const {
        std::vector<auth::CitedEvent> cited;
        for (const EventId& id : event.auth_events)
            cited.push_back(find(id));
        const Event* create = is_create(event) ? nullptr : room_.events()[0].event.get();
        if (!auth::check_cited(event, cited, create)) return false;
        const auth::AuthState state = auth::state_of_cited(event, cited, create);
        return auth::check_against(state, event, ed25519_verifier()).has_value();
    }

    void note(const RoomEvent& made, bool is_rejected, const State& before) {
        const Event& event = *made.event;
        State after = before;
        if (!is_rejected && event.state_key)
            after = before.with({event.type, *event.state_key}, event.id);
        opinions_[event.id] = {.is_rejected = is_rejected, .before = before, .after = after};
        resolver_.refresh(event.id);
    }

    const Room& room_;
    std::map<EventId, Opinion> opinions_;
    std::vector<const RoomEvent*> placed_;
    Resolver resolver_;
};

// All events in some order in which nothing stands before what it cites or follows on.
std::vector<const RoomEvent*> any_delivery(const Room& room, Choices& choices) {
    std::vector<const RoomEvent*> waiting;
    for (const RoomEvent& made : room.events())
        waiting.push_back(&made);
    std::set<EventId> missing;
    for (const RoomEvent* made : waiting)
        missing.insert(made->event->id);
    std::vector<const RoomEvent*> order;
    while (!waiting.empty()) {
        std::vector<std::size_t> ready;
        for (std::size_t place = 0; place < waiting.size(); ++place) {
            const RoomEvent& made = *waiting[place];
            const auto is_missing = [&](const EventId& id) { return missing.contains(id); };
            const auto is_missing_parent = [&](std::size_t parent) {
                return missing.contains(room.events()[parent].event->id);
            };
            if (std::ranges::none_of(made.event->auth_events, is_missing) &&
                std::ranges::none_of(made.parents, is_missing_parent))
                ready.push_back(place);
        }
        RC_ASSERT(!ready.empty());
        const std::size_t place = ready[choices.below(ready.size())];
        order.push_back(waiting[place]);
        missing.erase(waiting[place]->event->id);
        waiting.erase(waiting.begin() + static_cast<std::ptrdiff_t>(place));
    }
    return order;
}

// P-C1 and P-C2.
RC_GTEST_PROP(StateConvergence, GivesOneCurrentStateWhateverTheOrderOfDelivery, ()) {
    const Room room = draw::room(draw::any_rules(), kRoomWithDeviations);
    Choices choices = Choices::from_seed(*rc::gen::arbitrary<std::uint64_t>());
    Graph first(room);
    Graph second(room);
    for (const RoomEvent* made : any_delivery(room, choices))
        first.receive(*made);
    for (const RoomEvent* made : any_delivery(room, choices))
        second.receive(*made);
    RC_ASSERT(first.opinions() == second.opinions());
    std::vector<EventId> extremities = first.extremities();
    std::vector<EventId> others = second.extremities();
    RC_TAG(extremities.size() > 1 ? "several extremities" : "one extremity");
    std::ranges::sort(extremities);
    std::ranges::sort(others);
    RC_ASSERT(extremities == others);
    RC_ASSERT(first.current_state() == second.current_state());
}

// P-C4: what was an outlier, or was rejected for what was missing, leaves no trace once it is
// judged again.
RC_GTEST_PROP(StateConvergence, ForgetsThatEventsWereOutliersOrRejected, ()) {
    const Room room = draw::room(draw::any_rules(), kRoomWithDeviations);
    Choices choices = Choices::from_seed(*rc::gen::arbitrary<std::uint64_t>());
    Graph direct(room);
    Graph detoured(room);
    for (const RoomEvent& made : room.events())
        direct.receive(made);
    // Some events come as outliers, in an order in which many lack what they cite.
    for (std::size_t count = room.events().size(); count > 0; --count)
        detoured.receive_outlier(room.events()[choices.below(room.events().size())]);
    detoured.resolve(generators::choose_states(choices, room));
    const bool had_rejected = std::ranges::any_of(detoured.opinions(), [&](const auto& opinion) {
        return opinion.second.is_rejected && !direct.opinions().at(opinion.first).is_rejected;
    });
    RC_TAG(had_rejected ? "rejected and accepted later" : "as good as direct");
    for (const RoomEvent* made : any_delivery(room, choices))
        detoured.receive(*made);
    RC_ASSERT(direct.opinions() == detoured.opinions());
    RC_ASSERT(direct.current_state() == detoured.current_state());
}

}  // namespace
}  // namespace matrix::testing
