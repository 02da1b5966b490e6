// The workload "moderation": moderators on every server, who redact, ban, kick, and deny servers
// the room for a while; in a split they do so without knowing of each other.

#include <algorithm>
#include <array>
#include <string_view>

#include "simulator/weighted_draw.h"
#include "simulator/workloads/workload.h"

namespace matrix::simulator {
namespace {

struct Deed {
    std::string_view verb;
    std::uint64_t weight;
};
constexpr std::array kModeratorDeeds = {
    Deed{"redact", 30},
    Deed{"message", 20},
    Deed{"ban", 12},
    Deed{"unban", 16},
    Deed{"kick", 10},
    Deed{"join", 6},
    Deed{"server_acl", 6},
};
constexpr std::array kMemberDeeds = {
    Deed{"message", 70},
    Deed{"redact", 5},
    Deed{"join", 20},
    Deed{"leave", 5},
};
constexpr std::int64_t kModeratorLevel = 50;
constexpr std::int64_t kAdministratorLevel = 100;
constexpr std::int64_t kRedactedBackMax = 20;
constexpr std::int64_t kDenialMsMin = 5'000;
constexpr std::int64_t kDenialMsMax = 60'000;

class Court {
public:
    explicit Court(Plan& plan) : plan_(plan), moderators_(plan.list_first_users()) {
        RoomPlan room;
        room.version = *plan.draw_version();
        room.creator = plan.draw_from(moderators_);
        for (const std::string& moderator : moderators_)
            room.levels[moderator] = kModeratorLevel;
        // Two who may deny servers the room, so that a split may have one on each side.
        administrators_ = {room.creator, plan.draw_from(moderators_)};
        room.levels[administrators_.back()] = kAdministratorLevel;
        room_ = plan.add_room("court", std::move(room));
    }

    void add_deeds() {
        for (std::uint64_t index = 0; index < plan_.user_count(); ++index) {
            const std::string user = plan_.user(index);
            const bool is_moderator = std::ranges::find(moderators_, user) != moderators_.end();
            for (const std::int64_t at_ms : plan_.draw_moments(0, plan_.end_ms())) {
                const std::string_view verb =
                    is_moderator ? draw_weighted(plan_.random(), kModeratorDeeds).verb
                                 : draw_weighted(plan_.random(), kMemberDeeds).verb;
                add_deed(at_ms, user, verb);
                ++deeds_;
            }
        }
        // Whoever is denied must hear of the end of it, and so must those who were with him.
        for (const std::string& administrator : administrators_)
            plan_.add_step(
                plan_.end_ms(), "server_acl", {{"user", administrator}, {"room", room_}});
    }

    std::uint64_t deeds() const { return deeds_; }

private:
    void add_deed(std::int64_t at_ms, const std::string& user, std::string_view verb) {
        if (verb == "server_acl") return add_denial(at_ms);
        json::Object arguments{{"user", user}, {"room", room_}};
        if (verb == "redact") arguments.set("back", plan_.draw_integer(0, kRedactedBackMax));
        if (verb == "ban" || verb == "unban" || verb == "kick")
            arguments.set("target", plan_.draw_user());
        plan_.add_step(at_ms, verb, std::move(arguments));
    }

    // Of one server, but not of the one that denies.
    void add_denial(std::int64_t at_ms) {
        const std::string& administrator = plan_.draw_from(administrators_);
        const std::string server = plan_.draw_server();
        if (administrator.ends_with(":" + server)) return;
        const json::Object here{{"user", administrator}, {"room", room_}};
        json::Object denial = here;
        denial.set("denied", json::Array{server});
        plan_.add_step(at_ms, "server_acl", std::move(denial));
        plan_.add_step(at_ms + plan_.draw_integer(kDenialMsMin, kDenialMsMax), "server_acl", here);
    }

    Plan& plan_;
    std::vector<std::string> moderators_;
    std::vector<std::string> administrators_;
    std::string room_;
    std::uint64_t deeds_ = 0;
};

}  // namespace

void draw_moderation(Plan& plan) {
    Court court(plan);
    court.add_deeds();
    plan.demand("messages_redacted", 1 + court.deeds() / 100);
    plan.demand("bans", 1 + court.deeds() / 200);
    plan.demand("kicks", 1);
    plan.demand("server_acls_set", 1);
    if (plan.servers() > 1) plan.demand("events_received", 1 + court.deeds() / 10);
}

}  // namespace matrix::simulator
