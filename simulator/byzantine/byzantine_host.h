// A Byzantine host: a server of the network that follows a script instead of the specification.
//
// It has a key, which it publishes, and may sign and send what it likes. It joins rooms as honest
// servers do, keeps the events that it made, and gives them to who asks, unless its script says
// otherwise. What it builds upon it takes from an honest server's memory: nothing is hidden from
// it. Its acts are the verbs of byzantine.cpp.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "refserver/protocol/signatures.h"
#include "simulator/cluster.h"

namespace matrix::simulator {

/// How a host lies about the state at an event, while it does.
enum class StateLie {
    None,     ///< It says that it does not know.
    Empty,    ///< There is no state.
    Garbage,  ///< An answer that is not what was asked for.
    Crown,    ///< The room's, with all power for its own user.
};

class ByzantineHost {
public:
    ByzantineHost(Cluster& cluster, std::string name);
    ByzantineHost(const ByzantineHost&) = delete;
    ByzantineHost& operator=(const ByzantineHost&) = delete;

    const ServerName& name() const { return name_; }
    /// Who acts in rooms that the host has joined.
    UserId member() const { return UserId("@mallory:" + name_.text()); }

    /// What an event of a user of this host would say on top of what an honest server's room has,
    /// with the auth events that the rules ask for.
    EventTemplate make_template(engine::Room& room,
                                UserId sender,
                                std::string type,
                                std::optional<std::string> state_key,
                                json::Object content);
    /// Hashed and signed. Room versions 1 and 2 get a new event id.
    json::Object seal(const EventTemplate& event, const RoomRules& rules);
    /// Signed again, after something was changed.
    void sign(json::Object& pdu, const RoomRules& rules) const;
    /// By a key that nobody knows, under the name of the one that is published.
    void sign_falsely(json::Object& pdu, const RoomRules& rules) const;

    /// Gives it to who asks for it, from now on.
    void keep(const json::Object& pdu, const RoomRules& rules);
    /// Sends PDUs to an honest server in one transaction; the answer is not waited for.
    void send(int server, std::vector<json::Object> pdus);
    /// The same, and what it answered.
    Task<Answer> send_and_wait(int server, std::vector<json::Object> pdus);
    /// An authenticated request to an honest server; status 0: there was no answer.
    Task<Answer> ask(int server, std::string method, std::string target, json::Value body = {});
    /// Joins by an honest server's help; false if it would not.
    Task<bool> join(RoomId room, int server);
    bool is_member(const RoomId& room) const { return rooms_.contains(room); }

    /// What it answers about states; `room` is where it takes the truth from.
    void lie_about_state(StateLie lie, engine::RoomPtr room);
    /// Publishes keys that were good until yesterday.
    void publish_stale_keys(bool are_stale) { has_stale_keys_ = are_stale; }

    std::uint64_t sent() const { return sent_; }
    std::uint64_t lies_told() const { return lies_told_; }

private:
    runtime::HttpResponse answer(const runtime::HttpRequest& request);
    json::Object key_document() const;
    json::Object told_state(bool are_ids);
    json::Array kept_before(const json::Object& question) const;
    runtime::OutgoingRequest make_request(int server,
                                          std::string method,
                                          std::string target,
                                          const json::Value& body);
    json::Value make_transaction(std::vector<json::Object> pdus);

    Cluster& cluster_;
    ServerName name_;
    std::unique_ptr<Signer> signer_;
    std::unique_ptr<Signer> false_signer_;
    int host_;
    std::unique_ptr<runtime::Network> network_;
    std::map<EventId, json::Object> kept_;
    std::set<RoomId> rooms_;
    StateLie lie_ = StateLie::None;
    engine::RoomPtr lied_about_;
    bool has_stale_keys_ = false;
    std::uint64_t sent_ = 0;
    std::uint64_t made_ = 0;
    std::uint64_t lies_told_ = 0;
};

}  // namespace matrix::simulator
