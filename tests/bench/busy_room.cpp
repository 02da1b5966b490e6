#include "tests/bench/busy_room.h"

#include "refserver/engine/counters.h"
#include "refserver/engine/http_api.h"

namespace matrix::simulator {
namespace {

constexpr std::int64_t kHourUs = 3'600'000'000;
/// Who joins asks all servers in the room for their keys, 32 at a time: the thousandth takes half a
/// virtual minute.
constexpr std::int64_t kSetUpUsMax = 24 * kHourUs;

}  // namespace

BusyRoom::BusyRoom(const BusyRoomOptions& options) : options_(options), cluster_(options.cluster) {}

std::uint64_t BusyRoom::deliveries() {
    std::uint64_t sum = 0;
    for (int number = 0; number < cluster_.server_count(); ++number)
        sum += cluster_.server(number).engine().counters().events_received;
    return sum;
}

Task<void> BusyRoom::make_room() {
    const User creator = cluster_.users().front();
    const Answer created = co_await cluster_.call(
        creator,
        "POST",
        "/_matrix/client/v3/createRoom",
        json::Object{{"preset", "public_chat"}, {"room_version", options_.room_version}});
    const std::string* id = created.body.find_string("room_id");
    if (id == nullptr) co_return;
    room_.emplace(*id);
    for (const User& user : cluster_.users()) {
        if (user.server == creator.server) continue;
        const Answer joined =
            co_await cluster_.call(user,
                                   "POST",
                                   "/_matrix/client/v3/join/" + engine::percent_encode(*id) +
                                       "?via=" + engine::percent_encode(creator.id.server().view()),
                                   json::Object{});
        if (!joined.is_ok()) co_return;
    }
    is_set_up_ = true;
}

bool BusyRoom::set_up() {
    cluster_.tasks().start(make_room());
    return cluster_.run_until(kSetUpUsMax, [this] { return is_set_up_ && cluster_.is_quiet(); });
}

Task<void> BusyRoom::send_messages(User user) {
    runtime::Random& random = cluster_.choices().stream("busy_room");
    for (int number = 0; number < options_.messages_per_user; ++number) {
        const auto pause_us = static_cast<std::int64_t>(
            random.below(static_cast<std::uint64_t>(options_.pause_us_max)));
        co_await cluster_.clock().sleep(runtime::milliseconds(pause_us / 1000));
        const Answer sent = co_await cluster_.call(
            user,
            "PUT",
            "/_matrix/client/v3/rooms/" + engine::percent_encode(room_->view()) +
                "/send/m.room.message/" + std::to_string(number),
            json::Object{{"msgtype", "m.text"}, {"body", "message " + std::to_string(number)}});
        if (!sent.is_ok()) ++failed_;
    }
    --talking_;
}

bool BusyRoom::talk() {
    for (const User& user : cluster_.users()) {
        ++talking_;
        cluster_.tasks().start(send_messages(user));
    }
    const auto is_over = [this] { return talking_ == 0 && cluster_.is_quiet(); };
    return cluster_.run_until(kHourUs, is_over) && failed_ == 0;
}

}  // namespace matrix::simulator
