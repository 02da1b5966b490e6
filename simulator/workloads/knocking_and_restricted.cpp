// The workload "knocking and restricted": a door at which people knock, a room that admits the
// members of a lobby, and one that does both; those inside let in, refuse, and change the rules.

#include <algorithm>
#include <array>
#include <string_view>

#include "simulator/weighted_draw.h"
#include "simulator/workloads/workload.h"

namespace matrix::simulator {
namespace {

constexpr std::int64_t kHostLevel = 50;

struct Door {
    std::string name;
    std::string rule;  ///< At the beginning.
};

struct Act {
    std::string_view verb;
    std::uint64_t weight;
};
constexpr std::array kGuestActs = {
    Act{"join", 40},
    Act{"knock", 25},
    Act{"leave", 25},
    Act{"message", 10},
};
// A host's invite is how a knock is accepted, his kick how it is refused.
constexpr std::array kHostActs = {
    Act{"invite", 50},
    Act{"kick", 20},
    Act{"message", 15},
    Act{"join", 10},
    Act{"join_rule", 5},
};

class Doors {
public:
    explicit Doors(Plan& plan) : plan_(plan), hosts_(plan.list_first_users()) {
        RoomPlan lobby;
        lobby.version = *plan.draw_version();
        lobby.creator = plan.draw_from(hosts_);
        lobby_ = plan.add_room("lobby", std::move(lobby));
        add_door("knock", &RoomRules::has_knock);
        add_door("restricted", &RoomRules::has_restricted);
        add_door("knock_restricted", &RoomRules::has_knock_restricted);
    }

    bool has(std::string_view rule) const {
        return std::ranges::find(doors_, rule, &Door::rule) != doors_.end();
    }
    bool empty() const { return doors_.empty(); }

    void add_acts() {
        for (std::uint64_t index = 0; index < plan_.user_count(); ++index) {
            const std::string user = plan_.user(index);
            const bool is_host = std::ranges::find(hosts_, user) != hosts_.end();
            for (const std::int64_t at_ms : plan_.draw_moments(0, plan_.end_ms())) {
                const Door& door = doors_[plan_.random().below(doors_.size())];
                const std::string_view verb = is_host
                                                  ? draw_weighted(plan_.random(), kHostActs).verb
                                                  : draw_weighted(plan_.random(), kGuestActs).verb;
                add_act(at_ms, user, door, verb);
                ++acts_;
            }
        }
    }
    std::uint64_t acts() const { return acts_; }

private:
    // Half of the hosts are inside, and who may invite vouches for those who come.
    void add_door(const std::string& rule, bool RoomRules::* feature) {
        const auto version = plan_.draw_version(feature);
        if (!version) return;
        RoomPlan room;
        room.version = *version;
        room.creator = plan_.draw_from(hosts_);
        room.members.emplace();
        for (const std::string& host : hosts_) {
            room.levels[host] = kHostLevel;
            if (plan_.random().one_in(2)) room.members->push_back(host);
        }
        const std::string creator = room.creator;
        doors_.push_back({plan_.add_room("door", std::move(room)), rule});
        add_rule(0, creator, doors_.back(), rule);
    }

    void add_rule(std::int64_t at_ms,
                  const std::string& user,
                  const Door& door,
                  const std::string& rule) {
        json::Object arguments{{"user", user}, {"room", door.name}, {"rule", rule}};
        if (rule.ends_with("restricted")) arguments.set("allow", lobby_);
        plan_.add_step(at_ms, "join_rule", std::move(arguments));
    }

    void add_act(std::int64_t at_ms,
                 const std::string& user,
                 const Door& door,
                 std::string_view verb) {
        // For a while nobody comes in but those who are invited.
        if (verb == "join_rule") {
            add_rule(at_ms, user, door, "invite");
            return add_rule(at_ms + plan_.draw_integer(0, 30'000), user, door, door.rule);
        }
        json::Object arguments{{"user", user}, {"room", door.name}};
        // Now and then it is the lobby that one leaves, or comes back to.
        const bool is_about_lobby = (verb == "join" || verb == "leave") && plan_.random().one_in(4);
        if (is_about_lobby) arguments.set("room", lobby_);
        if (verb == "invite" || verb == "kick") arguments.set("target", plan_.draw_user());
        if (!is_about_lobby && (verb == "join" || verb == "knock") && plan_.random().one_in(2))
            arguments.set("via", plan_.draw_server());
        plan_.add_step(at_ms, verb, std::move(arguments));
    }

    Plan& plan_;
    std::vector<std::string> hosts_;
    std::string lobby_;
    std::vector<Door> doors_;
    std::uint64_t acts_ = 0;
};

}  // namespace

void draw_knocking_and_restricted(Plan& plan) {
    Doors doors(plan);
    if (!doors.empty()) doors.add_acts();
    plan.demand("knocks", 1 + doors.acts() / 100);
    if (doors.has("restricted")) plan.demand("joins_restricted", 1);
    if (plan.user_count() > 1) plan.demand("invites", 1);
    plan.demand("join_rules_set", 1);
}

}  // namespace matrix::simulator
