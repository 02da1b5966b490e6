#include "simulator/live/load.h"

#include <chrono>
#include <thread>

namespace matrix::live {
namespace {

using conformance::escape;
using conformance::string_at;

constexpr int kForbidden = 403;

// The target asks the server of whomever it invites, and perhaps that of a room that it joins.
Reliance reliance_of(Action action) {
    const bool asks_others =
        action == Action::Invite || action == Action::Join || action == Action::Leave;
    return asks_others ? Reliance::OtherServers : Reliance::Itself;
}

}  // namespace

void Load::run(const Round& round) {
    arena_.ours().change_faults(round.faults);
    std::map<int, std::vector<Operation>> by_actor;
    for (const Operation& operation : round.operations)
        by_actor[operation.actor].push_back(operation);
    std::vector<std::thread> threads;
    for (const auto& [actor, operations] : by_actor) {
        threads.emplace_back([this, &operations] {
            for (const Operation& operation : operations) {
                std::this_thread::sleep_for(std::chrono::milliseconds(operation.pause_ms));
                act(operation);
            }
        });
    }
    for (std::thread& thread : threads)
        thread.join();
    arena_.report().count("rounds");
}

void Load::act(const Operation& operation) {
    const Response response = request(operation);
    Report& report = arena_.report();
    report.count("operations of users");
    if (response.status == kForbidden) report.count("  refused (403)");
    const std::string event = string_at(response.body, {"event_id"});
    if (!response.is_ok() || event.empty()) return;
    report.count("  events acknowledged");
    const std::lock_guard lock(mutex_);
    acknowledged_.push_back({EventId(event), operation.room, operation.actor, operation.action});
    if (operation.action == Action::Message)
        last_messages_.insert_or_assign({operation.actor, operation.room}, EventId(event));
}

std::optional<EventId> Load::last_message_of(int actor, int room) {
    const std::lock_guard lock(mutex_);
    const auto known = last_messages_.find({actor, room});
    return known == last_messages_.end() ? std::nullopt : std::optional(known->second);
}

Response Load::request(const Operation& operation) {
    const Actor& actor = arena_.actors()[static_cast<std::size_t>(operation.actor)];
    const LiveRoom& room = arena_.rooms()[static_cast<std::size_t>(operation.room)];
    const Actor& subject = arena_.actors()[static_cast<std::size_t>(operation.subject)];
    const std::string transaction = arena_.next_transaction();
    const Json on_subject = {{"user_id", subject.client.user().text()}};
    const auto post = [&](std::string_view endpoint, const Json& body) {
        return arena_.call(
            actor, "POST", path_of(room, endpoint), body, reliance_of(operation.action));
    };
    switch (operation.action) {
        case Action::Message:
            return arena_.call(actor,
                               "PUT",
                               path_of(room, "/send/m.room.message/" + transaction),
                               Json{{"msgtype", "m.text"}, {"body", transaction}});
        case Action::Topic:
            return arena_.call(
                actor, "PUT", path_of(room, "/state/m.room.topic/"), Json{{"topic", transaction}});
        case Action::PowerLevels:
            return edit_power_levels(actor, room, operation);
        case Action::Ban:
            return post("/ban", on_subject);
        case Action::Unban:
            return post("/unban", on_subject);
        case Action::Kick:
            return post("/kick", on_subject);
        case Action::Invite:
            return post("/invite", on_subject);
        case Action::Join:
            return post("/join", Json::object());
        case Action::Leave:
            return post("/leave", Json::object());
        case Action::Redact: {
            const auto message = last_message_of(operation.actor, operation.room);
            if (!message) return {};
            const std::string path =
                "/redact/" + escape(message->view()) + "/" + escape(transaction);
            return arena_.call(actor, "PUT", path_of(room, path), Json::object());
        }
    }
    unreachable();
}

// Only an entry of somebody who is no anchor changes.
Response Load::edit_power_levels(const Actor& actor,
                                 const LiveRoom& room,
                                 const Operation& operation) {
    const Actor& subject = arena_.actors()[static_cast<std::size_t>(operation.subject)];
    const std::string path = path_of(room, "/state/m.room.power_levels/");
    const Response current = arena_.call(actor, "GET", path);
    if (!current.is_ok() || !current.body.is_object()) return current;
    Json content = current.body;
    content["users"][subject.client.user().text()] = operation.level;
    return arena_.call(actor, "PUT", path, content);
}

}  // namespace matrix::live
