// A Byzantine host: a server of the network that follows a script instead of the specification.
//
// It has a key, which it publishes, and may sign and send what it likes. Its acts are the verbs of
// byzantine.cpp.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "refserver/protocol/signatures.h"
#include "simulator/cluster.h"

namespace matrix::simulator {

class ByzantineHost {
public:
    ByzantineHost(Cluster& cluster, std::string name);
    ByzantineHost(const ByzantineHost&) = delete;
    ByzantineHost& operator=(const ByzantineHost&) = delete;

    const ServerName& name() const { return name_; }

    /// An event of a user of this host on top of what an honest server's room has, with the auth
    /// events that the rules ask for; hashed and signed. Room versions 1 and 2 get a new event id.
    json::Object make_event(engine::Room& room, EventTemplate event);
    /// Sends PDUs to an honest server in one transaction; the answer is not waited for.
    void send(int server, std::vector<json::Object> pdus);

    std::uint64_t sent() const { return sent_; }

private:
    runtime::HttpResponse answer(const runtime::HttpRequest& request) const;

    Cluster& cluster_;
    ServerName name_;
    std::unique_ptr<Signer> signer_;
    int host_;
    std::unique_ptr<runtime::Network> network_;
    std::uint64_t sent_ = 0;
    std::uint64_t made_ = 0;
};

}  // namespace matrix::simulator
