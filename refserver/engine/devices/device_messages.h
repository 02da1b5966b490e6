// DeviceMessages: messages from one device to others, each of which gets them once.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#send-to-device-messaging and
//       https://spec.matrix.org/v1.19/server-server-api/#send-to-device-messaging
#pragma once

#include <string>
#include <vector>

#include "refserver/engine/error.h"
#include "refserver/engine/notifier.h"
#include "refserver/engine/peers/outbox.h"
#include "refserver/storage/accounts.h"
#include "refserver/storage/device_inbox.h"

namespace matrix::engine {

class DeviceMessages {
public:
    struct Services {
        ServerName server_name;
        Outbox& outbox;
        Notifier& notifier;
        storage::Turns& turns;
        runtime::RandomSource& random;
    };
    explicit DeviceMessages(Services services)
        : services_(std::move(services)), accounts_(services_.turns), inbox_(services_.turns) {}
    DeviceMessages(const DeviceMessages&) = delete;
    DeviceMessages& operator=(const DeviceMessages&) = delete;

    /// Brings what a user of ours sends to the inboxes here and on its way to other servers, all or
    /// (400, 413) nothing. `messages`: contents by user and device, where `*` is every device.
    Result<void> send(const UserId& sender, const std::string& type, const json::Object& messages);
    /// The content of an `m.direct_to_device`.
    Result<void> take(const json::Object& content, const ServerName& origin);

    /// What one sync tells, at most.
    static constexpr std::size_t kPerSyncMax = 100;

private:
    struct Message {
        UserId user;
        std::string device;  ///< Or `*`.
        json::Object content;
    };
    static Result<std::vector<Message>> parse(const json::Object& messages);
    void deliver(const UserId& sender, const std::string& type, const Message& message);
    void send_away(const UserId& sender,
                   const std::string& type,
                   const ServerName& server,
                   const std::vector<Message>& messages);

    Services services_;
    storage::AccountStore accounts_;
    storage::DeviceInboxStore inbox_;
};

}  // namespace matrix::engine
