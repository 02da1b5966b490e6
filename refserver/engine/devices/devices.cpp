#include "refserver/engine/devices/devices.h"

namespace matrix::engine {

Devices::Devices(const Services& services)
    : keys(services.turns),
      lists({.server_name = services.server_name,
             .rooms = services.rooms,
             .outbox = services.outbox,
             .notifier = services.notifier,
             .turns = services.turns,
             .keys = keys}),
      remote({.server_name = services.server_name,
              .rooms = services.rooms,
              .lists = lists,
              .keys = keys,
              .federation = services.federation,
              .turns = services.turns,
              .clock = services.clock,
              .log = services.log}),
      messages({.server_name = services.server_name,
                .outbox = services.outbox,
                .notifier = services.notifier,
                .turns = services.turns,
                .random = services.random}) {
    services.rooms.watch_members([this, us = services.server_name](const MemberChange& change) {
        if (change.user.server() != us) {
            if (!change.is_joined) remote.user_left(change.user);
        } else if (change.is_joined) {
            lists.user_joined(change.user, change.room, change.servers);
        } else if (!change.servers.contains(us)) {
            remote.room_left(change.room);
        }
    });
}

}  // namespace matrix::engine
