#include "simulator/lab/server_world.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "refserver/base/assert.h"
#include "simulator/checkers/checkers.h"
#include "simulator/lab/repairs.h"
#include "simulator/run.h"
#include "simulator/scenario/draw.h"
#include "simulator/timeline.h"

namespace matrix::lab {
namespace {

using engine::EventStatus;
using engine::RoomPtr;

constexpr std::int64_t kMsPerMinute = 60'000;
constexpr std::int64_t kWatchMs = 1'000;  // Checkers watch every virtual second.

// What some server has in its timeline, by depth: an honest event is deeper than those before it.
std::vector<EventPtr> list_events(const std::vector<RoomPtr>& rooms) {
    std::map<std::pair<std::int64_t, EventId>, EventPtr> events;
    for (const RoomPtr& room : rooms) {
        simulator::for_each_in_timeline(*room, [&](const engine::StoredEvent& stored) {
            events[{stored.event->depth, stored.event->id}] = stored.event;
        });
    }
    std::vector<EventPtr> list;
    for (const auto& [place, event] : events)
        list.push_back(event);
    return list;
}

/// One server's part in a room, at the end.
class Resident {
public:
    Resident(RoomPtr room, const WorldOptions& options, WorldFigures& figures)
        : room_(std::move(room)),
          options_(options),
          figures_(figures),
          find_event_([this](const EventId& id) { return find(id); }),
          resolver_(room_->rules(), find_event_, ed25519_verifier()) {}
    Resident(const Resident&) = delete;
    Resident& operator=(const Resident&) = delete;

    void look_at(const std::vector<EventPtr>& events) {
        std::vector<EventId> placed;
        for (const EventPtr& event : events) {
            const auto stored = room_->find_event(event->id);
            const auto before = stored ? room_->state_before(event->id) : std::nullopt;
            if (!before) continue;
            count_refusal(*stored);
            history_.add(stored->event, *before);
            placed.push_back(event->id);
        }
        for (const EventId& id : placed)
            look_at_merge(*history_.event(id));
    }

private:
    auth::CitedEvent find(const EventId& id) const {
        const auto stored = room_->find_event(id);
        return stored ? auth::CitedEvent{stored->event, stored->is_rejected()} : auth::CitedEvent{};
    }

    void count_refusal(const engine::StoredEvent& stored) {
        ++figures_.events;
        if (stored.status == EventStatus::Rejected) ++figures_.rejections[stored.rule];
        if (stored.status == EventStatus::SoftFailed) ++figures_.soft_failures[stored.rule];
    }

    // The states that met before an event; fewer than two if they are equal or unknown.
    std::vector<State> list_inputs(const Event& event) const {
        std::vector<State> inputs;
        for (const EventId& id : event.prev_events) {
            auto after = room_->state_after(id);
            if (!after) return {};
            const bool is_known = std::ranges::find(inputs, *after) != inputs.end();
            if (!is_known) inputs.push_back(*std::move(after));
        }
        return inputs;
    }

    void look_at_merge(const Event& event) {
        const std::vector<State> inputs = list_inputs(event);
        if (inputs.size() < 2) return;
        const State result = resolve_counted(resolver_, inputs, options_.stopwatch, figures_);
        const bool is_new_reset =
            losses_.count(find_taken_back(history_, inputs, result), figures_);
        if (!is_new_reset || !options_.other) return;
        ++figures_
              .repairs[find_repair(history_, find_event_, inputs, room_->rules(), *options_.other)];
    }

    RoomPtr room_;
    const WorldOptions& options_;
    WorldFigures& figures_;
    FindEvent find_event_;
    Resolver resolver_;
    History history_;
    Losses losses_;
};

std::vector<EventId> sorted(std::vector<EventId> ids) {
    std::ranges::sort(ids);
    return ids;
}

/// Looks at a run as a checker does, and finds nothing wrong.
class Onlooker final : public simulator::Check {
public:
    Onlooker(const WorldOptions& options, WorldFigures& figures)
        : options_(options), figures_(figures) {}

    void watch(simulator::World& world) override {
        bool is_apart = false;
        bool is_split = false;
        const std::vector<RoomPtr> rooms = list_rooms(world);
        for (std::size_t a = 0; a < rooms.size(); ++a) {
            for (std::size_t b = a + 1; b < rooms.size(); ++b) {
                if (rooms[a]->current_state() == rooms[b]->current_state()) continue;
                is_apart = true;
                is_split |= sorted(rooms[a]->extremities()) == sorted(rooms[b]->extremities());
            }
        }
        figures_.apart_ms += is_apart ? kWatchMs : 0;
        figures_.split_ms += is_split ? kWatchMs : 0;
        figures_.lasted_ms += kWatchMs;
        figures_.is_split_at_end = is_split;
    }

    void conclude(simulator::World& world) override {
        watch(world);
        const std::vector<RoomPtr> rooms = list_rooms(world);
        const std::vector<EventPtr> events = list_events(rooms);
        for (const RoomPtr& room : rooms)
            Resident(room, options_, figures_).look_at(events);
    }

private:
    // Of the servers that are in it.
    static std::vector<RoomPtr> list_rooms(simulator::World& world) {
        std::vector<RoomPtr> rooms;
        for (const simulator::LivingRoom& living : world.rooms()) {
            for (int number = 0; number < world.cluster().server_count(); ++number) {
                engine::Server& server = world.cluster().server(number).engine();
                auto room = server.rooms().find(living.id);
                if (room && (*room)->is_server_joined(server.name())) rooms.push_back(*room);
            }
        }
        return rooms;
    }

    const WorldOptions& options_;
    WorldFigures& figures_;
};

}  // namespace

WorldFigures run_servers(std::uint64_t seed, const RoomRules& rules, const WorldOptions& options) {
    simulator::DrawOptions draw;
    draw.seed = seed;
    draw.servers = kWholeServers;
    draw.chaos_ms = kWholeServersMinutes * kMsPerMinute;
    draw.workload.room_versions = {std::string(rules.version)};
    draw.disturbances = {"split"};
    simulator::Scenario scenario = simulator::draw_scenario(draw);
    scenario.at_least.clear();
    WorldFigures figures;
    Onlooker onlooker(options, figures);
    simulator::RunOptions run;
    run.onlooker = &onlooker;
    const auto report = simulator::run(scenario, run);
    MATRIX_ASSERT(report.has_value());  // Only a trace file could fail.
    return figures;
}

}  // namespace matrix::lab
