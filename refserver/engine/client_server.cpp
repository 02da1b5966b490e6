#include "refserver/engine/client_server.h"

namespace matrix::engine {

ClientServer::ClientServer(Services services)
    : services_(std::move(services)),
      account_data_(services_.turns),
      filters_(services_.turns),
      transactions_(services_.turns),
      aliases_(services_.turns),
      published_rooms_(services_.turns),
      openid_tokens_(services_.turns),
      device_keys_(services_.turns),
      one_time_keys_(services_.turns),
      signing_keys_(services_.turns),
      key_signatures_(services_.turns),
      inbox_(services_.turns),
      interactive_auth_(services_.random),
      registration_nonces_(services_.clock, services_.random) {}

}  // namespace matrix::engine
