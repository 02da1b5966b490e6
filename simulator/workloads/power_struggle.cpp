#include "simulator/workloads/power_struggle.h"

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "refserver/base/assert.h"

namespace matrix::simulator {
namespace {

constexpr std::int64_t kSecondUs = 1'000'000;
constexpr std::int64_t kHourUs = 3600 * kSecondUs;
constexpr int kBadGateway = 502;
constexpr std::size_t kFailuresKept = 10;
constexpr int kSettleRounds = 3;
constexpr int kTypingMs = 10'000;

using Action = PowerStruggle::Action;

struct WeightedAction {
    Action action;
    std::uint64_t weight;
};
constexpr std::array kActions = {
    WeightedAction{Action::Message, 36},
    WeightedAction{Action::Topic, 8},
    WeightedAction{Action::PowerLevels, 16},
    WeightedAction{Action::Ban, 8},
    WeightedAction{Action::Unban, 6},
    WeightedAction{Action::Kick, 5},
    WeightedAction{Action::Invite, 4},
    WeightedAction{Action::Join, 10},
    WeightedAction{Action::Leave, 3},
    WeightedAction{Action::JoinRule, 4},
    WeightedAction{Action::Typing, 3},
    WeightedAction{Action::Receipt, 4},
    WeightedAction{Action::Presence, 3},
};
constexpr std::array<std::int64_t, 5> kLevels = {0, 25, 50, 75, 100};

Action draw_action(runtime::Random& random) {
    std::uint64_t total = 0;
    for (const WeightedAction& entry : kActions)
        total += entry.weight;
    std::uint64_t left = random.below(total);
    for (const WeightedAction& entry : kActions) {
        if (left < entry.weight) return entry.action;
        left -= entry.weight;
    }
    unreachable();
}

// Servers fall into two halves that a seed decides; neither is empty.
std::vector<int> draw_halves(int servers, runtime::Random& random) {
    std::vector<int> groups(static_cast<std::size_t>(servers), 0);
    for (int& group : groups)
        group = static_cast<int>(random.below(2));
    groups.front() = 0;
    groups.back() = 1;
    return groups;
}

}  // namespace

PowerStruggle::PowerStruggle(Cluster& cluster, PowerStruggleOptions options)
    : cluster_(cluster), options_(std::move(options)), random_(cluster.random("power_struggle")) {}

std::string PowerStruggle::room_path(const RoomId& room, std::string_view rest) const {
    return "/_matrix/client/v3/rooms/" + encode_segment(room.view()) + std::string(rest);
}

const User& PowerStruggle::any_user() {
    return cluster_.users()[random_.below(cluster_.users().size())];
}

void PowerStruggle::note_failure(const User& user, const std::string& what, const Answer& answer) {
    ++counts_.failed;
    if (counts_.failures.size() >= kFailuresKept) return;
    counts_.failures.push_back(user.id.text() + " " + what + ": " + std::to_string(answer.status) +
                               " " + json::write(answer.body));
}

Task<Answer> PowerStruggle::call(User user,
                                 std::string method,
                                 std::string target,
                                 json::Value body) {
    ++counts_.operations;
    const Answer answer = co_await cluster_.call(user, method, target, std::move(body));
    if (answer.status == kBadGateway) {
        ++counts_.unreachable;
    } else if (answer.status >= 500) {
        note_failure(user, method + " " + target, answer);
    } else if (answer.status >= 400) {
        ++counts_.refused;
    }
    co_return answer;
}

// Power on every server, so that each side of a split can act: some admins, more moderators.
json::Object PowerStruggle::power_levels_for(const std::string& version, const UserId& creator) {
    json::Object users;
    for (std::size_t index = 0; index < cluster_.users().size(); ++index) {
        const UserId& user = cluster_.users()[index].id;
        if (index % 3 == 0) users.set(user.view(), 100);
        if (index % 3 == 1) users.set(user.view(), 50);
    }
    const RoomRules* rules = find_room_rules(version);
    MATRIX_ASSERT(rules != nullptr);
    if (rules->has_privileged_creators) {
        users.erase(creator.view());
    } else {
        users.set(creator.view(), 100);
    }
    return json::Object{{"users", std::move(users)}};
}

Task<void> PowerStruggle::set_up() {
    for (std::size_t index = 0; index < options_.room_versions.size(); ++index) {
        const std::string version = options_.room_versions[index];
        const std::size_t stride = static_cast<std::size_t>(cluster_.options().users_per_server);
        const User creator = cluster_.users()[index * stride % cluster_.users().size()];
        json::Object body{{"preset", "public_chat"}, {"room_version", version}};
        body.set("power_level_content_override", power_levels_for(version, creator.id));
        const Answer created =
            co_await call(creator, "POST", "/_matrix/client/v3/createRoom", std::move(body));
        const std::string* id = created.body.find_string("room_id");
        if (id == nullptr) {
            note_failure(creator, "createRoom " + version, created);
            continue;
        }
        rooms_.emplace_back(*id);
        creators_.emplace(rooms_.back(), creator);
        for (const User& user : cluster_.users()) {
            if (user.id == creator.id) continue;
            const std::string target = "/_matrix/client/v3/join/" + encode_segment(*id) +
                                       "?via=" + encode_segment(creator.id.server().view());
            co_await call(user, "POST", target, json::Object{});
        }
    }
    is_set_up_ = true;
}

Task<void> PowerStruggle::edit_power_levels(User user, RoomId room) {
    const UserId target = any_user().id;
    const std::int64_t level = kLevels[random_.below(kLevels.size())];
    const std::string path = room_path(room, "/state/m.room.power_levels/");
    const Answer current = co_await call(user, "GET", path, {});
    const json::Object* content = current.body.if_object();
    if (!current.is_ok() || content == nullptr) co_return;
    json::Object edited = *content;
    json::Object users;
    if (const json::Object* before = current.body.find_object("users")) users = *before;
    users.set(target.view(), level);
    edited.set("users", std::move(users));
    co_await call(user, "PUT", path, std::move(edited));
}

Task<void> PowerStruggle::act_without_event(User user, RoomId room, Action action) {
    if (action == Action::Typing) {
        co_await call(user,
                      "PUT",
                      room_path(room, "/typing/" + encode_segment(user.id.view())),
                      json::Object{{"typing", true}, {"timeout", kTypingMs}});
    } else if (action == Action::Presence) {
        co_await call(user,
                      "PUT",
                      "/_matrix/client/v3/presence/" + encode_segment(user.id.view()) + "/status",
                      json::Object{{"presence", "online"}, {"status_msg", "fighting"}});
    } else if (const auto last = last_messages_.find(room); last != last_messages_.end()) {
        const std::string path = "/receipt/m.read/" + encode_segment(last->second);
        co_await call(user, "POST", room_path(room, path), json::Object{});
    }
}

Task<void> PowerStruggle::act_once(User user, RoomId room) {
    const Action action = draw_action(random_);
    const std::string target = any_user().id.text();
    const std::string number = std::to_string(next_transaction_++);
    const json::Object on_target{{"user_id", target}};
    switch (action) {
        case Action::Message: {
            const Answer sent =
                co_await call(user,
                              "PUT",
                              room_path(room, "/send/m.room.message/" + number),
                              json::Object{{"msgtype", "m.text"}, {"body", "message " + number}});
            if (const std::string* id = sent.body.find_string("event_id")) {
                last_messages_[room] = *id;
            }
            co_return;
        }
        case Action::Topic:
            co_await call(user,
                          "PUT",
                          room_path(room, "/state/m.room.topic/"),
                          json::Object{{"topic", "topic " + number}});
            co_return;
        case Action::PowerLevels:
            co_await edit_power_levels(user, room);
            co_return;
        case Action::Ban:
            co_await call(user, "POST", room_path(room, "/ban"), on_target);
            co_return;
        case Action::Unban:
            co_await call(user, "POST", room_path(room, "/unban"), on_target);
            co_return;
        case Action::Kick:
            co_await call(user, "POST", room_path(room, "/kick"), on_target);
            co_return;
        case Action::Invite:
            co_await call(user, "POST", room_path(room, "/invite"), on_target);
            co_return;
        case Action::Join: {
            const std::string via = creators_.at(room).id.server().text();
            co_await call(user,
                          "POST",
                          "/_matrix/client/v3/join/" + encode_segment(room.view()) +
                              "?via=" + encode_segment(via),
                          json::Object{});
            co_return;
        }
        case Action::Leave:
            co_await call(user, "POST", room_path(room, "/leave"), json::Object{});
            co_return;
        case Action::JoinRule: {
            const char* rule = random_.one_in(4) ? "invite" : "public";
            co_await call(user,
                          "PUT",
                          room_path(room, "/state/m.room.join_rules/"),
                          json::Object{{"join_rule", rule}});
            co_return;
        }
        case Action::Typing:
        case Action::Receipt:
        case Action::Presence:
            co_await act_without_event(user, room, action);
            co_return;
    }
    unreachable();
}

Task<void> PowerStruggle::act(User user) {
    while (true) {
        const auto pause_ms = static_cast<std::int64_t>(
            random_.below(static_cast<std::uint64_t>(options_.pause_us_max / 1000)));
        co_await cluster_.clock().sleep(runtime::milliseconds(pause_ms));
        if (cluster_.time().now_us() >= end_us_) break;
        const RoomId room = rooms_[random_.below(rooms_.size())];
        co_await act_once(user, room);
    }
    --acting_;
}

// An event of each server that can still speak: together they follow everything before them.
Task<void> PowerStruggle::settle() {
    for (const RoomId& room : rooms_) {
        for (int number = 0; number < cluster_.server_count(); ++number) {
            for (const User& user : cluster_.users()) {
                if (user.server != number) continue;
                const std::string transaction = std::to_string(next_transaction_++);
                const Answer sent =
                    co_await call(user,
                                  "PUT",
                                  room_path(room, "/send/m.room.message/" + transaction),
                                  json::Object{{"msgtype", "m.text"}, {"body", "settle"}});
                if (sent.is_ok()) break;
            }
            // One after the other: each has seen the one before it.
            co_await cluster_.clock().sleep(runtime::seconds(2));
        }
    }
    is_settled_ = true;
}

bool PowerStruggle::run() {
    cluster_.tasks().start(set_up());
    if (!cluster_.run_until(kHourUs, [this] { return is_set_up_ && cluster_.is_quiet(); })) {
        return false;
    }
    if (rooms_.size() != options_.room_versions.size()) return false;

    const std::int64_t start_us = cluster_.time().now_us();
    end_us_ = start_us + options_.chaos_us;
    acting_ = cluster_.users().size();
    for (const User& user : cluster_.users())
        cluster_.tasks().start(act(user));
    if (options_.has_split && cluster_.server_count() > 1) {
        cluster_.time().run_until(start_us + options_.chaos_us / 3);
        cluster_.network().split(draw_halves(cluster_.server_count(), random_));
        cluster_.time().run_until(start_us + options_.chaos_us * 2 / 3);
        cluster_.network().heal();
    }
    const auto is_over = [this] { return acting_ == 0 && cluster_.is_quiet(); };
    if (!cluster_.run_until(options_.chaos_us + kHourUs, is_over)) return false;

    for (int round = 0; round < kSettleRounds; ++round) {
        is_settled_ = false;
        cluster_.tasks().start(settle());
        const auto is_done = [this] { return is_settled_ && cluster_.is_quiet(); };
        if (!cluster_.run_until(kHourUs, is_done)) return false;
    }
    // What waits for its place is tried again now and then; what nobody can give stays out.
    const auto has_nothing_unplaced = [this] { return cluster_.count_unplaced() == 0; };
    static_cast<void>(cluster_.run_until(kHourUs, has_nothing_unplaced));
    return true;
}

}  // namespace matrix::simulator
