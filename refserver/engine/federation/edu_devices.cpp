// EDUs about devices: messages to them, changes of their lists, changes of cross-signing keys.
//
// Spec: https://spec.matrix.org/v1.19/server-server-api/#device-management,
//       https://spec.matrix.org/v1.19/server-server-api/#end-to-end-encryption and
//       https://spec.matrix.org/v1.19/server-server-api/#send-to-device-messaging

#include "refserver/base/sometimes.h"
#include "refserver/engine/devices/devices.h"
#include "refserver/engine/federation_server.h"

namespace matrix::engine {

Result<void> FederationServer::take_direct_to_device(const json::Object& content,
                                                     const ServerName& origin) {
    SIM_SOMETIMES("a message to devices comes from another server");
    return services_.devices.messages.take(content, origin);
}

Result<void> FederationServer::take_device_list_update(const json::Object& content,
                                                       const ServerName& origin) {
    SIM_SOMETIMES("a device list changes elsewhere");
    return services_.devices.remote.take_update(content, origin);
}

Result<void> FederationServer::take_signing_key_update(const json::Object& content,
                                                       const ServerName& origin) {
    SIM_SOMETIMES("cross-signing keys change elsewhere");
    return services_.devices.remote.take_signing_keys(content, origin);
}

}  // namespace matrix::engine
