#include "simulator/history_walk.h"

#include <set>
#include <utility>

#include "refserver/engine/http_api.h"

namespace matrix::simulator {
namespace {

constexpr int kPagesMax = 2000;

std::string page_path(const RoomId& room,
                      WalkDirection direction,
                      std::int64_t page_events,
                      const std::string& from) {
    std::string path = room_path(room, "/messages?dir=");
    path += direction == WalkDirection::Backwards ? "b" : "f";
    path += "&limit=" + std::to_string(page_events);
    if (!from.empty()) path += "&from=" + engine::percent_encode(from);
    return path;
}

}  // namespace

Task<HistoryWalk> walk_history(
    World* world, User user, RoomId room, WalkDirection direction, std::int64_t page_events) {
    HistoryWalk walk;
    std::string from;
    for (int page = 0; page < kPagesMax; ++page) {
        const Answer answer =
            co_await world->call(user, "GET", page_path(room, direction, page_events, from));
        const json::Array* chunk = answer.body.find_array("chunk");
        if (!answer.is_ok() || chunk == nullptr) co_return walk;
        for (const json::Value& event : *chunk) {
            const std::string* id = event.find_string("event_id");
            walk.events.push_back(id == nullptr ? "" : *id);
        }
        const std::string* end = answer.body.find_string("end");
        // Forwards, an empty page is the end of what there is by now.
        const bool is_end = end == nullptr || (direction == WalkDirection::Forwards &&
                                               chunk->empty() && *end == from);
        if (is_end) {
            walk.is_whole = true;
            co_return walk;
        }
        from = *end;
    }
    co_return walk;
}

std::optional<std::string> find_repeated(const HistoryWalk& walk) {
    std::set<std::string_view> seen;
    for (const std::string& id : walk.events) {
        if (!seen.insert(id).second) return id;
    }
    return std::nullopt;
}

}  // namespace matrix::simulator
