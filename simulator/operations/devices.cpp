// Devices: they come with their keys, are renamed, go, and write to each other.

#include "refserver/engine/accounts.h"
#include "refserver/engine/http_api.h"
#include "refserver/protocol/base64.h"
#include "refserver/protocol/signatures.h"
#include "simulator/operations/operation.h"
#include "simulator/simulated_crypto.h"

namespace matrix::simulator {
namespace {

constexpr int kOneTimeKeysPerUpload = 5;
constexpr std::size_t kKeyBytes = 32;
constexpr std::string_view kOneTimeAlgorithm = "curve25519";

constexpr std::array kUserAlone = {kUserParameter};
constexpr std::array kUserAndTarget = {kUserParameter, kTargetParameter};

/// 32 bytes that begin with a text.
std::string key_bytes(std::string text) {
    text.resize(kKeyBytes, 'k');
    return text;
}

json::Object make_one_time_keys(World& world) {
    json::Object keys;
    for (int count = 0; count < kOneTimeKeysPerUpload; ++count) {
        const std::string id = "K" + world.next_transaction();
        keys.set(std::string(kOneTimeAlgorithm) + ":" + id, encode_base64(key_bytes(id)));
    }
    return keys;
}

// `DeviceKeys`, signed by the device itself.
json::Object make_device_keys(World& world, const UserId& user, const std::string& device) {
    const KeyId key_id("ed25519:" + device);
    const std::string seed = key_bytes(user.text() + device);
    const bool is_real = world.cluster().options().crypto == Crypto::Real;
    const auto signer =
        is_real ? make_ed25519_signer(key_id, seed) : make_simulated_signer(key_id, seed);
    json::Object keys{
        {"algorithms", json::Array{"m.olm.v1.curve25519-aes-sha2", "m.megolm.v1.aes-sha2"}},
        {"device_id", device},
        {"keys",
         json::Object{{"curve25519:" + device, encode_base64(key_bytes(device))},
                      {key_id.text(), encode_base64(signer->public_key())}}},
        {"user_id", user.text()}};
    sign_json(keys, user.view(), *signer);
    return keys;
}

// These accounts have no password: a device begins as the first one of each account does, by the
// hand of whoever runs the server.
std::optional<KnownDevice> log_in(World& world, User user, const std::string& device) {
    SimulatedServer& server = world.cluster().server(user.server);
    if (!server.is_up()) return std::nullopt;
    std::optional<KnownDevice> made;
    server.executor().run_turn([&] {
        user.access_token =
            server.engine().accounts().log_in(user.id, device, "device " + device).access_token;
        made = KnownDevice{.login = user, .id = device};
    });
    return made;
}

Task<void> bring_device(World* world, Step step) {
    const User user = world->user(step.text("user"));
    const std::string name = "D" + world->next_transaction();
    auto device = log_in(*world, user, name);
    if (!device) co_return world->skip(step, "the server is down");
    json::Object body{{"device_keys", make_device_keys(*world, user.id, name)},
                      {"one_time_keys", make_one_time_keys(*world)}};
    const Answer uploaded = co_await world->call(
        device->login, "POST", "/_matrix/client/v3/keys/upload", std::move(body));
    count_done(*world, uploaded, "devices_brought");
    if (uploaded.is_ok()) world->devices().devices[user.id.text()].push_back(*std::move(device));
}

Task<void> upload_one_time_keys(World* world, Step step) {
    const KnownDevice* device = world->devices().find_newest(step.text("user"));
    if (device == nullptr) co_return world->skip(step, "no device");
    const Answer uploaded =
        co_await world->call(device->login,
                             "POST",
                             "/_matrix/client/v3/keys/upload",
                             json::Object{{"one_time_keys", make_one_time_keys(*world)}});
    count_done(*world, uploaded, "one_time_key_uploads");
}

Task<void> rename_device(World* world, Step step) {
    const KnownDevice* device = world->devices().find_newest(step.text("user"));
    if (device == nullptr) co_return world->skip(step, "no device");
    const Answer renamed =
        co_await world->call(device->login,
                             "PUT",
                             "/_matrix/client/v3/devices/" + device->id,
                             json::Object{{"display_name", "name " + world->next_transaction()}});
    count_done(*world, renamed, "devices_renamed");
}

Task<void> delete_device(World* world, Step step) {
    KnownDevice* device = world->devices().find_oldest(step.text("user"));
    if (device == nullptr) co_return world->skip(step, "no device");
    device->is_deleted = true;
    const Answer deleted =
        co_await world->call(world->user(step.text("user")),
                             "DELETE",
                             "/_matrix/client/v3/devices/" + device->id,
                             json::Object{{"auth", json::Object{{"type", "m.login.dummy"}}}});
    count_done(*world, deleted, "devices_deleted");
}

Task<void> query_keys(World* world, Step step) {
    const Answer answer = co_await world->call(
        world->user(step.text("user")),
        "POST",
        "/_matrix/client/v3/keys/query",
        json::Object{{"device_keys", json::Object{{step.text("target"), json::Array()}}}});
    count_done(*world, answer, "key_queries");
}

// A one-time key is given to one alone; no two uploads have the same id.
void note_claimed(World& world, const json::Value& answer, const std::string& target) {
    const json::Object* by_user = answer.find_object("one_time_keys");
    const json::Value* by_device = by_user ? by_user->find(target) : nullptr;
    if (by_device == nullptr || !by_device->is_object()) return;
    for (const json::Member& device : *by_device->if_object()) {
        if (!device.value.is_object()) continue;
        for (const json::Member& key : *device.value.if_object()) {
            world.measure("keys_claimed", 1);
            const std::string name = target + " " + device.key + " " + key.key;
            if (world.devices().claimed_keys.insert(name).second) continue;
            world.findings().add("devices",
                                 world.cluster().time().now_us(),
                                 "the one-time key " + name + " was given twice");
        }
    }
}

Task<void> claim_key(World* world, Step step) {
    const std::string target = step.text("target");
    const KnownDevice* device = world->devices().find_newest(target);
    if (device == nullptr) co_return world->skip(step, "no device");
    json::Object wanted{{target, json::Object{{device->id, kOneTimeAlgorithm}}}};
    const Answer answer = co_await world->call(world->user(step.text("user")),
                                               "POST",
                                               "/_matrix/client/v3/keys/claim",
                                               json::Object{{"one_time_keys", std::move(wanted)}});
    note_claimed(*world, answer.body, target);
}

Task<void> send_to_device(World* world, Step step) {
    const std::string target = step.text("target");
    const KnownDevice* device = world->devices().find_newest(target);
    if (device == nullptr) co_return world->skip(step, "no device");
    const SentToDevice message{world->next_transaction(), target, device->id};
    json::Object messages{
        {target, json::Object{{message.device, json::Object{{"number", message.number}}}}}};
    const Answer sent = co_await world->call(
        world->user(step.text("user")),
        "PUT",
        "/_matrix/client/v3/sendToDevice/org.touchstone.test/" + message.number,
        json::Object{{"messages", std::move(messages)}});
    count_done(*world, sent, "to_device_sent");
    if (sent.is_ok()) world->devices().messages.push_back(message);
}

constexpr VerbKind kDeviceOperation = VerbKind::Operation;
constexpr std::array kDeviceVerbs = {
    Verb{"bring_device",
         kDeviceOperation,
         "Logs in on a new device, which publishes its keys.",
         kUserAlone,
         bring_device},
    Verb{"one_time_keys",
         kDeviceOperation,
         "Uploads one-time keys of the user's newest device.",
         kUserAlone,
         upload_one_time_keys},
    Verb{"rename_device",
         kDeviceOperation,
         "Gives the user's newest device another name.",
         kUserAlone,
         rename_device},
    Verb{"delete_device",
         kDeviceOperation,
         "Deletes the user's oldest device.",
         kUserAlone,
         delete_device},
    Verb{"query_keys",
         kDeviceOperation,
         "Asks for the target's devices.",
         kUserAndTarget,
         query_keys},
    Verb{"claim_key",
         kDeviceOperation,
         "Claims a one-time key of the target's newest device.",
         kUserAndTarget,
         claim_key},
    Verb{"to_device",
         kDeviceOperation,
         "Sends a message to the target's newest device.",
         kUserAndTarget,
         send_to_device},
};

}  // namespace

std::span<const Verb> device_verbs() {
    return kDeviceVerbs;
}

}  // namespace matrix::simulator
