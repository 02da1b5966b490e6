// The checker "devices": what servers tell of a user's devices is what his own server tells, each
// to-device message comes to its device once, and each one-time key is given to one alone.
//
// The last is seen where keys are claimed (operations/devices.cpp); the others at the end, of those
// devices that users brought in this run.
#include <algorithm>
#include <map>
#include <utility>

#include "refserver/engine/http_api.h"
#include "simulator/checkers/checkers.h"

namespace matrix::simulator {
namespace {

constexpr int kSyncsMax = 100;
/// Nothing of rooms.
constexpr std::string_view kInboxFilter =
    R"({"account_data":{"limit":0},"presence":{"limit":0},"room":{"rooms":[]}})";

using Counts = std::map<std::string, int>;

class DeviceComparison {
public:
    explicit DeviceComparison(World& world) : world_(world), cluster_(world.cluster()) {}

    Task<void> run() {
        for (const auto& [user, devices] : world_.devices().devices) {
            const User owner = world_.user(user);
            for (int server = 0; server < cluster_.server_count(); ++server) {
                if (server == owner.server || !are_up(server, owner.server)) continue;
                if (const User* viewer = find_viewer(server, owner))
                    co_await compare(*viewer, owner);
            }
        }
        for (const auto& [user, devices] : world_.devices().devices) {
            for (const KnownDevice& device : devices) {
                const bool is_up = cluster_.server(device.login.server).is_up();
                if (!device.is_deleted && is_up) co_await check_inbox(device);
            }
        }
    }

private:
    // Any server may have lost what it was told, or what it should have told others.
    void find_wrong(const std::string& what) {
        for (int server = 0; server < cluster_.server_count(); ++server) {
            if (const auto excuse = world_.find_excuse_of(server))
                return world_.excuse("devices: " + *excuse);
        }
        world_.findings().add("devices", cluster_.time().now_us(), what);
    }

    bool are_up(int one, int other) {
        return cluster_.server(one).is_up() && cluster_.server(other).is_up();
    }

    // Somebody of the server who is in a room with the owner, as far as both servers know.
    const User* find_viewer(int server, const User& owner) {
        for (const User& user : cluster_.users()) {
            if (user.server != server) continue;
            engine::Rooms& theirs = cluster_.server(server).engine().rooms();
            engine::Rooms& ours = cluster_.server(owner.server).engine().rooms();
            if (theirs.shares_room(user.id, owner.id) && ours.shares_room(owner.id, user.id))
                return &user;
        }
        return nullptr;
    }

    Task<json::Object> ask_for_devices(User viewer, UserId owner) {
        const Answer answer = co_await world_.call(
            viewer,
            "POST",
            "/_matrix/client/v3/keys/query",
            json::Object{{"device_keys", json::Object{{owner.text(), json::Array()}}}});
        const json::Object* by_user = answer.body.find_object("device_keys");
        const json::Value* devices = by_user ? by_user->find(owner.view()) : nullptr;
        co_return devices && devices->is_object() ? *devices->if_object() : json::Object();
    }

    Task<void> compare(User viewer, User owner) {
        const json::Object told = co_await ask_for_devices(viewer, owner.id);
        const json::Object own = co_await ask_for_devices(owner, owner.id);
        world_.measure("device_lists_compared", 1);
        if (told == own) co_return;
        find_wrong("server " + std::to_string(viewer.server) + " says of the devices of " +
                   owner.id.text() + ": " + json::write(json::Value(told)) +
                   "; his own server: " + json::write(json::Value(own)));
    }

    // Messages by their number.
    Task<Counts> read_inbox(User login) {
        Counts received;
        std::string since;
        for (int count = 0; count < kSyncsMax; ++count) {
            const std::string path =
                "/_matrix/client/v3/sync?timeout=0&filter=" + engine::percent_encode(kInboxFilter) +
                (since.empty() ? "" : "&since=" + since);
            const Answer answer = co_await world_.call(login, "GET", path);
            const std::string* next = answer.body.find_string("next_batch");
            if (!answer.is_ok() || next == nullptr) break;
            since = *next;
            const json::Value* inbox = answer.body.find("to_device");
            const json::Array* events = inbox ? inbox->find_array("events") : nullptr;
            if (events == nullptr || events->empty()) break;
            for (const json::Value& event : *events) {
                const json::Value* content = event.find("content");
                const std::string* number = content ? content->find_string("number") : nullptr;
                if (number != nullptr) ++received[*number];
            }
        }
        co_return received;
    }

    Task<void> check_inbox(KnownDevice device) {
        const Counts received = co_await read_inbox(device.login);
        for (const SentToDevice& message : world_.devices().messages) {
            if (message.user != device.login.id.text() || message.device != device.id) continue;
            const auto place = received.find(message.number);
            const int times = place == received.end() ? 0 : place->second;
            world_.measure("to_device_checked", 1);
            if (times == 1) continue;
            find_wrong("the to-device message " + message.number + " came to " + device.id +
                       " of " + message.user + " " + std::to_string(times) + " times");
        }
    }

    World& world_;
    Cluster& cluster_;
};

class DeviceCheck final : public Check {
public:
    void conclude(World& world) override {
        if (world.devices().devices.empty()) return;
        comparison_ = std::make_unique<DeviceComparison>(world);
        ask_to_the_end(world, "devices", comparison_->run());
    }

private:
    std::unique_ptr<DeviceComparison> comparison_;
};

}  // namespace

std::unique_ptr<Check> make_device_check() {
    return std::make_unique<DeviceCheck>();
}

}  // namespace matrix::simulator
