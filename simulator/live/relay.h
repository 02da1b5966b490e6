// Relay: TCP connections between the target and our servers, passed on with the faults that
// connections have: resets in the middle of a message, bytes that trickle, links that are cut.
//
// It sees bytes alone: TLS is between the ends.
#pragma once

#include <cstdint>
#include <expected>
#include <memory>
#include <string>

#include "refserver/platform/socket_address.h"
#include "simulator/live/faults.h"

namespace matrix::live {

class Relay {
public:
    explicit Relay(Faults& faults);
    Relay(const Relay&) = delete;
    Relay& operator=(const Relay&) = delete;
    /// Resets what is open.
    ~Relay();

    /// Listens at `at`, whose port may be 0, and connects whoever comes to `to`. Gives the port, or
    /// why it does not listen. From any thread.
    std::expected<std::uint16_t, std::string> open(const platform::SocketAddress& at,
                                                   const platform::SocketAddress& to,
                                                   const Link& link);
    /// After other faults came into force: open connections are reset where the link is cut, and
    /// meet a new fate elsewhere.
    void reconsider();

private:
    struct Implementation;
    std::unique_ptr<Implementation> implementation_;
};

}  // namespace matrix::live
