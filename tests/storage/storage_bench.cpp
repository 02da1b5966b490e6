// How many events per second storage takes, with one commit per turn.
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include <benchmark/benchmark.h>

#include "refserver/storage/database.h"
#include "simulator/simulated_disk.h"

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

void insert_event(Database& database, std::int64_t number, const std::string& text) {
    const std::string id = "$event-" + std::to_string(number * 2654435761 % 1'000'000'007);
    database.execute(
        "INSERT INTO events (event_id, room, number, type, sender, depth, position, status, text) "
        "VALUES (?1, 1, ?2, 'm.room.message', '@alice:example.org', ?2, ?2, 0, ?3)",
        {id, number, text});
    database.execute("INSERT INTO event_edges (previous_id, event) VALUES (?1, ?2)", {id, number});
    database.execute("DELETE FROM extremities WHERE room = 1");
    database.execute("INSERT INTO extremities (room, event_id) VALUES (1, ?1)", {id});
}

void insert_events(benchmark::State& state, runtime::Disk& disk, std::string_view name) {
    auto opened = Database::open(disk, name, {});
    if (!opened) return state.SkipWithError(opened.error().what.c_str());
    Database& database = **opened;
    const std::string text(1000, 'x');
    const std::int64_t turn_size = state.range(0);
    std::int64_t number = 0;
    for (auto _ : state) {
        for (std::int64_t count = 0; count < turn_size; ++count) {
            insert_event(database, ++number, text);
        }
        if (!database.commit()) return state.SkipWithError("commit failed");
        if (database.is_checkpoint_due() && !database.checkpoint()) {
            return state.SkipWithError("checkpoint failed");
        }
    }
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
