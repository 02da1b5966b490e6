// How many events per second storage takes, with one commit per turn.
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include <benchmark/benchmark.h>

#include "refserver/storage/database.h"
#include "refserver/storage/event_store.h"
#include "refserver/storage/room_store.h"
#include "simulator/simulated_disk.h"
#include "tests/storage/fake_world.h"

namespace matrix::storage {
namespace {

/// A folder that lives as long as the benchmark; without one, a disk in memory.
struct BenchDisk final : runtime::Disk {
    std::string folder;
    BenchDisk() {
        std::string pattern = std::filesystem::temp_directory_path() / "storage_bench_XXXXXX";
        folder = ::mkdtemp(pattern.data());
    }
    ~BenchDisk() override { std::filesystem::remove_all(folder); }
    std::optional<std::string> native_folder() const override { return folder; }
    std::unique_ptr<runtime::DiskFile> open(std::string_view) override { return nullptr; }
    bool exists(std::string_view) const override { return false; }
    runtime::DiskStatus remove(std::string_view) override { return runtime::DiskStatus::IoError; }
};

/// Tells at once: what is measured ends with the commit.
class InstantDurability final : public runtime::Durability {
public:
    explicit InstantDurability(FakeExecutor& executor) : executor_(executor) {}
    runtime::Pending sync(std::move_only_function<void()> done) override {
        executor_.post(std::move(done));
        return {};
    }

private:
    FakeExecutor& executor_;
};

StoredEvent make_message(std::int64_t number, const EventId& previous, StreamPosition position) {
    Event event;
    event.id = EventId("$event-" + std::to_string(number * 2654435761 % 1'000'000'007));
    event.room_id = RoomId("!room:example.org");
    event.sender = UserId("@alice:example.org");
    event.type = "m.room.message";
    event.prev_events = {previous};
    event.depth = number;
    event.rules = &all_room_rules().back();
    event.text = std::string(1000, 'x');
    StoredEvent stored;
    stored.event = std::make_shared<const Event>(std::move(event));
    stored.position = position;
    stored.state_before = State::Hash{};
    stored.state_after = State::Hash{};
    return stored;
}

void insert_events(benchmark::State& state, runtime::Disk& disk, std::string_view name) {
    auto opened = Database::open(disk, name, {});
    if (!opened) return state.SkipWithError(opened.error().what.c_str());
    FakeExecutor executor;
    InstantDurability durability(executor);
    FakeLog log;
    Turns turns(**opened, executor, durability, log);
    EventStore events(turns);
    RoomStore rooms(turns);

    const std::int64_t turn_size = state.range(0);
    const RoomNumber room = rooms.create(RoomId("!room:example.org"), all_room_rules().back());
    EventId newest;
    std::int64_t number = 0;
    for (auto _ : state) {
        executor.post([&] {
            for (std::int64_t count = 0; count < turn_size; ++count) {
                const StoredEvent stored = make_message(++number, newest, turns.next_position());
                events.put(room, stored);
                if (!newest.empty()) rooms.remove_extremity(room, newest);
                newest = stored.event->id;
                rooms.add_extremity(room, newest);
            }
        });
        executor.run_turn();
    }
    if (turns.failed_commits() > 0) return state.SkipWithError("a commit failed");
    state.SetItemsProcessed(number);
}

void insert_events_native(benchmark::State& state) {
    BenchDisk disk;
    insert_events(state, disk, "homeserver.db");
}
BENCHMARK(insert_events_native)->ArgName("events_per_turn")->Arg(1)->Arg(10)->Arg(100);

void insert_events_simulated(benchmark::State& state) {
    simulator::SimulatedDisk disk(1);
    insert_events(state, disk, "homeserver.db");
}
BENCHMARK(insert_events_simulated)->ArgName("events_per_turn")->Arg(1)->Arg(10);

void insert_events_in_memory(benchmark::State& state) {
    simulator::SimulatedDisk disk(1);
    insert_events(state, disk, ":memory:");
}
BENCHMARK(insert_events_in_memory)->ArgName("events_per_turn")->Arg(1);

void open_new_database(benchmark::State& state) {
    for (auto _ : state) {
        simulator::SimulatedDisk disk(1);
        benchmark::DoNotOptimize(Database::open(disk, ":memory:", {}));
    }
}
BENCHMARK(open_new_database);

void open_from_template(benchmark::State& state) {
    simulator::SimulatedDisk image(1);
    if (!Database::open(image, "homeserver.db", {})) return state.SkipWithError("no image");
    for (auto _ : state) {
        simulator::SimulatedDisk disk(image, 2);
        benchmark::DoNotOptimize(Database::open(disk, "homeserver.db", {}));
    }
}
BENCHMARK(open_from_template);

}  // namespace
}  // namespace matrix::storage
