// Devices: all that concerns devices and their keys, as one part of the server.
#pragma once

#include "refserver/engine/devices/device_lists.h"
#include "refserver/engine/devices/device_messages.h"
#include "refserver/engine/devices/published_keys.h"
#include "refserver/engine/devices/remote_devices.h"

namespace matrix::engine {

class FederationClient;

class Devices {
public:
    struct Services {
        ServerName server_name;
        Rooms& rooms;
        Outbox& outbox;
        Notifier& notifier;
        FederationClient& federation;
        storage::Turns& turns;
        runtime::Clock& clock;
        runtime::RandomSource& random;
        runtime::Log& log;
    };
    explicit Devices(const Services& services);
    Devices(const Devices&) = delete;
    Devices& operator=(const Devices&) = delete;

    PublishedKeys keys;
    DeviceLists lists;
    RemoteDevices remote;
    DeviceMessages messages;
};

}  // namespace matrix::engine
