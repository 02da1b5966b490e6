// The checker "history": who pages through a room visits each event once, the same ones in both
// directions, all that he must see and none that he must not.
//
// Looked at are those who have done so in this run. Between what must and what must not be seen
// there is what depends on how one reads "joined at any point after": nothing is said of it.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#room-history-visibility
#include <algorithm>
#include <set>
#include <utility>

#include "simulator/checkers/checkers.h"
#include "simulator/history_walk.h"
#include "simulator/timeline.h"

namespace matrix::simulator {
namespace {

using engine::StoredEvent;

constexpr std::int64_t kPageEvents = 25;

std::string text_in(const engine::Room& room,
                    const State& state,
                    const StateKey& key,
                    std::string_view field) {
    const EventId* id = state.find(key);
    const auto stored = id ? room.find_event(*id) : nullptr;
    if (!stored) return "";
    const json::Value content(stored->event->parse_content());
    const std::string* text = content.find_string(field);
    return text ? *text : "";
}

/// The section's rules, word by word, for one event in one state.
struct View {
    std::string visibility;
    std::string membership;

    View(const engine::Room& room, const State& state, const UserId& user)
        : visibility(text_in(room, state, {"m.room.history_visibility", ""}, "history_visibility")),
          membership(text_in(room, state, {"m.room.member", user.text()}, "membership")) {
        if (visibility.empty()) visibility = "shared";
    }

    // Rules 1, 2 and 4.
    bool allows() const {
        return visibility == "world_readable" || membership == "join" ||
               (membership == "invite" && visibility == "invited");
    }
};

/// What a user must see of a room, and what he must not.
struct Sight {
    std::set<std::string> must;
    std::set<std::string> must_not;
};

Sight look_at(const engine::Room& room, const UserId& user) {
    Sight sight;
    const bool is_joined = room.membership(user) == Membership::Join;
    for_each_in_timeline(room, [&](const StoredEvent& stored) {
        const auto before = room.state_before(stored.event->id);
        const auto after = room.state_after(stored.event->id);
        if (!before || !after) return;
        const View then(room, *before, user);
        const View later(room, *after, user);
        const std::string& id = stored.event->id.text();
        // Rule 3, where nobody can doubt it.
        const bool is_shared = then.visibility == "shared" || later.visibility == "shared";
        if (then.allows() || (then.visibility == "shared" && is_joined)) sight.must.insert(id);
        if (!then.allows() && !later.allows() && !is_shared) sight.must_not.insert(id);
    });
    return sight;
}

class HistoryComparison {
public:
    explicit HistoryComparison(World& world) : world_(world) {}

    Task<void> run() {
        for (const auto& [reader, place] : world_.history_readers()) {
            const User user = world_.user(reader);
            if (world_.cluster().server(user.server).is_up())
                co_await compare(user, world_.rooms()[place].id);
        }
    }

private:
    void find_wrong(const User& user, const RoomId& room, const std::string& what) {
        if (const auto excuse = world_.find_excuse_of(user.server))
            return world_.excuse("history: " + *excuse);
        world_.findings().add("history",
                              world_.cluster().time().now_us(),
                              user.id.text() + " in room " + room.text() + ": " + what);
    }

    Task<void> compare(User user, RoomId room) {
        // The first walk brings what other servers have of the history.
        co_await walk_history(&world_, user, room, WalkDirection::Backwards, kPageEvents);
        HistoryWalk back =
            co_await walk_history(&world_, user, room, WalkDirection::Backwards, kPageEvents);
        const HistoryWalk forth =
            co_await walk_history(&world_, user, room, WalkDirection::Forwards, kPageEvents);
        if (!back.is_whole || !forth.is_whole) co_return;
        world_.measure("histories_compared", 1);
        for (const HistoryWalk* walk : {&std::as_const(back), &forth}) {
            if (const auto repeated = find_repeated(*walk))
                find_wrong(user, room, *repeated + " is visited twice");
        }
        std::ranges::reverse(back.events);
        if (back.events != forth.events) {
            find_wrong(user,
                       room,
                       "backwards there are " + std::to_string(back.events.size()) +
                           " events, forwards " + std::to_string(forth.events.size()) +
                           ", or in another order");
        }
        check_sight(user, room, {back.events.begin(), back.events.end()});
    }

    void check_sight(const User& user, const RoomId& id, const std::set<std::string>& seen) {
        const auto room = world_.cluster().server(user.server).engine().rooms().find(id);
        if (!room) return;
        const Sight sight = look_at(**room, user.id);
        for (const std::string& event : sight.must) {
            world_.measure("events_seen_checked", 1);
            if (!seen.contains(event)) find_wrong(user, id, event + " must be visible and is not");
        }
        for (const std::string& event : sight.must_not) {
            world_.measure("events_hidden_checked", 1);
            if (seen.contains(event)) find_wrong(user, id, event + " must not be visible and is");
        }
    }

    World& world_;
};

class HistoryCheck final : public Check {
public:
    void conclude(World& world) override {
        if (world.history_readers().empty()) return;
        comparison_ = std::make_unique<HistoryComparison>(world);
        ask_to_the_end(world, "history", comparison_->run());
    }

private:
    std::unique_ptr<HistoryComparison> comparison_;
};

}  // namespace

std::unique_ptr<Check> make_history_check() {
    return std::make_unique<HistoryCheck>();
}

}  // namespace matrix::simulator
