// The workload "history paging": people talk in a room whose history is visible now to all, now to
// members alone; some come late, leave, or are only invited, and page through what they may see.

#include <array>
#include <string_view>

#include "simulator/weighted_draw.h"
#include "simulator/workloads/workload.h"

namespace matrix::simulator {
namespace {

struct Pastime {
    std::string_view verb;
    std::uint64_t weight;
};
constexpr std::array kPastimes = {
    Pastime{"message", 60},
    Pastime{"join", 10},
    Pastime{"leave", 8},
    Pastime{"topic", 5},
    Pastime{"invite", 5},
    Pastime{"page_history", 2},
};
constexpr std::array<std::string_view, 4> kDrawnVisibilities = {
    "shared", "joined", "invited", "world_readable"};
constexpr std::int64_t kVisibilityEveryMs = 60'000;
constexpr std::int64_t kPageMin = 3;
constexpr std::int64_t kPageMax = 40;
constexpr std::int64_t kArchivistLevel = 100;

void add_walk(Plan& plan, std::int64_t at_ms, const std::string& user, const std::string& room) {
    plan.add_step(at_ms,
                  "page_history",
                  {{"user", user},
                   {"room", room},
                   {"direction", plan.random().one_in(3) ? "forwards" : "backwards"},
                   {"page", plan.draw_integer(kPageMin, kPageMax)}});
}

}  // namespace

void draw_history_paging(Plan& plan) {
    RoomPlan room;
    room.version = *plan.draw_version();
    const std::vector<std::string> hosts = plan.list_first_users();
    room.creator = plan.draw_from(hosts);
    for (const std::string& host : hosts)
        room.levels[host] = kArchivistLevel;
    room.members.emplace();
    for (std::uint64_t index = 0; index < plan.user_count(); ++index) {
        if (plan.random().one_in(2)) room.members->push_back(plan.user(index));
    }
    const std::string creator = room.creator;
    const std::string name = plan.add_room("archive", std::move(room));

    for (std::uint64_t index = 0; index < plan.user_count(); ++index) {
        const std::string user = plan.user(index);
        for (const std::int64_t at_ms : plan.draw_moments(0, plan.end_ms())) {
            const std::string_view verb = draw_weighted(plan.random(), kPastimes).verb;
            if (verb == "page_history") {
                add_walk(plan, at_ms, user, name);
                continue;
            }
            json::Object arguments{{"user", user}, {"room", name}};
            if (verb == "invite") arguments.set("target", plan.draw_user());
            plan.add_step(at_ms, verb, std::move(arguments));
        }
    }
    for (std::int64_t at_ms = 0; at_ms < plan.end_ms(); at_ms += kVisibilityEveryMs) {
        const std::string_view visibility =
            kDrawnVisibilities[plan.random().below(kDrawnVisibilities.size())];
        plan.add_step(
            at_ms + plan.draw_integer(0, kVisibilityEveryMs),
            "history_visibility",
            {{"user", plan.draw_from(hosts)}, {"room", name}, {"visibility", visibility}});
    }
    // Somebody reads, whoever else does.
    add_walk(plan, plan.end_ms() / 2, creator, name);
    add_walk(plan, plan.end_ms(), plan.draw_user(), name);
    plan.demand("history_walks", 1);
    plan.demand("histories_compared", 1);
}

}  // namespace matrix::simulator
