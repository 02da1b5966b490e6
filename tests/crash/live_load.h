// LiveLoad: clients and a peer of a real server, on threads of their own, who write down what is
// acknowledged, and ask again when the server has died meanwhile.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "conformance/harness/peer.h"
#include "conformance/harness/target.h"
#include "tests/crash/killed_server.h"

namespace matrix::crash {

using conformance::Json;
using conformance::Response;
using std::chrono::steady_clock;

/// What the server has acknowledged, in the order of answers.
struct LiveLedger {
    struct Send {
        std::string user;
        std::string target;
        Json content;
        std::string event;
    };
    struct Event {
        std::string user;  ///< Who may see it.
        std::string room;
        std::string event;
    };
    struct Room {
        std::string room;
        std::string name;
        std::string alias;
    };
    struct Account {
        std::string user;
        std::string token;
    };
    struct Transaction {
        std::string target;
        Json body;
        std::string answer;
    };
    std::vector<Send> sends;
    std::vector<Event> events;  ///< State events, and those that the peer sent.
    std::vector<Room> rooms;
    std::vector<Account> accounts;
    std::vector<std::string> peer_rooms;  ///< Rooms of the peer that the third user has joined.
    std::vector<Transaction> transactions;
    /// Our events that the peer has acknowledged, in the order in which they came first.
    std::vector<std::string> seen_by_peer;
    std::set<std::string> peer_has;
};

class LiveLoad {
public:
    /// The server is ready. Throws testing::AssertionException if a first step is refused.
    LiveLoad(const KilledServer& server, const conformance::PeerIdentity& identity);
    LiveLoad(const LiveLoad&) = delete;
    LiveLoad& operator=(const LiveLoad&) = delete;
    ~LiveLoad();

    void start();
    /// Each client ends what it is about.
    void stop();
    /// No new requests until `go_on`, so that checks of what was acknowledged come to an end.
    void pause() { is_paused_ = true; }
    void go_on() { is_paused_ = false; }
    /// The tokens of the process that is ready now.
    void put_tokens(const std::map<std::string, std::string>& tokens);

    LiveLedger copy_ledger();
    std::uint64_t acknowledged() const { return acknowledged_; }
    /// When the last acknowledgement came.
    steady_clock::time_point last_acknowledgement() const {
        return steady_clock::time_point(steady_clock::duration(last_acknowledgement_));
    }

    /// A request as one of the users, once; status 0 while there is no server.
    Response call(const std::string& user,
                  const std::string& method,
                  const std::string& target,
                  std::optional<Json> body = std::nullopt);
    /// A request as the peer, once.
    Response put_as_peer(const std::string& target, const Json& body);
    const std::string& user(int number) const { return users_[static_cast<std::size_t>(number)]; }
    /// Whom each new room invites, of the peer.
    std::string guest() const { return peer_.user("guest").text(); }
    const std::string& shared_room() const { return shared_room_; }

private:
    void send_messages(int number);
    void make_things();
    void send_transactions();
    void put_topic(int number, int count);
    void create_room(int number);
    void register_account(int number);
    void join_room_of_peer();
    /// Asks until there is an answer of the server's own; nothing at the end of the load.
    std::optional<Response> ask(const std::string& user,
                                const std::string& method,
                                const std::string& target,
                                const Json& body);
    conformance::OutgoingResponse take_transaction(const conformance::IncomingRequest& request);
    /// False: the load ends.
    bool may_go_on() const;
    template <class Note>
    void acknowledge(Note note);
    std::string make_name(const std::string& prefix);

    conformance::ExchangeLog log_;
    conformance::Target target_;
    conformance::Peer peer_;
    std::vector<std::string> users_;
    std::string shared_room_;
    conformance::PeerRoom* room_of_peer_ = nullptr;  ///< The shared room, as the peer has it.

    std::mutex mutex_;
    std::map<std::string, std::string> tokens_;
    LiveLedger ledger_;
    std::atomic<std::uint64_t> acknowledged_ = 0;
    std::atomic<steady_clock::rep> last_acknowledgement_ = 0;
    std::atomic<std::uint64_t> next_name_ = 0;
    std::atomic<bool> is_stopping_ = false;
    std::atomic<bool> is_paused_ = false;
    std::vector<std::thread> threads_;
};

/// `/_matrix/client/v3/rooms/{room}` and what follows.
std::string live_room_path(const std::string& room, const std::string& rest);

}  // namespace matrix::crash
