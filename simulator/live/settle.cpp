#include "simulator/live/settle.h"

#include <algorithm>
#include <chrono>

#include "conformance/harness/steps.h"
#include "simulator/live/views.h"

namespace matrix::live {
namespace {

using std::chrono::milliseconds;
using std::chrono::steady_clock;

class Settling {
public:
    Settling(Arena& arena, const LiveRoom& room)
        : arena_(arena), room_(room), end_(steady_clock::now() + arena.options().settle_within) {}

    // Again and again: what one side had not yet seen when it spoke is behind its next words.
    std::optional<EventId> run() {
        while (steady_clock::now() < end_) {
            if (const auto last = speak_in_turn()) return last;
        }
        arena_.report().say_stuck("room " + room_.id.text() + " (version " +
                                  std::string(room_.rules->version) + "): " + waited_for_);
        return std::nullopt;
    }

private:
    milliseconds left() const {
        return std::max(milliseconds(0),
                        std::chrono::duration_cast<milliseconds>(end_ - steady_clock::now()));
    }

    bool wait_for(const std::string& what, const std::function<bool()>& is_done) {
        waited_for_ = "waited for " + what;
        return conformance::eventually(left(), is_done);
    }

    bool has_accepted(int server, const EventId& event) {
        return arena_.ours().ask<bool>(server, [&](engine::Server& engine) {
            const auto room = engine.rooms().find(room_.id);
            if (!room) return false;
            const auto stored = (*room)->find_event(event);
            return stored && stored->status == engine::EventStatus::Accepted;
        });
    }

    bool is_only_end(int server, const EventId& event) {
        return arena_.ours().ask<bool>(server, [&](engine::Server& engine) {
            const auto room = engine.rooms().find(room_.id);
            return room && (*room)->extremities() == std::vector<EventId>{event};
        });
    }

    // The event of the target that ends the room, if this time it is the end everywhere.
    std::optional<EventId> speak_in_turn() {
        std::vector<EventId> said;
        for (int side = 0; side < arena_.ours().count(); ++side) {
            const auto event = arena_.say(arena_.anchor(side), room_, "settle");
            waited_for_ = "server " + std::to_string(side) + " to take a message of its anchor";
            if (!event) return std::nullopt;
            said.push_back(*event);
        }
        for (std::size_t side = 0; side < said.size(); ++side) {
            const std::string what =
                "the target to show " + said[side].text() + " of server " + std::to_string(side);
            if (!wait_for(what, [&] { return arena_.is_shown(room_, said[side]); }))
                return std::nullopt;
        }
        const auto last = arena_.say(arena_.target_anchor(), room_, "settle");
        waited_for_ = "the target to take a message of its anchor";
        if (!last) return std::nullopt;
        for (int server = 0; server < arena_.ours().count(); ++server) {
            const std::string what =
                "server " + std::to_string(server) + " to get " + last->text() + " of the target";
            if (!wait_for(what, [&] { return has_accepted(server, *last); })) return std::nullopt;
        }
        waited_for_ = "one common end of the room";
        for (int server = 0; server < arena_.ours().count(); ++server) {
            if (!is_only_end(server, *last)) return std::nullopt;
        }
        const auto ends = ask_extremities(arena_, room_);
        if (!ends || *ends != std::set<EventId>{*last}) return std::nullopt;
        return last;
    }

    Arena& arena_;
    const LiveRoom& room_;
    steady_clock::time_point end_;
    std::string waited_for_;
};

}  // namespace

std::map<RoomId, EventId> settle(Arena& arena) {
    arena.ours().change_faults({});
    std::map<RoomId, EventId> ends;
    for (const LiveRoom& room : arena.rooms()) {
        if (const auto end = Settling(arena, room).run()) ends.insert_or_assign(room.id, *end);
    }
    arena.report().count("rooms settled", ends.size());
    return ends;
}

}  // namespace matrix::live
