// Reading what was said before.

#include "simulator/history_walk.h"
#include "simulator/operations/operation.h"

namespace matrix::simulator {
namespace {

constexpr std::array<std::string_view, 2> kDirections = {"backwards", "forwards"};
constexpr std::array kPageParameters = {
    kUserParameter,
    kRoomParameter,
    Parameter{.name = "direction",
              .kind = ParameterKind::Option,
              .meaning = "From the newest event, or from the oldest.",
              .options = kDirections},
    Parameter{.name = "page",
              .kind = ParameterKind::Integer,
              .meaning = "How many events a page has at most.",
              .least = 1,
              .most = 1000},
};

Task<void> page_history(World* world, Step step) {
    const LivingRoom& room = world->room_of(step);
    const auto place = static_cast<std::size_t>(&room - world->rooms().data());
    const RoomId id = room.id;
    const auto direction =
        step.text("direction") == "backwards" ? WalkDirection::Backwards : WalkDirection::Forwards;
    const HistoryWalk walk = co_await walk_history(
        world, world->user(step.text("user")), id, direction, step.integer("page"));
    world->history_readers().emplace(step.text("user"), place);
    if (const auto repeated = find_repeated(walk)) {
        world->findings().add(
            "history",
            world->cluster().time().now_us(),
            step.text("user") + " came by " + *repeated + " twice in room " + id.text());
    }
    if (walk.is_whole) world->measure("history_walks", 1);
}

constexpr std::array kHistoryVerbs = {
    Verb{"page_history",
         VerbKind::Operation,
         "Pages through all of the room's history.",
         kPageParameters,
         page_history},
};

}  // namespace

std::span<const Verb> history_verbs() {
    return kHistoryVerbs;
}

}  // namespace matrix::simulator
