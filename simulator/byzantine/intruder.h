// The Byzantine host "intruder": sends well-formed, well-signed events of a user who is not in the
// room.
//
// Honest servers reject each of them (v12 6, "the sender's membership is not join") and never let
// one into their state. It publishes its keys, and serves nothing else.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "refserver/protocol/signatures.h"
#include "simulator/cluster.h"

namespace matrix::simulator {

class Intruder {
public:
    explicit Intruder(Cluster& cluster);
    Intruder(const Intruder&) = delete;
    Intruder& operator=(const Intruder&) = delete;

    /// Sends one event of a room to one server: a topic upon the extremities that the server has.
    void intrude(int server, const RoomId& room);

    std::uint64_t sent() const { return sent_; }

private:
    runtime::HttpResponse answer(const runtime::HttpRequest& request) const;
    json::Object make_event(engine::Room& room);

    Cluster& cluster_;
    ServerName name_;
    std::unique_ptr<Signer> signer_;
    int host_;
    std::unique_ptr<runtime::Network> network_;
    std::uint64_t sent_ = 0;
};

}  // namespace matrix::simulator
