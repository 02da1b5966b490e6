// DeviceInboxStore: the messages that wait for each device until it has acknowledged them.
//
// Spec: https://spec.matrix.org/v1.19/client-server-api/#send-to-device-messaging
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "refserver/protocol/identifiers.h"
#include "refserver/storage/turns.h"

namespace matrix::storage {

class DeviceInboxStore {
public:
    explicit DeviceInboxStore(Turns& turns) : turns_(turns) {}

    /// Puts a message at the end; the oldest go when there are more than `length_max`.
    StreamPosition append(const UserId& user,
                          const DeviceId& device,
                          std::string_view text,
                          std::int64_t length_max);
    struct Message {
        StreamPosition position;
        std::string text;
    };
    /// The oldest after `after` and up to `up_to`.
    std::vector<Message> list(const UserId& user,
                              const DeviceId& device,
                              StreamPosition after,
                              StreamPosition up_to,
                              std::size_t limit) const;
    /// All up to `up_to` have arrived. Writes nothing if there are none.
    void acknowledge(const UserId& user, const DeviceId& device, StreamPosition up_to);
    void remove(const UserId& user, const DeviceId& device);

    /// Notes a message that another server sent; false if it has been noted before, among the
    /// newest `kept_max` of that server.
    bool note_received(const ServerName& origin,
                       std::string_view message_id,
                       std::int64_t kept_max);

private:
    Turns& turns_;
};

}  // namespace matrix::storage
