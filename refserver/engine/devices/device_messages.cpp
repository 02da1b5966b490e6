#include "refserver/engine/devices/device_messages.h"

#include <map>

#include "refserver/base/result_macros.h"
#include "refserver/base/sometimes.h"
#include "refserver/engine/http_api.h"

namespace matrix::engine {

namespace {

/// UNSPECIFIED: how large a message may be: as large as an event.
constexpr std::size_t kMessageBytesMax = 65536;
/// What goes into one EDU, so that peers which limit those by the size of an event take it too.
constexpr std::size_t kMessageEduBytesMax = 65536 - 4096;
/// UNSPECIFIED: how many messages wait for a device. One that reads none for so long has lost its
/// sessions anyway.
constexpr std::int64_t kInboxLengthMax = 10'000;
/// The newest ids of each server that are remembered.
constexpr std::int64_t kMessageIdsKeptMax = 1000;
/// "Of maximum length 32 codepoints", each of which has at most four bytes.
constexpr std::size_t kMessageIdBytesMax = 32 * 4;
constexpr std::size_t kMessageIdLength = 24;
constexpr std::string_view kAllDevices = "*";

}  // namespace

Result<std::vector<DeviceMessages::Message>> DeviceMessages::parse(const json::Object& messages) {
    std::vector<Message> parsed;
    for (const json::Member& entry : messages) {
        ASSIGN_OR_RETURN(const UserId user, require_user_id(entry.key, "messages"));
        const json::Object* by_device = entry.value.if_object();
        if (!by_device) return bad_json("messages." + entry.key + ": expected an object");
        for (const json::Member& message : *by_device) {
            const std::string field = "messages." + entry.key + "." + message.key;
            const json::Object* content = message.value.if_object();
            if (!content) return bad_json(field + ": expected an object");
            if (json::write(*content).size() > kMessageBytesMax) {
                return too_large(field + ": expected at most " + std::to_string(kMessageBytesMax) +
                                 " bytes");
            }
            parsed.push_back({user, message.key, *content});
        }
    }
    return parsed;
}

Result<void> DeviceMessages::send(const UserId& sender,
                                  const std::string& type,
                                  const json::Object& messages) {
    if (type.size() > kIdBytesMax) return invalid_param("eventType: expected at most 255 bytes");
    ASSIGN_OR_RETURN(std::vector<Message> parsed, parse(messages));
    std::map<ServerName, std::vector<Message>> elsewhere;
    for (Message& message : parsed) {
        if (message.user.server() == services_.server_name) {
            deliver(sender, type, message);
        } else {
            elsewhere[message.user.server()].push_back(std::move(message));
        }
    }
    for (const auto& [server, of_server] : elsewhere)
        send_away(sender, type, server, of_server);
    return {};
}

void DeviceMessages::deliver(const UserId& sender,
                             const std::string& type,
                             const Message& message) {
    std::vector<DeviceId> devices;
    if (message.device == kAllDevices) {
        SIM_SOMETIMES("a message is for all devices of a user");
        for (storage::Device& device : accounts_.list_devices(message.user))
            devices.push_back(std::move(device.id));
    } else if (accounts_.find_device(message.user, DeviceId(message.device))) {
        devices.emplace_back(message.device);
    }
    const std::string text = json::write(
        json::Object{{"content", message.content}, {"sender", sender.text()}, {"type", type}});
    for (const DeviceId& device : devices) {
        const storage::StreamPosition position =
            inbox_.append(message.user, device, text, kInboxLengthMax);
        services_.notifier.user_changed(message.user, position);
    }
}

void DeviceMessages::send_away(const UserId& sender,
                               const std::string& type,
                               const ServerName& server,
                               const std::vector<Message>& messages) {
    json::Object by_user;
    std::size_t bytes = 0;
    const auto flush = [&] {
        if (by_user.empty()) return;
        json::Object content{{"sender", sender.text()}, {"type", type}};
        content.set(
            "message_id",
            services_.random.stream("to-device ids").text(kMessageIdLength, runtime::kLetters));
        content.set("messages", std::exchange(by_user, {}));
        services_.outbox.send_edu({.type = "m.direct_to_device", .content = std::move(content)},
                                  {server});
        bytes = 0;
    };
    for (const Message& message : messages) {
        const std::size_t size = json::write(message.content).size() + message.user.view().size() +
                                 message.device.size();
        SIM_SOMETIMES(bytes + size > kMessageEduBytesMax, "messages to devices need several EDUs");
        if (bytes + size > kMessageEduBytesMax) flush();
        bytes += size;
        json::Value& by_device = by_user[message.user.view()];
        if (!by_device.is_object()) by_device = json::Object();
        by_device.if_object()->set(message.device, message.content);
    }
    flush();
}

Result<void> DeviceMessages::take(const json::Object& content, const ServerName& origin) {
    ASSIGN_OR_RETURN(const std::string sender_text, require_string(content, "sender"));
    ASSIGN_OR_RETURN(const UserId sender, require_user_id(sender_text, "sender"));
    if (sender.server() != origin) return forbidden("sender: not a user of " + origin.text());
    ASSIGN_OR_RETURN(const std::string type, require_string(content, "type"));
    if (type.size() > kIdBytesMax) return invalid_param("type: expected at most 255 bytes");
    ASSIGN_OR_RETURN(const std::string message_id, require_string(content, "message_id"));
    if (message_id.size() > kMessageIdBytesMax) {
        return invalid_param("message_id: expected at most 32 code points");
    }
    ASSIGN_OR_RETURN(const json::Object messages, require_object(content, "messages"));
    ASSIGN_OR_RETURN(const std::vector<Message> parsed, parse(messages));
    if (!inbox_.note_received(origin, message_id, kMessageIdsKeptMax)) {
        SIM_SOMETIMES("a message to devices comes twice");
        return {};
    }
    for (const Message& message : parsed) {
        // What is for users of other servers was sent here by mistake.
        if (message.user.server() == services_.server_name) deliver(sender, type, message);
    }
    return {};
}

}  // namespace matrix::engine
