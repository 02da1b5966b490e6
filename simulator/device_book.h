// DeviceBook: the devices that users brought in a run, and what they were told of each other.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "simulator/cluster.h"

namespace matrix::simulator {

struct KnownDevice {
    User login;               ///< With the device's own token.
    std::string id;           ///< Of the device.
    bool is_deleted = false;  ///< Or was asked to be: what becomes of it then is not known.
};

/// A to-device message that the sender's server took.
struct SentToDevice {
    std::string number;  ///< In its content.
    std::string user;
    std::string device;
};

struct DeviceBook {
    /// Those whose keys a server took, by user, the oldest first.
    std::map<std::string, std::vector<KnownDevice>> devices;
    std::vector<SentToDevice> messages;
    /// Those that were given away: user, device and id of a key.
    std::set<std::string> claimed_keys;

    /// The newest of a user's devices that is not deleted; null: there is none.
    KnownDevice* find_newest(const std::string& user);
    /// The oldest of them.
    KnownDevice* find_oldest(const std::string& user);
};

}  // namespace matrix::simulator
