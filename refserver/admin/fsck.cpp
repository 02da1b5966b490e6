#include "refserver/admin/fsck.h"

#include <chrono>
#include <cstdio>
#include <iostream>

#include <unistd.h>

#include "refserver/admin/data_file.h"
#include "refserver/engine/fsck/fsck.h"
#include "refserver/platform/data_folder.h"
#include "refserver/protocol/json.h"
#include "refserver/storage/database.h"

namespace matrix::admin {
namespace {

std::int64_t now_ms() {
    using std::chrono::duration_cast, std::chrono::milliseconds, std::chrono::system_clock;
    return duration_cast<milliseconds>(system_clock::now().time_since_epoch()).count();
}

json::Object to_json(const engine::Breach& breach) {
    json::Object object{
        {"breach", breach.name}, {"expected", breach.expected}, {"found", breach.found}};
    if (!breach.room_id.empty()) object.set("room_id", breach.room_id);
    if (!breach.event_id.empty()) object.set("event_id", breach.event_id);
    return object;
}

json::Object to_json(const engine::FsckCounts& counts) {
    const auto number = [](std::uint64_t count) { return static_cast<std::int64_t>(count); };
    return {{"breaches", number(counts.breaches)},
            {"rooms", number(counts.rooms)},
            {"events", number(counts.events)},
            {"signatures", number(counts.signatures)},
            {"signatures_unjudged", number(counts.signatures_unjudged)},
            {"verdicts_unjudged", number(counts.verdicts_unjudged)},
            {"states", number(counts.states)},
            {"states_unjudged", number(counts.states_unjudged)},
            {"resolutions", number(counts.resolutions)},
            {"state_nodes", number(counts.state_nodes)},
            {"state_nodes_unreachable", number(counts.state_nodes_unreachable)},
            {"files", number(counts.files)}};
}

void print_progress(std::string_view part, std::uint64_t done, std::uint64_t of) {
    std::fprintf(stderr,
                 "\r%.*s: %llu of %llu",
                 static_cast<int>(part.size()),
                 part.data(),
                 static_cast<unsigned long long>(done),
                 static_cast<unsigned long long>(of));
    if (done >= of) std::fputc('\n', stderr);
}

void print_counts(const engine::FsckCounts& counts, bool wants_json) {
    const json::Object object = to_json(counts);
    if (wants_json) {
        std::cout << json::write(json::Object{{"summary", object}}) << '\n';
        return;
    }
    for (const auto& [name, count] : object)
        std::cout << name << ": " << json::write(count) << '\n';
}

int refuse(const std::string& why) {
    std::cerr << "refserver fsck: " << why << '\n';
    return 2;
}

}  // namespace

int run_fsck(const FsckCommand& command) {
    const auto held = platform::DataFolder::hold_existing(command.data);
    if (!held) {
        return refuse("--data: " + held.error() + "; of a running server check a snapshot");
    }
    const auto name = read_server_name(command.data);
    if (!name) return refuse("--data: " + name.error());
    const auto database = storage::Database::open_to_read(command.data + "/" + kDatabaseFile);
    if (!database) return refuse("--data: " + database.error().what);

    engine::FsckOptions options;
    options.server_name = *name;
    options.now_ts = now_ms();
    options.on_breach = [&](const engine::Breach& breach) {
        if (command.wants_json) {
            std::cout << json::write(to_json(breach)) << '\n';
        } else {
            std::cout << breach << '\n';
        }
    };
    if (!command.is_quiet && ::isatty(STDERR_FILENO) != 0) options.on_progress = print_progress;
    const engine::FsckCounts counts = engine::check_database(**database, options);
    if ((*database)->has_failed()) {
        return refuse("--data: the disk failed, or the file is damaged, while it was read");
    }
    print_counts(counts, command.wants_json);
    return counts.breaches == 0 ? 0 : 1;
}

}  // namespace matrix::admin
